import pytest
from tests.fakes.clients import CHAT
from tests.fakes.scripted import whole
@pytest.mark.parametrize("v", [b"a\r\n b", b"a\x01b", b"a\x00b", b"a\rb", b"a\nb", b"caf\xe9", b"a\x7fb"])
async def test_x(make_stand, make_scripted, v, monkeypatch):
    monkeypatch.setattr("agentbox_cli.proxy.answers.sendable", lambda v: v)
    provider = await make_scripted([whole(b'{"choices":[]}', b"x-request-id: "+v)])
    stand = await make_stand(chains={"default": CHAT.chain}, bases={"openai": f"{provider.base}/v1"})
    try:
      async with CHAT.post(stand) as answer:
        print("\n@@", v, answer.status, answer.headers.get("x-request-id"), answer.headers.get("x-agentbox-attempts"))
    except Exception as e: print("\n@@", v, repr(e))
