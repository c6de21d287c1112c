"""A whole service in a test: protocol, operations and workers behind the unmodified client."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.core.scenes import COLLECTION
from s2mask_qgis.engines.base import AssetDestination, Export
from s2mask_qgis.engines.client import ServiceClient
from s2mask_qgis.engines.expressions import ready_client
from s2mask_qgis.engines.local.assets import PROJECT, ROOT, AssetStore
from s2mask_qgis.engines.local.calls import LocalCalls
from s2mask_qgis.engines.local.faults import FaultPlan
from s2mask_qgis.engines.local.operations import OperationQueue
from s2mask_qgis.engines.local.protocol import URL, Protocol, Transport
from s2mask_qgis.engines.local.workers import WorkerPool
from tests.engines.in_process import grid_of
from tests.engines.small_scenes import INDEXES, SHAPE_YX

PATIENCE_S = 60.0
GRID = grid_of(SHAPE_YX)


@dataclass
class Service:
    """One service; ``cancel_waiting`` makes whatever is waited for stop."""

    store: AssetStore
    pool: WorkerPool
    operations: OperationQueue
    protocol: Protocol
    client: ServiceClient
    log: list[str] = field(default_factory=list)
    cancel_waiting: bool = False

    def ask(self, method: str, path: str, body: Any = None, query: str = "") -> tuple[int, Any]:
        """Status and JSON of one request; ``path`` is below the project, a body that is not bytes is sent as JSON."""
        content = body if isinstance(body, bytes) else (b"" if body is None else json.dumps(body).encode())
        status, headers, answer = self.protocol.handle(method, f"/v1/projects/{PROJECT}/{path}", query, content)
        assert headers["content-type"] == "application/json"
        return status, json.loads(answer)


def initialised(transport: Transport) -> ModuleType:
    """The unmodified client, initialised to send all its calls to the local engine's protocol."""
    client = ready_client()
    client.Initialize(credentials=None, url=URL, project=PROJECT, http_transport=transport)
    client.data.setMaxRetries(0)
    return client


@contextmanager
def running(scenes: Path, folder: Path, workers: int = 1, faults: FaultPlan | None = None) -> Iterator[Service]:
    """A service on a scenes folder whose library and store are in ``folder``, its scenes indexed."""
    log: list[str] = []
    store = AssetStore(folder / "store")
    pool = WorkerPool(workers, [str(scenes), str(folder / "library"), str(store.folder)], log.append)
    operations = OperationQueue(pool, store, faults=faults)
    state: dict[str, Service] = {}
    protocol = Protocol(pool, operations, store, lambda: "service" in state and state["service"].cancel_waiting)
    try:
        initialised(Transport(protocol))
        client = ServiceClient(LocalCalls(protocol, faults), PROJECT)
        state["service"] = service = Service(store, pool, operations, protocol, client, log)
        job = pool.submit({"kind": "index"}, urgent=True)
        assert job.wait(PATIENCE_S)
        job.result()
        yield service
    finally:
        pool.close()
        operations.close()


def until(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of a condition that another process or thread brings about."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited in vain for {what}")


def worker_pids(folder: Path) -> set[int]:
    """Processes that work for a store or library inside ``folder``; dead ones that nobody has reaped are left out."""
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        is_worker = any(part.endswith(b".engines.local.worker") for part in command)
        if is_worker and any(part.startswith(os.fsencode(folder)) for part in command) and is_alive(int(entry.name)):
            found.add(int(entry.name))
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def scene_image(ee: Any, date: int = 0) -> Any:
    """One of the small scenes."""
    return ee.Image(f"{COLLECTION}/{INDEXES[date]}")


def slow_image(ee: Any) -> Any:
    """An image that takes many seconds to compute over a slow_grid."""
    return ee.Image(1).focalMedian(8, "square")


def slow_grid() -> Grid:
    return grid_of((2000, 2000))


def slow_value(ee: Any, radius: int = 6) -> Any:
    """A number that takes a second (radius 4) to a dozen (10) to compute."""
    return scene_image(ee).select("B2").focalMedian(radius, "square").reduceRegion(ee.Reducer.max(), scale=0.5)


def export_of(image: Any, name: str, request_id: str | None = None, grid: Grid = GRID) -> Export:
    return Export(image, AssetDestination(f"{ROOT}/mask/{name}"), grid, request_id or name, f"export_{name}")
