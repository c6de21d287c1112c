"""Reducers: what folds many values into one, and their use over collections and over the bands of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..raster.medians import MOST_LAYERS, median_layers
from ..raster.sources import Pixels, Pixelwise, Source
from ..raster.stored import FoldedBands, StoredBand, are_alike
from ..raster.weighted import weighted_sum
from ..values import Band, CollectionValue, ComputeError, ImageValue, ReducerOutput, ReducerValue, whole_valid
from . import statistics
from .arithmetic import BINARY
from .registry import Algorithm, algorithm
from .statistics import Fold, Folded, WeightedFold


def _count(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Number of valid values, 0 included."""
    return valid.sum(axis=0), np.ones(valid.shape[1:], bool)


def _mean(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Mean of the valid values."""
    count = valid.sum(axis=0)
    return np.sum(stack, axis=0, where=valid, dtype=np.float64) / np.maximum(count, 1), count > 0


def _std_dev(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Population standard deviation of the valid values."""
    mean, defined = _mean(stack, valid)
    deviation = np.where(valid, stack.astype(np.float64) - mean, 0.0)
    return np.sqrt((deviation**2).sum(axis=0) / np.maximum(valid.sum(axis=0), 1)), defined


def _min(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Smallest of the valid values."""
    return _filled(stack, valid, _highest(stack.dtype)).min(axis=0), valid.any(axis=0)


def _max(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Largest of the valid values."""
    lowest = -np.inf if stack.dtype.kind == "f" else np.iinfo(stack.dtype).min
    return _filled(stack, valid, lowest).max(axis=0), valid.any(axis=0)


def _median(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Middle of the valid values; the mean of the middle two where their number is even."""
    ordered = _sorted(stack, valid)
    if valid.all():
        low, high = ordered[(len(stack) - 1) // 2], ordered[len(stack) // 2]
        return (low.astype(np.float64) + high) / 2, np.ones(stack.shape[1:], bool)
    count = valid.sum(axis=0)
    low = np.take_along_axis(ordered, (np.maximum(count, 1) - 1)[None] // 2, axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, len(stack) - 1)[None], axis=0)[0]
    return (low.astype(np.float64) + high) / 2, count > 0


def _sorted(stack: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Values in ascending order along axis 0, the masked ones last."""
    stack = _filled(stack, valid, _highest(stack.dtype))
    return np.sort(stack, axis=0)


def _filled(stack: np.ndarray, valid: np.ndarray, filler: float) -> np.ndarray:
    """Values with the masked ones replaced."""
    return stack if valid.all() else np.where(valid, stack, np.asarray(filler, stack.dtype))


def _highest(dtype: np.dtype[Any]) -> float:
    return np.inf if dtype.kind == "f" else np.iinfo(dtype).max


_FOLDS: dict[str, tuple[Fold, Any, WeightedFold | None]] = {
    "mean": (_mean, np.float64, statistics.weighted_mean),
    "sum": (statistics.total, None, statistics.weighted_sum),
    "product": (statistics.product, np.float64, None),
    "count": (_count, np.int64, None),
    "countEvery": (statistics.count_every, np.int64, None),
    "min": (_min, None, None),
    "max": (_max, None, None),
    "stdDev": (_std_dev, np.float64, statistics.weighted_std_dev),
    "variance": (statistics.variance, np.float64, statistics.weighted_variance),
    "sampleStdDev": (statistics.sample_std_dev, np.float64, statistics.only_whole("sampleStdDev")),
    "sampleVariance": (statistics.sample_variance, np.float64, statistics.only_whole("sampleVariance")),
    "first": (statistics.first, None, None),
    "firstNonNull": (statistics.first_given, None, None),
    "last": (statistics.last, None, None),
    "lastNonNull": (statistics.last_given, None, None),
    "allNonZero": (statistics.all_nonzero, np.uint8, None),
    "anyNonZero": (statistics.any_nonzero, np.uint8, None),
    "median": (_median, np.float64, statistics.only_whole("median")),
    "mode": (statistics.mode, None, statistics.weighted_mode),
}
"""Per reducer: its fold, the declared type (None: the input's) and its fold of weighted values (None: whole ones)."""

_OUTPUT_NAMES = {
    "countEvery": "count",
    "sampleStdDev": "stdDev",
    "sampleVariance": "variance",
    "firstNonNull": "first",
    "lastNonNull": "last",
    "allNonZero": "all",
    "anyNonZero": "any",
}
_WITH_ARGUMENTS = ("min", "max", "median", "mode")
_ALIASES = {"allNonZero": ("Reducer.and",), "anyNonZero": ("Reducer.or",)}
_OF_HISTOGRAMS = "Integer maxBuckets = null, Float minBucketWidth = null, Integer maxRaw = null -> Reducer"


def output_of(name: str) -> ReducerOutput:
    """The output of a reducer with one input and one output, by the reducer's name."""
    fold, dtype, weighted = _FOLDS[name]
    declared = np.dtype(dtype) if dtype else None
    fold_integers = median_layers if name == "median" else None
    running = np.minimum if name == "min" else np.maximum if name == "max" else None
    output_name = _OUTPUT_NAMES.get(name, name)
    return ReducerOutput(output_name, fold, declared, fold_integers, weighted=weighted, running=running)


def _described(name: str) -> str:
    fold, _, weighted = _FOLDS[name]
    counted = "only those whose centre is inside count" if weighted is None else "each counts by its covered part"
    return f"{(fold.__doc__ or '').strip()} Of pixels that a region cuts, {counted}."


def _reducer(name: str) -> Algorithm:
    @algorithm(f"Reducer.{name}", "-> Reducer", aliases=_ALIASES.get(name, ()), description=_described(name))
    def make() -> ReducerValue:
        return ReducerValue((output_of(name),))

    return make


SIMPLE_REDUCERS = tuple(_reducer(name) for name in _FOLDS if name not in _WITH_ARGUMENTS)


@algorithm("Reducer.median", _OF_HISTOGRAMS)
def median(max_buckets: int | None, min_bucket_width: float | None, max_raw: int | None) -> ReducerValue:
    """Middle of the valid values, always from the values themselves, never from a histogram."""
    return ReducerValue((output_of("median"),))


@algorithm("Reducer.mode", _OF_HISTOGRAMS)
def mode(max_buckets: int | None, min_bucket_width: float | None, max_raw: int | None) -> ReducerValue:
    """Most frequent of the valid values, always from the values themselves; of several as frequent, the smallest."""
    return ReducerValue((output_of("mode"),))


def fold_sources(output: ReducerOutput, sources: Sequence[Source]) -> Source:
    """A source that reduces the pixels of others."""

    def fold(pixels: Sequence[Pixels]) -> Pixels:
        if output.fold_integers is not None and _are_few_integers(pixels):
            values, known = output.fold_integers([part.data for part in pixels], [part.valid for part in pixels])
            return Pixels(values, known)
        stack = np.stack([part.data for part in pixels])
        if whole_valid(pixels):
            valid = np.broadcast_to(np.True_, stack.shape)
        else:
            valid = np.stack([part.valid_or_true() for part in pixels])
        data, defined = output.reduce(stack, valid)
        return Pixels(data, None if defined.all() else defined)

    if are_alike(sources):
        bands = [source for source in sources if isinstance(source, StoredBand)]
        # The median of some images is the same in any order, so those of two masks may be one.
        return FoldedBands(fold, sorted(bands, key=id) if output.fold_integers is median_layers else bands, output)
    folded = Pixelwise(fold, *sources)
    folded.is_whole = output.reduce in (_min, _max) and all(source.is_whole for source in sources)
    return folded


def _are_few_integers(pixels: Sequence[Pixels]) -> bool:
    types = {part.data.dtype for part in pixels}
    return len(types) == 1 and types.pop().kind in "iu" and 1 < len(pixels) <= MOST_LAYERS


def fold_tuples(output: ReducerOutput, records: Sequence[Sequence[Source]]) -> Source:
    """A source that reduces records of several inputs, of which a pixel has those that are valid in all of them."""
    width = len(output.positions)

    def fold(pixels: Sequence[Pixels]) -> Pixels:
        stack = np.stack([part.data for part in pixels])
        valid = np.stack([part.valid_or_true() for part in pixels])
        shape = (len(records), width, *stack.shape[1:])
        data, defined = output.reduce(stack.reshape(shape), valid.reshape(shape).all(axis=1))
        return Pixels(data, None if defined.all() else defined)

    return Pixelwise(fold, *(record[position] for record in records for position in output.positions))


def _images_of(collection: CollectionValue) -> list[ImageValue]:
    images = [image for image in collection.elements if isinstance(image, ImageValue)]
    if len(images) != len(collection.elements):
        raise ComputeError("only collections of images can be reduced to an image")
    return images


def _named(image: ImageValue, name: str) -> list[Source]:
    return [band.source for band in image.bands if band.name == name]


def pixel_output(output: ReducerOutput) -> ReducerOutput:
    """An output that pixels can hold. ComputeError for one that cannot be stored as a number of a pixel."""
    if output.collect is not None or output.over_images is not None:
        raise ComputeError(f"the reducer's output {output.name!r} is not implemented in images by the local engine")
    return output


def declared_type(output: ReducerOutput, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type that an output of inputs of ``dtype`` is declared to have; sums are wider than what is summed."""
    if output.dtype is not None:
        return output.dtype
    if output.reduce is statistics.total:
        return np.dtype(np.int64 if dtype.kind in "iub" else np.float64)
    return dtype


def reduce_collection(collection: CollectionValue, outputs: Sequence[ReducerOutput], with_suffix: bool) -> ImageValue:
    """Each band of a collection reduced over its images: one band an output, without a resolution of its own."""
    images = _images_of(collection)
    bands = []
    for band in images[0].bands if images else ():
        sources = [source for image in images for source in _named(image, band.name)]
        for output in map(pixel_output, outputs):
            name = f"{band.name}_{output.name}" if with_suffix else band.name
            bands.append(Band(name, fold_sources(output, sources), None, declared_type(output, band.dtype)))
    return ImageValue(tuple(bands))


def _reduce_tuples(collection: CollectionValue, reducer: ReducerValue) -> ImageValue:
    """The bands of each image as one record; images that lack a band of the first one are left out."""
    images = _images_of(collection)
    if not images:
        return ImageValue(())
    names = images[0].band_names
    if len(names) != reducer.inputs:
        raise ComputeError(f"the reducer has {reducer.inputs} inputs, the images have {len(names)} bands")
    records = [
        [_named(image, name)[0] for name in names] for image in images if all(_named(image, name) for name in names)
    ]
    bands = []
    for output in reducer.outputs:
        dtype = np.result_type(*(images[0].bands[position].dtype for position in output.positions))
        bands.append(Band(output.name, _fold_chosen(output, records), None, declared_type(output, dtype)))
    return ImageValue(tuple(bands))


def _fold_chosen(output: ReducerOutput, records: Sequence[Sequence[Source]]) -> Source:
    """A source that reduces the inputs of records that an output reads."""
    if output.over_images is not None:
        return output.over_images([[record[position] for position in output.positions] for record in records])
    if len(output.positions) == 1:
        return fold_sources(pixel_output(output), [record[output.positions[0]] for record in records])
    return fold_tuples(pixel_output(output), records)


@algorithm("ImageCollection.reduce", "ImageCollection collection, Reducer reducer, Float parallelScale = 1.0 -> Image")
def image_collection_reduce(collection: CollectionValue, reducer: ReducerValue, scale: float) -> ImageValue:
    """Every band reduced over the images, its outputs named BAND_OUTPUT; with a reducer of several inputs, the bands
    of an image are one record, and the outputs keep their names. No image: no band."""
    if reducer.inputs > 1:
        return _reduce_tuples(collection, reducer)
    return reduce_collection(collection, reducer.outputs, with_suffix=True)


def _collection_shortcut(name: str, output: ReducerOutput) -> Algorithm:
    @algorithm(
        f"reduce.{name}",
        "ImageCollection collection -> Image",
        description=f"The {name} of every band over the images; names of the bands are kept.",
    )
    def reduce(collection: CollectionValue) -> ImageValue:
        return reduce_collection(collection, [output], with_suffix=False)

    return reduce


_SHORTCUTS = {"and": "allNonZero", "or": "anyNonZero"}
COLLECTION_SHORTCUTS = tuple(
    _collection_shortcut(name, output_of(_SHORTCUTS.get(name, name)))
    for name in ("median", "mean", "min", "max", "sum", "count", "product", "mode", "and", "or")
)


@algorithm("Image.reduce", "Image image, Reducer reducer -> Image")
def image_reduce(image: ImageValue, reducer: ReducerValue) -> ImageValue:
    """The bands of each pixel reduced by a reducer of one input; the outputs become the bands."""
    if reducer.inputs != 1:
        raise ComputeError(f"the reducer must have one input, it has {reducer.inputs}")
    if not image.bands:
        raise ComputeError("the image has no bands")
    sources = [band.source for band in image.bands]
    dtype: Any = np.result_type(*(band.dtype for band in image.bands))
    bands = [
        Band(output.name, _fold_bands(output, sources), image.bands[0].grid, declared_type(output, dtype))
        for output in map(pixel_output, reducer.outputs)
    ]
    return image.with_bands(bands)


def _fold_bands(output: ReducerOutput, sources: Sequence[Source]) -> Source:
    """The bands of a pixel reduced; a sum of bands times constants is one product."""
    weighted = weighted_sum(sources, BINARY["multiply"][0]) if output.reduce is statistics.total else None
    return weighted or fold_sources(output, sources)
