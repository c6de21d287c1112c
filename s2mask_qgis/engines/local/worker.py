"""The worker process: does one piece of work after another for the engine that started it, and ends with it.

It reads jobs from its standard input, one line of JSON each, and writes events to its standard output: a line of JSON,
followed by as many bytes as the line announces. Pixels are computed here and nowhere else.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from osgeo import gdal

from ...core.grid import Grid
from ..errors import BadRequestError, EngineError, NotFoundError, SceneError, StorageError
from .answers import asset_json, feature_json, to_json
from .assets import AssetStore, BlockReader
from .catalogue import Catalogue
from .cloud_probability import source_problem
from .graph import check_vocabulary, decode
from .interpreter import Interpreter
from .library.library import SceneLibrary
from .pixel_answers import pixels_file
from .raster.evaluation import SideBySide
from .tables import write_table
from .values import CollectionValue, ComputeError, FeatureValue, ImageValue, check_single_values
from .vocabulary import VOCABULARY
from .workers import EXPORT, TABLE, TOGETHER

CACHE_MB = 256
"""GDAL's block cache of one worker: an export decodes each tile once (raster/squares), so more would bring nothing."""

NICENESS = 10
"""Below QGIS, whose window would otherwise wait for a processor while all of them compute."""

ERROR_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (NotFoundError, "NOT_FOUND"),
    (StorageError, "RESOURCE_EXHAUSTED"),
    (SceneError, "FAILED_PRECONDITION"),
    (BadRequestError, "INVALID_ARGUMENT"),
    (ComputeError, "INVALID_ARGUMENT"),
    (MemoryError, "RESOURCE_EXHAUSTED"),
    (EngineError, "INTERNAL"),
)
"""The service's status for each kind of error, the first that fits."""

Emit = Callable[..., None]


class Worker:
    """Carries out jobs against one library and one store; ``emit`` sends an event with optional payloads."""

    def __init__(self, catalogue: Catalogue, emit: Emit) -> None:
        self._catalogue = catalogue
        self._emit = emit
        self._kinds: dict[str, Callable[[dict[str, Any]], list[bytes]]] = {
            "index": self._index,
            "ingest": self._ingest,
            "value": self._value,
            "features": self._features,
            "asset": self._asset,
            EXPORT: self._export,
            TABLE: self._table,
            "pixels": self._pixels,
            "scenes": self._scenes,
            "properties": self._properties,
            "source": self._source,
        }

    def carry_out(self, job: dict[str, Any]) -> None:
        """Do one job, or several exports together; whatever goes wrong is sent as an event."""
        if job["kind"] == TOGETHER:
            self._export_together(job["orders"])
            return
        try:
            payloads = self._kinds[job["kind"]](job)
        except Exception as error:
            self._emit(_failure(error))
        else:
            self._emit({"event": "done"}, *payloads)

    def _index(self, job: dict[str, Any]) -> list[bytes]:
        def on_count(done: int, total: int) -> None:
            self._emit({"event": "progress", "done": done, "total": total})

        problems = self._catalogue.library.refresh(on_count, lambda: False)
        return [json.dumps([[problem.product, problem.text] for problem in problems]).encode()]

    def _ingest(self, job: dict[str, Any]) -> list[bytes]:
        self._catalogue.library.ingest(job["index"], job["collection"])
        return []

    def _evaluate(self, expression: Any) -> Any:
        root = decode(expression)
        check_vocabulary(root, VOCABULARY)
        return Interpreter(root, VOCABULARY, self._catalogue).result()

    def _value(self, job: dict[str, Any]) -> list[bytes]:
        return [_compact({"result": to_json(self._evaluate(job["expression"]))})]

    def _features(self, job: dict[str, Any]) -> list[bytes]:
        """A table by pages, each ready to be sent; the caller adds the page token."""
        features = self._features_of(job)
        size = job["page_size"]
        pages = [features[start : start + size] for start in range(0, len(features), size)] or [[]]
        return [_compact([feature_json(feature) for feature in page]) for page in pages]

    def _features_of(self, job: dict[str, Any]) -> list[FeatureValue]:
        value = self._evaluate(job["expression"])
        if not isinstance(value, CollectionValue):
            raise ComputeError("Only a FeatureCollection can be computed as a table.")
        return [_as_feature(element) for element in value.elements]

    def _table(self, job: dict[str, Any]) -> list[bytes]:
        write_table(self._catalogue.store, job["asset"], self._features_of(job), job["name"])
        return []

    def _asset(self, job: dict[str, Any]) -> list[bytes]:
        return [_compact(asset_json(job["asset"], self._catalogue.load_image(job["asset"])))]

    def _pixels(self, job: dict[str, Any]) -> list[bytes]:
        """Content type and bytes of an image's pixels; see pixel_requests for the order."""
        image = self._catalogue.load_image(job["asset"]) if "asset" in job else self._evaluate(job["expression"])
        if not isinstance(image, ImageValue):
            raise ComputeError("Only an Image has pixels.")
        content_type, data = pixels_file(image, job)
        return [content_type.encode(), data]

    def _scenes(self, job: dict[str, Any]) -> list[bytes]:
        """A page of a collection of scenes, each described as an asset."""
        collection = self._catalogue.load_collection(job["collection"])
        start, end = job["start"], job["start"] + job["size"]
        images = [image for image in collection.elements[start:end] if isinstance(image, ImageValue)]
        answer: dict[str, Any] = {"assets": [asset_json(str(image.id), image) for image in images]}
        if end < len(collection.elements):
            answer["nextPageToken"] = str(end)
        return [_compact(answer)]

    def _properties(self, job: dict[str, Any]) -> list[bytes]:
        self._catalogue.store.set_properties(job["asset"], job["properties"], job["name"])
        return []

    def _source(self, job: dict[str, Any]) -> list[bytes]:
        """Why a source of masks cannot be given here, empty where it can: packages are loaded in this process only."""
        return [(source_problem(job["source"]) or "").encode()]

    def _export(self, job: dict[str, Any]) -> list[bytes]:
        image = self._exported(job)
        for share in self._store(job, image):
            self._emit(_progress(share))
        return []

    def _exported(self, job: dict[str, Any]) -> ImageValue:
        image = self._evaluate(job["expression"])
        if not isinstance(image, ImageValue) or not image.bands:
            raise ComputeError("Only an Image with at least one band can be exported.")
        check_single_values(image.bands)
        return image

    def _store(self, job: dict[str, Any], image: ImageValue, read: BlockReader | None = None) -> Iterator[float]:
        grid = Grid.from_json(job["grid"])
        return self._catalogue.store.write(image, grid, job["asset"], job["name"], job["pyramiding"], read)

    def _export_together(self, jobs: list[dict[str, Any]]) -> None:
        """Exports over one grid in step, block by block. One that fails ends alone; its events tell its number."""
        images: dict[int, ImageValue] = {}
        for number, job in enumerate(jobs):
            with self._reported(number):
                images[number] = self._exported(job)
        sources = [[band.source for band in image.bands] for image in images.values()]
        side_by_side = SideBySide(sources, Grid.from_json(jobs[0]["grid"]))
        readers = [partial(side_by_side.read, position) for position in range(len(images))]
        steps = {n: self._store(jobs[n], image, read) for (n, image), read in zip(images.items(), readers)}
        while steps:
            for number, step in list(steps.items()):
                share = None
                with self._reported(number):
                    share = next(step, None)
                    self._emit({**({"event": "done"} if share is None else _progress(share)), "of": number})
                if share is None:
                    del steps[number]

    @contextmanager
    def _reported(self, number: int) -> Iterator[None]:
        """Whatever goes wrong with one of several jobs is sent as an event of its own."""
        try:
            yield
        except Exception as error:
            self._emit({**_failure(error), "of": number})


def _progress(share: float) -> dict[str, Any]:
    return {"event": "progress", "done": round(share * 1000), "total": 1000}


def _failure(error: Exception) -> dict[str, Any]:
    """An error as an event; one that is none of the engine's is printed for the log."""
    status = next((status for kind, status in ERROR_KINDS if isinstance(error, kind)), None)
    if status is None:
        traceback.print_exception(error)
    text = str(error) if status else f"The local engine failed unexpectedly ({type(error).__name__}: {error})."
    return {"event": "error", "status": status or "INTERNAL", "message": text}


def _as_feature(element: Any) -> FeatureValue:
    if isinstance(element, FeatureValue):
        return element
    if isinstance(element, CollectionValue):
        raise ComputeError("A collection of collections has no features; flatten it first.")
    return FeatureValue(element.footprint, element.properties, element.id)


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _sender(stream: BinaryIO) -> Emit:
    def emit(event: dict[str, Any], *payloads: bytes) -> None:
        header = {**event, "sizes": [len(payload) for payload in payloads]}
        stream.write(_compact(header) + b"\n" + b"".join(payloads))
        stream.flush()

    return emit


def _jobs(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """Jobs as they come in. When the stream ends the engine has gone, and the process ends at once, mid-job or not."""
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def listen() -> None:
        for line in stream:
            waiting.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield waiting.get()


def main(scenes_folder: str, library_folder: str, store_folder: str) -> None:
    """Serve jobs until the standard input ends."""
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever libraries print must not land among the events
    gdal.SetCacheMax(CACHE_MB * 2**20)
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    sys.setrecursionlimit(20_000)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    library = SceneLibrary(Path(scenes_folder), Path(library_folder))
    worker = Worker(Catalogue(library, AssetStore(Path(store_folder))), _sender(events))
    for job in _jobs(sys.stdin.buffer):
        worker.carry_out(job)


if __name__ == "__main__":
    main(*sys.argv[1:])
