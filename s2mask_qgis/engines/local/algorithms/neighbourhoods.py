"""Neighbourhoods: kernels, and the smallest and largest value around each pixel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..raster.sources import Neighbourhood, Pixels, Source
from ..values import ComputeError, ImageValue, KernelValue, map_sources
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


_SHAPES: dict[str, Callable[[float], np.ndarray]] = {"circle": disc, "square": box}


def _kernel_shape(kind: str, radius: float, units: str) -> np.ndarray:
    if units != "pixels":
        raise ComputeError(f"kernels in {units!r} are not implemented by the local engine; give the radius in pixels")
    if kind not in _SHAPES:
        raise ComputeError(f"the kernel {kind!r} is not implemented by the local engine; use circle or square")
    if not 0 < radius <= _MAX_RADIUS_PX:
        raise ComputeError(f"the radius must be above 0 and at most {_MAX_RADIUS_PX} pixels, not {radius}")
    return _SHAPES[kind](radius)


def _kernel(name: str) -> Algorithm:
    @algorithm(
        f"Kernel.{name}",
        'Float radius, String units = "pixels", Boolean normalize = true, Float magnitude = 1.0 -> Kernel',
        description=f"A {name} around a pixel; the radius in pixels reaches from the centre pixel's centre.",
    )
    def make(radius: float, units: str, normalize: bool, magnitude: float) -> KernelValue:
        shape = _kernel_shape(name, radius, units)
        return KernelValue(shape * magnitude / (shape.sum() if normalize else 1))

    return make


KERNELS = (_kernel("circle"), _kernel("square"))


def _extreme(
    shape: np.ndarray, fold: np.ufunc, neutral: Callable[[np.dtype], float]
) -> Callable[[Pixels, int], Pixels]:
    """A function of a grown window that folds the valid pixels under ``shape``; a pixel with none is masked."""
    reach = shape.shape[0] // 2

    def apply(pixels: Pixels, radius: int) -> Pixels:
        rows, columns = (size - 2 * radius for size in pixels.data.shape)
        offsets = [(int(y) + radius - reach, int(x) + radius - reach) for y, x in np.argwhere(shape)]
        data = pixels.data
        if pixels.valid is not None:
            data = np.where(pixels.valid, data, np.asarray(neutral(data.dtype)).astype(data.dtype))
        windows = [np.s_[y : y + rows, x : x + columns] for y, x in offsets]
        result = data[windows[0]].copy()
        for window in windows[1:]:
            fold(result, data[window], out=result)
        if pixels.valid is None:
            return Pixels(result)
        found = np.logical_or.reduce([pixels.valid[window] for window in windows])
        return Pixels(np.where(found, result, 0).astype(data.dtype), found)

    return apply


def _lowest(dtype: np.dtype) -> float:
    return -np.inf if dtype.kind == "f" else int(np.iinfo(dtype).min)


def _highest(dtype: np.dtype) -> float:
    return np.inf if dtype.kind == "f" else int(np.iinfo(dtype).max)


def _focal(name: str, alias: str, fold: np.ufunc, neutral: Neutral, what: str) -> Algorithm:
    @algorithm(
        f"Image.{name}",
        'Image image, Float radius = 1.5, String kernelType = "circle", String units = "pixels", '
        "Integer iterations = 1, Kernel kernel = null -> Image",
        aliases=(f"Image.{alias}",),
        description=f"The {what} of the valid pixels under a kernel around each pixel, in pixels of the output.",
    )
    def focal(
        image: ImageValue, radius: float, kind: str, units: str, iterations: int, kernel: KernelValue | None
    ) -> ImageValue:
        shape = _kernel_shape(kind, radius, units) if kernel is None else kernel.weights != 0
        if not 1 <= iterations <= 100:
            raise ComputeError(f"iterations must be from 1 to 100, not {iterations}")
        function = _extreme(shape, fold, neutral)

        def repeated(source: Source) -> Source:
            for _ in range(iterations):
                source = Neighbourhood(function, shape.shape[0] // 2, source)
            return source

        return map_sources(image, repeated)

    return focal


FOCAL = (
    _focal("focalMin", "focal_min", np.minimum, _highest, "smallest"),
    _focal("focalMax", "focal_max", np.maximum, _lowest, "largest"),
)
