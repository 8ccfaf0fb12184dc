"""By which variable each provider's key is named; no value is looked at."""

from urllib.parse import urlsplit, urlunsplit

from agentbox_cli.config import references
from agentbox_cli.config.references import PLACEHOLDERS, Reference, ReferenceSyntaxError
from agentbox_cli.providers.resolved import Resolved, ResolvedProvider

# What servers that check no key are sent.
NOT_NEEDED = "not-needed"


class KeyNames:
    """The variables of keys, as they are asked for.

    Attributes:
        used: each variable that was named, and whose key it is.
        notes: where the config says more than a variable.
    """

    def __init__(self, resolved: Resolved) -> None:
        self._resolved = resolved
        self.used: dict[str, str] = {}
        self.notes: dict[str, None] = {}

    def of(self, provider: ResolvedProvider) -> str | None:
        """The variable of a provider's key; None if it needs none."""
        entry = self._resolved.config.providers.get(provider.name)
        template = entry.api_key.get_secret_value() if entry and entry.api_key else None
        if template is None:
            name = provider.spec.api_key_env
        elif template.strip().lower() in PLACEHOLDERS:
            name = None
        else:
            name = self._named(provider.name, template)
        if name is not None:
            self.used[name] = f"the key of {provider.spec.title}"
        return name

    def without_password(self, provider: ResolvedProvider) -> str:
        """A provider's address; a name and password in it are left out."""
        address = provider.api_base or ""
        parts = urlsplit(address)
        _, at, host = parts.netloc.rpartition("@")
        if at:
            self._note(provider.name, "the name and password in its address are left out")
        return urlunsplit(parts._replace(netloc=host)) if at else address

    def _named(self, provider: str, template: str) -> str:
        try:
            parts = references.split(template)
        except ReferenceSyntaxError:
            parts = ()
        match parts:
            case (Reference(name=name, default=None),):
                return name
            case (Reference(name=name),):
                self._note(provider, f"the default of ${{{name}}} is not carried over: set {name}")
                return name
        own = f"{provider.upper()}_API_KEY"
        self._note(
            provider, f"its api_key is not a ${{NAME}} alone: put the whole of it into {own}"
        )
        return own

    def _note(self, provider: str, text: str) -> None:
        self.notes[f"{provider}: {text}"] = None
