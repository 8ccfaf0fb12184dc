"""A client's request as the chain sees it: what it asks for, and its body for one link."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from agentbox_cli.providers.model import ModelKind
from agentbox_cli.providers.resolved import Link
from agentbox_cli.proxy.call import Needs
from agentbox_cli.proxy.endpoints import EMBEDDINGS, RESPONSES, Endpoint
from agentbox_cli.proxy.estimate import CHARACTERS_PER_TOKEN, least_tokens
from agentbox_cli.proxy.finding import holds
from agentbox_cli.proxy.form import Form
from agentbox_cli.proxy.splice import spliced

Fields = dict[str, msgspec.Raw]

_decode_fields = msgspec.json.Decoder(Fields).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_FILE_PARTS = frozenset(
    {"image_url", "input_image", "image", "input_file", "document", "file", "computer_screenshot"}
)
# The quotes bare: inside a JSON string they would be escaped. Anchored on the key, because a long
# prompt holds many quotes.
_MAY_BE_FILE = re.compile(
    rb'"type"\s*:\s*"(?:%b)"' % "|".join(sorted(_FILE_PARTS)).encode(), re.ASCII
)
_NO_TOOLS = re.compile(rb"null|\[\s*\]")
_TOOLS_OF_GOOGLE = re.compile(
    rb'"(?:google(?:Search|Maps)\w*|google_(?:search|maps)\w*|codeExecution|code_execution'
    rb'|urlContext|url_context|fileSearch|file_search|computerUse|computer_use|mcpServers)"\s*:',
    re.ASCII,
)
_FILE_OF_GOOGLE = re.compile(rb'"(?:inlineData|inline_data|fileData|file_data)"\s*:', re.ASCII)
_PROMPT_FIELDS = (
    "messages",
    "input",
    "prompt",
    "system",
    "instructions",
    "contents",
    "systemInstruction",
    "tools",
)
# OpenAI gives no more answers to one prompt; who asks for more is refused.
MOST_ANSWERS = 128
# With these a provider makes a prompt that is too long fit (Anthropic, OpenRouter).
# What costs too much to be made twice.
_DEAR = frozenset({"images", "audio"})
# Each empty set made anew is 200 bytes, which a story keeps.
_NONE: frozenset[str] = frozenset()
_SHORTENING_FIELDS = ("context_management", "transforms")


class BadBody(ValueError):  # noqa: N818 - it names the thing that is bad
    """The body is not a request of this endpoint; the message says why."""


class Ask(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a request body says that matters to the chain.

    Args:
        fields: the top-level values, each as the client wrote it.
        model: the alias or deployment it names.
        stream: whether it asks for a stream.
        body: the whole body as it came.
        changed: what a link gets instead of some values, or in addition.
        form: the body as a form, where it is not JSON.
        in_path: whether the path names the model, and the body does not.
    """

    fields: Fields
    model: str
    stream: bool
    body: bytes = b""
    changed: Mapping[str, msgspec.Raw] = {}
    form: Form | None = None
    in_path: bool = False

    @property
    def size(self) -> int:
        """Bytes of the whole body."""
        return len(self.body)

    @property
    def told(self) -> Fields:
        """The top-level values that a link gets."""
        return {**self.fields, **self.changed} if self.changed else self.fields

    def telling(self, name: str, value: Any) -> "Ask":
        """The same request with another value of one field."""
        changed = {**self.changed, name: msgspec.Raw(_encode(value))}
        return msgspec.structs.replace(self, changed=changed)


def read_ask(body: bytes) -> Ask:
    """Read a request body; raises BadBody."""
    fields = _read_fields(body)
    model = _value(fields, "model")
    if not isinstance(model, str) or not model:
        raise BadBody("the field 'model' is missing: name an alias, such as \"default\"")
    stream = _value(fields, "stream")
    if not isinstance(stream, bool | None):
        raise BadBody("the field 'stream' must be true or false")
    return Ask(fields=fields, model=model, stream=bool(stream), body=body)


def read_named(body: bytes, model: str, *, stream: bool) -> Ask:
    """Read the body of a request whose path says the rest; raises BadBody."""
    return Ask(fields=_read_fields(body), model=model, stream=stream, body=body, in_path=True)


def _read_fields(body: bytes) -> Fields:
    try:
        return _decode_fields(body)
    except ValueError as error:
        raise BadBody(f"the body is not a JSON object: {error}") from None
    except RecursionError:
        raise BadBody("the body is nested too deeply") from None


def read_form(body: bytes, content_type: str) -> Ask:
    """Read a request that came as a form; raises BadBody."""
    form = Form.of(body, content_type)
    if form is None:
        raise BadBody("the body is not a form as its content type says")
    model = form.text("model")
    if not model:
        raise BadBody("the form's field 'model' is missing: name an alias, such as \"default\"")
    if form.models > 1:
        raise BadBody("the form has several fields that may be its 'model': send one")
    stream = form.text("stream") in {"true", "True", "1"}
    return Ask(fields={}, model=model, stream=stream, body=body, form=form)


def output_limit(ask: Ask) -> int | None:
    """The tokens that the answer may have, as the client says; None if it does not."""
    settings = _settings(ask)
    for name in ("max_completion_tokens", "max_output_tokens", "max_tokens", "maxOutputTokens"):
        value = _known(ask.fields, name) if name not in settings else settings[name]
        if type(value) is int and value > 0:
            return value
    return None


def _settings(ask: Ask) -> dict[str, Any]:
    """Google's settings, which stand in an object of their own."""
    settings = _known(ask.fields, "generationConfig") if ask.in_path else None
    return settings if isinstance(settings, dict) else {}


def answers_wanted(ask: Ask) -> int:
    """How many answers the client wants of one prompt, each of which is charged."""
    value = _settings(ask).get("candidateCount") if ask.in_path else _known(ask.fields, "n")
    return value if type(value) is int and 0 < value <= MOST_ANSWERS else 1


def needs_of(ask: Ask, endpoint: Endpoint, windows: Iterable[int]) -> Needs:
    """What the request asks of a link.

    Args:
        ask: the request.
        endpoint: where it was sent.
        windows: the known windows of the chain; the prompt is only measured if one may be small.
    """
    smallest = min(windows, default=None)
    may_be_long = smallest is not None and _size(ask) / CHARACTERS_PER_TOKEN > smallest
    return Needs(
        protocol=endpoint.protocol,
        capabilities=frozenset(_capabilities(ask, endpoint)) or _NONE,
        input_tokens=_estimate(ask.fields, endpoint) if may_be_long else 0,
        repeatable=not _keeps_state(ask, endpoint),
        untranslated=endpoint.is_side or (endpoint.is_google and _only_for_google(ask.fields)),
    )


def _only_for_google(fields: Fields) -> bool:
    """Whether a request needs what Google has and others have not: its own tools, its caches."""
    if "cachedContent" in fields:
        return True
    tools = fields.get("tools")
    return tools is not None and _TOOLS_OF_GOOGLE.search(memoryview(tools)) is not None


def _size(ask: Ask) -> int:
    """The bytes of a prompt, with all that stands around it."""
    fields = ask.fields
    return sum(memoryview(fields[name]).nbytes for name in _PROMPT_FIELDS if name in fields)


def _capabilities(ask: Ask, endpoint: Endpoint) -> Iterator[str]:
    tools = ask.fields.get("tools")
    if tools is not None and not _NO_TOOLS.fullmatch(bytes(tools)):
        yield "tools"
    if endpoint is not EMBEDDINGS and _looks_at_files(ask, endpoint):
        yield "vision"


def _looks_at_files(ask: Ask, endpoint: Endpoint) -> bool:
    if endpoint.is_google:
        return _FILE_OF_GOOGLE.search(memoryview(ask.fields.get("contents", b""))) is not None
    # Whose messages are plain texts has no parts, and is done with quickly.
    typed = holds(ask.body, b'"type"')
    return typed and any(_holds_file(ask.fields, name) for name in ("messages", "input"))


def _holds_file(fields: Fields, name: str) -> bool:
    if name not in fields or not _MAY_BE_FILE.search(memoryview(fields[name])):
        return False
    return any(_is_file(part) for part in _parts(_known(fields, name)))


def _is_file(part: Mapping[str, Any]) -> bool:
    kind = part.get("type")
    return isinstance(kind, str) and kind in _FILE_PARTS


def _parts(messages: Any) -> Iterator[dict[str, Any]]:
    """Every message and content part, those in tool results too; without recursion."""
    waiting = [messages]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            yield item
            # The arguments of tool calls have keys of their own and are not looked at.
            waiting += [item.get("content"), item.get("output")]


def body_for(ask: Ask, link: Link) -> bytes:
    """The body for one link: its model, its parameter names; all other bytes as they came."""
    model = link.deployment.model
    if ask.form is not None:
        return ask.form.naming(model.id)
    named = {} if ask.in_path else {"model": msgspec.Raw(_encode(model.id))}
    touched = model.rename or model.drop or link.drop_params
    if not touched or _touched_by(link).isdisjoint(ask.told):
        changed = {**ask.changed, **named}
        return spliced(ask.body, ask.fields, changed) if changed else ask.body
    return _encode({**_known_to(link, ask.told), **named})


def _touched_by(link: Link) -> frozenset[str]:
    """The parameters that a link does not take as they are."""
    model = link.deployment.model
    return frozenset(model.rename) | model.drop | link.drop_params


def _known_to(link: Link, told: Fields) -> Fields:
    """The parameters that a link's model takes, by its own names."""
    model = link.deployment.model
    dropped = model.drop | link.drop_params
    fields: Fields = {}
    for name, value in told.items():
        new = model.rename.get(name, name)
        # A parameter that the client gave by its new name counts, not the one by the old name.
        shadowed = new != name and new in told
        if not shadowed and dropped.isdisjoint({name, new}):
            fields[new] = value
    return fields


def _value(fields: Mapping[str, msgspec.Raw], name: str) -> Any:
    raw = fields.get(name)
    try:
        return None if raw is None else msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        raise BadBody(f"the field {name!r} cannot be read") from None


def _known(fields: Mapping[str, msgspec.Raw], name: str) -> Any:
    """A value that is only looked at: what we cannot read may make sense to a provider."""
    try:
        return _value(fields, name)
    except BadBody:
        return None


def _keeps_state(ask: Ask, endpoint: Endpoint) -> bool:
    """Whether the provider keeps what it makes, so that a second call would make a second one."""
    kept = (ask.fields.get(name) for name in ("store", "background"))
    if endpoint is RESPONSES:
        return any(raw and bytes(raw) == b"true" for raw in kept)
    return endpoint.name in _DEAR


def _estimate(fields: Fields, endpoint: Endpoint) -> int:
    """Tokens that the prompt has at the least; 0 if the provider would shorten it by itself."""
    if _shortened_by_provider(fields):
        return 0
    if endpoint is EMBEDDINGS:
        return _longest_text(fields)
    return sum(least_tokens(bytes(fields[name])) for name in _PROMPT_FIELDS if name in fields)


def _shortened_by_provider(fields: Fields) -> bool:
    if any(name in fields for name in _SHORTENING_FIELDS):
        return True
    truncation = fields.get("truncation")
    return truncation is not None and bytes(truncation) == b'"auto"'


def _longest_text(fields: Fields) -> int:
    """The longest of a batch: a window holds one of them. Token numbers are not measured."""
    told = bytes(fields.get("input", b""))
    try:
        texts = _decode_list(told) if told.startswith(b"[") else [told]
    except ValueError:
        return 0
    return max((least_tokens(text) for text in map(bytes, texts) if text[:1] == b'"'), default=0)


def kind_of(endpoint: Endpoint) -> ModelKind | None:
    """What a chain's models must be for to serve this endpoint; None if that is not known."""
    if endpoint.opaque:
        return None
    return ModelKind.EMBEDDING if endpoint is EMBEDDINGS else ModelKind.CHAT
