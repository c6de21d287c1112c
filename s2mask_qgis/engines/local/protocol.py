"""The protocol: Earth Engine's REST calls answered in this process, one function from request to response."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from ..errors import BadRequestError, CancelledError, EngineError, NotFoundError, QuotaError, StorageError
from ..limits import ServiceLimits
from . import pixel_requests
from .asset_calls import PUBLIC, AssetCalls
from .asset_files import RESAMPLING
from .asset_tree import IMAGE, TABLE, AssetTree
from .assets import PROJECT, AssetStore
from .discovery import document
from .faults import FaultPlan, answered
from .maps import OrderBook
from .messages import (
    DISK_FULL_CODE,
    JSON,
    Request,
    Response,
    answer_of,
    error_of,
    expression_of,
    grid_of,
    object_of,
    page_of,
    parsed,
    text_of,
)
from .operations import STATUS_OF, OperationQueue
from .values import ComputeError
from .vocabulary import signatures
from .workers import EXPORT, WorkerPool
from .workers import TABLE as TABLE_EXPORT

URL = "http://local.engine"
MAX_OPEN_TABLES = 16
LONGEST_PATH = 4000
_POLL_SECONDS = 0.05
_OVERRIDE = "x-http-method-override"
_PROJECT = f"/v1/projects/{PROJECT}"
TOO_MANY_REQUESTS = (
    "Too Many Requests: Request was rejected because the request rate or concurrency limit was exceeded."
)

_OTHER_TABLES = (
    "fileExportOptions",
    "featureViewExportOptions",
    "bigqueryExportOptions",
    "selectors",
    "maxErrorMeters",
    "maxVertices",
)
"""What may be asked for with the export of a table, and is not done here."""

Route = tuple[str, str, Callable[..., Response]]


class Protocol:
    """Answers requests. ``is_cancelled`` is asked while an answer is waited for, and ends the wait (CancelledError)."""

    def __init__(
        self,
        pool: WorkerPool,
        operations: OperationQueue,
        store: AssetStore,
        is_cancelled: Callable[[], bool],
        limits: ServiceLimits | None = None,
    ) -> None:
        self._pool = pool
        self._operations = operations
        self._tree = AssetTree(store)
        self._is_cancelled = is_cancelled
        self._limits = limits or ServiceLimits()
        self._assets = AssetCalls(self._tree, self._limits, self._work)
        self._maps, self._thumbnails = OrderBook("maps"), OrderBook("thumbnails")
        self._tables: dict[str, list[bytes]] = {}
        self._lock = threading.Lock()
        self._free_places = threading.BoundedSemaphore(self._limits.concurrent_requests)
        routes = [*self._own_routes(), *self._operation_routes(), *self._assets.routes()]
        self._routes = [(method, re.compile(pattern), answer) for method, pattern, answer in routes]

    def _own_routes(self) -> list[Route]:
        picture = rf"projects/{PROJECT}/thumbnails/\w+"
        return [
            ("GET", r"/\$discovery/rest", self._discovery),
            ("GET", rf"{_PROJECT}/algorithms", self._algorithms),
            ("GET", rf"{_PROJECT}/config", self._config),
            ("POST", rf"{_PROJECT}/value:compute", self._value),
            ("POST", rf"{_PROJECT}/table:computeFeatures", self._features),
            ("POST", rf"{_PROJECT}/image:computePixels", self._compute_pixels),
            ("POST", r"/v1/(projects/[\w-]+/assets/[^:]+):getPixels", self._get_pixels),
            ("POST", rf"{_PROJECT}/maps", self._create_map),
            ("GET", rf"/v1/(projects/{PROJECT}/maps/\w+)/tiles/(\d+)/(\d+)/(\d+)", self._tile),
            ("POST", rf"{_PROJECT}/thumbnails", self._create_thumbnail),
            ("GET", rf"/v1/({picture}):getPixels", self._thumbnail),
        ]

    def _operation_routes(self) -> list[Route]:
        operation = rf"(projects/{PROJECT}/operations/\w+)"
        return [
            ("POST", rf"{_PROJECT}/image:export", self._export),
            ("POST", rf"{_PROJECT}/table:export", self._export_table),
            ("GET", rf"{_PROJECT}/operations", self._list_operations),
            ("POST", rf"/v1/{operation}:cancel", self._cancel_operation),
            ("GET", rf"/v1/{operation}", self._get_operation),
        ]

    def handle(self, method: str, path: str, query: str, body: bytes) -> Response:
        """Answer one request; errors become the service's error messages. CancelledError passes through."""
        try:
            answer, groups = self._route(method, path)
            return answer(parsed(method, path, query, body, self._limits.payload_bytes), *groups)
        except CancelledError:
            raise
        except ComputeError as error:
            return error_of("INVALID_ARGUMENT", str(error))
        except StorageError as error:
            return error_of("RESOURCE_EXHAUSTED", str(error), DISK_FULL_CODE)
        except EngineError as error:
            return error_of(STATUS_OF.get(type(error), "INTERNAL"), str(error))

    def tile(self, path: str) -> Response:
        """The tile at a path below the service's address, as the loopback adapter asks for it."""
        try:
            return self.handle("GET", path, "", b"")
        except CancelledError:
            return error_of("UNAVAILABLE", "The engine is being stopped.")

    def _route(self, method: str, path: str) -> tuple[Callable[..., Response], tuple[str, ...]]:
        plain = unquote(path) if len(path) <= LONGEST_PATH else ""
        for verb, pattern, answer in self._routes:
            match = pattern.fullmatch(plain)
            if verb == method and match is not None:
                return answer, match.groups()
        raise NotFoundError(f"{method} {path[:LONGEST_PATH]}: not implemented by the local engine")

    def _discovery(self, request: Request) -> Response:
        return answer_of(document(URL))

    def _algorithms(self, request: Request) -> Response:
        return answer_of({"algorithms": signatures()})

    def _config(self, request: Request) -> Response:
        limit = self._limits.running_operations
        return answer_of({"name": f"projects/{PROJECT}/config", "maxConcurrentExports": limit})

    def _value(self, request: Request) -> Response:
        order = {"kind": "value", "expression": expression_of(request.body)}
        return 200, {"content-type": JSON}, self._work(order)[0]

    def _features(self, request: Request) -> Response:
        """A page of a table; the pages that follow wait here until they are asked for by their token."""
        token = request.body.get("pageToken")
        if token:
            with self._lock:
                pages = self._tables.pop(str(token), None)
            if pages is None:
                raise BadRequestError("The page token is not known; ask for the table from its start.")
        else:
            size = request.body.get("pageSize", self._limits.page_size)
            if not isinstance(size, int) or not 0 < size <= self._limits.page_size:
                raise BadRequestError(f"pageSize must be from 1 to {self._limits.page_size}.")
            pages = self._work({"kind": "features", "expression": expression_of(request.body), "page_size": size})
        return self._page(pages)

    def _page(self, pages: list[bytes]) -> Response:
        parts = [b'{"type":"FeatureCollection","features":', pages[0]]
        if len(pages) > 1:
            token = secrets.token_hex(8)
            with self._lock:
                while len(self._tables) >= MAX_OPEN_TABLES:
                    self._tables.pop(next(iter(self._tables)))
                self._tables[token] = pages[1:]
            parts.append(b',"nextPageToken":"%s"' % token.encode())
        return 200, {"content-type": JSON}, b"".join([*parts, b"}"])

    def _compute_pixels(self, request: Request) -> Response:
        return self._pixels(pixel_requests.compute_order(request.body, self._limits))

    def _get_pixels(self, request: Request, asset: str) -> Response:
        return self._pixels(pixel_requests.asset_order(asset.removeprefix(PUBLIC), request.body, self._limits))

    def _create_map(self, request: Request) -> Response:
        return answer_of({"name": self._maps.add(pixel_requests.map_order(request.body, self._limits))})

    def _tile(self, request: Request, name: str, zoom: str, x: str, y: str) -> Response:
        if max(map(len, (zoom, x, y))) > 9:
            raise BadRequestError("There is no such tile.")
        order = self._maps.find(name)
        return self._pixels({**order, "grid": pixel_requests.tile_grid(int(zoom), int(x), int(y))})

    def _create_thumbnail(self, request: Request) -> Response:
        return answer_of({"name": self._thumbnails.add(pixel_requests.thumbnail_order(request.body, self._limits))})

    def _thumbnail(self, request: Request, name: str) -> Response:
        return self._pixels(self._thumbnails.find(name))

    def _pixels(self, order: dict[str, Any]) -> Response:
        content_type, data = self._work(order)
        return 200, {"content-type": content_type.decode()}, data

    def _export(self, request: Request) -> Response:
        body = request.body
        if body.get("fileExportOptions"):
            raise BadRequestError("Exports to Google Drive or Cloud Storage: not implemented by the local engine.")
        expression, options = expression_of(body), object_of(body, "assetExportOptions")
        policy = str(options.get("pyramidingPolicy", "MEAN"))
        if policy not in RESAMPLING:
            raise BadRequestError(f"The pyramiding policy {policy} is not implemented by the local engine.")
        grid = grid_of(object_of(body, "grid"))
        self._check_pixels(grid.shape_yx, body.get("maxPixels"))
        return self._start(
            body, IMAGE, {"kind": EXPORT, "expression": expression, "grid": grid.to_json(), "pyramiding": policy}
        )

    def _export_table(self, request: Request) -> Response:
        for option in _OTHER_TABLES:
            if request.body.get(option):
                raise BadRequestError(f"Exports of tables with {option}: not implemented by the local engine.")
        return self._start(request.body, TABLE, {"kind": TABLE_EXPORT, "expression": expression_of(request.body)})

    def _start(self, body: dict[str, Any], kind: str, order: dict[str, Any]) -> Response:
        """Start to make an asset of a kind; a request that comes again finds what it has started, whatever it made."""
        request_id = text_of(body, "requestId")
        started = self._operations.started(request_id) if request_id else None
        if started is not None:
            return answer_of(started)
        destination = object_of(object_of(body, "assetExportOptions"), "earthEngineDestination")
        asset = str(destination.get("name", ""))
        there = self._tree.kind(asset)
        if there is not None and not (there == kind and destination.get("overwrite")):
            raise BadRequestError(f"Cannot overwrite asset '{asset}'.")
        if there is None:
            self._assets.check_room()
        name = request_id or secrets.token_hex(16)
        return answer_of(self._operations.start({**order, "asset": asset}, name, str(body.get("description") or "")))

    def _check_pixels(self, shape_yx: tuple[int, int], described: Any) -> None:
        """BadRequestError where an export has more pixels than it says it may have."""
        value = described.get("value") if isinstance(described, dict) else described
        try:
            limit = self._limits.max_pixels if value is None else int(value)
        except (TypeError, ValueError, OverflowError):
            raise BadRequestError("maxPixels must be a whole number.") from None
        pixels = shape_yx[0] * shape_yx[1]
        if pixels > limit:
            raise BadRequestError(
                f"Export too large: specified {pixels} pixels (max: {limit}). Specify higher maxPixels value if you "
                "intend to export a large area."
            )

    def _list_operations(self, request: Request) -> Response:
        operations, rest = page_of(self._operations.all(), request, self._limits.page_size)
        return answer_of({"operations": operations, **rest})

    def _get_operation(self, request: Request, name: str) -> Response:
        return answer_of(self._operations.get(name))

    def _cancel_operation(self, request: Request, name: str) -> Response:
        self._operations.cancel(name)
        return answer_of({})

    def _work(self, order: dict[str, Any]) -> list[bytes]:
        """Let a worker do something that is waited for, within the limits of interactive requests."""
        if not self._free_places.acquire(blocking=False):
            raise QuotaError(TOO_MANY_REQUESTS)
        try:
            job = self._pool.submit(order, urgent=True)
            end = time.monotonic() + self._limits.request_seconds
            while not job.wait(_POLL_SECONDS):
                if self._is_cancelled():
                    self._pool.cancel(job)
                    raise CancelledError("Stopped on request.")
                if time.monotonic() > end:
                    self._pool.cancel(job)
                    raise BadRequestError("Computation timed out.")
            return job.result()
        finally:
            self._free_places.release()


class Transport:
    """What the client sends its requests through: straight to the protocol, no socket in between.

    ``faults`` is for tests: what goes wrong on the way.
    """

    def __init__(self, protocol: Protocol, faults: FaultPlan | None = None) -> None:
        self._protocol = protocol
        self._faults = faults

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **_: Any
    ) -> tuple[Any, bytes]:
        """Answer as an HTTP client of the httplib2 kind would."""
        import httplib2

        parts = urlsplit(uri)
        content, query = body.encode() if isinstance(body, str) else (body or b""), parts.query
        if method == "POST" and (headers or {}).get(_OVERRIDE) == "GET":  # how the client sends an address too long
            method, query, content = "GET", content.decode(), b""

        def answer() -> Response:
            return self._protocol.handle(method, parts.path, query, content)

        status, headers_sent, data = answered(self._faults, method, parts.path, answer)
        return httplib2.Response({**headers_sent, "status": str(status)}), data
