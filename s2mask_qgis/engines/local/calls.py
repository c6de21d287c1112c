"""Makes the client's calls straight at the protocol of this process, and its refusals errors of the engine."""

from __future__ import annotations

import json
from http import HTTPStatus
from urllib.parse import urlencode

from ..calls import Call
from ..errors import BadRequestError, EngineError, QueueFullError, QuotaError, RateError, SignInError, TransientError
from .faults import FaultPlan, answered
from .messages import DISK_FULL_CODE
from .protocol import Protocol
from .workers import ERRORS


class LocalCalls:
    """Makes calls; see engines.calls.Answer. ``faults`` is for tests: what goes wrong on the way."""

    def __init__(self, protocol: Protocol, faults: FaultPlan | None = None) -> None:
        self._protocol = protocol
        self._faults = faults

    def __call__(self, call: Call) -> bytes:
        """The body of the answer to a call."""
        path, query = f"/v1/{call.path}", urlencode(call.query)
        body = b"" if call.body is None else json.dumps(call.body).encode()
        try:
            status, _, data = answered(
                self._faults, call.method, path, lambda: self._protocol.handle(call.method, path, query, body)
            )
        except (ConnectionError, TimeoutError) as error:
            raise TransientError(f"The service did not answer ({error}); try again.") from error
        if status >= HTTPStatus.BAD_REQUEST:
            raise _refusal(json.loads(data)["error"])
        return data


def _refusal(described: dict[str, object]) -> EngineError:
    code, status, message = described["code"], str(described["status"]), str(described["message"])
    if code == DISK_FULL_CODE:
        return ERRORS[status](message)
    if "errors" in described:
        return RateError(message)
    if code == HTTPStatus.TOO_MANY_REQUESTS:
        return _limit_kind(message)(message)
    if code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return SignInError(message)
    return ERRORS.get(status, BadRequestError)(message)


def _limit_kind(message: str) -> type[QuotaError]:
    if message.startswith("Too many tasks"):
        return QueueFullError
    return RateError if message.startswith("Too Many Requests") else QuotaError
