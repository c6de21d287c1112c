"""The recipe of a move: every image of a folder or collection exported to Drive as it is stored."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.grid import Grid
from ..core.models.model import checksum
from ..core.scenes import Ring, Scene
from ..engines.base import DriveDestination, Export
from ..engines.errors import BadRequestError, EngineError
from ..engines.vendored import import_client
from ..google.assets import Assets, ImageAsset
from ..web.reading import understood
from .kept_entries import KeptEntries
from .ledger.ledger import Ledger
from .metadata_json import metadata_of, shown_path
from .recipe import Item, Target
from .report import ImageOutcome, ImageState
from .results import description_of

KIND = "image"
BATCH = 500
SEPARATOR = "__"
"""Stands for the / between folders in names of files."""
NO_TILE = "other"
_TILE = re.compile(r"_T(\d{2}[C-HJ-NP-X][A-Z]{2})\b")

FLOAT_NODATA, DOUBLE_NODATA = -3.4028234663852886e38, -1.7976931348623157e308
"""The lowest numbers of single and double precision: no image has them."""


@dataclass(frozen=True)
class PixelType:
    """A type of pixels that GeoTIFF and Earth Engine share; ``cast`` is the client's method that makes it."""

    cast: str
    low: float
    high: float


INTEGERS = (
    PixelType("toUint8", 0, 255),
    PixelType("toInt16", -32768, 32767),
    PixelType("toUint16", 0, 65535),
    PixelType("toInt32", -(2**31), 2**31 - 1),
)
FLOAT, DOUBLE = PixelType("toFloat", FLOAT_NODATA, -FLOAT_NODATA), PixelType("toDouble", DOUBLE_NODATA, -DOUBLE_NODATA)
_LARGEST_FLOAT_INTEGER = 2**24


class MovingRecipe:
    """See recipe.Recipe for the methods. An image is written into ``metadata`` once its export has succeeded."""

    kinds = (KIND,)

    def __init__(
        self, assets: Assets, source: str, drive_folder: str, metadata: KeptEntries, ledger: Ledger | None = None
    ) -> None:
        self._assets = assets
        self._source = source
        self._drive_folder = drive_folder
        self._metadata = metadata
        self._ledger = ledger

    def targets(self) -> Iterator[Sequence[Target]]:
        """All images that the metadata do not list as done, by pages."""
        batch: list[Target] = []
        names: dict[str, str] = {}
        count = 0
        for asset in self._assets.images(self._source):
            count += 1
            index = index_of(asset.path)
            if names.setdefault(index, asset.name) != asset.name:
                raise EngineError(
                    f"{shown_path(names[index])} and {shown_path(asset.name)} would have the same name in Drive. "
                    "Move the folders one by one."
                )
            if shown_path(asset.name) not in self._metadata:
                batch.append(Target(scene_of(asset)))
            if len(batch) >= BATCH:
                yield batch
                batch = []
        if not count and not self._has_moved_before():
            raise EngineError(f"There are no images in {shown_path(self._source)}. Choose another collection.")
        yield batch

    def _has_moved_before(self) -> bool:
        """True where images were exported that are gone by now: deleted after a move."""
        below = f"{shown_path(self._source)}/"
        return any(path.startswith(below) for path, _ in self._metadata.items())

    def items(self, tile: str, indexes: Collection[str]) -> tuple[list[Item], dict[str, str]]:
        """The images as the ledger knows them: nothing has to be prepared."""
        rows = [] if self._ledger is None else list(self._ledger.images(None, tile))
        return [
            Item(
                Scene(row.id, row.index, row.tile, row.time_start_ms, row.cloudy_percent, row.footprint),
                key_of(row.id),
            )
            for row in rows
            if row.index in indexes
        ], {}

    def plan(self, item: Item, kinds: Sequence[str]) -> dict[str, Any]:
        """What the image is now: its grid, the type of its pixels, and all that the file will not say of it."""
        asset = self._asset(item)
        kind, nodata = pixel_type(asset.bands)
        return {
            "grid": common_grid(asset).to_json(),
            "cast": kind.cast,
            "nodata": nodata,
            "metadata": metadata_of(asset, nodata, _file_of(item)).to_json(),
        }

    def export(self, item: Item, plan: dict[str, Any], kind: str, request_id: str, tile_px: int | None) -> Export:
        """The whole image on its own grid."""
        ee = import_client()
        image = getattr(ee.Image(item.scene.id), plan["cast"])()
        return Export(
            image=image,
            destination=DriveDestination(self._drive_folder, item.scene.index, plan["nodata"]),
            grid=Grid.from_json(plan["grid"]),
            request_id=request_id,
            description=description_of(kind, item.scene.index, request_id),
            tile_px=tile_px,
        )

    def outcome(self, item: Item, state: ImageState, seconds: float) -> ImageOutcome:
        """Its export has succeeded: written into the metadata before the ledger says so."""
        scene = item.scene
        if shown_path(scene.id) not in self._metadata:
            plan = self._ledger.plan(scene.index) if self._ledger is not None else None
            entry = plan["metadata"] if plan else self._looked_up(item)
            self._metadata.add(shown_path(scene.id), entry)
        outputs = {KIND: f"{self._drive_folder}/{scene.index}"}
        return ImageOutcome(scene.index, scene.tile, scene.time_start_ms, state, seconds=seconds, outputs=outputs)

    def _looked_up(self, item: Item) -> Mapping[str, Any]:
        asset = self._asset(item)
        return metadata_of(asset, pixel_type(asset.bands)[1], _file_of(item)).to_json()

    def _asset(self, item: Item) -> ImageAsset:
        found = self._assets.image(item.scene.id)
        if found is None:
            raise BadRequestError(f"{shown_path(item.scene.id)} is not there any more.")
        return found


def index_of(path: str) -> str:
    """The name of an image's file, from its path below the folder that is moved."""
    return path.replace("/", SEPARATOR)


def _file_of(item: Item) -> str:
    """The name of an image's file, where it is not the last part of its path."""
    index = item.scene.index
    return "" if index == item.scene.id.rpartition("/")[2] else index


def key_of(name: str) -> str:
    """What stands for the pixels of a stored image."""
    return checksum(["move", name])[:32]


def scene_of(asset: ImageAsset) -> Scene:
    """An image as a row of the ledger."""
    described = metadata_of(asset, None)
    tile = asset.properties.get("MGRS_TILE")
    found = _TILE.search(asset.path)
    with understood(BadRequestError(f"Earth Engine does not tell the outline of {shown_path(asset.name)}.")):
        footprint = _outline(asset.geometry)
    return Scene(
        id=asset.name,
        index=index_of(asset.path),
        tile=str(tile) if tile else found[1] if found else NO_TILE,
        time_start_ms=described.start_ms or 0,
        cloudy_percent=0.0,
        footprint=footprint,
    )


def common_grid(asset: ImageAsset) -> Grid:
    """The grid of all bands. BadRequestError where they have several, or one that cannot be exported as it is."""
    path = shown_path(asset.name)
    grids = {_grid_of(band, path) for band in asset.bands}
    if len(grids) == 1:
        return grids.pop()
    if not grids:
        raise BadRequestError(f"{path} has no bands.")
    raise BadRequestError(
        f"The bands of {path} have {len(grids)} different grids; one file would resample them. Export them by hand."
    )


def pixel_type(bands: Sequence[Mapping[str, Any]]) -> tuple[PixelType, float]:
    """The smallest type that holds all values of all bands, and a value of it that none of them has, for masked
    pixels."""
    kinds = [dict(band.get("dataType") or {}) for band in bands]
    precisions = {str(kind.get("precision", "")) for kind in kinds}
    lows, highs = zip(*(_span(kind) for kind in kinds)) if kinds else ((0.0,), (0.0,))
    low, high = min(lows), max(highs)
    if "DOUBLE" in precisions:
        return DOUBLE, DOUBLE_NODATA
    if "FLOAT" in precisions:
        integers = [_span(kind) for kind in kinds if kind.get("precision") not in ("FLOAT", "DOUBLE")]
        fits = all(one >= -_LARGEST_FLOAT_INTEGER and other <= _LARGEST_FLOAT_INTEGER for one, other in integers)
        return (FLOAT, FLOAT_NODATA) if fits else (DOUBLE, DOUBLE_NODATA)
    for kind in INTEGERS:
        if kind.low <= low and high <= kind.high:
            if high < kind.high:
                return kind, float(kind.high)
            if low > kind.low:
                return kind, float(kind.low)
    return DOUBLE, DOUBLE_NODATA


def _span(kind: Mapping[str, Any]) -> tuple[float, float]:
    """The values that a type allows; the service leaves out a limit of 0."""
    if kind.get("precision") in ("FLOAT", "DOUBLE"):
        return 0.0, 0.0
    span = kind.get("range") or {}
    return float(span.get("min", 0.0)), float(span.get("max", 0.0))


def _grid_of(band: Mapping[str, Any], path: str) -> Grid:
    described = band.get("grid") or {}
    try:
        transform, size = described["affineTransform"], described["dimensions"]
        names = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")
        a, b, c, d, e, f = (float(transform.get(name, 0.0)) for name in names)
        crs = str(described.get("crsCode") or described["crsWkt"])
        return Grid(crs, (a, b, c, d, e, f), (int(size["height"]), int(size["width"])))
    except (KeyError, TypeError):
        raise BadRequestError(f"Earth Engine does not tell the grid of {path}.") from None
    except ValueError as error:
        raise BadRequestError(f"{path} cannot be exported as it is: {error}.") from None


def _outline(geometry: Mapping[str, Any] | None) -> Ring:
    """The largest outer ring of a GeoJSON geometry, empty where there is none."""
    kind, coordinates = (geometry or {}).get("type"), (geometry or {}).get("coordinates") or ()
    rings = {"Polygon": lambda: coordinates[:1], "MultiPolygon": lambda: [one[0] for one in coordinates]}
    found = rings[kind]() if kind in rings else [coordinates] if kind == "LinearRing" else []
    ring = max(found, key=len, default=())
    return tuple((float(corner[0]), float(corner[1])) for corner in ring)
