"""The one seam between runs and engines: what an engine can do, and the plain values that cross."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    """One export at the service; ``error`` and ``error_code`` (google.rpc.Code) tell why it failed, where it did."""

    name: str
    state: OperationState
    error: str = ""
    error_code: int = 0


class Pyramiding(Enum):
    """How the coarser levels of an asset are made of its pixels; the names are Earth Engine's."""

    MEAN = "MEAN"
    MODE = "MODE"
    SAMPLE = "SAMPLE"


@dataclass(frozen=True)
class Export:
    """One image to be written as an asset on ``grid``; ``request_id`` makes sending it twice harmless.

    ``tile_px`` is the side of the tiles in which a service computes it, None for its own choice: small ones for pixels
    that hold large arrays.
    """

    image: ee.Image
    asset: str
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
    """What a run needs. Every method may raise an EngineError; none touches Qt."""

    def scenes(
        self, area: Area | None = None, tiles: Sequence[str] | None = None, collection: str = COLLECTION
    ) -> list[Scene]:
        """The scenes of ``collection`` whose footprint meets ``area`` and whose tile is one of ``tiles``, in order of
        time."""

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
        """Start an export and return its operation's name; an asset of the same name is replaced when it is done."""

    def operations(self) -> dict[str, Operation]:
        """All operations known to the service, by name."""

    def cancel(self, operation_name: str) -> None:
        """Ask the service to stop an operation."""

    def asset_properties(self, asset: str) -> Mapping[str, Any] | None:
        """The properties of an asset, None where there is no such asset."""

    def asset_id(self, kind: str, index: str) -> str:
        """The id under which the result ``kind`` (mask, ndvi) of the image ``index`` is stored."""

    def fetch(self, asset: str) -> Path:
        """The asset as a GeoTIFF on this computer."""

    def close(self) -> None:
        """Give back processes and connections; what is unfinished stops."""
