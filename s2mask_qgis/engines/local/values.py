"""The values that expressions are made of: images, collections, features, geometries, dates, filters, reducers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

import numpy as np

from ...core.grid import Grid
from .raster.sources import Pixels, Source


class ComputeError(Exception):
    """An expression that cannot be evaluated; the text names the algorithm and what is wrong, as the service would."""


INDEX = "system:index"
"""The property that names an image within its collection."""


@dataclass(frozen=True)
class Band:
    """One band of an image: its name, where its pixels come from, its default grid (None: no resolution of its own)
    and the type its values are declared to have. ``opacity`` gives masks between 0 and 1 where there may be such:
    pixels that are valid are opaque to that part."""

    name: str
    source: Source
    grid: Grid | None = None
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float64))
    opacity: Source | None = None


@dataclass(frozen=True)
class GeometryValue:
    """A geometry as GeoJSON in ``crs``. Edges between corners are straight in ``crs``, or geodesic lines."""

    geojson: Mapping[str, Any]
    crs: str = "EPSG:4326"
    geodesic: bool = False


@dataclass(frozen=True)
class ImageValue:
    """Bands in order, and properties; ``footprint`` is None where the image is unbounded."""

    bands: tuple[Band, ...]
    properties: Mapping[str, Any] = field(default_factory=dict)
    footprint: GeometryValue | None = None
    id: str | None = None

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands, in order."""
        return tuple(band.name for band in self.bands)

    def with_bands(self, bands: Sequence[Band]) -> ImageValue:
        """The same image with other bands."""
        return replace(self, bands=tuple(bands))


@dataclass(frozen=True)
class FeatureValue:
    """A geometry (or none) with properties."""

    geometry: GeometryValue | None
    properties: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True)
class CollectionValue:
    """Elements in order: images, features, or collections of them."""

    elements: tuple[Any, ...]
    properties: Mapping[str, Any] = field(default_factory=dict)


def index_of(element: ImageValue | FeatureValue) -> str | None:
    """What tells an element from the others of its collection: the id of a feature, the system:index of an image."""
    if isinstance(element, FeatureValue):
        return element.id
    index = element.properties.get(INDEX)
    return None if index is None else str(index)


def with_index(element: Any, index: str | None) -> Any:
    """An image or a feature under another index within its collection; as it is where there is none to give."""
    if index is None:
        return element
    if isinstance(element, FeatureValue):
        return replace(element, id=index)
    return replace(element, properties={**element.properties, INDEX: index})


def property_of(element: Any, name: str) -> Any:
    """A property of an element, None where there is none; the id of a feature stands for its system:index."""
    value = element.properties.get(name)
    return element.id if value is None and name == INDEX and isinstance(element, FeatureValue) else value


@dataclass(frozen=True)
class DateValue:
    """An instant, in milliseconds since 1970 UTC."""

    millis: int

    @property
    def time(self) -> datetime:
        """The instant as a datetime, UTC."""
        return datetime.fromtimestamp(self.millis / 1000, timezone.utc)


@dataclass(frozen=True)
class DateRangeValue:
    """From ``start`` (included) to ``end`` (excluded), in milliseconds since 1970 UTC."""

    start: int
    end: int


@dataclass(frozen=True)
class FilterValue:
    """A test of an element."""

    matches: Callable[[ImageValue | FeatureValue], bool]


Folded = tuple[np.ndarray, np.ndarray | None]
"""Values and where they are defined, None for everywhere."""


@dataclass(frozen=True)
class Column:
    """One input of a reducer over records: values (n,) and which of them are not null."""

    values: np.ndarray
    valid: np.ndarray

    def at(self, chosen: np.ndarray) -> Column:
        """The records that ``chosen`` picks, a boolean for each."""
        return Column(self.values[chosen], self.valid[chosen])


@dataclass(frozen=True)
class Records:
    """What a reducer folds outside images: its inputs, and how much of each record counts (None: all of it).

    ``weights`` are shares between 0 and 1, for pixels that a region cuts; ``inside`` tells which of these pixels have
    their centre in the region, which is what reducers without weights go by.
    """

    columns: tuple[Column, ...]
    weights: np.ndarray | None = None
    inside: np.ndarray | None = None

    def at(self, chosen: np.ndarray) -> Records:
        """The records that ``chosen`` picks, a boolean for each."""
        weights = None if self.weights is None else self.weights[chosen]
        inside = None if self.inside is None else self.inside[chosen]
        return Records(tuple(column.at(chosen) for column in self.columns), weights, inside)


@dataclass(frozen=True)
class ReducerOutput:
    """One output of a reducer: ``reduce(stack, valid)`` folds axis 0 of values and validity of shape (n, ...).

    The result is the values and where they are defined. ``dtype`` is the declared type, None for the inputs' own.
    ``positions`` are the inputs that are read; of several, stacks have the shape (n, inputs, ...).
    ``weighted`` folds values, validity and weights, all (n,), where records count in part; None: they count whole.
    ``collect`` folds records into a value that no pixel can hold (a list, a dictionary), in place of ``reduce``.
    """

    name: str
    reduce: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    dtype: np.dtype[Any] | None = None
    fold_integers: Callable[[Sequence[np.ndarray], Sequence[np.ndarray | None]], Folded] | None = None
    """A faster way for a few integer layers of one type: the layers and their validity, None for valid everywhere."""
    positions: tuple[int, ...] = (0,)
    weighted: Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None
    collect: Callable[[Records], Any] | None = None
    running: np.ufunc | None = None
    """The function of two values whose accumulation folds each leading part of an axis, where there is one."""
    over_images: Callable[[Sequence[Sequence[Source]]], Source] | None = None
    """The source over records of bands where the result is an array; ``reduce`` then has the array's axes in front."""


@dataclass(frozen=True)
class ReducerValue:
    """A reducer of ``inputs`` inputs with one output or several (combined)."""

    outputs: tuple[ReducerOutput, ...]
    inputs: int = 1


@dataclass(frozen=True)
class KernelValue:
    """Weights around a pixel, (2 r + 1) x (2 r + 1), in pixels of the evaluation grid; 0 leaves a neighbour out."""

    weights: np.ndarray


@dataclass(frozen=True)
class ProjectionValue:
    """A coordinate system with the transform of a grid, in Earth Engine's order."""

    crs: str
    transform: tuple[float, ...]


@dataclass(frozen=True)
class FunctionValue:
    """A function of the expression: called with its arguments by name."""

    argument_names: tuple[str, ...]
    call: Callable[[Mapping[str, Any]], Any]

    def __call__(self, *arguments: Any) -> Any:
        """The value for arguments in order."""
        if len(arguments) < len(self.argument_names):
            raise ComputeError(f"A function of {len(self.argument_names)} arguments was given {len(arguments)}.")
        return self.call(dict(zip(self.argument_names, arguments)))


def check_single_values(bands: Sequence[Band]) -> None:
    """ComputeError where a band's pixels hold arrays: files and pictures have one number a pixel."""
    for band in bands:
        if band.source.array_shape:
            raise ComputeError(f"The pixels of band {band.name!r} are arrays; use arrayGet or arrayFlatten first.")


def map_sources(image: ImageValue, function: Callable[[Source], Source], dtype: Any = None) -> ImageValue:
    """The image with each band's source replaced, names and grids kept."""
    return image.with_bands(
        [
            replace(band, source=function(band.source), dtype=np.dtype(dtype) if dtype else band.dtype)
            for band in image.bands
        ]
    )


def whole_valid(pixels: Sequence[Pixels]) -> bool:
    """True where no input has a masked pixel."""
    return all(part.valid is None or bool(part.valid.all()) for part in pixels)


@dataclass(frozen=True)
class PixelTypeValue:
    """The type of an array's elements."""

    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False)
class ArrayValue:
    """Numbers in rows and columns of any number of dimensions; the type of the elements is that of ``data``."""

    data: np.ndarray


def check_array_shapes(sources: Sequence[Source]) -> None:
    """ComputeError where pixels hold arrays of different shapes; numbers go with arrays of any shape."""
    shapes = {source.array_shape for source in sources} - {()}
    if len(shapes) > 1:
        raise ComputeError(f"arrays of the shapes {sorted(shapes)} together are not implemented by the local engine")
