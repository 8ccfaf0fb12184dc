from agentbox_cli.config.names import closest, dotted, shortened


def test_paths_read_as_people_write_them() -> None:
    assert (
        dotted(("litellm", "models", "default", 1, "model")) == "litellm.models.default[1].model"
    )
    assert dotted(("models", "gpt-4.1", 0)) == 'models."gpt-4.1"[0]'
    assert dotted(('a "b"',)) == '"a \\"b\\""'
    assert dotted(()) == ""


def test_the_closest_name_is_found_whatever_its_case() -> None:
    assert closest("prot", ["port", "models"]) == "port"
    assert closest("API_KEY", ["api_key"]) == "api_key"
    assert closest("zzz", ["port"]) is None


def test_a_passage_that_became_a_name_is_shown_by_its_first_word() -> None:
    assert shortened("litellm: providers: x") == "litellm..."
    assert shortened("a\nb") == "a..."
    assert shortened("x" * 61) == "x" * 60 + "..."
    assert shortened("qwen:7b") == "qwen:7b"
