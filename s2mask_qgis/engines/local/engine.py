"""The local engine: the Earth Engine client, talking to the protocol on this computer, with its library and workers."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ...core.area import Area
from ...core.grid import Grid
from ...core.scenes import COLLECTION, Scene
from ..base import (
    AssetDestination,
    CountCallback,
    Destination,
    EngineTraits,
    Export,
    Operation,
    Quota,
    TileStyle,
    TrueColour,
)
from ..client import ServiceClient
from ..errors import CancelledError, EngineError, NotFoundError, StorageError
from ..limits import OWN_DISK, ServiceLimits
from .assets import PROJECT, ROOT, AssetStore
from .calls import LocalCalls
from .library.library import SceneLibrary
from .library.records import SceneProblem
from .operations import OperationQueue
from .protocol import Protocol
from .tiles import TileServer
from .workers import Job, WorkerPool

if TYPE_CHECKING:
    import ee

TRUE_COLOUR_BANDS = ("B4", "B3", "B2")
WORKERS = OWN_DISK.running_operations
SPARE_WORKERS = 1
"""Started when something is asked for while all workers are busy with exports."""

TRAITS = EngineTraits(
    title="This computer",
    active_limit=24,
    refresh_seconds=0.05,
    concurrent_calls=1,
    has_local_results=True,
    stores_masks=True,
    takes_requests_anew=True,
)
"""24 exports: enough for both workers to make several side by side while the next images are planned."""

_POLL_SECONDS = 0.1


class LocalEngine:
    """Computes on the products of ``scenes_folder``; see base.Engine for the methods.

    ``library_folder`` keeps ingested scenes for all runs, ``store_folder`` receives the results. ``is_cancelled`` ends
    whatever is waited for. Use it in a ``with`` block, or close it.
    """

    def __init__(
        self,
        scenes_folder: Path,
        library_folder: Path,
        store_folder: Path,
        is_cancelled: Callable[[], bool] = lambda: False,
        on_log: Callable[[str], None] = lambda line: None,
        workers: int = WORKERS,
        limits: ServiceLimits = OWN_DISK,
    ) -> None:
        self._is_cancelled = is_cancelled
        self._library = SceneLibrary(scenes_folder, library_folder)
        self._store = AssetStore(Path(store_folder))
        folders = [str(Path(folder).absolute()) for folder in (scenes_folder, library_folder, store_folder)]
        self._pool = WorkerPool(min(workers, limits.running_operations), folders, on_log, SPARE_WORKERS)
        journal = _journal_path(Path(library_folder), Path(store_folder))
        self._operations = OperationQueue(self._pool, self._store, limits, journal)
        self._protocol = Protocol(self._pool, self._operations, self._store, is_cancelled, limits)
        self._tiles: TileServer | None = None
        self._tiles_lock = threading.Lock()
        try:
            # Nothing between the client and this process can get lost: asking again would only repeat the failure.
            self._client = ServiceClient(LocalCalls(self._protocol), PROJECT)
        except BaseException:
            self._pool.close()
            raise

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def refresh(self, on_count: CountCallback) -> tuple[SceneProblem, ...]:
        """Look through the scenes folder; returns the products that cannot be used, and why."""
        job = self._pool.submit({"kind": "index"}, urgent=True, on_count=on_count)
        self._wait([job])
        job.result()
        return self._library.problems()

    @property
    def traits(self) -> EngineTraits:
        """See base.Engine."""
        return TRAITS

    def tiles(self, area: Area | None = None, collection: str = COLLECTION) -> list[str]:
        """See base.Engine."""
        return self._client.tiles(area, collection)

    def scenes(
        self,
        area: Area | None = None,
        tiles: Sequence[str] | None = None,
        collection: str = COLLECTION,
        dates: tuple[str, str] | None = None,
    ) -> list[Scene]:
        """See base.Engine."""
        return self._client.scenes(area, tiles, collection, dates)

    def grid(self, scene: Scene) -> Grid:
        """See base.Engine."""
        return self._client.grid(scene)

    def true_colour(self, scene: Scene) -> TrueColour | None:
        """The ingested 10 m bands of a scene; None where they are not ingested yet."""
        ingested = self._library.ingested(scene.index, scene.collection)
        if ingested is None:
            return None
        red, green, blue = (ingested.bands[name] for name in TRUE_COLOUR_BANDS)
        if not red.path == green.path == blue.path:
            return None
        return TrueColour(red.path, (red.number, green.number, blue.number))

    def prepare(self, scenes: Iterable[Scene], on_count: CountCallback) -> dict[str, str]:
        """Ingest scenes; see base.Engine. StorageError where the library cannot hold them."""
        missing = [scene for scene in scenes if self._library.ingested(scene.index, scene.collection) is None]
        orders = [{"kind": "ingest", "index": scene.index, "collection": scene.collection} for scene in missing]
        jobs = [self._pool.submit(order) for order in orders]
        self._wait(jobs, on_count)
        reasons = {}
        for index, job in zip((scene.index for scene in missing), jobs):
            try:
                job.result()
            except StorageError:
                raise
            except EngineError as error:
                reasons[index] = str(error)
        return reasons

    def source_problem(self, source: str) -> str | None:
        """See base.Engine."""
        job = self._pool.submit({"kind": "source", "source": source}, urgent=True)
        self._wait([job])
        return job.result()[0].decode() or None

    def _wait(self, jobs: list[Job], on_count: CountCallback = lambda done, total: None) -> None:
        """Until all jobs have ended; a full disk ends the others, cancelling ends all with CancelledError."""
        while True:
            ended = [job for job in jobs if job.has_ended]
            on_count(len(ended), len(jobs))
            if len(ended) == len(jobs):
                return
            is_full = any(job.status == "RESOURCE_EXHAUSTED" for job in ended)
            if is_full or self._is_cancelled():
                for job in jobs:
                    self._pool.cancel(job)
                if not is_full:
                    raise CancelledError("Stopped on request.")
            unfinished = [job for job in jobs if not job.has_ended]
            if unfinished:
                unfinished[0].wait(_POLL_SECONDS)

    def sample(self, image: ee.Image, grid: Grid, size: int, seed: int) -> dict[str, list[float]]:
        """See base.Engine."""
        return self._client.sample(image, grid, size, seed)

    def value(self, computation: ee.ComputedObject) -> Any:
        """See base.Engine."""
        return self._client.value(computation)

    def tile_url(self, image: ee.Image, style: TileStyle) -> str:
        """See base.Engine; the tiles are served on this computer only, from the first time they are asked for."""
        name = self._client.map_name(image, style)
        with self._tiles_lock:
            if self._tiles is None:
                self._tiles = TileServer(self._protocol.tile)
            return self._tiles.template(name)

    def start(self, export: Export) -> str:
        """See base.Engine."""
        return self._client.start(export)

    def operations(self, names: Collection[str] = ()) -> dict[str, Operation]:
        """See base.Engine."""
        return self._client.operations()

    def cancel(self, operation_name: str) -> None:
        """See base.Engine."""
        self._client.cancel(operation_name)

    def asset_properties(self, asset: str) -> Mapping[str, Any] | None:
        """See base.Engine; read from the file, no worker is asked."""
        return self._store.properties(asset)

    def asset_changed(self, asset: str) -> str:
        """See base.Engine."""
        return self._client.asset_changed(asset)

    def asset_id(self, kind: str, index: str) -> str:
        """See base.Engine."""
        return f"{ROOT}/{kind}/{index}"

    def destination(self, kind: str, index: str) -> Destination:
        """See base.Engine."""
        return AssetDestination(self.asset_id(kind, index))

    def open_destinations(self, kinds: Sequence[str]) -> None:
        """The store makes its folders as results come."""

    def stored(self, kind: str, indexes: Collection[str]) -> dict[str, Mapping[str, Any]]:
        """See base.Engine; read from the files."""
        found = {index: self.asset_properties(self.asset_id(kind, index)) for index in indexes}
        return {index: properties for index, properties in found.items() if properties is not None}

    def quota(self) -> Quota | None:
        """The user's own disk has no limit that is known."""
        return None

    def fetch(self, asset: str) -> Path:
        """The asset's own file."""
        path = self._store.path(asset)
        if not path.is_file():
            raise NotFoundError(f"There is no result {path}.")
        return path

    def close(self) -> None:
        """Stop the workers and remove what they leave unfinished."""
        with self._tiles_lock:
            if self._tiles is not None:
                self._tiles.close()
                self._tiles = None
        self._pool.close()
        self._operations.close()


def _journal_path(library_folder: Path, store_folder: Path) -> Path:
    """Where the exports of a store are written down: beside the library, the user's folder holds results alone."""
    key = hashlib.sha256(str(store_folder.resolve()).encode()).hexdigest()[:16]
    return library_folder.absolute() / "operations" / f"{key}.sqlite"
