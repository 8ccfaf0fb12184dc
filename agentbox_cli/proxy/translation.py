"""The litellm lane as a whole: egress, engine and the lane between them, started in this order."""

from typing import Any

from agentbox_cli.engine.plan import EnginePlan
from agentbox_cli.engine.process import Engine
from agentbox_cli.engine.render import render
from agentbox_cli.engine.warmup import warm_up
from agentbox_cli.paths import Paths
from agentbox_cli.providers.resolved import Resolved
from agentbox_cli.proxy.egress import Egress
from agentbox_cli.proxy.engine_lane import EngineLane
from agentbox_cli.proxy.lanes import DirectLane
from agentbox_cli.proxy.upstream import Upstream
from agentbox_cli.supervise.keeping import State

NO_ENGINE = {"state": State.OFF.value, "pid": None, "rss_mb": None}

_DOWN = frozenset({State.BACKOFF, State.FAILED})


class Translation:
    """Everything that translated calls need.

    Args:
        resolved: whose deployments are translated.
        paths: where LiteLLM's files and socket are.
        direct: makes the provider calls when LiteLLM comes back.
    """

    def __init__(self, resolved: Resolved, paths: Paths, direct: DirectLane) -> None:
        self._resolved = resolved
        self._paths = paths
        self._egress = Egress(direct)
        self._upstream = Upstream(socket_path=str(paths.engine_socket))
        self._engine: Engine | None = None

    async def start(self) -> EngineLane:
        """Bind the egress, begin to start the engine, and give the lane; does not wait."""
        url = await self._egress.start()
        deployments = self._resolved.deployments().values()
        engine = Engine(
            EnginePlan(
                rendered=render(deployments, url),
                egress_secret=self._egress.secret,
                directory=self._paths.engine_dir,
                socket=self._paths.engine_socket,
                config_file=self._paths.rendered_config,
                mode=self._resolved.config.engine.mode,
                warm_up=warm_up(deployments),
            )
        )
        engine.start()
        self._engine = engine
        return EngineLane(
            upstream=self._upstream,
            egress=self._egress,
            master_key=engine.master_key,
            wait_ready=engine.wait_ready,
        )

    async def stop(self) -> None:
        """End the engine, then the egress that it calls."""
        if self._engine is not None:
            await self._engine.stop()
        await self._egress.stop()
        await self._upstream.close()

    @property
    def down(self) -> bool:
        """Whether translated calls fail until somebody or something mends the engine."""
        return self._engine is not None and self._engine.state in _DOWN

    def status(self) -> dict[str, Any]:
        """The engine's part of the status."""
        engine = self._engine
        if engine is None:
            return dict(NO_ENGINE)
        return {"state": engine.state.value, "pid": engine.pid, "rss_mb": engine.rss_mb}

    def warnings(self) -> list[str]:
        """What somebody should know of the engine."""
        if self.down and self._engine is not None:
            return [f"translated calls fail: {self._engine.last_error}"]
        return []
