"""The embedded protocol as a web service: Earth Engine's engine runs against it without a socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from s2mask_qgis.engines.earth_engine.engine import EarthEngine, Places
from s2mask_qgis.engines.earth_engine.web_calls import Urls
from s2mask_qgis.engines.errors import CancelledError, TransientError
from s2mask_qgis.engines.limits import OWN_DISK, ServiceLimits
from s2mask_qgis.engines.local.assets import PROJECT, AssetStore
from s2mask_qgis.engines.local.faults import FaultPlan, answered
from s2mask_qgis.engines.local.operations import OperationQueue
from s2mask_qgis.engines.local.protocol import Protocol
from s2mask_qgis.engines.local.workers import WorkerPool
from s2mask_qgis.google.account import Account, Connection
from s2mask_qgis.web.transport import Request, Response

TOKEN = "ya29.planted-token"
URLS = Urls("https://earthengine.googleapis.com", "https://earthengine-highvolume.googleapis.com")
Answer = tuple[int, dict[str, str], bytes]


class Credentials:
    """A sign-in whose token lasts, and is renewed without asking anybody."""

    def __init__(self) -> None:
        self.valid, self.token = True, TOKEN

    def refresh(self, _transport: Any) -> None:
        self.token += "-renewed"


@dataclass
class Web:
    """Answers requests by ``handle``, and keeps what was asked; ``faults`` strike on the way.

    ``answers`` may take a request's place: it gives an answer, or None to let it through.
    """

    handle: Callable[[str, str, str, bytes], Answer]
    faults: FaultPlan | None = None
    answers: Callable[[Request], Answer | None] = lambda request: None
    asked: list[Request] = field(default_factory=list)

    def fetch(self, request: Request) -> Response:
        """See web.transport.Fetch."""
        self.asked.append(request)
        instead = self.answers(request)
        if instead is not None:
            return response(*instead)
        parts = urlsplit(request.url)
        try:
            status, headers, data = answered(
                self.faults,
                request.verb,
                parts.path,
                lambda: self.handle(request.verb, parts.path, parts.query, request.body or b""),
            )
        except (ConnectionError, TimeoutError) as error:
            raise TransientError(f"{request.host} does not answer ({error}).") from None
        return response(status, headers, data)

    def paths(self, part: str = "") -> list[str]:
        """Methods and paths of the requests whose path holds ``part``."""
        found = [f"{each.verb} {urlsplit(each.url).path.removeprefix('/v1/')}" for each in self.asked]
        return [each for each in found if part in each]


def response(status: int, headers: dict[str, str], data: bytes) -> Response:
    """An answer that comes in two pieces."""
    half = len(data) // 2
    return Response(status, {name.lower(): value for name, value in headers.items()}, iter((data[:half], data[half:])))


def connection_to(web: Web) -> Connection:
    """Somebody who is signed in, with a token that lasts."""

    def fetch(is_cancelled: Callable[[], bool]) -> Callable[[Request], Response]:
        def send(request: Request) -> Response:
            if is_cancelled():
                raise CancelledError("Stopped.")
            return web.fetch(request)

        return send

    return Connection(Account("ann@example.org", Credentials()), fetch)


def places_in(folder: Path, destination: str = "assets", asset_folder: str = "") -> Places:
    """Places of the embedded project."""
    return Places(PROJECT, destination, asset_folder, "masks", folder)


def engine_on(web: Web, places: Places, **arguments: Any) -> EarthEngine:
    """An engine that waits for no time between attempts."""
    return EarthEngine(connection_to(web), places, urls=URLS, sleep=lambda seconds: None, **arguments)


@contextmanager
def serving(scenes: Path, folder: Path, workers: int = 1, limits: ServiceLimits = OWN_DISK) -> Iterator[Web]:
    """The embedded service on a scenes folder, its library and store in ``folder``."""
    store = AssetStore(folder / "store")
    pool = WorkerPool(workers, [str(scenes), str(folder / "library"), str(store.folder)], lambda line: None)
    operations = OperationQueue(pool, store, limits)
    try:
        job = pool.submit({"kind": "index"}, urgent=True)
        assert job.wait(60.0)
        job.result()
        yield Web(Protocol(pool, operations, store, lambda: False, limits).handle)
    finally:
        pool.close()
        operations.close()
