"""Private files of an agent: in our state directory, and for its user alone."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from agentbox_cli.agents.connecting import settings_text
from agentbox_cli.agents.places import expand
from agentbox_cli.config import text_file
from agentbox_cli.config.files import unusable
from agentbox_cli.providers.agent import Settings


def write_files(directory: Path, files: Mapping[str, str]) -> None:
    """Write files, mode 0600, that are not there already.

    Raises:
        ConfigError: one cannot be written.
    """
    for name, text in files.items():
        file = directory / name
        if not (file.exists() and text_file.read_text(file) == text):
            text_file.write(file, text)


def mirror(
    original: str, private: Path, settings: tuple[Settings, ...], environ: Mapping[str, str]
) -> None:
    """Make a directory like an agent's own, in which only the settings differ.

    Everything else leads to the user's own files, so that logs and templates stay theirs.

    Args:
        original: the agent's directory, as its description names it.
        private: the directory to make.
        settings: what differs.
        environ: what `original` depends on.

    Raises:
        ConfigError: a file of the agent is broken, or one of ours cannot be written.
    """
    place = expand(original, environ)
    ours = {expand(each.path, environ).name: each for each in settings}
    try:
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _link_others(place, private, set(ours))
    except OSError as error:
        raise unusable(private, "written", error) from error
    texts = {name: settings_text(place / name, each) for name, each in ours.items()}
    write_files(private, texts)


def _link_others(place: Path, private: Path, ours: set[str]) -> None:
    theirs = {entry.name for entry in place.iterdir()} - ours
    for entry in private.iterdir():
        if entry.is_symlink() and entry.name not in theirs:
            entry.unlink()
        elif entry.name not in ours and entry.name not in theirs:
            # What the agent made here belongs beside the rest.
            with suppress(OSError):
                entry.rename(place / entry.name)
                theirs.add(entry.name)
    for name in theirs:
        with suppress(FileExistsError):
            (private / name).symlink_to(place / name)
