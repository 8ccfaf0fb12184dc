from agentbox_cli.proxy.listing import models_body


def test_an_openai_client_gets_the_aliases() -> None:
    assert models_body(["default", "fast"], anthropic=False) == {
        "object": "list",
        "data": [
            {"id": "default", "object": "model", "created": 0, "owned_by": "agentbox"},
            {"id": "fast", "object": "model", "created": 0, "owned_by": "agentbox"},
        ],
    }


def test_an_anthropic_client_gets_them_on_one_page() -> None:
    body = models_body(["default", "fast"], anthropic=True)
    assert [(model["type"], model["id"]) for model in body["data"]] == [
        ("model", "default"),
        ("model", "fast"),
    ]
    assert (body["has_more"], body["first_id"], body["last_id"]) == (False, "default", "fast")
    first = body["data"][0]
    assert (first["display_name"], first["created_at"]) == ("default", "1970-01-01T00:00:00Z")
    assert first["lifecycle"] == "active"


def test_no_aliases_are_an_empty_list() -> None:
    assert models_body([], anthropic=False)["data"] == []
    assert models_body([], anthropic=True) == {
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }
