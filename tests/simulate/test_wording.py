import pytest

from agentbox_cli.simulate.wording import Form, Wording, error_document


@pytest.mark.parametrize("wording", [w for w in Wording if w is not Wording.DETAIL])
@pytest.mark.parametrize("form", Form)
def test_every_error_has_a_message(wording: Wording, form: Form) -> None:
    document = error_document(form=form, status=400, wording=wording)
    assert document.get("error", document)["message"]


def test_an_openai_error_has_its_four_fields() -> None:
    error = error_document(status=429, wording=Wording.QUOTA)["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert error["code"] == "insufficient_quota"


def test_an_anthropic_error_names_its_type_twice() -> None:
    assert error_document(form=Form.ANTHROPIC, status=529, message="busy") == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "busy"},
    }


def test_an_unknown_status_is_worded_as_a_server_error() -> None:
    assert error_document(status=599)["error"]["type"] == "server_error"
    assert error_document(form=Form.ANTHROPIC, status=599)["error"]["type"] == "api_error"


def test_some_frameworks_refuse_with_a_detail() -> None:
    detail = error_document(status=422, wording=Wording.DETAIL)["detail"]
    assert detail[0]["msg"] == "field required"
