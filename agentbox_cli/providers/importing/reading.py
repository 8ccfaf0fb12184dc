"""The text of a foreign config as plain data, and which program it belongs to."""

import json
import re
from contextlib import suppress
from typing import Any

from agentbox_cli.config.document import LINE_BREAK
from agentbox_cli.config.grow import grow
from agentbox_cli.errors import ConfigError
from agentbox_cli.providers.importing.model import Source

MAX_DEPTH = 100

_LOOKED_FOR = (
    "looked for `model_list` (LiteLLM), `Providers` (claude-code-router), "
    "or a list of entries with `model_id` (llm)"
)
# A text in quotes is matched first, so that a `//` in an address is no comment.
_COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\r\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])')


def read(text: str, name: str) -> Any:
    """Parse a text as JSON if it begins as such, else as YAML.

    Args:
        text: the text; claude-code-router allows comments and a last comma in its JSON.
        name: what the text is called in messages.

    Raises:
        ConfigError: it is neither. The message shows a place, and nothing of the text.
    """
    body = text.removeprefix("\ufeff")
    if body.lstrip().startswith("{"):
        return _json(body, name)
    if body.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            return json.loads(body)  # a list in brackets may be YAML as well
    root, faults = grow(text)
    if faults:
        where = _place(text, faults[0].start)
        raise ConfigError(f"{name}:{where}: {faults[0].message}", hint=faults[0].hint)
    return None if root is None else root.data


def recognise(data: Any, name: str) -> Source:
    """Tell by the content which program a config belongs to.

    Raises:
        ConfigError: none that is known, or agentbox itself.
    """
    if isinstance(data, list) and any(isinstance(e, dict) and "model_id" in e for e in data):
        return Source.LLM
    keys = data.keys() if isinstance(data, dict) else ()
    if "Providers" in keys:
        return Source.CCR
    if "model_list" in keys:
        return Source.LITELLM
    if "litellm" in keys:
        hint = "it is used as it is: agentbox --config FILE config check"
        raise ConfigError(f"{name} is a config of agentbox itself", hint=hint)
    raise ConfigError(f"{name} is no config that can be imported", hint=_LOOKED_FOR)


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    bare = _LAST_COMMA.sub(lambda found: found[1] or " ", _COMMENT.sub(_blank, text))
    try:
        return json.loads(bare)
    except json.JSONDecodeError as error:
        where = _place(text, error.pos)
        raise ConfigError(
            f"{name}:{where}: this is not JSON: {error.msg.lower()}",
            hint="names and texts stand in double quotes, and commas between them",
        ) from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{name} is nested too deeply, or holds too long a number") from None


def _blank(found: re.Match[str]) -> str:
    # Places in messages are those of the text with its comments.
    return found[1] or re.sub(r"[^\r\n]", " ", found[0])


def _place(text: str, index: int) -> str:
    before = LINE_BREAK.split(text[:index])
    return f"{len(before)}:{len(before[-1]) + 1}"
