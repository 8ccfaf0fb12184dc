"""The bytes of a request, up to a limit."""

from aiohttp import StreamReader, web

from agentbox_cli.proxy.turned_away import Refused

BODY_LIMIT = 64 * 1024 * 1024


async def read_body(http: web.BaseRequest, limit: int) -> bytes:
    """Read a request's body.

    Args:
        http: the request.
        limit: its largest size in bytes.

    Raises:
        Refused: it is larger, or not what its headers say.
    """
    if (http.content_length or 0) > limit:
        raise _too_large(limit)
    if http.headers.get("expect", "").lower() == "100-continue" and http.transport:
        http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        return await _whole(http.content, limit)
    except web.RequestPayloadError as error:
        raise Refused(400, f"the body cannot be read: {error}", "invalid_body") from None


async def _whole(content: StreamReader, limit: int) -> bytes:
    parts = []
    size = 0
    while part := await content.readany():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if content.at_eof():
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> Refused:
    mebibytes = limit // (1024 * 1024)
    return Refused(413, f"the body is over the limit of {mebibytes} MiB", "body_too_large")
