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
