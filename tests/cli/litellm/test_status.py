import json
from pathlib import Path

from inline_snapshot import snapshot

from tests.fakes.commandline import Agentbox


def test_a_stopped_proxy_is_told_in_one_line_with_exit_code_1(agentbox: Agentbox) -> None:
    result = agentbox("litellm", "status")
    assert (result.exit_code, result.out, result.err) == (1, "the proxy is stopped\n", "")


def test_the_json_of_a_stopped_proxy(agentbox: Agentbox) -> None:
    result = agentbox("litellm", "status", "--json")
    assert result.exit_code == 1
    assert result.document == snapshot(
        {
            "schema": "agentbox.status/1",
            "state": "stopped",
            "ready": False,
            "pid": None,
            "port": None,
            "url": None,
            "version": None,
            "config_file": None,
            "started_at": None,
            "uptime_s": None,
            "engine": {"state": "off", "pid": None, "rss_mb": None},
            "gateway": {
                "state": "off",
                "pid": None,
                "rss_mb": None,
                "restarts": 0,
                "last_error": None,
                "servers": [],
            },
            "rss_mb": None,
            "auth": None,
            "warnings": [],
            "budgets": [],
            "sockets": [],
            "aliases": [],
        }
    )


def test_a_budget_of_which_nobody_can_tell_is_not_shown_as_unspent(
    agentbox: Agentbox, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "blocked").touch()
    section = {
        "port": 0,
        "models": {"default": [{"provider": "simulated", "model": "echo"}]},
        "budgets": {"daily_usd": 5},
        "usage": {"database": str(tmp_path / "blocked" / "usage.db")},
    }
    file = home / "config" / "agentbox" / "config.yml"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"litellm": section}))
    assert agentbox("litellm", "start").exit_code == 0
    try:
        told = agentbox("litellm", "status").out.splitlines()
        [row] = [line.split() for line in told if line.startswith("all by day")]
        assert row[3:5] == ["?", "$5.00"]
        picture = agentbox("litellm", "top", "--once").out
        assert "daily budget ? of $5.00" in picture
    finally:
        assert agentbox("litellm", "stop").exit_code == 0
