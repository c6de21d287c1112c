"""Images whose pixels hold arrays: made from bands, reshaped, reduced, multiplied, and turned into bands again.

All pixels of a band hold arrays of one shape, which is known without reading any; what would make it vary is refused.
A pixel of a result is masked where one of the inputs is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from ..raster.evaluation import Evaluation
from ..raster.sources import Pixels, Reader, Source, all_valid
from ..raster.windows import ONE_PIXEL, Window
from ..values import Band, ComputeError, ImageValue, ReducerValue
from .arithmetic import matched
from .array_building import (
    accumulated,
    at_axis,
    checked_axis,
    checked_shape,
    joined,
    padded,
    projected,
    reduced,
    repeated,
    resolved_lengths,
    slice_of,
)
from .arrays import whole_numbers
from .elementwise import refuse
from .reducers import declared_type, output_of
from .registry import Algorithm, algorithm

Step = Callable[..., np.ndarray]
"""Takes the data of the inputs, each with one axis of pixels in front, and gives those of the result."""

MAX_PIXEL_ELEMENTS = 10_000


class ArrayPixels(Source):
    """A step over inputs whose pixels may hold arrays; the shape of the result's is found by a trial on zeros.

    Masked pixels reach the step as what ``stand_in`` makes of an array's shape, zeros if nothing else is said, so that
    what they hold cannot fail it; so does the trial. Inputs that are the same everywhere stay as they are.
    """

    keeps_uniform = True

    def __init__(self, step: Step, *inputs: Source, stand_in: Callable[..., np.ndarray] = np.zeros) -> None:
        self._step = step
        self.inputs = inputs
        self._stand_ins = [stand_in(source.array_shape) for source in inputs]
        trial = step(*(value[None] for value in self._stand_ins))
        self.array_shape = checked_shape(trial.shape[1:])
        if trial.size > MAX_PIXEL_ELEMENTS:
            raise ComputeError(f"a pixel would hold {trial.size} elements, the most is {MAX_PIXEL_ELEMENTS}")

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source. Steps are given one axis of pixels, in front."""
        count = math.prod(window.shape)
        pixels = [read(source, window) for source in self.inputs]
        flat = [
            np.moveaxis(part.data.reshape(*source.array_shape, count), -1, 0)
            for part, source in zip(pixels, self.inputs)
        ]
        valid = all_valid([part.valid for part in pixels])
        if valid is None:
            valid = np.ones(window.shape, bool)
        elif not valid.all():
            harmless = [
                source.is_uniform and bool(part.valid_or_true().all()) for source, part in zip(self.inputs, pixels)
            ]
            flat = [
                data if keep else np.where(valid.reshape(count, *[1] * (data.ndim - 1)), data, value).astype(data.dtype)
                for data, value, keep in zip(flat, self._stand_ins, harmless)
            ]
        data = np.moveaxis(self._step(*flat), 0, -1)
        return Pixels(data.reshape(*self.array_shape, *window.shape), valid)


def stepped(image: ImageValue, step: Step, dtype: Any = None, reducer: ReducerValue | None = None) -> ImageValue:
    """A step over each band of an image; the type stays unless one is given or a reducer declares it."""

    def type_of(band: Band) -> np.dtype[Any]:
        if reducer is not None:
            return np.result_type(*(declared_type(output, band.dtype) for output in reducer.outputs))
        return np.dtype(dtype) if dtype else band.dtype

    return image.with_bands(
        [replace(band, source=ArrayPixels(step, band.source), dtype=type_of(band)) for band in image.bands]
    )


def paired(
    left: ImageValue, right: ImageValue, step: Step, stand_in: Callable[..., np.ndarray] = np.zeros
) -> ImageValue:
    """A step over the matched pairs of bands of two images; types are united."""
    pairs, named = matched(left, right)
    bands = [
        Band(
            model.name,
            ArrayPixels(step, a.source, b.source, stand_in=stand_in),
            a.grid or b.grid,
            np.result_type(a.dtype, b.dtype),
        )
        for (a, b), model in zip(pairs, named.bands)
    ]
    return ImageValue(tuple(bands), left.properties, left.footprint or right.footprint)


def _constant(image: ImageValue, what: str) -> list[Any]:
    """The values of an image's bands where they are the same in every pixel; refused where they are not."""
    sources = [band.source for band in image.bands]
    if not all(source.is_uniform for source in sources):
        raise refuse(f"a {what} that varies from pixel to pixel")
    pixels = Evaluation(sources).read(ONE_PIXEL)
    if not all(part.valid_or_true().all() for part in pixels):
        raise refuse(f"a {what} that is masked")
    return [part.data[..., 0, 0].tolist() for part in pixels]


def _whole_constant(image: ImageValue | None, what: str) -> int | None:
    if image is None:
        return None
    values = _constant(image, what)
    if len(values) != 1:
        raise ComputeError(f"the {what} must have one band, it has {len(values)}")
    return whole_numbers(values)[0]


def image_algorithm(name: str, signature: str, aliases: tuple[str, ...] = ()) -> Callable[..., Algorithm]:
    """Decorator: an algorithm of images, which takes those whose pixels hold arrays."""
    return algorithm(f"Image.{name}", signature, tuple(f"Image.{alias}" for alias in aliases), takes_arrays=True)


@image_algorithm("toArray", "Image image, Integer axis = 0 -> Image")
def to_array(image: ImageValue, axis: int) -> ImageValue:
    """One band, ``array``: the bands of each pixel, numbers or arrays of one number of dimensions, one after the other
    along an axis, which may be the next one that they do not have yet. Masked where one of the bands is."""
    if not image.bands:
        raise ComputeError("the image has no bands")
    dimensions = {len(band.source.array_shape) for band in image.bands}
    if len(dimensions) > 1:
        raise ComputeError("the bands must hold arrays of the same number of dimensions")
    checked_axis(axis, dimensions.pop(), may_be_next=True)
    first = image.bands[0]
    source = ArrayPixels(lambda *data: joined(data, axis, 1), *(band.source for band in image.bands))
    dtype = np.result_type(*(band.dtype for band in image.bands))
    return image.with_bands([replace(first, name="array", source=source, dtype=dtype)])


@image_algorithm("arrayProject", "Image input, List axes -> Image")
def array_project(image: ImageValue, axes: list[Any]) -> ImageValue:
    """Only the axes named of each array; the others must have the length 1."""
    kept = whole_numbers(axes)
    return stepped(image, lambda data: projected(data, kept, 1))


@image_algorithm("arrayFlatten", 'Image image, List coordinateLabels, String separator = "_" -> Image')
def array_flatten(image: ImageValue, labels: list[Any], separator: str) -> ImageValue:
    """A band of numbers for each element of the arrays of an image of one band, named after the labels of its place on
    each axis."""
    band = _only_band(image)
    lengths = tuple(len(axis) if isinstance(axis, list) else -1 for axis in labels)
    if lengths != band.source.array_shape:
        raise ComputeError(f"the labels must be lists of the lengths {list(band.source.array_shape)}, one an axis")
    if not all(isinstance(label, str) for axis in labels for label in axis):
        raise ComputeError("labels are texts")
    names = [separator.join(place) for place in product(*labels)]
    if len(set(names)) != len(names):
        raise ComputeError("two elements have the same labels")
    flat = ArrayPixels(lambda data: data.reshape(len(data), math.prod(lengths)), band.source)
    return image.with_bands(
        [replace(band, name=name, source=ArrayPixels(_element(i), flat)) for i, name in enumerate(names)]
    )


def _only_band(image: ImageValue) -> Band:
    if len(image.bands) != 1 or not image.bands[0].source.array_shape:
        raise ComputeError("an image of one band of arrays is needed")
    return image.bands[0]


def _element(place: int) -> Step:
    return lambda data: data[:, place]


@image_algorithm("arrayGet", "Image image, Image position -> Image")
def array_get(image: ImageValue, position: ImageValue) -> ImageValue:
    """The number at a position of each band's array; the bands of ``position`` are its indices, one an axis. Positions
    outside an array are refused."""
    bands = []
    for band in image.bands:
        shape = band.source.array_shape
        if len(position.bands) != len(shape) or any(part.source.array_shape for part in position.bands):
            raise ComputeError(f"the position must have {len(shape)} bands of numbers, one an axis")
        source = ArrayPixels(_picked(shape), band.source, *(part.source for part in position.bands))
        bands.append(replace(band, source=source))
    return image.with_bands(bands)


def _picked(shape: tuple[int, ...]) -> Step:
    def pick(data: np.ndarray, *indices: np.ndarray) -> np.ndarray:
        for index, length in zip(indices, shape):
            if ((index < 0) | (index >= length) | (index % 1 != 0)).any():
                raise refuse(f"a position outside the lengths {list(shape)}")
        chosen = (np.arange(len(data)), *(index.astype(np.int64) for index in indices))
        return data[chosen]

    return pick


@image_algorithm("arrayReduce", "Image input, Reducer reducer, List axes, Integer fieldAxis = null -> Image")
def array_reduce(image: ImageValue, reducer: ReducerValue, axes: list[Any], field_axis: int | None) -> ImageValue:
    """Axes of each array reduced to the length 1, independently for each position of the others; a reducer of several
    inputs or outputs has them on the field axis."""
    folded = whole_numbers(axes)
    return stepped(image, lambda data: reduced(data, reducer, folded, 1, field_axis), reducer=reducer)


@image_algorithm("arrayAccum", "Image input, Integer axis, Reducer reducer = null -> Image")
def array_accum(image: ImageValue, axis: int, reducer: ReducerValue | None) -> ImageValue:
    """Each element replaced by the reduction (the sum, if none is given) of those on its axis up to it."""
    folding = reducer or ReducerValue((output_of("sum"),))
    return stepped(image, lambda data: accumulated(data, folding, axis, 1), reducer=folding)


@image_algorithm("arrayLength", "Image input, Integer axis -> Image")
def array_length(image: ImageValue, axis: int) -> ImageValue:
    """The length of each array on an axis, a number."""

    def lengths(data: np.ndarray) -> np.ndarray:
        return np.full(len(data), data.shape[1 + checked_axis(axis, data.ndim - 1)], np.int64)

    return stepped(image, lengths, np.int64)


@image_algorithm("arrayLengths", "Image input -> Image")
def array_lengths(image: ImageValue) -> ImageValue:
    """The lengths of each array's axes, an array of one dimension."""
    return stepped(image, lambda data: np.tile(np.array(data.shape[1:], np.int64), (len(data), 1)), np.int64)


@image_algorithm("arrayDimensions", "Image input -> Image")
def array_dimensions(image: ImageValue) -> ImageValue:
    """The number of dimensions of each array, 0 for numbers."""
    return stepped(image, lambda data: np.full(len(data), data.ndim - 1, np.int64), np.int64)


@image_algorithm(
    "arraySlice", "Image input, Integer axis = 0, Image start = null, Image end = null, Integer step = 1 -> Image"
)
def array_slice(
    image: ImageValue, axis: int, start: ImageValue | None, end: ImageValue | None, step: int
) -> ImageValue:
    """The positions on an axis from start (included, 0 if none is given) to end (excluded) by step, as far as they
    exist; negative ones count from the end. Both are the same in every pixel."""
    first, last = _whole_constant(start, "start") or 0, _whole_constant(end, "end")

    def cut(data: np.ndarray) -> np.ndarray:
        at = 1 + checked_axis(axis, data.ndim - 1)
        return at_axis(data, at, slice_of(data.shape[at], first, last, step))

    return stepped(image, cut)


@image_algorithm("arrayCat", "Image image1, Image image2, Integer axis -> Image")
def array_cat(left: ImageValue, right: ImageValue, axis: int) -> ImageValue:
    """The arrays of two images one after the other along an axis, which may be the next one that they do not have."""
    return paired(left, right, lambda one, other: joined([one, other], axis, 1))


@image_algorithm("arrayRepeat", "Image input, Integer axis, Image copies -> Image")
def array_repeat(image: ImageValue, axis: int, copies: ImageValue) -> ImageValue:
    """Copies of each array one after the other along an axis, which may be the next one that it does not have yet. The
    number is the same in every pixel."""
    count = _whole_constant(copies, "number of copies") or 0

    def repeat(data: np.ndarray) -> np.ndarray:
        return repeated(data, 1 + checked_axis(axis, data.ndim - 1, may_be_next=True), count)

    return stepped(image, repeat)


@image_algorithm("arrayReshape", "Image image, Image lengths, Integer dimensions -> Image")
def array_reshape(image: ImageValue, lengths: ImageValue, dimensions: int) -> ImageValue:
    """The same numbers in the same order in another shape, which is an array of one dimension and the same in every
    pixel; one length may be -1 and follows from the others."""
    (shape,) = _constant(lengths, "shape") if len(lengths.bands) == 1 else ([],)
    if not isinstance(shape, list) or len(shape) != dimensions:
        raise ComputeError(f"lengths must have one band of arrays of {dimensions} lengths")
    wanted = whole_numbers(shape)
    return stepped(image, lambda data: data.reshape(len(data), *resolved_lengths(wanted, math.prod(data.shape[1:]))))


@image_algorithm("arrayTranspose", "Image input, Integer axis1 = 0, Integer axis2 = 1 -> Image", ("matrixTranspose",))
def array_transpose(image: ImageValue, axis1: int, axis2: int) -> ImageValue:
    """Two axes of each array exchanged."""

    def exchange(data: np.ndarray) -> np.ndarray:
        return np.swapaxes(data, *(1 + checked_axis(axis, data.ndim - 1) for axis in (axis1, axis2)))

    return stepped(image, exchange)


@image_algorithm("arrayPad", "Image image, List lengths, Number pad = 0 -> Image")
def array_pad(image: ImageValue, lengths: list[Any], filler: float) -> ImageValue:
    """Each axis of each array filled up at its end to a length; longer ones stay."""
    wanted = whole_numbers(lengths)
    return stepped(image, lambda data: padded(data, 1, wanted, filler))


@image_algorithm("arraySort", "Image image, Image keys = null -> Image")
def array_sort(image: ImageValue, keys: ImageValue | None) -> ImageValue:
    """The elements of arrays of one dimension in ascending order of keys (their own values, if none are given)."""

    def sort(data: np.ndarray, by: np.ndarray) -> np.ndarray:
        if data.ndim != 2 or data.shape != by.shape:
            raise refuse("sorting arrays of several dimensions")
        return np.take_along_axis(data, np.argsort(by, axis=1, kind="stable"), axis=1)

    if keys is None:
        return stepped(image, lambda data: sort(data, data))
    return replace(paired(image, keys, sort), id=image.id)


@image_algorithm("arrayArgmax", "Image image -> Image")
def array_argmax(image: ImageValue) -> ImageValue:
    """The position of the largest element of each array, the first of several, as an array of indices."""

    def position(data: np.ndarray) -> np.ndarray:
        size = math.prod(data.shape[1:])
        if data.ndim < 2 or not size:
            raise refuse("the largest element of an empty array or of a number")
        if np.isnan(data).any():
            raise refuse("the largest of numbers with NaN among them")
        places = data.reshape(len(data), size).argmax(axis=1)
        return np.stack(np.unravel_index(places, data.shape[1:]), axis=-1)

    return stepped(image, position, np.int64)
