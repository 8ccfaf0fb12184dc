from agentbox_cli.proxy.google.schema import json_schema


def test_a_schema_of_google_becomes_json_schema() -> None:
    schema = {
        "type": "OBJECT",
        "nullable": True,
        "propertyOrdering": ["type", "names"],
        "properties": {
            "type": {"type": "STRING", "enum": ["STRING", "OBJECT"]},
            "names": {"type": "ARRAY", "minItems": "1", "items": {"type": "TYPE_UNSPECIFIED"}},
            "either": {"anyOf": [{"type": "INTEGER"}, {"type": "NULL"}]},
        },
        "required": ["type"],
    }
    assert json_schema(schema) == {
        "type": ["object", "null"],
        "properties": {
            "type": {"type": "string", "enum": ["STRING", "OBJECT"]},
            "names": {"type": "array", "minItems": 1, "items": {}},
            "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
        "required": ["type"],
    }


def test_what_is_no_schema_stays_what_it_is() -> None:
    assert json_schema(None) is None
    assert json_schema(True) is True
