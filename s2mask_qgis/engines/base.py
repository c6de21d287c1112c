"""The one seam between runs and engines: what an engine can do, and the plain values that cross."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..core.area import Area
from ..core.grid import Grid
from ..core.scenes import COLLECTION, Scene

if TYPE_CHECKING:
    import ee

CountCallback = Callable[[int, int], None]
"""Called with (done, total) as work proceeds, from the thread that does it."""


class OperationState(Enum):
    """Where an export stands; the names are Earth Engine's."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    SUCCEEDED = "SUCCEEDED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"

    @property
    def is_final(self) -> bool:
        """True once nothing more will happen."""
        return self in (OperationState.SUCCEEDED, OperationState.CANCELLED, OperationState.FAILED)


@dataclass(frozen=True)
class TrueColour:
    """A raster that shows an image in true colour: ``bands`` are the 1-based numbers of red, green and blue,
    whose values are reflectance x 10000."""

    path: Path
    bands: tuple[int, int, int]


@dataclass(frozen=True)
class Operation:
    """One export at the service; ``error`` and ``error_code`` (google.rpc.Code) tell why it failed, where it did.

    Times are seconds since 1970, None where the service does not tell them; ``compute_seconds`` is what it charges
    (EECU-seconds).
    """

    name: str
    state: OperationState
    error: str = ""
    error_code: int = 0
    description: str = ""
    created_s: float | None = None
    started_s: float | None = None
    ended_s: float | None = None
    compute_seconds: float | None = None


class Pyramiding(Enum):
    """How the coarser levels of an asset are made of its pixels; the names are Earth Engine's."""

    MEAN = "MEAN"
    MODE = "MODE"
    SAMPLE = "SAMPLE"


@dataclass(frozen=True)
class AssetDestination:
    """An image asset; one of the same name is replaced once the new one is whole."""

    asset: str


@dataclass(frozen=True)
class DriveDestination:
    """A GeoTIFF ``name``.tif in a folder of the user's Google Drive: the folder's name, not a path.

    Large images come in shards, ``name``-0000000000-0000000000.tif and so on (yMin-xMin). Drive keeps files of the
    same name side by side. Masked pixels have the value ``nodata``, which the type of the pixels must hold; None
    stands for that of all results, which are of single precision.
    """

    folder: str
    name: str
    nodata: float | None = None


@dataclass(frozen=True)
class FileDestination:
    """A GeoTIFF on this computer, its pixels straight from the service; it appears when it is whole."""

    path: Path


Destination = AssetDestination | DriveDestination | FileDestination


@dataclass(frozen=True)
class EngineTraits:
    """How an engine wants to be used.

    ``active_limit`` exports under way at once are the most that make sense; ``refresh_seconds`` lie between two looks
    at the operations (None: as the request says); ``concurrent_calls`` may be waited for at once;
    ``has_local_results`` tells that results are files here, from which figures are read as soon as they are made;
    ``stores_masks`` that a mask once exported can be read by later expressions; ``takes_requests_anew`` that a request
    id may be used again once its result is gone.
    """

    title: str
    active_limit: int
    refresh_seconds: float | None
    concurrent_calls: int
    has_local_results: bool
    stores_masks: bool
    takes_requests_anew: bool = False


@dataclass(frozen=True)
class Quota:
    """What a project has used of its limits; None where there is no limit, or where the service tells none."""

    assets: int
    most_assets: int | None
    store_bytes: int
    most_store_bytes: int | None
    active_tasks: int
    most_active_tasks: int | None


@dataclass(frozen=True)
class Export:
    """One image to be written to ``destination`` on ``grid``; ``request_id`` makes sending it twice harmless.

    A request id has letters, digits and "-", at most 60 of them. ``tile_px`` is the side of the tiles in which a
    service computes it, None for its own choice: small ones for pixels that hold large arrays.
    """

    image: ee.Image
    destination: Destination
    grid: Grid
    request_id: str
    description: str
    pyramiding: Pyramiding = Pyramiding.MEAN
    tile_px: int | None = None


@dataclass(frozen=True)
class TileStyle:
    """How an image is shown on a map: one band in grey or in the colours of ``palette`` (RRGGBB), or three as red,
    green and blue, from ``minimum`` to ``maximum``."""

    bands: tuple[str, ...]
    minimum: float
    maximum: float
    palette: tuple[str, ...] = ()
    gamma: float = 1.0


class Engine(Protocol):
    """What a run needs. Every method may raise an EngineError; none touches Qt.

    Methods may be called from several threads at once.
    """

    @property
    def traits(self) -> EngineTraits:
        """How the engine wants to be used."""

    def tiles(self, area: Area | None = None, collection: str = COLLECTION) -> list[str]:
        """The tiles that have scenes of ``collection`` which meet ``area``, in order."""

    def scenes(
        self,
        area: Area | None = None,
        tiles: Sequence[str] | None = None,
        collection: str = COLLECTION,
        dates: tuple[str, str] | None = None,
    ) -> list[Scene]:
        """The scenes of ``collection`` whose footprint meets ``area``, whose tile is one of ``tiles`` and which were
        taken within ``dates`` (YYYY-MM-DD, both days included, UTC), in order of time."""

    def grid(self, scene: Scene) -> Grid:
        """The grid of the scene's 10 m bands, named by B2."""

    def true_colour(self, scene: Scene) -> TrueColour | None:
        """How the scene is shown in true colour, None where the engine cannot show it."""

    def prepare(self, scenes: Iterable[Scene], on_count: CountCallback) -> dict[str, str]:
        """Make scenes ready to be computed with; returns the reason for each that cannot be used, by system:index."""

    def source_problem(self, source: str) -> str | None:
        """Why the engine cannot give a source of masks (of core.parameters.SOURCES), a sentence for the user; None
        where it can."""

    def sample(self, image: ee.Image, grid: Grid, size: int, seed: int) -> dict[str, list[float]]:
        """The values of at most ``size`` random pixels of ``grid``, a list per band, leaving out masked ones."""

    def value(self, computation: ee.ComputedObject) -> Any:
        """The value of a small computation."""

    def tile_url(self, image: ee.Image, style: TileStyle) -> str:
        """The address of the image's map tiles, with {z}, {x} and {y} to be filled in; it ends with the engine."""

    def start(self, export: Export) -> str:
        """Start an export and return its operation's name. The same request id never starts a second one: it gives
        the name of the first. QueueFullError where the service takes no more for now."""

    def operations(self, names: Collection[str] = ()) -> dict[str, Operation]:
        """By name: those of ``names`` that the service still knows, and everybody's of the project that have not
        ended; others may be left out."""

    def cancel(self, operation_name: str) -> None:
        """Ask the service to stop an operation."""

    def asset_properties(self, asset: str) -> Mapping[str, Any] | None:
        """The properties of an asset, None where there is no such asset."""

    def asset_changed(self, asset: str) -> str:
        """When an asset was changed last, as the service writes it, "" where it does not tell. NotFoundError where
        there is no such asset."""

    def asset_id(self, kind: str, index: str) -> str:
        """The id under which the result ``kind`` (mask, ndvi) of the image ``index`` is stored."""

    def destination(self, kind: str, index: str) -> Destination:
        """Where the result ``kind`` of the image ``index`` goes."""

    def open_destinations(self, kinds: Sequence[str]) -> None:
        """Make sure that results of these kinds can be stored: make the collections or folders that are missing.

        Called once, before the first export. Whatever is in the way is told as an EngineError.
        """

    def stored(self, kind: str, indexes: Collection[str]) -> dict[str, Mapping[str, Any]]:
        """The properties of the results ``kind`` that are stored for images of ``indexes``, by index.

        Few requests, whatever their number. Empty where the destination tells no properties (Drive).
        """

    def quota(self) -> Quota | None:
        """What is used of the service's limits; None where there are none."""

    def fetch(self, asset: str) -> Path:
        """The asset as a GeoTIFF on this computer."""

    def close(self) -> None:
        """Give back processes and connections; what is unfinished stops."""
