"""TAB in real bash, zsh and fish, on a real terminal."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.cli.completion.conftest import CONFIG, Place, furnish
from tests.fakes.terminal import Terminal

NOBODY = 65534
IN_THE_WAY = {
    "garbage": bytes(range(1, 256)) * 40,
    "empty": b"",
    "foreign": b"# /other/config.yml\nelse\twhere\n",
}
STATIC = [
    ("lite", "litellm "),
    ("litellm stat", "litellm status "),
    ("litellm test-f", "litellm test-fallback "),
    ("litellm start --fore", "litellm start --foreground "),
    ("litellm start --wait en", "litellm start --wait engine "),
    ("litellm start --wait=en", "litellm start --wait=engine "),
    ("completions f", "completions fish "),
    # Options of the program before the group, and of a group before its command.
    ("-V litellm sto", "-V litellm stop "),
    ("--no-plugins litellm sto", "--no-plugins litellm stop "),
    ("litellm models --json ren", "litellm models --json rename "),
    # The value of an option is no command, even if it looks like one.
    ("--config litellm litellm sto", "--config litellm litellm stop "),
    ("--config=litellm litellm sto", "--config=litellm litellm stop "),
    ("litellm logs -n 3 --fol", "litellm logs -n 3 --follow "),
    ("litellm logs -n3 --fol", "litellm logs -n3 --follow "),
    ("litellm logs -fn 3 --he", "litellm logs -fn 3 --help "),
    # Quoted blanks and word breaks on the way.
    ('litellm ask "a b: c=d" --js', 'litellm ask "a b: c=d" --json '),
    ("litellm ask 'it=1' --js", "litellm ask 'it=1' --json "),
    ("litellm ask a\\ b:c --js", "litellm ask a\\ b:c --json "),
    ('litellm ask "\U0001f600 größe" --js', 'litellm ask "\U0001f600 größe" --json '),
]
NOTHING = [
    "litellm sxx",
    "nosuch sta",
    "litellm nosuch --js",
    # The options of a group end where its command begins.
    "litellm --conf",
    "litellm status --conf",
    # -- ends options.
    "litellm ask -- --mod",
    "litellm ask --json -- --mod",
    # Free text.
    "litellm start --port 4",
    "litellm ask de",
]
WORDS = [
    ("litellm ask -m de", "litellm ask -m default "),
    ("litellm ask --model de", "litellm ask --model default "),
    ("litellm ask --model=de", "litellm ask --model=default "),
    ("litellm ask -mde", "litellm ask -mdefault "),
    ("litellm ask 'hi: x' -m de", "litellm ask 'hi: x' -m default "),
    ("litellm test-fallback default ze", "litellm test-fallback default zed@x+1 "),
    ("litellm test-fallback --json -- de", "litellm test-fallback --json -- default "),
    # : breaks words in bash.
    ("litellm ask -m ns", "litellm ask -m ns:deep "),
    ("litellm ask -m ns:", "litellm ask -m ns:deep "),
    ("litellm ask -m ns:d", "litellm ask -m ns:deep "),
    ("litellm ask --model=ns:d", "litellm ask --model=ns:deep "),
    ("litellm ask -mns:d", "litellm ask -mns:deep "),
    ('litellm ask -m "ns:d', 'litellm ask -m "ns:deep" '),
    ("litellm ask -m 'ns:d", "litellm ask -m 'ns:deep' "),
    ("litellm ask -m zed@", "litellm ask -m zed@x+1 "),
    ("litellm init --provider gw", "litellm init --provider gwdg_saia "),
    ("litellm models rename ns", "litellm models rename ns:deep "),
    (
        "litellm models add default openai/gpt-4.1-",
        "litellm models add default openai/gpt-4.1-mini ",
    ),
    ("config get litellm.router.tim", "config get litellm.router.timeout "),
    ("config set litellm.auth k", "config set litellm.auth key "),
    ("config set litellm.engine.mode la", "config set litellm.engine.mode lazy "),
    ("litellm providers remove op", "litellm providers remove openai "),
    ("litellm providers add gw", "litellm providers add gwdg_saia "),
    (
        "config set litellm.models.default[0].provider gw",
        "config set litellm.models.default[0].provider gwdg_saia ",
    ),
    (
        "config set 'litellm.models.default[1].model' gpt-4.1-",
        "config set 'litellm.models.default[1].model' gpt-4.1-mini ",
    ),
    (
        "config set litellm.models.ns:deep\\[0\\].model gpt-4.1-",
        "config set litellm.models.ns:deep\\[0\\].model gpt-4.1-mini ",
    ),
    (
        "config set 'litellm.model_patterns.\"q b\"' ns",
        "config set 'litellm.model_patterns.\"q b\"' ns:deep ",
    ),
    # What a shell would misread is quoted, in the quotes that are open if there are any.
    (
        "config get litellm.models.default[1].mod",
        "config get litellm.models.default\\[1\\].model ",
    ),
    (
        "config get litellm.models.default\\[1\\].mod",
        "config get litellm.models.default\\[1\\].model ",
    ),
    (
        'config get "litellm.models.default[1].mod',
        'config get "litellm.models.default[1].model" ',
    ),
    ("config get litellm.model_patterns.cl", "config get litellm.model_patterns.claude-\\* "),
    (
        "config get 'litellm.model_patterns.\"q",
        "config get 'litellm.model_patterns.\"q b\"' ",
    ),
    (
        'config get "litellm.model_patterns.\\"q',
        'config get "litellm.model_patterns.\\"q b\\"" ',
    ),
    (
        'config get litellm.model_patterns.\\"q\\ ',
        'config get litellm.model_patterns.\\"q\\ b\\" ',
    ),
    (
        'config get litellm.model_patterns.\\"it',
        'config get litellm.model_patterns.\\"it\\\'s\\" ',
    ),
    (
        "config get 'litellm.model_patterns.\"\U0001f600",
        "config get 'litellm.model_patterns.\"\U0001f600x\"' ",
    ),
]
QUOTED = {
    "bash": "'litellm.model_patterns.\"it'\\''s\"' ",
    "zsh": "'litellm.model_patterns.\"it'\\''s\"' ",
    "fish": "'litellm.model_patterns.\"it\\'s\"' ",
}
FILE_NAMES = [
    ("--config my", "--config my\\ file.yml "),
    ("--config=my", "--config=my\\ file.yml "),
    ("litellm import my", "litellm import my\\ file.yml "),
    (
        "litellm providers login openai --env-file my",
        "litellm providers login openai --env-file my\\ file.yml ",
    ),
    ("litellm status >/dev/nul", "litellm status >/dev/null "),
    ("litellm status 2> /dev/nul", "litellm status 2> /dev/null "),
]


@pytest.mark.parametrize(("typed", "line"), STATIC)
def test_commands_options_and_choices_need_no_call_of_agentbox(
    typist: tuple[Terminal, Place], typed: str, line: str
) -> None:
    terminal, place = typist
    place.forget_calls()
    assert terminal.complete(f"agentbox {typed}") == f"agentbox {line}"
    assert place.calls() == []


def test_a_tab_starts_no_process(typist: tuple[Terminal, Place]) -> None:
    terminal, place = typist
    terminal.complete("agentbox litellm ask -m ns")
    place.forget_calls()
    before = terminal.faults_of_children()
    for typed, line in STATIC + WORDS:
        assert terminal.complete(f"agentbox {typed}") == f"agentbox {line}"
    assert terminal.faults_of_children() == before
    assert place.calls() == []
    terminal.run(str(place.program))
    assert terminal.faults_of_children() > before, "it does not see processes"
    assert place.calls() == [""]


def test_a_tab_needs_no_program_on_path(typist: tuple[Terminal, Place]) -> None:
    terminal, _ = typist
    terminal.complete("agentbox litellm ask -m ns")
    terminal.run("set old $PATH" if terminal.shell == "fish" else "old=$PATH")
    terminal.run("export PATH=/nowhere")
    for typed, line in STATIC + WORDS:
        assert terminal.complete(f"agentbox {typed}") == f"agentbox {line}"
    terminal.run("set PATH $old" if terminal.shell == "fish" else "PATH=$old")


@pytest.mark.parametrize("typed", NOTHING)
def test_nothing_is_offered_where_nothing_fits(typist: tuple[Terminal, Place], typed: str) -> None:
    terminal, place = typist
    place.forget_calls()
    assert terminal.complete(f"agentbox {typed}") == f"agentbox {typed}"
    assert place.calls() == []


@pytest.mark.parametrize(("typed", "line"), WORDS)
def test_words_of_the_config_are_completed(
    typist: tuple[Terminal, Place], typed: str, line: str
) -> None:
    terminal, _ = typist
    assert terminal.complete(f"agentbox {typed}") == f"agentbox {line}"


def test_a_quote_in_an_open_quote_is_written_as_the_shell_reads_it(
    typist: tuple[Terminal, Place],
) -> None:
    terminal, _ = typist
    line = terminal.complete("agentbox config get 'litellm.model_patterns.\"it")
    assert line == f"agentbox config get {QUOTED[terminal.shell]}"


@pytest.mark.parametrize(("typed", "line"), FILE_NAMES)
def test_names_of_files_are_completed(
    typist: tuple[Terminal, Place], typed: str, line: str
) -> None:
    terminal, _ = typist
    assert terminal.complete(f"agentbox {typed}") == f"agentbox {line}"


def test_everything_that_fits_is_listed(typist: tuple[Terminal, Place]) -> None:
    terminal, _ = typist
    # Awaited with the words, for the screen may still show some of a test before.
    told = ("Start the proxy",) if terminal.shell != "bash" else ()
    seen = terminal.shown("agentbox litellm st", "start", "status", "stop", *told)
    assert "restart" not in seen


def test_a_program_that_is_called_by_its_path_is_completed(
    typist: tuple[Terminal, Place],
) -> None:
    terminal, _ = typist
    assert terminal.complete("./bin/agentbox litellm sto") == "./bin/agentbox litellm stop "


def test_words_are_asked_for_once_and_again_after_each_edit(place: Place, shell: str) -> None:
    with place.open(shell) as terminal:
        assert terminal.complete("agentbox litellm ask -m de").endswith(" default ")
        assert terminal.complete("agentbox litellm ask -m ns").endswith(" ns:deep ")
        assert terminal.complete("agentbox config get litellm.auth").endswith(".auth ")
        assert place.calls() == [f"__complete alias {place.config}"], "one call fills every file"

        edit(place.config, CONFIG.replace("ns:deep", "newer"))
        assert terminal.complete("agentbox litellm ask -m ne").endswith(" newer ")
        assert "ns:deep" not in terminal.complete("agentbox litellm ask -m ns")
        assert len(place.calls()) == 2

        edit(place.config, "litellm: {models: [")
        assert terminal.complete("agentbox litellm ask -m ne").endswith(" newer ")
        assert terminal.complete("agentbox litellm ask -m de").endswith(" default ")
        assert len(place.calls()) == 3, "a broken config keeps the words it had"

        place.config.unlink()
        assert terminal.complete("agentbox litellm ask -m ne").endswith(" newer ")
        assert len(place.calls()) == 3


def test_a_config_with_an_older_date_is_another_config(place: Place, shell: str) -> None:
    with place.open(shell) as terminal:
        assert terminal.complete("agentbox litellm ask -m ns").endswith(" ns:deep ")
        place.config.write_text(CONFIG.replace("ns:deep", "older"))
        os.utime(place.config, (1_000_000_000, 1_000_000_000))
        assert terminal.complete("agentbox litellm ask -m ol").endswith(" older ")


def test_the_config_that_the_line_names_has_words_of_its_own(place: Place, shell: str) -> None:
    (place.work / "other.yml").write_text("litellm: {models: {elsewhere: []}}")
    ask = "litellm ask -m el"
    with place.open(shell) as terminal:
        for option in ("--config other.yml", "--config=other.yml"):
            assert terminal.complete(f"agentbox {option} {ask}").endswith(" elsewhere ")
        assert place.calls() == [f"__complete alias {place.work / 'other.yml'}"]
        assert terminal.complete(f"agentbox {ask}").endswith(" el")
        terminal.run(f"export AGENTBOX_CONFIG={place.work / 'other.yml'}")
        assert terminal.complete(f"agentbox {ask}").endswith(" elsewhere ")


@pytest.mark.parametrize("obstacle", ["directory", "loop", "garbage", "empty", "foreign"])
def test_words_that_cannot_be_read_are_asked_for(place: Place, shell: str, obstacle: str) -> None:
    file = place.cache / "alias"
    place.cache.mkdir(parents=True)
    if obstacle == "directory":
        file.mkdir()
    elif obstacle == "loop":
        file.symlink_to(file)
    else:
        file.write_bytes(IN_THE_WAY[obstacle])
    with place.open(shell) as terminal:
        assert terminal.complete("agentbox litellm ask -m de").endswith(" default ")
        assert str(place.cache) not in terminal.screen, "it complains in the middle of the line"


@pytest.mark.parametrize("closed", ["alias", "."])
def test_words_that_may_not_be_read_are_asked_for(shell: str, closed: str) -> None:
    # Root may read everything, so somebody else is needed; who may not read our interpreter.
    uid = NOBODY if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="agentbox-test-") as directory:
        place = furnish(Path(directory) / "place")
        place.program.write_text("#!/bin/sh\nprintf '# %s\\ndefault\\tx\\n' \"$3\"\n")
        place.cache.mkdir(parents=True)
        (place.cache / "alias").write_text(f"# {place.config}\nforbidden\t\n")
        os.utime(place.cache / "alias", ns=(place.config.stat().st_mtime_ns,) * 2)
        Path(directory).chmod(0o755)
        place.work.chmod(0o777)
        (place.cache / closed).chmod(0)
        try:
            with place.open(shell, uid=uid) as terminal:
                assert terminal.complete("agentbox litellm ask -m fo").endswith(" -m fo")
                assert terminal.complete("agentbox litellm ask -m de").endswith(" default ")
                assert str(place.cache) not in terminal.screen
        finally:
            (place.cache / closed).chmod(0o700)


def test_without_agentbox_the_old_words_are_good_enough(place: Place, shell: str) -> None:
    with place.open(shell) as terminal:
        terminal.run("export PATH=/usr/bin:/bin")
        assert shutil.which("agentbox", path="/usr/bin:/bin") is None
        assert terminal.complete("agentbox litellm ask -m de").endswith(" -m de")
        assert terminal.complete("agentbox litellm sto").endswith(" stop ")
        assert terminal.complete("./bin/agentbox litellm ask -m de").endswith(" default ")
        edit(place.config, CONFIG.replace("ns:deep", "newer"))
        assert terminal.complete("agentbox litellm ask -m ns").endswith(" ns:deep ")
        assert "not found" not in terminal.screen


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_redirection_is_no_word_of_the_command(place: Place, shell: str) -> None:
    with place.open(shell) as terminal:
        line = terminal.complete("agentbox litellm >/dev/null stat")
        assert line == "agentbox litellm >/dev/null status "


def test_bash_with_odd_settings_completes_all_the_same(place: Place) -> None:
    with place.open("bash") as terminal:
        terminal.run("set -u; shopt -s failglob nullglob nocaseglob; IFS=:a; set -o noclobber")
        assert terminal.complete("agentbox litellm sto").endswith(" stop ")
        assert terminal.complete("agentbox litellm ask -m ns:d").endswith(" -m ns:deep ")
        terminal.run("COMP_WORDBREAKS=' '")
        assert terminal.complete("agentbox litellm ask -m ns:d").endswith(" -m ns:deep ")
        assert terminal.complete("agentbox litellm ask --model=ns:d").endswith("=ns:deep ")
        assert terminal.complete("agentbox --config=my").endswith("=my\\ file.yml ")


def test_bash_without_what_3_2_lacks_completes_all_the_same(place: Place) -> None:
    with place.open("bash") as terminal:
        terminal.run("enable -n compopt mapfile readarray; shopt -s compat32 2>/dev/null")
        for typed, line in STATIC + WORDS + FILE_NAMES[:2]:
            assert terminal.complete(f"agentbox {typed}") == f"agentbox {line}"


def edit(file: Path, text: str) -> None:
    """Write a file as an editor does, with a date that differs from the one before."""
    before = file.stat().st_mtime_ns
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(before + 2_000_000_000, before + 2_000_000_000))
