"""The page at `/agentbox/`: files of the package, sent as they are.

It only looks. A browser sends an `Origin` with whatever would change something, and the guard
refuses those.
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from aiohttp import web

from agentbox_cli.proxy.guard import Refusal

ROOT = "/agentbox/"
UNAUTHORIZED = 401

# Plotly sets styles of elements; nothing else stands in the page itself, and nothing is fetched
# from elsewhere.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self';"
    " img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Mapping[str, str] = {
    "content-security-policy": _POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",  # asked for each time, and answered by 304 if it is the same
}
_HTML, _SCRIPT, _STYLE = (f"text/{kind}; charset=utf-8" for kind in ("html", "javascript", "css"))
# Below ROOT: in which package a file stands, where, and of which type it is.
_FILES: Mapping[str, tuple[str, str, str]] = {
    "": ("agentbox_cli.proxy", "web/index.html", _HTML),
    "live.js": ("agentbox_cli.proxy", "web/live.js", _SCRIPT),
    "parts.js": ("agentbox_cli.usage", "web/parts.js", _SCRIPT),
    "page.css": ("agentbox_cli.usage", "web/page.css", _STYLE),
    "plotly.min.js": ("plotly", "package_data/plotly.min.js", _SCRIPT),
}
PATHS = frozenset({ROOT.rstrip("/"), *(f"{ROOT}{name}" for name in _FILES)})


async def page(http: web.BaseRequest) -> web.StreamResponse:
    """A file of the page; its address without the last slash leads there."""
    if not http.path.startswith(ROOT):
        return web.Response(status=308, headers={"location": ROOT})
    package, name, kind = _FILES[http.path.removeprefix(ROOT)]
    # FileResponse has an ETag, and reads in a thread.
    return web.FileResponse(
        Path(str(files(package) / name)), headers={**_HEADERS, "content-type": kind}
    )


def refused(refusal: Refusal) -> web.Response:
    """What somebody reads whose browser may not have the page."""
    text = f"{refusal.message}\n"
    if refusal.status == UNAUTHORIZED:
        text += (
            "A browser cannot send it with this page. Where the kernel can tell who calls, it"
            " opens without a key for the user who runs the proxy; elsewhere:\n"
            "    agentbox litellm top\n"
        )
    return web.Response(status=refusal.status, text=text, headers=dict(_HEADERS))
