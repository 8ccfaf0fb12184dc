"""The bytes of a request, up to a limit."""

from aiohttp import web

from agentbox_cli.proxy.turned_away import Refused

BODY_LIMIT = 64 * 1024 * 1024


async def read_body(http: web.BaseRequest, limit: int) -> bytes:
    """Read a request's body.

    Args:
        http: the request.
        limit: its largest size in bytes.

    Raises:
        Refused: it is larger.
    """
    too_large = f"the body is over the limit of {limit // (1024 * 1024)} MiB"
    if (http.content_length or 0) > limit:
        raise Refused(413, too_large, "body_too_large")
    if http.headers.get("expect", "").lower() == "100-continue" and http.transport:
        http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    content = http.content
    parts = []
    size = 0
    while chunk := await content.readany():
        size += len(chunk)
        if size > limit:
            raise Refused(413, too_large, "body_too_large")
        parts.append(chunk)
        if content.at_eof():
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)
