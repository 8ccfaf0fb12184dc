"""agentbox in containers, with the printed init script as the first process."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.deploy import export
from tests.fakes.container import (
    ABOX_UID,
    BIN,
    INIT,
    Container,
    Image,
    container,
    needed,
    run,
)
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.e2e

CONFIG: dict[str, Any] = {
    "models": {"default": [{"provider": "simulated", "model": "echo"}]},
    "engine": {"mode": "off"},
}
STRANGER = 12_345
# The command of a container: it waits until the init script has had its last word.
WAITS = "until grep -q container-init: {log}; do sleep 0.1; done; cat {log}; echo goes on; exit 7"
LOG = "/home/abox/.local/state/agentbox/litellm.log"
MakeImage = Callable[..., Image]


@pytest.fixture
def make_image(tmp_path: Path) -> MakeImage:
    needed()
    script = tmp_path / "agentbox-init"
    script.write_text(export.container_init())
    script.chmod(0o755)

    def make(config: Any = None, mode: int = 0o644, owner: int = 0, **more: Any) -> Image:
        host = tmp_path / "host-config"
        host.mkdir(exist_ok=True)
        mounts = {script: INIT, **more.pop("mounts", {})}
        if config is not None:
            file = host / "config.yml"
            file.write_text(config if isinstance(config, str) else json.dumps({"litellm": config}))
            file.chmod(mode)
            os.chown(file, owner, owner)
            mounts[host] = "/host-config/agentbox"
        return Image(place=tmp_path, mounts=mounts, **more)

    return make


def owner_of(inside: Container, pid: int) -> int:
    found = inside.runs("stat", "-c", "%u", f"/proc/{pid}")
    return int(found.stdout)


def daemon_of(inside: Container, user: int = ABOX_UID) -> int:
    told = inside.agentbox("litellm status --json", user=user)
    return int(json.loads(told.stdout)["pid"])


def test_the_proxy_of_a_container_whole(make_image: MakeImage) -> None:
    image = make_image(CONFIG, mode=0o600, owner=ABOX_UID)
    with container(image, INIT, "sleep", "infinity") as inside:
        eventually(inside.healthy, "the proxy answers")
        pid = daemon_of(inside)
        assert owner_of(inside, pid) == ABOX_UID
        answer = inside.agentbox("litellm ask hello", user=ABOX_UID)
        assert (answer.returncode, "you said: hello" in answer.stdout) == (0, True)
        logged = inside.agentbox("litellm logs", user=ABOX_UID).stdout
        assert "container-init: the proxy runs on http://127.0.0.1:4000 (pid " in logged
        assert "serving on http://127.0.0.1:4000 with /host-config/agentbox/config.yml" in logged
        # Root of the container is no stranger to the proxy: its agents are pointed there.
        pointed = inside.agentbox("litellm env claude --json")
        assert pointed.returncode == 0, pointed.stderr
        assert json.loads(pointed.stdout)["running"] is True
        # Nobody reads what it says, as after `docker exec`.
        again = inside.runs("sh", "-c", f"{INIT} 2>&1 | true")
        assert again.returncode == 0
        eventually(
            lambda: (
                "the proxy already runs" in inside.agentbox("litellm logs", user=ABOX_UID).stdout
            )
        )
        assert daemon_of(inside) == pid
        inside.runs("kill", "-KILL", str(pid))
        eventually(lambda: pid not in inside.processes(), "the first process buried it")
        assert "Z" not in inside.processes().values()
        # It can be started anew, whatever the dead one left.
        inside.runs(INIT)
        eventually(inside.healthy, "the proxy answers again")
        inside.process.send_signal(signal.SIGCONT)
        os.kill(inside.init, signal.SIGTERM)
        assert inside.process.wait(20) == 128 + signal.SIGTERM


GOOSE = """#!/bin/sh
[ "$1" = --version ] && echo 1.9.0 || echo "goose at $OPENAI_HOST"
"""


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("run goose", "goose at http://127.0.0.1:4000"),
        ("start", "the proxy already runs on http://127.0.0.1:4000, started with the container"),
    ],
)
def test_a_command_that_begins_with_the_container_waits_for_the_proxy_of_abox(
    make_image: MakeImage, tmp_path: Path, asked: str, said: str
) -> None:
    goose = tmp_path / "goose"
    goose.write_text(GOOSE)
    goose.chmod(0o755)
    mounts = {goose: "/usr-local/goose"}
    image = make_image(CONFIG, mode=0o600, owner=ABOX_UID, mounts=mounts)
    path = "PATH=/usr-local:$PATH"
    line = f"{path} {BIN} litellm {asked} && cat {LOG}; ls /root/.local/state/agentbox/litellm.log"
    done = run(image, [INIT, "sh", "-c", line])
    assert said in done.stdout, done.stderr
    assert "serving on http://127.0.0.1:4000" in done.stdout, "abox has it"
    assert "/root/.local/state/agentbox/litellm.log" not in done.stdout, "and root has none"


def test_a_command_that_begins_with_the_container_does_without_what_cannot_come(
    make_image: MakeImage, tmp_path: Path
) -> None:
    """Where abox may not read the config, root has a proxy of its own."""
    goose = tmp_path / "goose"
    goose.write_text(GOOSE)
    goose.chmod(0o755)
    image = make_image(CONFIG, mode=0o600, mounts={goose: "/usr-local/goose"})
    line = f"PATH=/usr-local:$PATH {BIN} litellm run goose; {BIN} litellm stop"
    done = run(image, [INIT, "sh", "-c", line])
    assert "goose at http://127.0.0.1:4000" in done.stdout, done.stderr
    assert "stopped" in done.stdout


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no config": ({}, "no proxy is started: there is no config file; looked for /host-config"),
    "switched off": (
        {"config": {**CONFIG, "enabled": False}},
        "no proxy is started: /host-config/agentbox/config.yml says litellm.enabled: false",
    ),
    "no section": (
        {"config": "version: 1\n"},
        "no proxy is started: /host-config/agentbox/config.yml has no litellm section",
    ),
    "not readable": (
        {"config": CONFIG, "mode": 0o600},
        "it belongs to uid 0, mode 0600, and you are uid 10001",
    ),
    "broken": (
        {"config": "litellm:\n  prot: 1\n"},
        "unknown key 'prot'; did you mean 'port'?",
    ),
    "no key": (
        {
            "config": {
                "providers": {"openai": {}},
                "models": {"default": [{"provider": "openai", "model": "gpt-4o"}]},
            }
        },
        "no alias has a usable link",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_container_goes_on_and_says_what_is_wrong(make_image: MakeImage, case: str) -> None:
    how, said = WRONG[case]
    done = run(make_image(**how), [INIT, "sh", "-c", WAITS.format(log=LOG)])
    assert done.returncode == 7, done.stderr
    assert done.stdout.splitlines()[-1] == "goes on"
    assert said in done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_every_line_is_logged_though_nobody_reads_what_is_said(make_image: MakeImage) -> None:
    with container(make_image(CONFIG, mode=0o600), "sleep", "infinity") as inside:
        inside.runs("sh", "-c", f"{INIT} 2>&1 | true")
        eventually(
            lambda: "hint: check its owner" in inside.agentbox("litellm logs", ABOX_UID).stdout,
            "the second line is logged",
        )


TAKEN = """
import socket, subprocess, sys
with socket.create_server(("127.0.0.1", 4000)):
    subprocess.run([sys.argv[1]], check=True)
    subprocess.run(["sh", "-c", sys.argv[2]])
"""


def test_a_taken_port_is_told_and_the_container_goes_on(make_image: MakeImage) -> None:
    command = ["/opt/agentbox/bin/python", "-c", TAKEN, INIT, WAITS.format(log=LOG)]
    done = run(make_image(CONFIG), command)
    assert done.returncode == 0, done.stderr
    assert "error: port 4000 on 127.0.0.1 is taken by " in done.stdout
    assert "goes on" in done.stdout


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ("abox", "agentbox-init: no proxy: there is no user abox"),
        ("agentbox", "agentbox-init: no proxy: there is no /opt/agentbox/bin/agentbox"),
    ],
)
def test_without_a_user_or_the_program_the_container_goes_on(
    make_image: MakeImage, without: str, said: str
) -> None:
    done = run(make_image(CONFIG, without=without), [INIT, "sh", "-c", "sleep 1; exit 7"])
    assert (done.returncode, said in done.stderr) == (7, True)


@pytest.mark.parametrize("home", [None, "/"])
def test_any_uid_without_a_home_on_a_read_only_root(
    make_image: MakeImage, home: str | None
) -> None:
    image = make_image(CONFIG, read_only=True)
    become = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups", "--"]
    env = {"HOME": home} if home else {}
    with container(image, *become, INIT, "sleep", "infinity", env=env) as inside:
        eventually(inside.healthy, "the proxy answers")
        told = inside.runs(BIN, "litellm", "status", "--json", user=STRANGER, env=env)
        pid = json.loads(told.stdout)["pid"]
        assert owner_of(inside, pid) == STRANGER
        logged = inside.runs(BIN, "litellm", "logs", user=STRANGER, env=env).stdout
        place = f"/tmp/agentbox-{STRANGER}"
        assert f"state, key and usage are in {place}, and go with it" in logged
        assert inside.runs("stat", "-c", "%a %u", place).stdout == f"700 {STRANGER}\n"
        asked = inside.runs(BIN, "litellm", "ask", "hello", user=STRANGER, env=env)
        assert "you said: hello" in asked.stdout
        stopped = inside.runs(BIN, "litellm", "stop", user=STRANGER, env=env)
        assert stopped.returncode == 0, stopped.stderr


def test_a_home_on_a_read_only_root_is_stood_in_for(make_image: MakeImage) -> None:
    with container(make_image(CONFIG, read_only=True), INIT, "sleep", "infinity") as inside:
        eventually(inside.healthy, "the proxy answers")
        logs = inside.agentbox("litellm logs --path", user=ABOX_UID).stdout
        assert logs == f"/tmp/agentbox-{ABOX_UID}/state/agentbox/litellm.log\n"


def test_somebody_elses_stand_in_is_refused(make_image: MakeImage) -> None:
    image = make_image(CONFIG, read_only=True)
    with container(image, "sleep", "infinity") as inside:
        inside.runs("mkdir", "-m", "777", f"/tmp/agentbox-{STRANGER}")
        started = inside.agentbox("litellm start", user=STRANGER)
        assert started.returncode == 5
        assert f"/tmp/agentbox-{STRANGER} is not yours alone" in started.stderr
        assert "set HOME or XDG_STATE_HOME" in started.stderr


def test_the_proxy_itself_may_be_the_first_process(make_image: MakeImage) -> None:
    image = make_image(CONFIG)
    with container(image, BIN, "litellm", "start", "--foreground") as inside:
        eventually(inside.healthy, "the proxy answers")
        # An orphan, whose parent is the first process now.
        inside.runs("sh", "-c", "(sleep 0.2 &)")
        eventually(
            lambda: len(inside.processes()) <= 3 and "Z" not in inside.processes().values(),
            "orphans are buried",
        )
        os.kill(inside.init, signal.SIGTERM)
        assert inside.process.wait(20) == 0
    assert "draining" in (image.place / "said").read_text()


@dataclass(frozen=True)
class Host:
    """The machine of the containers, with a proxy for them."""

    home: Path

    def agentbox(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-P", "-m", "agentbox_cli", *words],
            env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def sockets(self, name: str) -> Path:
        return self.home / ".local" / "state" / "agentbox" / "sockets" / name


@pytest.fixture
def host() -> Iterator[Callable[..., Host]]:
    # The folders of tests have names too long for the path of a socket.
    place = tempfile.TemporaryDirectory()
    made = Host(Path(place.name))

    def start(**section: Any) -> Host:
        config = {**CONFIG, "port": 0, "socket": ["web", "ci"], **section}
        file = made.home / ".config" / "agentbox" / "config.yml"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"litellm": config}))
        started = made.agentbox("litellm", "start")
        assert started.returncode == 0, started.stderr
        return made

    yield start
    assert made.agentbox("litellm", "stop").returncode == 0
    place.cleanup()


ASK = """
import json, sys, urllib.request
body = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}
url = "http://127.0.0.1:4000/v1/chat/completions"
asked = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "text/json"})
print(urllib.request.urlopen(asked, timeout=20).read().decode())
"""


def test_containers_share_the_proxy_of_their_host_and_usage_names_each(
    make_image: MakeImage, host: Callable[..., Host]
) -> None:
    here = host(socket_access="all")
    for name in ("web", "ci"):
        # A proxy of its own would be started in `web` if there were no socket; `ci` has no config.
        config = CONFIG if name == "web" else None
        image = make_image(config, mounts={here.sockets(name): "/run/agentbox"})
        with container(image, INIT, "sleep", "infinity") as inside:
            eventually(inside.healthy, "the proxy answers")
            asked = inside.runs("/opt/agentbox/bin/python", "-c", ASK, user=STRANGER)
            assert "you said: hello" in asked.stdout, asked.stderr
            logged = inside.agentbox("litellm logs", user=ABOX_UID).stdout
            assert "http://127.0.0.1:4000 leads to /run/agentbox/litellm.sock" in logged
            inside.runs(INIT)
            eventually(
                lambda: "there is a bridge to" in inside.agentbox("litellm logs", ABOX_UID).stdout
            )
            assert inside.agentbox("litellm status", ABOX_UID).returncode == 1
            # Agents of any user are pointed there, and no other proxy is started for them.
            pointed = inside.agentbox("litellm env claude --json", user=STRANGER)
            assert pointed.returncode == 0, pointed.stderr
            document = json.loads(pointed.stdout)
            assert (document["url"], document["running"]) == ("http://127.0.0.1:4000", True)
            # Its own socket is all it sees of the host's proxy, and it cannot replace it.
            assert inside.runs("ls", "/run/agentbox").stdout == "litellm.sock\n"
            assert inside.runs("rm", "-f", "/run/agentbox/litellm.sock").returncode == 1

    def named() -> dict[str, int]:
        told = here.agentbox("litellm", "usage", "--by", "caller", "--json")
        return {row["key"]: row["requests"] for row in json.loads(told.stdout)["rows"]}

    eventually(lambda: sum(named().values()) == 2)
    assert named() == {"web": 1, "ci": 1}


def test_a_command_that_begins_with_the_container_waits_for_the_bridge(
    make_image: MakeImage, host: Callable[..., Host]
) -> None:
    here = host(socket_access="all")
    image = make_image(mounts={here.sockets("web"): "/run/agentbox"})
    done = run(image, [INIT, BIN, "litellm", "env", "claude", "--json"])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["running"] is True


def test_where_the_host_wants_a_key_a_container_shows_its_token(
    make_image: MakeImage, host: Callable[..., Host]
) -> None:
    here = host(socket_access="all", auth="key")
    image = make_image(mounts={here.sockets("web"): "/run/agentbox"})
    words = [INIT, BIN, "litellm", "env", "claude", "--json"]
    refused = run(image, words)
    assert refused.returncode == 5
    assert "the proxy behind 127.0.0.1:4000 wants a key" in refused.stderr
    assert "set AGENTBOX_KEY" in refused.stderr
    token = here.agentbox("litellm", "key", "add", "night").stdout.strip()
    shown = run(image, words, env={"AGENTBOX_KEY": token})
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["env"]["ANTHROPIC_AUTH_TOKEN"] == token
    here.agentbox("litellm", "key", "remove", "night")
    late = run(image, words, env={"AGENTBOX_KEY": token})
    assert late.returncode == 5
    assert "does not take the token in AGENTBOX_KEY" in late.stderr
    assert token not in late.stderr


def test_a_socket_for_another_user_is_told_and_the_container_goes_on(
    make_image: MakeImage, host: Callable[..., Host]
) -> None:
    here = host()
    image = make_image(mounts={here.sockets("web"): "/run/agentbox"})
    done = run(image, [INIT, "sh", "-c", WAITS.format(log=LOG)])
    assert done.returncode == 7, done.stderr
    assert (
        "uid 10001 may not open /run/agentbox/litellm.sock, which belongs to uid 0" in done.stdout
    )


def test_a_socket_of_a_dead_host_is_told_to_callers(make_image: MakeImage, tmp_path: Path) -> None:
    mounted = tmp_path / "sockets"
    mounted.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(mounted / "litellm.sock"))
    (mounted / "litellm.sock").chmod(0o666)
    image = make_image(mounts={mounted: "/run/agentbox"})
    with container(image, INIT, "sleep", "infinity") as inside:
        eventually(lambda: "leads to" in inside.agentbox("litellm logs", ABOX_UID).stdout)
        assert not inside.healthy()
        asked = inside.runs("/opt/agentbox/bin/python", "-c", ASK)
        assert "HTTP Error 503" in asked.stderr
