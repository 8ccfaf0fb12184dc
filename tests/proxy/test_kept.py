"""The limits in their file: whatever stands there, a start never fails by it."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from agentbox_cli.providers.model import ErrorKind, RateLimitScope
from agentbox_cli.providers.resolved import Resolved, Toggles
from agentbox_cli.proxy import kept
from agentbox_cli.proxy.kept import NOTHING, Kept
from agentbox_cli.proxy.limits import Cooling, Limits, Window
from tests.proxy.builders import MINUTE, WALL, chain, deployment, provider, resolved, spec

KEY = SecretStr("agentbox-install-key")
SAIA = spec("saia", scope=RateLimitScope.ACCOUNT, windows=(MINUTE,))
same_directory = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def config(value: str = "sk-own", **of_saia: object) -> Resolved:
    saia = replace(provider(SAIA, value=value), **of_saia)  # type: ignore[arg-type]  # any field
    return resolved(chain("openai", deployment(saia, "llama")))


def window(name: str = "saia", of: str = "minute", seconds: int = 60) -> Window:
    return Window(
        name=name,
        window=of,
        limit=30,
        remaining=3,
        seen_at=WALL,
        resets_at=WALL + 40.0,
        seconds=seconds,
    )


def cooling(kind: ErrorKind, name: str = "saia") -> Cooling:
    return Cooling(name=name, kind=kind, since=WALL, until=WALL + 600.0, message="words")


def worth_keeping(*found: Window | Cooling, of: Resolved | None = None) -> Kept:
    known = Limits(
        as_of=WALL,
        windows=tuple(each for each in found if isinstance(each, Window)),
        cooling=tuple(each for each in found if isinstance(each, Cooling)),
    )
    return kept.worth_keeping(known, of or config(), KEY)


ALL: tuple[Window | Cooling, ...] = (window(), *(cooling(kind) for kind in ErrorKind))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    known = worth_keeping(*ALL)
    kept.write(tmp_path / "limits", known)
    assert kept.read(tmp_path / "limits") == known
    assert stat.S_IMODE((tmp_path / "limits").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.glob("*limits*")] == ["limits"]


def test_only_what_takes_long_to_heal_is_kept_and_never_a_refused_key() -> None:
    known = worth_keeping(*ALL)
    assert known.limits.windows == (window(),)
    assert {each.kind for each in known.limits.cooling} == {
        ErrorKind.THROTTLE,
        ErrorKind.QUOTA,
        ErrorKind.PAYMENT,
        ErrorKind.FORBIDDEN,
        ErrorKind.NOT_FOUND,
    }


def test_what_the_daemon_serves_itself_starts_anew_with_it() -> None:
    assert worth_keeping(*ALL, of=config(api_base=None)).limits == Limits(as_of=WALL)


def test_no_key_is_in_the_file() -> None:
    secret = SecretStr("sk-of-a-header")
    of = config("sk-very-own", headers={"x-key": secret})
    text = msgspec.json.encode(worth_keeping(*ALL, of=of)).decode()
    assert "sk-" not in text
    assert KEY.get_secret_value() not in text


def test_what_is_kept_holds_for_the_same_account() -> None:
    known = worth_keeping(*ALL)
    assert kept.still_true(known, config(), KEY) == known.limits


@pytest.mark.parametrize(
    "other",
    [
        config("sk-another"),
        config(api_base="https://elsewhere.example/v1"),
        config(headers={"x-project": SecretStr("b")}),
        resolved(chain("openai")),
    ],
    ids=["key", "address", "header", "gone"],
)
def test_another_account_has_limits_of_its_own(other: Resolved) -> None:
    found = kept.still_true(worth_keeping(*ALL), other, KEY)
    assert (found.windows, found.cooling) == ((), ())


def test_another_install_does_not_know_the_accounts() -> None:
    found = kept.still_true(worth_keeping(*ALL), config(), SecretStr("another"))
    assert (found.windows, found.cooling) == ((), ())


def test_a_class_that_was_switched_off_since_cools_no_more() -> None:
    off = replace(config(), toggles=Toggles(on_rate_limit=False))
    found = kept.still_true(worth_keeping(*ALL), off, KEY)
    assert {each.kind for each in found.cooling} == {
        ErrorKind.PAYMENT,
        ErrorKind.FORBIDDEN,
        ErrorKind.NOT_FOUND,
    }


@pytest.mark.parametrize("odd", [window(of="week"), window(seconds=61), window(name="nobody")])
def test_a_window_that_no_plugin_knows_is_left_out(odd: Window) -> None:
    assert kept.still_true(worth_keeping(odd), config(), KEY).windows == ()


def test_a_refused_key_that_somebody_wrote_in_is_left_out() -> None:
    known = worth_keeping(cooling(ErrorKind.QUOTA))
    by_hand = msgspec.structs.replace(
        known, limits=Limits(as_of=WALL, cooling=(cooling(ErrorKind.AUTH),))
    )
    assert kept.still_true(by_hand, config(), KEY).cooling == ()


# Whatever stands in the file.

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


def test_no_file_says_nothing(tmp_path: Path) -> None:
    assert kept.read(tmp_path / "limits") == NOTHING


@same_directory
@given(cut=st.integers(min_value=0, max_value=2_000))
def test_a_truncated_file_says_nothing(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "limits"
    kept.write(file, worth_keeping(*ALL))
    whole = file.read_bytes()
    file.write_bytes(whole[: min(cut, len(whole) - 2)])
    assert kept.read(file) == NOTHING


@same_directory
@given(text=st.binary(max_size=300) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_garbage_says_nothing(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "limits").write_bytes(text)
    assert kept.read(tmp_path / "limits") == NOTHING


@same_directory
@given(data=st.data(), value=VALUES)
def test_a_wrong_value_anywhere_never_raises(
    tmp_path: Path, data: st.DataObject, value: object
) -> None:
    file = tmp_path / "limits"
    kept.write(file, worth_keeping(*ALL))
    document = json.loads(file.read_text())
    places = [document, document["limits"], *document["limits"]["windows"]]
    place = data.draw(st.sampled_from([*places, *document["limits"]["cooling"]]))
    place[data.draw(st.sampled_from(sorted(place)))] = value
    file.write_text(json.dumps(document))
    kept.still_true(kept.read(file), config(), KEY)


def test_a_newer_form_says_nothing(tmp_path: Path) -> None:
    newer = msgspec.structs.replace(worth_keeping(*ALL), schema=kept.SCHEMA + 1)
    kept.write(tmp_path / "limits", newer)
    assert kept.read(tmp_path / "limits") == NOTHING


def test_a_huge_nested_linked_or_foreign_file_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "limits"
    for text in (" " * (kept.SIZE_LIMIT + 1), "[" * 60_000):
        file.write_text(text)
        assert kept.read(file) == NOTHING
    file.unlink()
    kept.write(tmp_path / "real", worth_keeping(*ALL))
    file.symlink_to(tmp_path / "real")
    assert kept.read(file) == NOTHING
    file.unlink()
    file.mkdir()
    assert kept.read(file) == NOTHING
