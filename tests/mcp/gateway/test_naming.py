from typing import Any

import pytest

from agentbox_cli.mcp.gateway.naming import Home, gather_named, gather_uris, home_of


def named(*names: str) -> list[dict[str, Any]]:
    return [{"name": name} for name in names]


def test_the_servers_name_stands_before_each_tool() -> None:
    found = gather_named([("a", named("x", "y")), ("b", named("x"))], prefixed=True)
    assert [item["name"] for item in found.items] == ["a-x", "a-y", "b-x"]
    assert found.homes["b-x"] == Home(server="b", name="x")


def test_of_a_server_alone_tools_have_their_own_names() -> None:
    found = gather_named([("a", named("x"))], prefixed=False)
    assert [item["name"] for item in found.items] == ["x"]


def test_two_ways_to_one_name_give_it_to_the_first() -> None:
    found = gather_named([("a", named("b-c")), ("a-b", named("c"))], prefixed=True)
    assert [item["name"] for item in found.items] == ["a-b-c"]
    assert found.homes["a-b-c"] == Home(server="a", name="b-c")


def test_what_has_no_name_is_passed_over() -> None:
    found = gather_named([("a", [{"x": 1}, None, "text", {"name": 7}])], prefixed=True)
    assert found.items == ()


def resources(uri: str) -> list[dict[str, Any]]:
    return [{"uri": uri, "name": "it"}]


def test_a_uri_of_two_servers_is_told_apart() -> None:
    found = gather_uris([("a", resources("memo://1")), ("b_2", resources("memo://1"))])
    assert [item["uri"] for item in found.items] == ["memo://1", "mcp-b.2+memo://1"]
    assert found.homes["mcp-b.2+memo://1"] == Home(server="b_2", name="memo://1")


TEMPLATES = gather_uris(
    [
        ("a", [{"uriTemplate": "memo://by/{id}", "name": "by"}]),
        ("b", [{"uriTemplate": "file:///{+path}", "name": "file"}]),
        ("c", [{"uriTemplate": "memo://by/{id}", "name": "again"}]),
    ],
    "uriTemplate",
)


@pytest.mark.parametrize(
    ("uri", "home"),
    [
        ("memo://1", Home(server="a", name="memo://1")),
        ("memo://by/7", Home(server="a", name="memo://by/7")),
        ("file:///etc/hosts", Home(server="b", name="file:///etc/hosts")),
        ("mcp-c+memo://by/7", Home(server="c", name="memo://by/7")),
        ("memo://by/7/8", None),
        ("memo:", None),
    ],
)
def test_a_resource_is_found_by_its_uri_or_a_template(uri: str, home: Home | None) -> None:
    assert home_of(uri, gather_uris([("a", resources("memo://1"))]), TEMPLATES) == home
