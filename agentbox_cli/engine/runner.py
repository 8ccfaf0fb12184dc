"""Run uvicorn on LiteLLM, unchanged, but spare it work that it repeats for nothing.

Run as a script: `runner.py MODULE:NAME UVICORN-OPTION...`. Each of these was measured:

- LiteLLM's import makes millions of objects that all stay; not looking for garbage among them
  meanwhile saves 30 % of the CPU time, and freezing them keeps every later collection short.
- With each call it tries to import modules that need packages which are not there; each time anew
  they are looked for, read and given up: a millisecond.
- The route for messages is added when it is first asked for, behind hundreds of others that are
  then compared with each call: a millisecond and a half.
"""

import gc
import importlib
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

# What it tries to import with each call, whether that can succeed or not.
TRIED_AGAIN = ("litellm.integrations.otel.logger", "prisma.errors")


class Served:
    """An application whose routes come to the front when they have been asked for.

    Args:
        application: a Starlette application; any other is only called.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._routes = getattr(getattr(application, "router", None), "routes", [])
        self._found: set[str] = set()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Serve as the application does."""
        asked = scope.get("path")
        await self._application(scope, receive, send)
        if scope.get("method") == "POST" and asked is not None and asked not in self._found:
            self._found.add(asked)
            bring_forward(self._routes, asked)


def bring_forward(routes: list[Any], path: str) -> None:
    """Put the route first that takes a POST of this path: no other one took it before."""
    scope = {"type": "http", "method": "POST", "path": path, "root_path": "", "headers": []}
    for place, route in enumerate(routes):
        if route.matches(dict(scope))[0].name == "FULL":
            routes.insert(0, routes.pop(place))
            return


def forgo(modules: Iterable[str]) -> None:
    """Try these imports, and let those that fail do so at once from now on."""
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError:
            # Python's own way to say that there is no such module.
            sys.modules[module] = None  # type: ignore[assignment]


def main() -> None:
    """Import the application and serve it with uvicorn's own command line."""
    module, _, name = sys.argv[1].partition(":")
    gc.disable()
    application = getattr(importlib.import_module(module), name)
    from uvicorn import main as serve  # noqa: PLC0415 - part of what the collector should skip

    forgo(TRIED_AGAIN)
    # uvicorn takes an application by its name only.
    globals()["served"] = Served(application)
    sys.argv[1] = f"{__name__}:served"
    gc.freeze()
    gc.enable()
    serve()


if __name__ == "__main__":
    main()
