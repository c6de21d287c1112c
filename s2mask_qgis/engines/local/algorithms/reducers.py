"""Reducers: what folds many values into one, and their use over collections and over the bands of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..raster.medians import MOST_LAYERS, median_layers
from ..raster.sources import Pixels, Pixelwise, Source
from ..raster.stored import FoldedBands, StoredBand, are_alike
from ..values import Band, CollectionValue, ComputeError, ImageValue, ReducerOutput, ReducerValue, whole_valid
from .registry import Algorithm, algorithm

Folded = tuple[np.ndarray, np.ndarray]


def _sum(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """Sum of the valid values; masked where there is none."""
    wide = stack.astype(np.int64 if stack.dtype.kind in "iub" else np.float64, copy=False)
    return np.sum(wide, axis=0, where=valid), valid.any(axis=0)


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


def _first(stack: np.ndarray, valid: np.ndarray) -> Folded:
    """First of the valid values."""
    position = valid.argmax(axis=0)
    return np.take_along_axis(stack, position[None], axis=0)[0], valid.any(axis=0)


def _sorted(stack: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Values in ascending order along axis 0, the masked ones last."""
    stack = _filled(stack, valid, _highest(stack.dtype))
    return np.sort(stack, axis=0)


def _filled(stack: np.ndarray, valid: np.ndarray, filler: float) -> np.ndarray:
    """Values with the masked ones replaced."""
    return stack if valid.all() else np.where(valid, stack, np.asarray(filler, stack.dtype))


def _highest(dtype: np.dtype[Any]) -> float:
    return np.inf if dtype.kind == "f" else np.iinfo(dtype).max


_FOLDS = {
    "mean": (_mean, np.float64),
    "sum": (_sum, None),
    "count": (_count, np.int64),
    "min": (_min, None),
    "max": (_max, None),
    "stdDev": (_std_dev, np.float64),
    "first": (_first, None),
}


def _reducer(name: str, output: ReducerOutput) -> Algorithm:
    @algorithm(f"Reducer.{name}", "-> Reducer", description=output.reduce.__doc__ or "")
    def make() -> ReducerValue:
        return ReducerValue((output,))

    return make


def _output(name: str) -> ReducerOutput:
    fold, dtype = _FOLDS[name]
    return ReducerOutput(name, fold, np.dtype(dtype) if dtype else None)


MEDIAN = ReducerOutput("median", _median, np.dtype(np.float64), median_layers)
SIMPLE_REDUCERS = tuple(_reducer(name, _output(name)) for name in ("mean", "sum", "count", "stdDev", "first"))


@algorithm("Reducer.median", "Integer maxBuckets = null, Float minBucketWidth = null, Integer maxRaw = null -> Reducer")
def median(max_buckets: int | None, min_bucket_width: float | None, max_raw: int | None) -> ReducerValue:
    """Middle of the valid values, always from the values themselves, never from a histogram."""
    return ReducerValue((MEDIAN,))


def _extreme(name: str) -> Algorithm:
    @algorithm(f"Reducer.{name}", "Integer numInputs = 1 -> Reducer", description=_FOLDS[name][0].__doc__ or "")
    def make(inputs: int) -> ReducerValue:
        if inputs != 1:
            raise ComputeError("more than one input is not implemented by the local engine")
        return ReducerValue((_output(name),))

    return make


EXTREMES = (_extreme("min"), _extreme("max"))


@algorithm(
    "Reducer.combine",
    'Reducer reducer1, Reducer reducer2, String outputPrefix = "", Boolean sharedInputs = false -> Reducer',
)
def combine(first: ReducerValue, second: ReducerValue, prefix: str, shared_inputs: bool) -> ReducerValue:
    """Two reducers at once over the same input; the second's outputs are named with the prefix."""
    if not shared_inputs:
        raise ComputeError("reducers of several inputs are not implemented by the local engine; share the inputs")
    outputs = (*first.outputs, *(replace(output, name=prefix + output.name) for output in second.outputs))
    if len({output.name for output in outputs}) != len(outputs):
        raise ComputeError("the combined reducers have outputs of the same name; give a prefix")
    return ReducerValue(outputs)


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
        return FoldedBands(fold, [source for source in sources if isinstance(source, StoredBand)])
    return Pixelwise(fold, *sources)


def _are_few_integers(pixels: Sequence[Pixels]) -> bool:
    types = {part.data.dtype for part in pixels}
    return len(types) == 1 and types.pop().kind in "iu" and 1 < len(pixels) <= MOST_LAYERS


def _stacks(collection: CollectionValue) -> list[tuple[Band, list[Source]]]:
    """Per band of the first image, the sources of that name of all images."""
    images = [image for image in collection.elements if isinstance(image, ImageValue)]
    if len(images) != len(collection.elements):
        raise ComputeError("only collections of images can be reduced to an image")
    if not images:
        return []
    stacks = []
    for band in images[0].bands:
        stacks.append((band, [other.source for image in images for other in image.bands if other.name == band.name]))
    return stacks


def reduce_collection(collection: CollectionValue, outputs: Sequence[ReducerOutput], with_suffix: bool) -> ImageValue:
    """Each band of a collection reduced over its images: one band an output, without a resolution of its own."""
    bands = []
    for band, sources in _stacks(collection):
        for output in outputs:
            name = f"{band.name}_{output.name}" if with_suffix else band.name
            bands.append(Band(name, fold_sources(output, sources), None, output.dtype or band.dtype))
    return ImageValue(tuple(bands))


@algorithm("ImageCollection.reduce", "ImageCollection collection, Reducer reducer, Float parallelScale = 1.0 -> Image")
def image_collection_reduce(collection: CollectionValue, reducer: ReducerValue, scale: float) -> ImageValue:
    """Every band reduced over the images; outputs are named BAND_OUTPUT."""
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


COLLECTION_SHORTCUTS = (
    _collection_shortcut("median", MEDIAN),
    *(_collection_shortcut(name, _output(name)) for name in ("mean", "min", "max", "sum")),
)


@algorithm("Image.reduce", "Image image, Reducer reducer -> Image")
def image_reduce(image: ImageValue, reducer: ReducerValue) -> ImageValue:
    """The bands of each pixel reduced; the outputs become the bands."""
    if not image.bands:
        raise ComputeError("the image has no bands")
    sources = [band.source for band in image.bands]
    dtype: Any = np.result_type(*(band.dtype for band in image.bands))
    bands = [
        Band(output.name, fold_sources(output, sources), image.bands[0].grid, output.dtype or dtype)
        for output in reducer.outputs
    ]
    return image.with_bands(bands)
