from agentbox_cli.config.document import parse
from agentbox_cli.config.masking import masked

TEXT = """\
litellm:
  providers:
    a:
      api_key: abcdefgh
    b:
      api_key: |
        ijklmnop
        qrstuvwx
    c:
      api_key: ${C_KEY}
"""


def test_keys_are_masked_wherever_they_stand() -> None:
    text = "".join(f"+{line}\n" for line in TEXT.splitlines())
    shown = masked(text, parse("", "it"), parse(TEXT, "it"))
    assert shown == (
        text.replace("abcdefgh", "*" * 8).replace("ijklmnop", "*" * 8).replace("qrstuvwx", "*" * 8)
    )


def test_what_looks_like_a_key_is_masked_in_a_broken_text_too() -> None:
    text = "api_key: [sk-abcdefgh12345678\n"
    assert "abcdef" not in masked(text, parse(text, "it"))
