import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.resolved import Toggles
from agentbox_cli.proxy import drill
from agentbox_cli.proxy.drill import Drills, drill_header
from tests.proxy.builders import deployment

TOGGLES = st.builds(
    Toggles,
    on_rate_limit=st.booleans(),
    on_context_window=st.booleans(),
    on_error=st.booleans(),
    on_content_policy=st.booleans(),
)


@pytest.fixture
def drills() -> Drills:
    return Drills("secret", 60.0)


@given(TOGGLES)
def test_a_header_says_the_toggles_even_when_all_are_off(toggles: Toggles) -> None:
    header = drill_header("secret", "default-429", toggles)
    assert header == header.strip()  # blanks at the end do not survive HTTP
    scope = Drills("secret", 60.0).scope(header)
    assert scope is not None
    assert (scope.check, scope.toggles) == ("default-429", toggles)


@pytest.mark.parametrize(
    "header",
    ["", " ", "secret", "secret check", "other check on_error", "Secret a -", "secret a b c"],
)
def test_a_header_that_is_not_ours_has_no_scope(drills: Drills, header: str) -> None:
    assert drills.scope(header) is None


@given(st.text(st.characters(exclude_categories=[]), max_size=30))
def test_no_header_breaks_it(header: str) -> None:
    drills = Drills("secret", 60.0)
    assert drills.scope(header) is None
    drills.scope(f"secret check {header}")


def test_checks_share_nothing(drills: Drills) -> None:
    one = drills.scope(drill_header("secret", "one", Toggles()))
    two = drills.scope(drill_header("secret", "two", Toggles()))
    assert one is not None
    assert two is not None
    one.memory.cooldowns.failed(deployment(), ErrorKind.AUTH, 0.0)
    assert two.memory.cooldowns.pause(deployment(), 0.0) is None


def test_the_requests_of_a_check_share_what_they_learn(drills: Drills) -> None:
    header = drill_header("secret", "one", Toggles())
    scope = drills.scope(header)
    assert scope is not None
    assert drills.scope(header) is scope


def test_the_toggles_of_the_last_request_hold(drills: Drills) -> None:
    drills.scope(drill_header("secret", "one", Toggles()))
    off = Toggles(on_error=False)
    scope = drills.scope(drill_header("secret", "one", off))
    assert scope is not None
    assert scope.toggles == off


def test_the_oldest_checks_are_forgotten(drills: Drills, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill, "CHECKS_KEPT", 2)
    scopes = [drills.scope(drill_header("secret", name, Toggles())) for name in "abc"]
    assert drills.scope(drill_header("secret", "c", Toggles())) is scopes[2]
    assert drills.scope(drill_header("secret", "b", Toggles())) is scopes[1]
    assert drills.scope(drill_header("secret", "a", Toggles())) is not scopes[0]


def test_cooldowns_of_a_drill_last_as_long_as_asked() -> None:
    scope = Drills("secret", 2.0).scope(drill_header("secret", "one", Toggles()))
    assert scope is not None
    scope.memory.cooldowns.failed(deployment(), ErrorKind.THROTTLE, 0.0)
    pause = scope.memory.cooldowns.pause(deployment(), 0.0)
    assert pause is not None
    assert pause.remaining == 2.0
