"""How an answer gets to the socket, and every way in which it may not."""

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec
from aiohttp import web

from agentbox_cli.simulate.answer import Answer, data_event, named_event
from agentbox_cli.simulate.asked import Endpoint
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.responses import failed_event
from agentbox_cli.simulate.wording import Form, Wording, error_document, html_page

JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"
HTML = "text/html; charset=utf-8"
_FINE = Fault(kind=FaultKind.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One call on its way out.

    Args:
        request: the call.
        endpoint: where it was sent; it decides the form of errors.
        model: the model it names, for the form of events.
        stream: whether events are wanted.
        closing: set when the server stops; ends every wait.
        headers: what goes with any answer, faults included.
    """

    request: web.BaseRequest
    endpoint: Endpoint
    closing: asyncio.Event
    model: str = ""
    stream: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, answer: Answer, fault: Fault | None) -> web.StreamResponse:
        """Send the answer as the fault has it."""
        fault = fault or _FINE
        match fault.kind:
            case FaultKind.HANG:
                await self.closing.wait()
                return self._hang_up()
            case FaultKind.CLOSE:
                return self._hang_up()
            case FaultKind.STATUS | FaultKind.ERROR_IN_200 | FaultKind.GARBAGE:
                await self._pause(fault.delay_s)
                return self._whole(_instead(self.endpoint, fault), fault)
            case FaultKind.REDIRECT:
                return self._redirect(fault)
            case _ if self.stream:
                return await self._send_events(answer, fault)
            case _:
                await self._pause(fault.delay_s)
                return await self._send_body(answer, fault)

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.closing.wait(), seconds)

    def _hang_up(self) -> web.StreamResponse:
        if self.request.transport is not None:
            self.request.transport.close()
        return web.Response()

    def _whole(self, sent: "_Whole", fault: Fault) -> web.Response:
        headers = {**self.headers, "content-type": sent.content_type, **fault.headers}
        return web.Response(body=sent.body, status=sent.status, headers=headers)

    def _redirect(self, fault: Fault) -> web.Response:
        location = fault.location or f"/redirected/v1/{self.endpoint}"
        headers = {**self.headers, "location": location, **fault.headers}
        return web.Response(status=307, headers=headers)

    async def _send_body(self, answer: Answer, fault: Fault) -> web.StreamResponse:
        half = answer.body[: len(answer.body) // 2]
        match fault.kind:
            case FaultKind.STALL | FaultKind.CUT:
                return await self._send_half(half, len(answer.body), fault)
            case FaultKind.CLEAN_CUT:
                return self._whole(_Whole(body=half), fault)
            case FaultKind.EMPTY_STREAM:
                return self._whole(_Whole(), fault)
            case FaultKind.ERROR_EVENT:
                return self._whole(_instead(self.endpoint, fault), fault)
            case FaultKind.GZIP:
                packed = _Whole(body=gzip.compress(answer.body))
                return self._whole(packed, _gzipped(fault))
            case _:
                return self._whole(_Whole(body=answer.body), fault)

    async def _send_half(self, half: bytes, length: int, fault: Fault) -> web.StreamResponse:
        headers = {**self.headers, "content-type": JSON, **fault.headers}
        response = web.StreamResponse(headers=headers)
        response.content_length = length
        await response.prepare(self.request)
        await response.write(half)
        return await self._end(response, fault)

    async def _send_events(self, answer: Answer, fault: Fault) -> web.StreamResponse:
        headers = {"content-type": EVENTS, "cache-control": "no-cache"}
        response = web.StreamResponse(headers={**self.headers, **headers, **fault.headers})
        events: Iterable[bytes] = self._events(answer, fault)
        if fault.kind is FaultKind.GZIP:
            response.headers["content-encoding"] = "gzip"
            events = _packed(events)
        await response.prepare(self.request)
        for event in events:
            await self._pause(fault.delay_s)
            await response.write(event)
        return await self._end(response, fault)

    def _events(self, answer: Answer, fault: Fault) -> tuple[bytes, ...]:
        first = answer.events[: fault.after_events]
        match fault.kind:
            case FaultKind.STALL | FaultKind.CUT:
                return first
            case FaultKind.CLEAN_CUT:
                return answer.events[: min(fault.after_events, answer.unfinished)]
            case FaultKind.ERROR_EVENT:
                return (*first, _error_event(self.endpoint, self.model, fault))
            case FaultKind.EMPTY_STREAM:
                return ()
            case _:
                return answer.events

    async def _end(self, response: web.StreamResponse, fault: Fault) -> web.StreamResponse:
        if fault.kind is FaultKind.STALL:
            await self.closing.wait()
        if fault.kind in {FaultKind.STALL, FaultKind.CUT}:
            self._hang_up()
        else:
            await response.write_eof()
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    body: bytes = b""
    status: int = 200
    content_type: str = JSON


def error_response(
    endpoint: Endpoint | None, *, status: int, message: str | None = None
) -> web.Response:
    """Refuse a request in the form of its endpoint."""
    document = error_document(form=_form(endpoint), status=status, message=message)
    return web.Response(
        body=msgspec.json.encode(document), status=status, headers={"content-type": JSON}
    )


def _instead(endpoint: Endpoint, fault: Fault) -> _Whole:
    status = fault.status if fault.kind is FaultKind.STATUS else 200
    if fault.kind is FaultKind.GARBAGE or fault.wording is Wording.HTML:
        page = html_page(fault.status) if fault.body is None else fault.body
        return _Whole(body=page.encode(), status=status, content_type=HTML)
    if fault.body is not None:
        return _Whole(body=fault.body.encode(), status=status)
    return _Whole(body=msgspec.json.encode(_document(endpoint, fault)), status=status)


def _document(endpoint: Endpoint, fault: Fault) -> dict[str, object]:
    return error_document(form=_form(endpoint), status=fault.status, wording=fault.wording)


def _form(endpoint: Endpoint | None) -> Form:
    if endpoint is not None and endpoint.is_google:
        return Form.GOOGLE
    anthropic = endpoint is not None and endpoint.is_anthropic
    return Form.ANTHROPIC if anthropic else Form.OPENAI


def _error_event(endpoint: Endpoint, model: str, fault: Fault) -> bytes:
    if fault.body is not None:
        return f"data: {fault.body}\n\n".encode()
    document = _document(endpoint, fault)
    if endpoint.is_google:
        return msgspec.json.encode(document) + b"\n\n"
    if endpoint.is_anthropic:
        return named_event({"type": "error", **document})
    if endpoint is Endpoint.RESPONSES:
        error = document.get("error")
        told = error if isinstance(error, dict) else document
        code = str(told.get("code") or told.get("type") or "server_error")
        return failed_event(model, code=code, message=str(told.get("message", "")))
    return data_event(document)


def _gzipped(fault: Fault) -> Fault:
    return replace(fault, headers={"content-encoding": "gzip", **fault.headers})


def _packed(events: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=31)
    for event in events:
        yield packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()
