"""Pictures: bands brought to 8-bit colours as the service's visualisation options say."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BadRequestError
from .raster.sources import Pixels

NAMED_COLOURS = {
    "aqua": "00ffff",
    "black": "000000",
    "blue": "0000ff",
    "cyan": "00ffff",
    "fuchsia": "ff00ff",
    "gray": "808080",
    "green": "008000",
    "grey": "808080",
    "lime": "00ff00",
    "magenta": "ff00ff",
    "maroon": "800000",
    "navy": "000080",
    "olive": "808000",
    "orange": "ffa500",
    "purple": "800080",
    "red": "ff0000",
    "silver": "c0c0c0",
    "teal": "008080",
    "white": "ffffff",
    "yellow": "ffff00",
}
"""CSS's basic colours, without #."""

MAX_COLOURS = 4096


@dataclass(frozen=True)
class Visualization:
    """How values become colours. ``ranges`` are (min, max), one for all bands or one a band, none for the range of the
    band's type; ``palette`` (red, green, blue each) is for a single band."""

    ranges: tuple[tuple[float, float], ...] = ()
    palette: tuple[tuple[int, int, int], ...] = ()
    gamma: float = 1.0
    opacity: float = 1.0

    @classmethod
    def from_json(cls, options: Mapping[str, Any]) -> Visualization:
        """The options as the service's calls carry them. BadRequestError where they cannot be used."""
        try:
            ranges = tuple(
                (_number(item.get("min", 0)), _number(item.get("max", 1))) for item in _list(options, "ranges")
            )
            palette = tuple(colour_of(item) for item in _list(options, "paletteColors"))
            gamma, opacity = (_number(_plain(options.get(key), 1.0)) for key in ("gamma", "opacity"))
            if any(low >= high for low, high in ranges):
                raise ValueError("a range's min must be less than its max")
            if len(palette) > MAX_COLOURS or gamma <= 0 or not 0 <= opacity <= 1:
                raise ValueError("the palette is too long, gamma is not positive or opacity is not from 0 to 1")
        except (TypeError, ValueError, AttributeError) as error:
            raise BadRequestError(f"The visualization options cannot be used: {error}.") from None
        return cls(ranges, palette, gamma, opacity)

    def bands_shown(self, names: Sequence[str]) -> list[int]:
        """Positions of the bands that are shown: three as red, green and blue, or one."""
        if self.palette and len(names) != 1:
            raise BadRequestError("Cannot provide a palette when visualizing more than one band.")
        if len(names) == 2 or len(self.ranges) not in (0, 1, min(len(names), 3)):
            raise BadRequestError(f"A picture shows 1 or 3 bands with one range each or one for all, not {len(names)}.")
        return list(range(min(len(names), 3)))

    def colours(
        self, shown: Sequence[tuple[Pixels, np.dtype[Any]]], opacities: Sequence[np.ndarray] = ()
    ) -> np.ndarray:
        """Red, green, blue and alpha (4, rows, columns) uint8 of one band or three; alpha is 0 where one is masked, and
        the least of ``opacities`` (0-1) where masks are in part opaque."""
        shares = [self._share(pixels, dtype, position) for position, (pixels, dtype) in enumerate(shown)]
        valid = np.logical_and.reduce([pixels.valid_or_true() for pixels, _ in shown])
        valid = valid & np.logical_and.reduce([np.isfinite(share) for share in shares])
        shares = [np.where(valid, share, 0.0) for share in shares]
        if self.palette:
            stops = np.array(self.palette, np.float64).T
            at = shares[0] * (len(self.palette) - 1)
            channels = [np.interp(at, np.arange(stops.shape[1]), stop) for stop in stops]
        else:
            channels = [share * 255.0 for share in (shares if len(shares) == 3 else shares * 3)]
        alpha = np.where(valid, np.minimum.reduce([np.ones(valid.shape), *opacities]) * self.opacity * 255.0, 0.0)
        return np.stack([np.rint(channel).astype(np.uint8) for channel in (*channels, alpha)])

    def _share(self, pixels: Pixels, dtype: np.dtype[Any], position: int) -> np.ndarray:
        """Where values lie between min and max, 0 to 1, after gamma."""
        if self.ranges:
            low, high = self.ranges[position if len(self.ranges) > 1 else 0]
        else:
            low, high = range_of(dtype)
        share = np.clip((pixels.data.astype(np.float64) - low) / (high - low), 0.0, 1.0)
        return share if self.gamma == 1.0 else share ** (1.0 / self.gamma)


def range_of(dtype: np.dtype[Any]) -> tuple[float, float]:
    """The range of a type: that of the integers, 0 to 1 for floating numbers."""
    if dtype.kind not in "iu":
        return 0.0, 1.0
    limits = np.iinfo(dtype)
    return float(limits.min), float(limits.max)


def _list(options: Mapping[str, Any], key: str) -> list[Any]:
    items = options.get(key) or []
    if not isinstance(items, list):
        raise TypeError(f"{key} is not a list")
    return items


def _plain(value: Any, default: float) -> Any:
    """A number, bare or as the service's {"value": number}."""
    if isinstance(value, Mapping):
        value = value.get("value")
    return default if value is None else value


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not a finite number")
    return number


def colour_of(text: Any) -> tuple[int, int, int]:
    """A colour as hexadecimal digits, with or without #, or one of CSS's basic names."""
    digits = NAMED_COLOURS.get(str(text).strip().lower(), str(text).strip().lstrip("#"))
    if re.fullmatch(r"[0-9a-fA-F]{3}", digits):
        digits = "".join(digit * 2 for digit in digits)
    if not re.fullmatch(r"[0-9a-fA-F]{6}", digits):
        raise ValueError(f"{text!r} is not a colour such as FF0000 or red")
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue
