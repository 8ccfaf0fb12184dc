import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from inline_snapshot import snapshot

from agentbox_cli.cli.config.sarif import sarif_log
from agentbox_cli.config.document import parse
from agentbox_cli.config.problems import locate
from agentbox_cli.config.rules import MEANING
from agentbox_cli.config.validate import validate
from agentbox_cli.providers.load import find_problems
from tests.fakes.commandline import Agentbox

BROKEN = Path(__file__).parents[2] / "data" / "broken"


def objects(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """The JSON Schema of an object that has these properties and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }


def lists(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


# What SARIF 2.1.0 asks of the objects that we use. The whole schema of OASIS is draft-04 and 3 000
# lines; every log of the broken configs was held against it once, without an error.
TEXT = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 1}
MESSAGE = objects(("text",), text=TEXT)
PLACE = objects(uri={**TEXT, "pattern": r"^[\w.~!$&'()*+,;=@/%-]+$"}, uriBaseId=TEXT)
REGION = objects(startLine=COUNT, startColumn=COUNT, endLine=COUNT, endColumn=COUNT)
CONTEXT = objects(startLine=COUNT, snippet=objects(text={"type": "string"}))
PHYSICAL = objects(artifactLocation=PLACE, region=REGION, contextRegion=CONTEXT)
LOCATION = objects(
    physicalLocation=PHYSICAL, logicalLocations=lists(objects(fullyQualifiedName=TEXT))
)
RESULT = objects(
    ("message", "ruleId"),
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level={"enum": ["none", "note", "warning", "error"]},
    message=MESSAGE,
    locations=lists(LOCATION),
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
)
RULES = {**lists(objects(("id",), id=TEXT, shortDescription=MESSAGE)), "uniqueItems": True}
RUN = objects(
    ("tool", "results"),
    tool=objects(("driver",), driver=objects(("name",), name=TEXT, version=TEXT, rules=RULES)),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    originalUriBaseIds={
        "type": "object",
        "additionalProperties": objects(("uri",), uri={**TEXT, "pattern": "^file:///(.*/)?$"}),
    },
    artifacts=lists(objects(location=PLACE, sourceLanguage=TEXT)),
    results=lists(RESULT),
)
SARIF = objects(
    ("version", "runs"), **{"$schema": TEXT}, version={"const": "2.1.0"}, runs=lists(RUN)
)


@pytest.mark.parametrize("file", sorted(BROKEN.glob("*.yml")), ids=lambda file: file.stem)
def test_a_log_is_as_the_standard_wants_it(file: Path) -> None:
    log = sarif_log(find_problems(file, {}, None), file, BROKEN)
    jsonschema.Draft202012Validator(SARIF).validate(json.loads(json.dumps(log)))


def log_of(text: str, file: Path, working_dir: Path) -> Any:
    document = parse(text, file.name)
    return sarif_log(locate(document, validate(document)[1]), file, working_dir)


def test_a_log_has_one_run_with_rules_places_and_fingerprints() -> None:
    log = log_of("litellm:\n  prot: 1\n", Path("/repo/my files/config.yml"), Path("/repo"))
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert run["tool"]["driver"]["rules"] == [
        {"id": "unknown-key", "shortDescription": {"text": "Nobody knows this key."}}
    ]
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["originalUriBaseIds"] == {"ROOT": {"uri": "file:///repo/"}}
    assert run["results"] == snapshot(
        [
            {
                "ruleId": "unknown-key",
                "ruleIndex": 0,
                "level": "error",
                "message": {"text": "litellm.prot: unknown key 'prot'; did you mean 'port'?"},
                "locations": [
                    {
                        "physicalLocation": {
                            "artifactLocation": {
                                "uri": "my%20files/config.yml",
                                "uriBaseId": "ROOT",
                            },
                            "region": {
                                "startLine": 2,
                                "startColumn": 3,
                                "endLine": 2,
                                "endColumn": 7,
                            },
                            "contextRegion": {
                                "startLine": 2,
                                "snippet": {"text": "  prot: 1"},
                            },
                        },
                        "logicalLocations": [{"fullyQualifiedName": "litellm.prot"}],
                    }
                ],
                "partialFingerprints": {"rulePathMessage/v1": "a57b7fde9bf9e100069ba6106a3a5b23"},
            }
        ]
    )


def test_a_file_elsewhere_is_named_relative_to_its_directory() -> None:
    (run,) = log_of("litellm: 5\n", Path("/home/me/config.yml"), Path("/repo"))["runs"]
    assert run["originalUriBaseIds"]["ROOT"]["uri"] == "file:///home/me/"
    assert run["artifacts"][0]["location"] == {"uri": "config.yml", "uriBaseId": "ROOT"}


def test_the_root_of_the_file_system_may_be_the_working_directory() -> None:
    (run,) = log_of("litellm: 5\n", Path("/config.yml"), Path("/"))["runs"]
    assert run["originalUriBaseIds"]["ROOT"]["uri"] == "file:///"


def test_a_fingerprint_outlives_lines_above_the_problem() -> None:
    def prints(text: str) -> list[Any]:
        (run,) = log_of(text, Path("/a/config.yml"), Path("/a"))["runs"]
        return [result["partialFingerprints"] for result in run["results"]]

    text = "litellm:\n  prot: 1\n  enabled: x\n"
    assert prints(text) == prints(f"# one\n\n{text}")
    assert len({str(each) for each in prints(text)}) == 2


@pytest.mark.parametrize("name", ["several-at-once", "emoji-before", "empty", "byte-order-mark"])
def test_the_command_prints_what_json_tells(
    agentbox: Agentbox, config_yml: Path, name: str
) -> None:
    shutil.copy(BROKEN / f"{name}.yml", config_yml)
    told = agentbox("config", "check", "--json").document["problems"]
    result = agentbox("config", "check", "--sarif")
    assert (result.exit_code, result.err) == (3, "")
    assert result.out.isascii()
    (run,) = json.loads(result.out)["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [
        (
            one["ruleId"],
            rules[one["ruleIndex"]],
            one["level"],
            one["locations"][0]["physicalLocation"]["region"]["startLine"],
            one["locations"][0]["physicalLocation"]["region"]["startColumn"],
        )
        for one in run["results"]
    ] == [(one["rule"], one["rule"], one["severity"], one["line"], one["column"]) for one in told]


def test_a_sound_config_gives_a_log_without_results(agentbox: Agentbox, config_yml: Path) -> None:
    config_yml.write_text("litellm:\n  models:\n    a: [{provider: simulated, model: echo}]\n")
    result = agentbox("config", "check", "--sarif")
    assert result.exit_code == 0
    assert json.loads(result.out)["runs"][0]["results"] == []


def test_json_and_sarif_together_are_refused(agentbox: Agentbox, config_yml: Path) -> None:
    result = agentbox("config", "check", "--sarif", "--json")
    assert result.exit_code == 2
    assert "take one" in result.err


def test_every_rule_has_a_sentence_as_its_description() -> None:
    assert all(text.endswith(".") and text[0].isupper() for text in MEANING.values())
