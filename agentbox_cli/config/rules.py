"""The rules that config.yml is held to: a stable name for each, for programs and for SARIF."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Rule(StrEnum):
    """What a problem is an instance of; a name never changes its meaning."""

    UNREADABLE = "unreadable"
    YAML_SYNTAX = "yaml-syntax"
    DUPLICATE_KEY = "duplicate-key"
    UNKNOWN_TAG = "unknown-tag"
    NO_SECTION = "no-section"
    UNKNOWN_KEY = "unknown-key"
    MISSING_KEY = "missing-key"
    WRONG_TYPE = "wrong-type"
    OUT_OF_RANGE = "out-of-range"
    NOT_A_CHOICE = "not-a-choice"
    BAD_NAME = "bad-name"
    BAD_VALUE = "bad-value"
    EMPTY_CHAIN = "empty-chain"
    BAD_REFERENCE = "bad-reference"
    KEY_IN_CLEAR = "key-in-clear"
    KEY_NOT_SET = "key-not-set"
    KEY_UNUSABLE = "key-unusable"
    KEY_SOURCE = "key-source"
    UNKNOWN_PROVIDER = "unknown-provider"
    PROVIDER_CONFLICT = "provider-conflict"
    MIXED_CHAIN = "mixed-chain"
    UNKNOWN_ALIAS = "unknown-alias"
    NO_USABLE_LINK = "no-usable-link"
    UNUSED_PROVIDER = "unused-provider"
    UNKNOWN_MODEL = "unknown-model"
    SHARED_PROVIDER = "shared-provider"
    REPEATED_LINK = "repeated-link"
    NO_FALLBACK = "no-fallback"
    TIMEOUT_TOO_LONG = "timeout-too-long"
    DEAD_PATTERN = "dead-pattern"
    IGNORED_SETTING = "ignored-setting"
    LOW_PORT = "low-port"
    OPEN_ADDRESS = "open-address"
    NO_MATCH = "no-match"
    UNENCRYPTED = "unencrypted"


MEANING: Mapping[Rule, str] = MappingProxyType(
    {
        Rule.UNREADABLE: "The file is missing, or cannot be read as text.",
        Rule.YAML_SYNTAX: "The text cannot be read as YAML.",
        Rule.DUPLICATE_KEY: "A key stands twice in one section.",
        Rule.UNKNOWN_TAG: "A YAML tag is not known.",
        Rule.NO_SECTION: "The file has no `litellm` section.",
        Rule.UNKNOWN_KEY: "Nobody knows this key.",
        Rule.MISSING_KEY: "A key that must be there is missing.",
        Rule.WRONG_TYPE: "A value has another type than the key asks for.",
        Rule.OUT_OF_RANGE: "A number is too small or too large.",
        Rule.NOT_A_CHOICE: "A word is none of those that may stand here.",
        Rule.BAD_NAME: "A name has characters that cannot stand in it.",
        Rule.BAD_VALUE: "A value cannot be used.",
        Rule.EMPTY_CHAIN: "An alias has no link.",
        Rule.BAD_REFERENCE: "A `${NAME}` is malformed, or its text cannot stand in a header.",
        Rule.KEY_IN_CLEAR: "A key or password stands in config.yml itself.",
        Rule.KEY_NOT_SET: "A variable that holds a key or header has no value.",
        Rule.KEY_UNUSABLE: "The value of a variable cannot be used as a key.",
        Rule.KEY_SOURCE: "A file or keyring that holds keys cannot be used, or is open to others.",
        Rule.UNKNOWN_PROVIDER: "A provider is not known, not configured, or its plugin is broken.",
        Rule.PROVIDER_CONFLICT: "Several plugins describe one provider.",
        Rule.MIXED_CHAIN: "The models of a chain cannot stand in for each other.",
        Rule.UNKNOWN_ALIAS: "A pattern or budget names an alias that does not exist.",
        Rule.NO_USABLE_LINK: "No link of an alias has a key.",
        Rule.UNUSED_PROVIDER: "A configured provider stands in no chain.",
        Rule.UNKNOWN_MODEL: "The provider's plugin does not know the model.",
        Rule.SHARED_PROVIDER: "All links of an alias go to one provider.",
        Rule.REPEATED_LINK: "A chain has the same link twice.",
        Rule.NO_FALLBACK: "No failure moves a call to the next link.",
        Rule.TIMEOUT_TOO_LONG: "A timeout leaves no time for what comes after it.",
        Rule.DEAD_PATTERN: "A pattern of model names is never reached.",
        Rule.IGNORED_SETTING: "A setting has no effect here.",
        Rule.LOW_PORT: "A port is usually closed to users.",
        Rule.OPEN_ADDRESS: "The proxy can be reached from other machines.",
        Rule.NO_MATCH: "An entry of a list can match nothing.",
        Rule.UNENCRYPTED: "A key travels unencrypted.",
    }
)
