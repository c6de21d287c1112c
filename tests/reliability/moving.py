"""A collection at the simulated service whose exports land, with their pixels, in the stand-in of Drive; and the way to
have all of it in another process, so that a move can be killed while the services live on."""

from __future__ import annotations

import itertools
import multiprocessing
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection as Pipe
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np
from osgeo import gdal, osr

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.engines.limits import ServiceLimits
from s2mask_qgis.engines.local.values import ImageValue
from s2mask_qgis.web import transport
from s2mask_qgis.web.transport import Fetch, Request, Response
from tests.engines.in_process import Assets, evaluate_graph, image_of, pixels_of
from tests.google.drive_stand_in import Answer, Asked, DriveStandIn, StandIn

from .service import PROJECT, Behaviour, SimulatedService, varied
from .storage import Asset, AssetTree
from .tasks import Task

SOURCE = f"projects/{PROJECT}/assets/masks"
DRIVE_FOLDER = "moved"
DRIVE_HOST, EARTH_HOST = "www.googleapis.com", "earthengine.googleapis.com"
SHAPE_YX = (40, 60)
GRID = Grid("EPSG:32633", (10.0, 0.0, 600000.0, 0.0, -10.0, 5300040.0), SHAPE_YX)
RING = [[15.0, 47.8], [15.1, 47.8], [15.1, 47.9], [15.0, 47.8]]
TASK_S = 0.05
_GDAL_TYPES = {"uint8": gdal.GDT_Byte, "float32": gdal.GDT_Float32, "int16": gdal.GDT_Int16}
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Stored:
    """An image of the collection: its pixels by band, and all that the service tells of it."""

    image: ImageValue
    described: dict[str, Any]


def name_of(number: int) -> str:
    """The name of an image of the collection."""
    day = np.datetime64("2023-01-01") + number
    text = str(day).replace("-", "")
    return f"{text}T100031_{text}T100030_T33UVP"


def pixels(number: int) -> np.ma.MaskedArray:
    """The mask of an image: 0 to 2, some pixels masked."""
    random = np.random.default_rng(number)
    values = random.integers(0, 3, SHAPE_YX).astype(np.uint8)
    return np.ma.MaskedArray(values, mask=random.random(SHAPE_YX) < 0.2)


def collection(count: int) -> dict[str, Stored]:
    """So many masks, by their names at the service."""
    return {f"{SOURCE}/{name_of(number)}": stored(number, {"mask": pixels(number)}) for number in range(count)}


def stored(number: int, bands: Mapping[str, np.ma.MaskedArray]) -> Stored:
    """An image of such bands."""
    properties = {"MGRS_TILE": "33UVP", "share": number / 1000, "s2mask:key": f"key {number}"}
    valid = {name: ~np.ma.getmaskarray(array) for name, array in bands.items()}
    image = image_of({name: array.data for name, array in bands.items()}, valid, properties, GRID)
    day = f"{name_of(number)[:4]}-{name_of(number)[4:6]}-{name_of(number)[6:8]}"
    keys = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")
    rows, columns = SHAPE_YX
    grid = {
        "crsCode": GRID.crs,
        "dimensions": {"width": columns, "height": rows},
        "affineTransform": dict(zip(keys, GRID.transform)),
    }
    described = {
        "startTime": f"{day}T10:00:31.024Z",
        "endTime": f"{day}T10:00:32Z",
        "geometry": {"type": "Polygon", "coordinates": [RING]},
        "bands": [{"id": name, "dataType": _data_type(array), "grid": grid} for name, array in bands.items()],
        "properties": properties,
        "sizeBytes": str(sum(array.nbytes for array in bands.values())),
    }
    return Stored(image, described)


def _data_type(array: np.ma.MaskedArray) -> dict[str, Any]:
    """A type as the service tells it, which leaves out a limit of 0."""
    if array.dtype.kind == "f":
        return {"precision": "FLOAT"}
    limits = {"min": int(array.min()), "max": int(array.max())}
    return {"precision": "INT", "range": {name: value for name, value in limits.items() if value}}


class _Tree(AssetTree):
    """Assets of which some are images of the collection."""

    def __init__(self, limits: ServiceLimits, images: Mapping[str, Stored]) -> None:
        super().__init__(PROJECT, limits)
        self._images = images
        self.create(SOURCE, "IMAGE_COLLECTION", {}, 0.0)
        for name in images:
            self.put(name, "IMAGE", {}, 0, 0.0)

    def described(self, asset: Asset) -> dict[str, Any]:
        """See storage.AssetTree."""
        known = self._images.get(asset.name)
        return super().described(asset) | (known.described if known else {})


class MovingService(SimulatedService):
    """The simulated service with a collection; exports to Drive are evaluated and put into ``files``, in parts of
    ``part_px``, as GeoTIFFs."""

    def __init__(self, clock: Any, images: Mapping[str, Stored], files: DriveStandIn, part_px: int, **more: Any):
        behaviour = Behaviour(ServiceLimits(running_operations=20), varied(TASK_S))
        super().__init__(clock, behaviour, **more)
        self.images = images
        self.files = files
        self.assets = _Tree(behaviour.limits, images)
        self._part_px = part_px

    def left(self) -> list[str]:
        """The names of the images that are still assets."""
        return [asset.name for asset in self.assets.all() if asset.name in self.images]

    def _target(self, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        target, content = super()._target(body)
        return target, {**content, "request": body}

    def _store(self, task: Task) -> tuple[int, str] | None:
        failure = super()._store(task)
        if failure is None:
            self._write(task.content["folder"], task.content["file"], task.content["request"])
        return failure

    def _write(self, folder: str, name: str, request: dict[str, Any]) -> None:
        image = evaluate_graph(request["expression"], Assets(**{key: one.image for key, one in self.images.items()}))
        grid = _grid(request["grid"])
        nodata = request["fileExportOptions"]["geoTiffOptions"]["noData"]["floatValue"]
        bands = {key: array.filled(nodata) for key, array in pixels_of(image, grid).items()}
        known = [one["id"] for one in self.files.entries if one["name"] == folder]
        key = known[0] if known else self.files.folder(folder)
        for suffix, content in parts(bands, grid, nodata, self._part_px):
            self.files.add(key, f"{name}{suffix}.tif", content)


def _grid(described: Mapping[str, Any]) -> Grid:
    transform, size = described["affineTransform"], described["dimensions"]
    names = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")
    shape_yx = int(size["height"]), int(size["width"])
    return Grid(described["crsCode"], tuple(float(transform[name]) for name in names), shape_yx)


def parts(bands: Mapping[str, np.ndarray], grid: Grid, nodata: float, part_px: int) -> Iterator[tuple[str, bytes]]:
    """The GeoTIFFs that an image becomes in Drive, with what follows its name in theirs."""
    rows, columns = grid.shape_yx
    is_whole = max(rows, columns) <= part_px
    for row, column in itertools.product(range(0, rows, part_px), range(0, columns, part_px)):
        corner = np.s_[row : row + part_px, column : column + part_px]
        content = geotiff({name: array[corner] for name, array in bands.items()}, grid, (row, column), nodata)
        yield "" if is_whole else f"-{row:010d}-{column:010d}", content


def geotiff(bands: Mapping[str, np.ndarray], grid: Grid, corner: tuple[int, int], nodata: float) -> bytes:
    """A part of an image over a grid, from the row and column of ``corner`` on."""
    path = "/vsimem/part.tif"
    first = next(iter(bands.values()))
    driver = gdal.GetDriverByName("GTiff")
    dataset = driver.Create(path, first.shape[1], first.shape[0], len(bands), _GDAL_TYPES[str(first.dtype)])
    reference = osr.SpatialReference()
    reference.SetFromUserInput(grid.crs)
    dataset.SetProjection(reference.ExportToWkt())
    x_scale, x_shear, x, y_shear, y_scale, y = grid.transform
    left = x + corner[1] * x_scale + corner[0] * x_shear
    top = y + corner[1] * y_shear + corner[0] * y_scale
    dataset.SetGeoTransform((left, x_scale, x_shear, top, y_shear, y_scale))
    for number, (name, array) in enumerate(bands.items(), 1):
        band = dataset.GetRasterBand(number)
        band.SetDescription(name)
        band.SetNoDataValue(nodata)
        band.WriteArray(array)
    dataset = band = None
    size = gdal.VSIStatL(path).size
    handle = gdal.VSIFOpenL(path, "rb")
    content = bytes(gdal.VSIFReadL(1, size, handle))
    gdal.VSIFCloseL(handle)
    gdal.Unlink(path)
    return content


class ServiceStandIn(StandIn):
    """The simulated service at an address of this computer."""

    def __init__(self, service: SimulatedService) -> None:
        self.service = service
        super().__init__()

    def answer(self, asked: Asked) -> Answer:
        """See StandIn."""
        query = "&".join(f"{name}={value}" for name, value in asked.query.items())
        status, headers, body = self.service.answer(asked.method, EARTH_HOST, asked.path, query, asked.body)
        return Answer(status, body, dict(headers))


class World(Protocol):
    """What lives in another process: services by the hosts that they stand for."""

    servers: dict[str, StandIn]


@dataclass
class MovingWorld:
    """The simulated service and the stand-in of Drive."""

    service: MovingService
    files: DriveStandIn
    servers: dict[str, StandIn] = field(default_factory=dict)


@dataclass(frozen=True)
class Elsewhere:
    """The other end: ``urls`` by host, and what a function of the world finds there."""

    urls: dict[str, str]
    _pipe: Pipe

    def ask(self, question: Callable[[Any], Any]) -> Any:
        """What a function, one of a module, tells of the world."""
        self._pipe.send(question)
        return self._pipe.recv()


@contextmanager
def elsewhere(make: Callable[[], World]) -> Iterator[Elsewhere]:
    """Services in a process of their own."""
    here, there = _FORK.Pipe()
    process = _FORK.Process(target=_serve, args=(there, make), daemon=True)
    process.start()
    try:
        yield Elsewhere(here.recv(), here)
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Pipe, make: Callable[[], World]) -> None:
    world = make()
    pipe.send({host: server.url for host, server in world.servers.items()})
    while True:
        question = pipe.recv()
        try:
            pipe.send(question(world))
        except Exception:
            pipe.send(traceback.format_exc())


def routed(urls: Mapping[str, str]) -> Fetch:
    """A Fetch that finds each host where it stands in; hosts that are none of them do not answer."""
    known = [urlsplit(url) for url in urls.values()]

    def send(request: Request) -> Response:
        asked = urlsplit(request.url)
        if asked.netloc in urls:
            there = urlsplit(urls[asked.netloc])
            asked = asked._replace(scheme=there.scheme, netloc=there.netloc)
        elif asked.netloc not in [there.netloc for there in known]:
            raise transport.no_answer(request, "no such host")
        return transport.fetch(replace(request, url=asked.geturl()))

    return send
