"""One HTTP server on this machine that stands in for any number of providers."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from pydantic import SecretStr

from agentbox_cli.simulate.answer import Answer, new_id
from agentbox_cli.simulate.asked import (
    Asked,
    Endpoint,
    Malformed,
    Place,
    place_of,
    read_request,
)
from agentbox_cli.simulate.chat import answer_chat, answer_completion
from agentbox_cli.simulate.control import PREFIX, Control
from agentbox_cli.simulate.delivery import Delivery, error_response
from agentbox_cli.simulate.embeddings import answer_embeddings
from agentbox_cli.simulate.faults import ANY_MODEL, BUILT_IN, FaultTable
from agentbox_cli.simulate.generate import answer_generate, answer_google_count
from agentbox_cli.simulate.journal import KEPT_BODY, Call, Journal
from agentbox_cli.simulate.messages import answer_count_tokens, answer_messages
from agentbox_cli.simulate.models import answer_models
from agentbox_cli.simulate.responses import answer_responses

SIMULATED = "simulated"
CHECK_HEADER = "x-agentbox-drill-scope"
# The proxy takes 64 MiB; what it forwards may have grown by a few fields.
MAX_BODY = 65 * 1024 * 1024

_ANSWERS: Mapping[Endpoint, Callable[[Asked], Answer]] = {
    Endpoint.CHAT: answer_chat,
    Endpoint.COMPLETIONS: answer_completion,
    Endpoint.EMBEDDINGS: answer_embeddings,
    Endpoint.RESPONSES: answer_responses,
    Endpoint.MESSAGES: answer_messages,
    Endpoint.COUNT_TOKENS: answer_count_tokens,
    Endpoint.GENERATE: answer_generate,
    Endpoint.GOOGLE_COUNT: answer_google_count,
}
_OWN_MODELS = tuple(name.partition("/")[2] for name in BUILT_IN)


class SimulatedProviders:
    """Every provider below one address: `<base>/<provider>/v1/...`.

    An OpenAI-style `api_base` is `<base>/<provider>/v1`, an Anthropic-style one is
    `<base>/<provider>`. Models of the provider `simulated` behave as their names say; any model
    of any other provider echoes, as long as no fault is set.

    Args:
        secret: opens the control API to its holder; None keeps it shut.
        keep: how many calls the journal keeps whole, credentials included: for tests only.
        models: what `/models` of a provider lists.

    Attributes:
        faults: what goes wrong, and where.
        journal: who was called.
    """

    def __init__(
        self,
        *,
        secret: SecretStr | None = None,
        keep: int = 0,
        models: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.faults = FaultTable()
        self.journal = Journal(keep=keep)
        self._control = Control(secret=secret, faults=self.faults, journal=self.journal)
        self._models = {**(models or {}), SIMULATED: _OWN_MODELS}
        self._closing = asyncio.Event()
        self._runner: web.ServerRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, for the first time or again; return the base URL, without a slash at its end."""
        self._closing.clear()
        server = web.Server(
            self._serve,
            request_factory=_make_request,
            handler_cancellation=True,
            access_log=None,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        address, bound = self._runner.addresses[0][:2]
        return f"http://[{address}]:{bound}" if ":" in address else f"http://{address}:{bound}"

    async def stop(self) -> None:
        """Drop every connection and free the ports."""
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("expect", "").lower() == "100-continue" and request.transport:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return error_response(None, status=413)
        if request.path.startswith(PREFIX):
            return self._control.answer(request, body)
        place = place_of(request.path)
        endpoint = place.endpoint
        if endpoint is None:
            return error_response(None, status=404, message=f"No such path: {request.path}")
        if request.method != _method(endpoint):
            return error_response(endpoint, status=405, message="Method not allowed.")
        return await self._answer(request, place, endpoint, body)

    async def _answer(
        self, request: web.BaseRequest, place: Place, endpoint: Endpoint, body: bytes
    ) -> web.StreamResponse:
        provider = place.provider
        if endpoint is Endpoint.MODELS:
            asked = Asked(endpoint=endpoint, provider=provider, model=ANY_MODEL)
            return await self._deliver(request, body, asked, self._list_models(request, provider))
        try:
            asked = read_request(endpoint, provider, body, place)
        except Malformed as why:
            self._note(request, body, Asked(endpoint=endpoint, provider=provider, model=ANY_MODEL))
            return error_response(endpoint, status=400, message=str(why))
        if provider == SIMULATED and asked.model not in _OWN_MODELS:
            message = f"The model `{asked.model}` does not exist."
            return error_response(endpoint, status=404, message=message)
        return await self._deliver(request, body, asked, partial(_ANSWERS[endpoint], asked))

    def _list_models(self, request: web.BaseRequest, provider: str) -> Callable[[], Answer]:
        models = self._models.get(provider, ())
        return partial(
            answer_models, provider, models, anthropic="anthropic-version" in request.headers
        )

    async def _deliver(
        self, request: web.BaseRequest, body: bytes, asked: Asked, answer: Callable[[], Answer]
    ) -> web.StreamResponse:
        check = self._note(request, body, asked)
        delivery = Delivery(
            request=request,
            endpoint=asked.endpoint,
            closing=self._closing,
            model=asked.model,
            stream=asked.stream,
            headers={"x-request-id": new_id("req_"), "request-id": new_id("req_")},
        )
        try:
            return await delivery.send(answer(), self.faults.take(asked.deployment, check))
        except (asyncio.CancelledError, ConnectionError):
            if not self._closing.is_set():
                self.journal.gave_up((check, asked.deployment))
            raise

    def _note(self, request: web.BaseRequest, body: bytes, asked: Asked) -> str | None:
        check = request.headers.get(CHECK_HEADER)
        self.journal.arrived((check, asked.deployment))
        if self.journal.keep:
            self.journal.recent.append(_call(request, body, asked, check))
        return check


def _make_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(
        message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY
    )


def _method(endpoint: Endpoint) -> str:
    return "GET" if endpoint is Endpoint.MODELS else "POST"


def _call(request: web.BaseRequest, body: bytes, asked: Asked, check: str | None) -> Call:
    return Call(
        method=request.method,
        path=request.path,
        deployment=asked.deployment,
        stream=asked.stream,
        check=check,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body[:KEPT_BODY],
    )
