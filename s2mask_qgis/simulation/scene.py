"""One acquisition put together: digital numbers of the 13 bands and the truth they were made from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ..core.scenes import BANDS
from . import spectra
from .acquisitions import Acquisition
from .clouds import Sky, sky_of
from .ground import Ground, ground_of
from .landscape import Landscape
from .noise import FloatArray

QUANTIFICATION = 10_000
RADIO_ADD_OFFSET = -1_000
SWATH_SLOPE = 0.24
"""How far the edge of the swath moves to the west per metre to the south: the tilt of a descending orbit."""

_THIN_VISIBLE, _CLOUD_VISIBLE = 0.006, 0.03
_SHADOW_SHARE = 0.4


class Truth(IntEnum):
    """What a pixel is: clear; cloud (raises the visible by 0.03 and more); thin cloud, most of it cirrus (by less);
    in the shadow of a cloud; outside the swath."""

    CLEAR = 0
    CLOUD = 1
    THIN_CLOUD = 2
    SHADOW = 3
    NO_DATA = 255


@dataclass(frozen=True)
class Observation:
    """``numbers`` holds each band's digital numbers (uint16, 0 outside the swath) at its native pixel size;
    ``truth`` the Truth at 10 m (uint8), ``case`` the Case where the sample has such; the percentages are of the pixels
    inside the swath."""

    numbers: dict[str, np.ndarray]
    truth: np.ndarray
    cloudy_percent: float
    snow_percent: float
    case: np.ndarray | None = None


def observe(landscape: Landscape, acquisition: Acquisition, seed: int) -> Observation:
    """The acquisition as the instrument would have seen it; the same arguments give the same numbers."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 3, acquisition.number]))
    size = landscape.parcel.shape[0]
    ground = ground_of(landscape, acquisition, rng)
    sky = sky_of(acquisition, size, rng)
    valid = swath(acquisition, size)
    air = _air(acquisition, rng)
    skies = {factor: _coarser(sky, factor) for factor in (1, 2, 6)}
    numbers = {}
    for place, band in enumerate(BANDS):
        factor = spectra.SCALE_M[band] // 10
        surface = block_mean(ground.reflectance(place), factor)
        seen = _through_clouds(_through_air(surface, place, air, skies[factor]), place, skies[factor])
        seen += spectra.NOISE[place] * rng.standard_normal(seen.shape, dtype=np.float32)
        numbers[band] = _digital_numbers(seen, _all_valid(valid, factor))
    truth = _truth(sky, valid)
    return Observation(numbers, truth, _percent(truth, valid), _snow_percent(ground, valid), ground.case())


def swath(acquisition: Acquisition, size_px: int) -> np.ndarray:
    """True for the 10 m pixels inside the swath (y, x)."""
    corners_px = swath_cut_px(acquisition.swath_loss, size_px)
    y, x = np.mgrid[0:size_px, 0:size_px] + 0.5
    if acquisition.swath_side == "SE":
        y, x = size_px - y, size_px - x
    return x + SWATH_SLOPE * y >= corners_px


def swath_cut_px(loss: float, size_px: int) -> float:
    """How far the edge of the swath cuts into the side of the tile: a right triangle of ``loss`` of its area."""
    return float(np.sqrt(2.0 * loss * SWATH_SLOPE)) * size_px


def block_mean(values: FloatArray, factor: int) -> FloatArray:
    """Mean over blocks of ``factor`` x ``factor`` pixels."""
    if factor == 1:
        return values
    rows, columns = values.shape
    return values.reshape(rows // factor, factor, columns // factor, factor).mean(axis=(1, 3), dtype=np.float32)


@dataclass(frozen=True)
class _Air:
    """Path reflectance and transmission of the 13 bands on a date."""

    path: FloatArray
    transmission: FloatArray


def _air(acquisition: Acquisition, rng: np.random.Generator) -> _Air:
    """The air of a date: more path under a low sun and in haze, water vapour at random."""
    zenith, _ = acquisition.sun
    slant = (1.0 / np.cos(np.radians(zenith)) / 1.15) ** 0.38
    haze = rng.uniform(0.92, 1.12)
    vapour = rng.uniform(0.85, 1.15)
    transmission = spectra.TRANSMISSION.copy()
    transmission[BANDS.index("B9")] *= vapour
    transmission[BANDS.index("B10")] *= vapour
    path = spectra.PATH * np.float32(slant * haze)
    path[BANDS.index("B10")] = spectra.PATH[BANDS.index("B10")]
    return _Air(path, transmission)


@dataclass(frozen=True)
class _CoarseSky:
    """The sky at one pixel size: per layer (opacity, opacity x brightness, kind), and the shadow."""

    layers: tuple[tuple[FloatArray, FloatArray, int], ...]
    sky: Sky
    shadow: FloatArray | None


def _coarser(sky: Sky, factor: int) -> _CoarseSky:
    layers = tuple(
        (block_mean(layer.opacity, factor), block_mean(layer.opacity * layer.brightness, factor), number)
        for number, layer in enumerate(sky.layers)
    )
    return _CoarseSky(layers, sky, None if sky.shadow is None else block_mean(sky.shadow, factor))


def _through_air(surface: FloatArray, place: int, air: _Air, sky: _CoarseSky) -> FloatArray:
    """Reflectance at the top of the atmosphere without clouds, shadows included."""
    signal = surface * air.transmission[place]
    if sky.shadow is not None:
        signal *= 1.0 - spectra.SHADE[place] * sky.shadow
    return signal + air.path[place]


def _through_clouds(below: FloatArray, place: int, sky: _CoarseSky) -> FloatArray:
    """What is seen through the layers, each mixing in its own reflectance by its opacity."""
    seen = below
    for opacity, bright, number in sky.layers:
        kind = sky.sky.layers[number].kind
        if BANDS[place] == "B10":
            seen = seen + opacity * (kind.cirrus_band - 0.5 * seen)
        else:
            seen = seen * (1.0 - opacity) + bright * kind.spectrum[place]
    return seen


def _digital_numbers(reflectance: FloatArray, valid: np.ndarray) -> np.ndarray:
    numbers = np.rint(reflectance * QUANTIFICATION) - RADIO_ADD_OFFSET
    return np.where(valid, np.clip(numbers, 1, 65_534), 0).astype(np.uint16)


def _all_valid(valid: np.ndarray, factor: int) -> np.ndarray:
    rows, columns = valid.shape
    return valid.reshape(rows // factor, factor, columns // factor, factor).all(axis=(1, 3))


def _truth(sky: Sky, valid: np.ndarray) -> np.ndarray:
    """The Truth of each pixel, from how much the clouds raise a dark surface's visible reflectance."""
    raised = np.zeros(valid.shape, np.float32)
    for layer in sky.layers:
        raised = raised * (1.0 - layer.opacity) + layer.opacity * (layer.brightness - 0.08)
    truth = np.full(valid.shape, Truth.CLEAR, np.uint8)
    if sky.shadow is not None:
        truth[sky.shadow > _SHADOW_SHARE] = Truth.SHADOW
    truth[raised >= _THIN_VISIBLE] = Truth.THIN_CLOUD
    truth[raised >= _CLOUD_VISIBLE] = Truth.CLOUD
    truth[~valid] = Truth.NO_DATA
    return truth


def _percent(truth: np.ndarray, valid: np.ndarray) -> float:
    cloudy = (truth == Truth.CLOUD) | (truth == Truth.THIN_CLOUD)
    return 100.0 * float(cloudy.sum()) / max(1, int(valid.sum()))


def _snow_percent(ground: Ground, valid: np.ndarray) -> float:
    if ground.snow is None:
        return 0.0
    return 100.0 * float((valid & (ground.snow > 0.5)).sum()) / max(1, int(valid.sum()))
