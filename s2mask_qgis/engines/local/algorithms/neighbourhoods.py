"""Neighbourhoods: kernels, and the smallest and largest value around each pixel."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..raster.runs import fold_runs, runs_of
from ..raster.sources import Neighbourhood, Pixels, Source
from ..values import ComputeError, ImageValue, KernelValue, ReducerOutput, map_sources
from .reducers import output_of
from .registry import Algorithm, algorithm

_MAX_RADIUS_PX = 512


Neutral = Callable[[np.dtype], float]
"""Gives the value of a type that never decides: the largest for a minimum, the smallest for a maximum."""


def disc(radius_px: float) -> np.ndarray:
    """Booleans (2 r + 1, 2 r + 1): the offsets with dx^2 + dy^2 <= radius^2."""
    reach = int(radius_px)
    offsets = np.arange(-reach, reach + 1)
    return offsets[:, None] ** 2 + offsets[None, :] ** 2 <= radius_px**2


def box(radius_px: float) -> np.ndarray:
    """Booleans (2 r + 1, 2 r + 1), all true."""
    reach = int(radius_px)
    return np.ones((2 * reach + 1, 2 * reach + 1), bool)


def diamond(radius_px: float) -> np.ndarray:
    """Booleans (2 r + 1, 2 r + 1): the offsets with |dx| + |dy| <= radius."""
    reach = int(radius_px)
    offsets = np.abs(np.arange(-reach, reach + 1))
    return offsets[:, None] + offsets[None, :] <= radius_px


def plus(radius_px: float) -> np.ndarray:
    """Booleans (2 r + 1, 2 r + 1): the centre's row and column."""
    reach = int(radius_px)
    offsets = np.arange(-reach, reach + 1)
    return (offsets[:, None] == 0) | (offsets[None, :] == 0)


def cross(radius_px: float) -> np.ndarray:
    """Booleans (2 r + 1, 2 r + 1): the two diagonals."""
    reach = int(radius_px)
    offsets = np.abs(np.arange(-reach, reach + 1))
    return offsets[:, None] == offsets[None, :]


_SHAPES: dict[str, Callable[[float], np.ndarray]] = {
    "circle": disc,
    "square": box,
    "diamond": diamond,
    "plus": plus,
    "cross": cross,
}


def _kernel_shape(kind: str, radius: float, units: str) -> np.ndarray:
    if units != "pixels":
        raise ComputeError(f"kernels in {units!r} are not implemented by the local engine; give the radius in pixels")
    if kind not in _SHAPES:
        raise ComputeError(f"the kernel {kind!r} is not implemented by the local engine; use {', '.join(_SHAPES)}")
    if not 0 < radius <= _MAX_RADIUS_PX:
        raise ComputeError(f"the radius must be above 0 and at most {_MAX_RADIUS_PX} pixels, not {radius}")
    return _SHAPES[kind](radius)


def _kernel_of(shape: np.ndarray, normalize: bool, magnitude: float) -> KernelValue:
    """Equal weights under a shape: of the magnitude, or adding up to it."""
    if not math.isfinite(magnitude):
        raise ComputeError(f"the magnitude must be a finite number, not {magnitude}")
    return KernelValue(shape * magnitude / (shape.sum() if normalize else 1))


def _kernel(name: str) -> Algorithm:
    @algorithm(
        f"Kernel.{name}",
        'Float radius, String units = "pixels", Boolean normalize = true, Float magnitude = 1.0 -> Kernel',
        description=f"A {name} around a pixel; the radius in pixels reaches from the centre pixel's centre.",
    )
    def make(radius: float, units: str, normalize: bool, magnitude: float) -> KernelValue:
        return _kernel_of(_kernel_shape(name, radius, units), normalize, magnitude)

    return make


KERNELS = tuple(_kernel(name) for name in _SHAPES)


@algorithm(
    "Kernel.rectangle",
    'Float xRadius, Float yRadius, String units = "pixels", Boolean normalize = true, Float magnitude = 1.0 -> Kernel',
)
def rectangle(x_radius: float, y_radius: float, units: str, normalize: bool, magnitude: float) -> KernelValue:
    """A rectangle around a pixel; the radii in pixels reach from the centre pixel's centre."""
    if not min(x_radius, y_radius) >= 0:
        raise ComputeError(f"the radii must not be negative, they are {x_radius} and {y_radius}")
    shape = _kernel_shape("square", max(x_radius, y_radius), units)
    reach = shape.shape[0] // 2
    offsets = np.abs(np.arange(-reach, reach + 1))
    shape = (offsets[:, None] <= y_radius) & (offsets[None, :] <= x_radius)
    return _kernel_of(shape, normalize, magnitude)


def _weighted(kernel: KernelValue) -> np.ndarray:
    """The neighbours that a kernel counts. ComputeError where it counts none."""
    if not kernel.weights.any():
        raise ComputeError("all weights of the kernel are 0")
    return kernel.weights != 0


def _extreme(
    shape: np.ndarray, fold: np.ufunc, neutral: Callable[[np.dtype], float]
) -> Callable[[Pixels, int], Pixels]:
    """A function of a grown window that folds the valid pixels under ``shape``; a pixel with none is masked."""
    reach = shape.shape[0] // 2
    runs = runs_of(shape)

    def apply(pixels: Pixels, radius: int) -> Pixels:
        rows, columns = (size - 2 * radius for size in pixels.data.shape)
        around = [(row + radius - reach, column + radius - reach, length) for row, column, length in runs]
        data = pixels.data
        if pixels.valid is None:
            return Pixels(fold_runs(data, around, (rows, columns), fold))
        data = np.where(pixels.valid, data, np.asarray(neutral(data.dtype)).astype(data.dtype))
        result = fold_runs(data, around, (rows, columns), fold)
        found = fold_runs(pixels.valid, around, (rows, columns), np.logical_or)
        return Pixels(np.where(found, result, 0).astype(data.dtype), found)

    return apply


def _lowest(dtype: np.dtype) -> float:
    return -np.inf if dtype.kind == "f" else int(np.iinfo(dtype).min)


def _highest(dtype: np.dtype) -> float:
    return np.inf if dtype.kind == "f" else int(np.iinfo(dtype).max)


_FOCAL_SIGNATURE = (
    'Image image, Float radius = 1.5, String kernelType = "circle", String units = "pixels", '
    "Integer iterations = 1, Kernel kernel = null -> Image"
)


def _repeated(function: Callable[[Pixels, int], Pixels], reach: int, iterations: int) -> Callable[[Source], Source]:
    """A function of neighbourhoods applied to a source as often as said."""
    if not 1 <= iterations <= 100:
        raise ComputeError(f"iterations must be from 1 to 100, not {iterations}")

    def repeated(source: Source) -> Source:
        for _ in range(iterations):
            source = Neighbourhood(function, reach, source)
        return source

    return repeated


def _focal(name: str, alias: str, fold: np.ufunc, neutral: Neutral, what: str) -> Algorithm:
    @algorithm(
        f"Image.{name}",
        _FOCAL_SIGNATURE,
        aliases=(f"Image.{alias}",),
        description=f"The {what} of the valid pixels under a kernel around each pixel, in pixels of the output.",
    )
    def focal(
        image: ImageValue, radius: float, kind: str, units: str, iterations: int, kernel: KernelValue | None
    ) -> ImageValue:
        shape = _kernel_shape(kind, radius, units) if kernel is None else _weighted(kernel)
        function = _extreme(shape, fold, neutral)
        return map_sources(image, _repeated(function, shape.shape[0] // 2, iterations))

    return focal


_MOST_NEIGHBOURS = 441
"""Neighbours that medians and modes are taken of: a square of radius 10."""


def _statistic(shape: np.ndarray, output: ReducerOutput) -> Callable[[Pixels, int], Pixels]:
    """A function of a grown window that reduces the valid pixels under ``shape``; a pixel with none is masked."""
    reach = shape.shape[0] // 2

    def apply(pixels: Pixels, radius: int) -> Pixels:
        rows, columns = (size - 2 * radius for size in pixels.data.shape)
        offsets = [(int(y) + radius - reach, int(x) + radius - reach) for y, x in np.argwhere(shape)]
        valid = pixels.valid_or_true()
        windows = [np.s_[y : y + rows, x : x + columns] for y, x in offsets]
        stack = np.stack([pixels.data[window] for window in windows])
        data, defined = output.reduce(stack, np.stack([valid[window] for window in windows]))
        return Pixels(data, None if defined.all() else defined)

    return apply


def _focal_statistic(name: str, reducer: str) -> Algorithm:
    output = output_of(reducer)

    @algorithm(
        f"Image.{name}",
        _FOCAL_SIGNATURE,
        aliases=(f"Image.focal_{reducer}",),
        description=f"The {reducer} of the valid pixels under a kernel around each pixel, in pixels of the output; all "
        "weights of a kernel must be the same.",
    )
    def focal(
        image: ImageValue, radius: float, kind: str, units: str, iterations: int, kernel: KernelValue | None
    ) -> ImageValue:
        shape = _kernel_shape(kind, radius, units) if kernel is None else _weighted(kernel)
        if kernel is not None and np.unique(kernel.weights[shape]).size > 1:
            raise ComputeError("kernels of several weights are not implemented by the local engine")
        if shape.sum() > _MOST_NEIGHBOURS:
            raise ComputeError(
                f"kernels of more than {_MOST_NEIGHBOURS} pixels are not implemented by the local engine"
            )
        function = _statistic(shape, output)
        return map_sources(image, _repeated(function, shape.shape[0] // 2, iterations), output.dtype)

    return focal


FOCAL = (
    _focal("focalMin", "focal_min", np.minimum, _highest, "smallest"),
    _focal("focalMax", "focal_max", np.maximum, _lowest, "largest"),
    _focal_statistic("focalMean", "mean"),
    _focal_statistic("focalMedian", "median"),
    _focal_statistic("focalMode", "mode"),
)
