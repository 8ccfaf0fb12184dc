"""The server's remote control, for another process that holds its secret."""

import hmac
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web
from pydantic import SecretStr

from agentbox_cli.simulate.faults import Fault, FaultTable
from agentbox_cli.simulate.journal import Journal

PREFIX = "/_control/"
SECRET_HEADER = "x-agentbox-control-secret"  # noqa: S105 - the header's name, not the secret


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultOrder:
    """What `POST /_control/faults` takes a list of: see `FaultTable.put`."""

    deployment: str
    faults: tuple[Fault, ...]
    check: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """What `POST /_control/reset` takes: the check to forget, or None for everything."""

    check: str | None = None


class Control:
    """Sets faults, tells counts and forgets both, over HTTP.

    Args:
        secret: what the caller must send in `SECRET_HEADER`; None keeps the control shut.
        faults: the table to change.
        journal: the counts to tell.
    """

    def __init__(self, *, secret: SecretStr | None, faults: FaultTable, journal: Journal) -> None:
        self._secret = secret
        self._faults = faults
        self._journal = journal

    def answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        """Do what an authorised request says."""
        if self._secret is None:
            return _answer({"message": "not found"}, status=404)
        if not self._knows_the_secret(request, self._secret):
            return _answer({"message": "the control secret is wrong or missing"}, status=403)
        try:
            return self._obey(f"{request.method} {request.path.removeprefix(PREFIX)}", body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _answer({"message": f"this is not understood: {error}"}, status=400)

    def _knows_the_secret(self, request: web.BaseRequest, secret: SecretStr) -> bool:
        given = request.headers.get(SECRET_HEADER, "").encode(errors="surrogateescape")
        return hmac.compare_digest(given, secret.get_secret_value().encode())

    def _obey(self, order: str, body: bytes) -> web.Response:
        match order:
            case "POST faults":
                for put in msgspec.json.decode(body, type=list[FaultOrder]):
                    self._faults.put(put.deployment, *put.faults, check=put.check)
                return _answer({})
            case "POST reset":
                check = msgspec.json.decode(body or b"{}", type=Reset).check
                self._faults.clear(check)
                self._journal.clear(check)
                return _answer({})
            case "GET calls":
                return _answer({"calls": self._counts()})
            case _:
                return _answer({"message": "not found"}, status=404)

    def _counts(self) -> list[dict[str, Any]]:
        journal = self._journal
        return [
            {
                "check": check,
                "deployment": deployment,
                "calls": calls,
                "cancelled": journal.count_cancelled(deployment, check=check),
            }
            for (check, deployment), calls in journal.calls.items()
        ]


def _answer(document: dict[str, Any], *, status: int = 200) -> web.Response:
    return web.json_response(document, status=status)
