import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.providers.model import Protocol
from agentbox_cli.proxy.engine_body import FIELDS, body_for_engine
from agentbox_cli.proxy.request import read_ask
from tests.proxy.builders import deployment, link

LINK = link(1, deployment("alpha", "gpt-4o"))
OBEYED = ("api_key", "api_base", "base_url", "fallbacks", "num_retries", "extra_headers")
ALSO_OBEYED = ("custom_llm_provider", "timeout", "mock_response", "extra_body", "headers", "cache")


@pytest.mark.parametrize("protocol", FIELDS)
@pytest.mark.parametrize("name", [*OBEYED, *ALSO_OBEYED])
def test_what_litellm_would_obey_does_not_reach_it(protocol: Protocol, name: str) -> None:
    ask = read_ask(json.dumps({"model": "default", name: "x", "messages": []}).encode())
    assert name not in json.loads(body_for_engine(ask, LINK, protocol))


def test_the_fields_of_the_protocol_reach_it_byte_for_byte() -> None:
    body = b'{"model":"default","messages":[{"role":"user","content":"\\u00e9 1.0"}],"seed":1.50}'
    sent = body_for_engine(read_ask(body), LINK, Protocol.OPENAI_CHAT)
    assert b'"messages":[{"role":"user","content":"\\u00e9 1.0"}]' in sent
    assert b'"seed":1.50' in sent


@given(st.dictionaries(st.text(max_size=20), st.integers(), max_size=8))
def test_nothing_unknown_reaches_it(fields: dict[str, int]) -> None:
    ask = read_ask(json.dumps({**fields, "model": "default", "stream": False}).encode())
    for protocol in FIELDS:
        sent = json.loads(body_for_engine(ask, LINK, protocol))
        assert set(sent) <= FIELDS[protocol] | {"model"}
        assert sent["model"] == LINK.deployment.name
