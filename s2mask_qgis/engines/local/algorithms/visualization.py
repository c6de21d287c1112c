"""Images as pictures: bands brought to red, green and blue, or grey, of 8 bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..pictures import colour_of, range_of
from ..raster.sources import Pixels, Pixelwise, Source
from ..values import Band, ComputeError, ImageValue
from .conversions import is_number
from .elementwise import refuse
from .images import select_bands
from .opacity import as_values
from .registry import algorithm

_NAMES = ("vis-red", "vis-green", "vis-blue")
_GREY = "vis-gray"
_BYTE = np.dtype(np.uint8)


@dataclass(frozen=True)
class _Scale:
    """How a band's values become shares of full intensity: (value * gain + bias), held within 0 and 1, then gamma."""

    gain: float
    bias: float
    gamma: float

    def share(self, data: np.ndarray) -> np.ndarray:
        """Values as shares, 0 to 1; NaN stays."""
        with np.errstate(all="ignore"):
            share = np.clip(data.astype(np.float64) * self.gain + self.bias, 0.0, 1.0)
        return share if self.gamma == 1.0 else share ** (1.0 / self.gamma)


@algorithm(
    "Image.visualize",
    "Image image, Object bands = null, Object gain = null, Object bias = null, Object min = null, Object max = null, "
    "Object gamma = null, Number opacity = null, Object palette = null, Boolean forceRgbOutput = false -> Image",
    takes_opacity=True,
)
def visualize(
    image: ImageValue,
    selectors: Any,
    gain: Any,
    bias: Any,
    lowest: Any,
    highest: Any,
    gamma: Any,
    opacity: float | None,
    palette: Any,
    force_rgb: bool,
) -> ImageValue:
    """Three bands as red, green and blue, or one as grey, through a palette or forced to red, green and blue; bytes.

    ``min`` becomes 0 and ``max`` 255 (those of the band's type, 0 and 1 for fractions, where neither they nor gain and
    bias are given), or a value times ``gain`` plus ``bias`` is the byte. Each is one number or one a band, in a list
    or a text with commas. A pixel masked in one band is masked in all; ``opacity`` scales its mask.
    """
    bands = _shown(image, _items(selectors))
    colours = [_colour(item) for item in _items(palette)]
    if colours and len(bands) != 1:
        raise ComputeError("a palette shows one band only")
    if opacity is not None and not 0 <= opacity <= 1:
        raise ComputeError(f"opacity must be from 0 to 1, not {opacity}")
    scales = _scales(bands, *map(_items, (gain, bias, lowest, highest, gamma)))
    mask = _mask(bands, 1.0 if opacity is None else opacity)
    if len(bands) == 1 and not colours and not force_rgb:
        channels = [(_GREY, bands[0], _grey(scales[0]))]
    elif len(bands) == 1:
        channels = [(name, bands[0], _through(scales[0], colours, i)) for i, name in enumerate(_NAMES)]
    else:
        channels = [(name, band, _grey(scale)) for name, band, scale in zip(_NAMES, bands, scales)]
    return image.with_bands(
        [Band(name, Pixelwise(show, band.source, mask), band.grid, _BYTE, mask) for name, band, show in channels]
    )


def _shown(image: ImageValue, selectors: Sequence[Any]) -> tuple[Band, ...]:
    bands = select_bands(image, selectors).bands if selectors else image.bands[:3]
    if len(bands) not in (1, 3):
        raise ComputeError(f"a picture shows 1 or 3 bands, not {len(bands)}")
    return bands


def _items(value: Any) -> list[Any]:
    """One value or several: a list, a text with commas or a number."""
    if value is None:
        return []
    if isinstance(value, str):
        return [item.strip() for item in value.split(",")]
    return value if isinstance(value, list) else [value]


def _numbers(name: str, items: Sequence[Any], count: int) -> list[float] | None:
    """One number a band; None where none are given."""
    if not items:
        return None
    try:
        numbers = [float(item) for item in items if is_number(item) or isinstance(item, str)]
    except (ValueError, OverflowError):
        numbers = []
    if len(numbers) != len(items) or not np.isfinite(numbers).all() or len(numbers) not in (1, count):
        raise ComputeError(f"{name} must be one finite number or one for each of {count} bands, not {list(items)}")
    return numbers * (count if len(numbers) == 1 else 1)


def _scales(
    bands: Sequence[Band],
    gain: Sequence[Any],
    bias: Sequence[Any],
    lowest: Sequence[Any],
    highest: Sequence[Any],
    gamma: Sequence[Any],
) -> list[_Scale]:
    count = len(bands)
    powers = _numbers("gamma", gamma, count) or [1.0] * count
    if min(powers) <= 0:
        raise ComputeError("gamma must be above 0")
    if gain or bias:
        if lowest or highest:
            raise ComputeError("give min and max, or gain and bias, not both")
        factors, offsets = _numbers("gain", gain, count), _numbers("bias", bias, count)
        pairs = zip(factors or [1.0] * count, offsets or [0.0] * count)
        return [_Scale(g / 255.0, b / 255.0, power) for (g, b), power in zip(pairs, powers)]
    if lowest and not highest:
        raise refuse("a picture with a min and no max")
    limits = [range_of(band.dtype) for band in bands]
    if highest:
        lows = _numbers("min", lowest, count) or [0.0] * count
        limits = list(zip(lows, _numbers("max", highest, count) or []))
    if any(low >= high for low, high in limits):
        raise ComputeError("min must be less than max")
    return [_Scale(1.0 / (high - low), -low / (high - low), power) for (low, high), power in zip(limits, powers)]


def _mask(bands: Sequence[Band], opacity: float) -> Source:
    """The mask that all channels have. Refused where bands of one pixel are opaque to different parts."""

    def common(pixels: Sequence[Pixels]) -> Pixels:
        masks = np.stack([part.data for part in pixels])
        least = masks.min(axis=0)
        if ((least > 0) & (masks.max(axis=0) > least)).any():
            raise refuse("a picture of bands with different masks between 0 and 1")
        return Pixels(least * opacity)

    return Pixelwise(common, *map(as_values, bands))


def _grey(scale: _Scale) -> Callable[[Sequence[Pixels]], Pixels]:
    return lambda pixels: _bytes(scale.share(pixels[0].data) * 255.0, pixels)


def _through(
    scale: _Scale, colours: Sequence[tuple[int, int, int]], channel: int
) -> Callable[[Sequence[Pixels]], Pixels]:
    """One channel of a palette, between whose colours is interpolated; without colours all channels are alike."""
    stops = np.array([float(colour[channel]) for colour in colours] or [0.0, 255.0])

    def show(pixels: Sequence[Pixels]) -> Pixels:
        place = scale.share(pixels[0].data) * (stops.size - 1)
        return _bytes(np.interp(place, np.arange(stops.size), stops), pixels)

    return show


def _bytes(values: np.ndarray, pixels: Sequence[Pixels]) -> Pixels:
    """Values as bytes, valid where the mask is above 0 and the value is a number."""
    defined = np.isfinite(values)
    return Pixels(np.rint(np.where(defined, values, 0.0)).astype(np.uint8), defined & (pixels[1].data > 0))


def _colour(item: Any) -> tuple[int, int, int]:
    try:
        return colour_of(item)
    except ValueError as error:
        raise ComputeError(str(error)) from None
