"""Reflectance of the ground on a date: a table of parcels, spread over the pixels band by band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from . import spectra
from .acquisitions import Acquisition
from .cases import Cover, case_map, covers_of, snow_of
from .landscape import Landscape, Parcels
from .noise import FloatArray, smooth_step
from .phenology import CROPS, Surface, ground_cover

_SIDE_LIGHT = np.array([0.12, 0.76, 0.12], np.float32)
"""Share of a pixel's signal from its neighbours, along one axis: the optics blur edges."""


@dataclass(frozen=True)
class Ground:
    """The ground of a date: ``mean`` and ``contrast`` hold reflectance per parcel and band (parcel, 13); a pixel is
    the mean plus its texture times the contrast. ``snow`` is the share of snow (y, x), None without snow;
    ``covers`` is what lies over the parcels below it."""

    landscape: Landscape
    mean: FloatArray
    contrast: FloatArray
    snow: FloatArray | None
    covers: tuple[Cover, ...] = ()

    def reflectance(self, band: int) -> FloatArray:
        """Surface reflectance (y, x) at 10 m of the band with this place in BANDS."""
        parcel = self.landscape.parcel
        values = self.mean[:, band][parcel] + self.landscape.texture * self.contrast[:, band][parcel]
        for cover in self.covers:
            values += cover.share * (cover.brightness * cover.spectrum[band] - values)
        if self.snow is not None:
            values += self.snow * (spectra.SNOW[band] - values)
        values = ndimage.correlate1d(values, _SIDE_LIGHT, axis=0, mode="nearest")
        values = ndimage.correlate1d(values, _SIDE_LIGHT, axis=1, mode="nearest")
        return np.maximum(values, 0.001)

    def case(self) -> np.ndarray | None:
        """The Case of each pixel (y, x), None for a landscape without."""
        if self.landscape.cases is None:
            return None
        return case_map(self.covers, self.snow, self.landscape.height, self.landscape.surface)


def ground_of(landscape: Landscape, acquisition: Acquisition, rng: np.random.Generator) -> Ground:
    """How the ground looks at an acquisition; ``rng`` draws how wet the soil is."""
    moisture = rng.uniform(0.84, 1.16)
    zenith, _ = acquisition.sun
    mean = np.zeros((len(landscape.parcels.surface), 13), np.float32)
    contrast = np.zeros_like(mean)
    for surface in Surface:
        chosen = np.flatnonzero(landscape.parcels.surface == surface)
        if chosen.size:
            mean[chosen], contrast[chosen] = _surface_spectra(
                surface, landscape.parcels, chosen, acquisition.day_of_year, moisture
            )
    woods = np.isin(landscape.parcels.surface, (Surface.DECIDUOUS, Surface.CONIFEROUS))
    mean[woods] *= 0.75 + 0.35 * np.cos(np.radians(zenith))
    if landscape.cases is None:
        return Ground(landscape, mean, contrast, _snow(landscape) if acquisition.snow else None)
    covers = covers_of(landscape.cases, landscape.surface, acquisition)
    snow = snow_of(landscape.cases, landscape.height) * _held(landscape) if acquisition.snow else None
    return Ground(landscape, mean, contrast, snow, covers)


def _surface_spectra(
    surface: Surface, parcels: Parcels, chosen: np.ndarray, day: float, moisture: float
) -> tuple[FloatArray, FloatArray]:
    """Mean and contrast (parcel, 13) of the chosen parcels, all of one surface."""
    lush = parcels.vigour[chosen, None].astype(np.float32)
    if surface in CROPS:
        return _crop_spectra(surface, parcels, chosen, day, moisture)
    if surface == Surface.DECIDUOUS:
        green, dry, _ = ground_cover(surface, day - parcels.late_days[chosen])
        mean = _mix((green, spectra.LEAVES), (dry, spectra.AUTUMN_LEAVES), (1 - green - dry, spectra.BARE_TREES)) * lush
        return mean, 0.12 * mean
    plain = {
        Surface.CONIFEROUS: (spectra.NEEDLES, 0.13),
        Surface.WATER: (spectra.WATER, 0.04),
        Surface.ROAD: (0.7 * spectra.ASPHALT + 0.3 * spectra.SOIL, 0.04),
        Surface.HALLS: (spectra.METAL, 0.0),
    }
    if surface in plain:
        spectrum, spread = plain[surface]
        mean = spectrum[None, :] * (1.0 if surface == Surface.WATER else lush)
        return mean, spread * mean
    green, dry, _ = ground_cover(Surface.GRASS, day - parcels.late_days[chosen])
    garden = _mix((green, spectra.CROP), (dry, spectra.STRAW), (1 - green - dry, spectra.SOIL))
    return 0.45 * spectra.TILES + 0.55 * garden, 0.42 * (1.15 * spectra.TILES - garden)


def _crop_spectra(
    surface: Surface, parcels: Parcels, chosen: np.ndarray, day: float, moisture: float
) -> tuple[FloatArray, FloatArray]:
    green, dry, blossom = ground_cover(surface, day - parcels.late_days[chosen])
    green, blossom = green * parcels.vigour[chosen], blossom * parcels.vigour[chosen]
    ploughed = np.clip((day - parcels.plough_day[chosen]) / 4.0, 0.0, 1.0) * np.exp(
        -np.maximum(day - 290.0, 0.0) / 40.0
    )
    if surface in (Surface.WHEAT, Surface.RAPESEED):
        dry = dry * (1 - ploughed)
    soil = parcels.soil_brightness[chosen] * moisture * (1.0 - 0.16 * ploughed)
    leaf = np.clip(green - blossom, 0.0, 1.0)
    bare = np.clip(1.0 - green - dry, 0.0, 1.0)
    mean = _mix((leaf, spectra.CROP), (blossom, spectra.BLOSSOM), (dry, spectra.STRAW), (bare * soil, spectra.SOIL))
    patchy = 0.10 * np.minimum(1.0, 4.0 * green * (1.1 - green))
    contrast = _mix((patchy, spectra.CROP), (0.10 * bare * soil - patchy, spectra.SOIL), (0.07 * dry, spectra.STRAW))
    return mean, contrast


def _mix(*shares: tuple[np.ndarray, np.ndarray]) -> FloatArray:
    """Linear mixture (parcel, 13) of spectra, each with its share per parcel."""
    return np.sum([np.outer(share, spectrum) for share, spectrum in shares], axis=0).astype(np.float32)


def _snow(landscape: Landscape) -> FloatArray:
    """Share of snow (0-1): from the height, less under trees and on roads, none on water."""
    cover = smooth_step(landscape.height + 0.05 * landscape.texture, 0.52, 0.72)
    return np.clip(cover * _held(landscape), 0.0, 0.96)


def _held(landscape: Landscape) -> FloatArray:
    """Share of fallen snow that is seen from above."""
    held = np.full(len(Surface), 0.94, np.float32)
    held[[Surface.DECIDUOUS, Surface.CONIFEROUS, Surface.WATER, Surface.HOUSES, Surface.ROAD]] = (
        0.4,
        0.2,
        0,
        0.6,
        0.35,
    )
    return held[landscape.surface]
