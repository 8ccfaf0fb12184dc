"""Problems as a SARIF 2.1.0 log, which code hosts and editors read."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentbox_cli import __version__
from agentbox_cli.config.problems import Problem
from agentbox_cli.config.rules import MEANING, Rule

VERSION = "2.1.0"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_ROOT = "ROOT"


def sarif_log(problems: Sequence[Problem], file: Path, working_dir: Path) -> dict[str, Any]:
    """The log of one check.

    Args:
        problems: what was found.
        file: the config; its address is relative to the working directory where it is below that,
            else to its own directory.
        working_dir: where the command runs, the top of a repository for one.
    """
    base = working_dir if file.is_relative_to(working_dir) else file.parent
    place = {"uri": _relative_uri(file, base), "uriBaseId": _ROOT}
    rules = sorted({problem.rule for problem in problems})
    return {
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [
            {
                "tool": {"driver": _driver(rules)},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {_ROOT: {"uri": _directory_uri(base)}},
                "artifacts": [{"location": place, "sourceLanguage": "yaml"}],
                "results": [_result(problem, rules, place) for problem in problems],
            }
        ],
    }


def _relative_uri(file: Path, base: Path) -> str:
    # Only an absolute path has a URI, which quotes what must be quoted.
    return Path("/", file.relative_to(base)).as_uri().removeprefix("file:///")


def _directory_uri(directory: Path) -> str:
    # SARIF wants a slash at the end, which only the root has of itself.
    return directory.as_uri().removesuffix("/") + "/"


def _driver(rules: Sequence[Rule]) -> dict[str, Any]:
    return {
        "name": "agentbox",
        "version": __version__,
        "rules": [
            {"id": rule.value, "shortDescription": {"text": MEANING[rule]}} for rule in rules
        ],
    }


def _result(problem: Problem, rules: Sequence[Rule], place: dict[str, str]) -> dict[str, Any]:
    region = {
        "startLine": problem.line,
        "startColumn": problem.column,
        "endLine": problem.line,
        "endColumn": problem.end_column,
    }
    line = {"startLine": problem.line, "snippet": {"text": problem.excerpt}}
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": place, "region": region, "contextRegion": line},
    }
    if problem.path:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.path}]
    return {
        "ruleId": problem.rule.value,
        "ruleIndex": rules.index(problem.rule),
        "level": problem.severity.value,
        "message": {"text": _message(problem)},
        "locations": [location],
        "partialFingerprints": {"rulePathMessage/v1": _fingerprint(problem)},
    }


def _message(problem: Problem) -> str:
    text = f"{problem.path}: {problem.message}" if problem.path else problem.message
    return f"{text} ({problem.hint})" if problem.hint else text


def _fingerprint(problem: Problem) -> str:
    """The same for the same problem when lines are added above it."""
    told = json.dumps([problem.rule, problem.path, problem.message])
    return hashlib.sha256(told.encode()).hexdigest()[:32]
