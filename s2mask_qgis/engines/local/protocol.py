"""The protocol: Earth Engine's REST calls answered in this process, one function from request to response."""

from __future__ import annotations

import json
import math
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ...core.grid import Grid
from ..errors import BadRequestError, CancelledError, EngineError, NotFoundError
from .assets import PROJECT, RESAMPLING, AssetStore
from .discovery import document
from .graph import check_vocabulary, decode
from .operations import STATUS_OF, OperationQueue
from .values import ComputeError
from .vocabulary import VOCABULARY, signatures
from .workers import WorkerPool

URL = "http://local.engine"
HTTP_CODES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}
PAGE_SIZE = 1000
MAX_BODY_BYTES = 10 * 2**20
"""Largest request; the service's own limit."""

MAX_OPEN_TABLES = 16
_POLL_SECONDS = 0.05

Response = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    query: dict[str, list[str]]
    body: dict[str, Any]


class Protocol:
    """Answers requests. ``is_cancelled`` is asked while an answer is waited for, and ends the wait (CancelledError)."""

    def __init__(
        self, pool: WorkerPool, operations: OperationQueue, store: AssetStore, is_cancelled: Callable[[], bool]
    ) -> None:
        self._pool = pool
        self._operations = operations
        self._store = store
        self._is_cancelled = is_cancelled
        self._tables: dict[str, list[bytes]] = {}
        self._lock = threading.Lock()
        project = rf"/v1/projects/{PROJECT}"
        self._routes: tuple[tuple[str, re.Pattern[str], Callable[..., bytes]], ...] = (
            ("GET", re.compile(r"/\$discovery/rest"), self._discovery),
            ("GET", re.compile(rf"{project}/algorithms"), self._algorithms),
            ("POST", re.compile(rf"{project}/value:compute"), self._value),
            ("POST", re.compile(rf"{project}/table:computeFeatures"), self._features),
            ("POST", re.compile(rf"{project}/image:export"), self._export),
            ("GET", re.compile(rf"{project}/operations"), self._list_operations),
            ("POST", re.compile(rf"/v1/(projects/{PROJECT}/operations/\w+):cancel"), self._cancel_operation),
            ("GET", re.compile(rf"/v1/(projects/{PROJECT}/operations/\w+)"), self._get_operation),
            ("GET", re.compile(r"/v1/(projects/[\w-]+/assets/.+)"), self._get_asset),
        )

    def handle(self, method: str, path: str, query: str, body: bytes) -> Response:
        """Answer one request; errors become the service's error messages. CancelledError passes through."""
        try:
            request = _Request(method, path, parse_qs(query), _parsed(body))
            answer, groups = self._route(method, path)
            return 200, {"content-type": "application/json"}, answer(request, *groups)
        except CancelledError:
            raise
        except ComputeError as error:
            return _error("INVALID_ARGUMENT", str(error))
        except EngineError as error:
            return _error(STATUS_OF.get(type(error), "INTERNAL"), str(error))

    def _route(self, method: str, path: str) -> tuple[Callable[..., bytes], tuple[str, ...]]:
        for verb, pattern, answer in self._routes:
            match = pattern.fullmatch(path)
            if verb == method and match is not None:
                return answer, match.groups()
        raise NotFoundError(f"{method} {path}: not implemented by the local engine")

    def _discovery(self, request: _Request) -> bytes:
        return _json(document(URL))

    def _algorithms(self, request: _Request) -> bytes:
        return _json({"algorithms": signatures()})

    def _value(self, request: _Request) -> bytes:
        return self._compute({"kind": "value", "expression": _expression(request.body)})[0]

    def _features(self, request: _Request) -> bytes:
        """A page of a table; the pages that follow wait here until they are asked for by their token."""
        token = request.body.get("pageToken")
        if token:
            with self._lock:
                pages = self._tables.pop(str(token), None)
            if pages is None:
                raise BadRequestError("The page token is not known; ask for the table from its start.")
        else:
            size = request.body.get("pageSize", PAGE_SIZE)
            if not isinstance(size, int) or not 0 < size <= PAGE_SIZE:
                raise BadRequestError(f"pageSize must be from 1 to {PAGE_SIZE}.")
            order = {"kind": "features", "expression": _expression(request.body), "page_size": size}
            pages = self._compute(order)
        return self._page(pages)

    def _page(self, pages: list[bytes]) -> bytes:
        parts = [b'{"type":"FeatureCollection","features":', pages[0]]
        if len(pages) > 1:
            token = secrets.token_hex(8)
            with self._lock:
                while len(self._tables) >= MAX_OPEN_TABLES:
                    self._tables.pop(next(iter(self._tables)))
                self._tables[token] = pages[1:]
            parts.append(b',"nextPageToken":"%s"' % token.encode())
        return b"".join([*parts, b"}"])

    def _export(self, request: _Request) -> bytes:
        body = request.body
        expression = _expression(body)
        options = _object(body, "assetExportOptions")
        destination = _object(options, "earthEngineDestination")
        asset = str(destination.get("name", ""))
        policy = str(options.get("pyramidingPolicy", "MEAN"))
        if policy not in RESAMPLING:
            raise BadRequestError(f"The pyramiding policy {policy} is not implemented by the local engine.")
        if self._store.path(asset).exists() and not destination.get("overwrite"):
            raise BadRequestError(f"Cannot overwrite asset '{asset}'.")
        order = {
            "expression": expression,
            "asset": asset,
            "grid": _grid(_object(body, "grid")).to_json(),
            "pyramiding": policy,
        }
        request_id = str(body.get("requestId") or secrets.token_hex(16))
        return _json(self._operations.start(order, request_id, str(body.get("description", ""))))

    def _list_operations(self, request: _Request) -> bytes:
        size = _whole_number(request, "pageSize", PAGE_SIZE) or PAGE_SIZE
        start = _whole_number(request, "pageToken", 0)
        operations = self._operations.all()
        answer: dict[str, Any] = {"operations": operations[start : start + size]}
        if start + size < len(operations):
            answer["nextPageToken"] = str(start + size)
        return _json(answer)

    def _get_operation(self, request: _Request, name: str) -> bytes:
        return _json(self._operations.get(name))

    def _cancel_operation(self, request: _Request, name: str) -> bytes:
        self._operations.cancel(name)
        return _json({})

    def _get_asset(self, request: _Request, asset: str) -> bytes:
        public = re.fullmatch(r"projects/earthengine-public/assets/(.+)", asset)
        return self._compute({"kind": "asset", "asset": public[1] if public else asset})[0]

    def _compute(self, order: dict[str, Any]) -> list[bytes]:
        """Let a worker do something that is waited for."""
        job = self._pool.submit(order, urgent=True)
        while not job.wait(_POLL_SECONDS):
            if self._is_cancelled():
                self._pool.cancel(job)
                raise CancelledError("Stopped on request.")
        return job.result()


def _parsed(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BODY_BYTES:
        raise BadRequestError(f"Request payload size exceeds the limit: {MAX_BODY_BYTES} bytes.")
    if not body:
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequestError("The request's body is not JSON.") from None
    if not isinstance(value, dict):
        raise BadRequestError("The request's body is not a JSON object.")
    return value


def _expression(body: dict[str, Any]) -> Any:
    """The expression of a request, refused here and now if it is malformed or outside the vocabulary."""
    expression = body.get("expression")
    check_vocabulary(decode(expression), VOCABULARY)
    return expression


def _object(body: dict[str, Any], key: str) -> dict[str, Any]:
    value = body.get(key, {})
    if not isinstance(value, dict):
        raise BadRequestError(f"The request's {key} must be an object.")
    return value


def _whole_number(request: _Request, key: str, default: int) -> int:
    text = request.query.get(key, [str(default)])[0]
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise BadRequestError(f"{key} must be a whole number, not {text!r}.")
    return int(text)


def _grid(described: dict[str, Any]) -> Grid:
    """The grid of a request in the service's form."""
    try:
        transform, size = described["affineTransform"], described["dimensions"]
        numbers = [float(transform.get(key, 0)) for key in _TRANSFORM_KEYS]
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError("its transform is not finite")
        x_scale, x_shear, x0, y_shear, y_scale, y0 = numbers
        shape = (int(size["height"]), int(size["width"]))
        crs = str(described["crsCode"])
        if not re.fullmatch(r"EPSG:\d{4,6}", crs, re.ASCII):
            raise ValueError(f"{crs!r} is not the EPSG code of a coordinate system")
        return Grid(crs, (x_scale, x_shear, x0, y_shear, y_scale, y0), shape)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BadRequestError(f"The request's grid cannot be used ({error}).") from None


_TRANSFORM_KEYS = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _error(status: str, message: str) -> Response:
    code = HTTP_CODES.get(status, 500)
    return (
        code,
        {"content-type": "application/json"},
        _json({"error": {"code": code, "message": message, "status": status}}),
    )


class Transport:
    """What the client sends its requests through: straight to the protocol, no socket in between."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **_: Any
    ) -> tuple[Any, bytes]:
        """Answer as an HTTP client of the httplib2 kind would."""
        import httplib2

        parts = urlsplit(uri)
        content = body.encode() if isinstance(body, str) else (body or b"")
        status, answered, data = self._protocol.handle(method, parts.path, parts.query, content)
        return httplib2.Response({**answered, "status": str(status)}), data
