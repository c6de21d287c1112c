"""The sky of a date: layers of cloud with their optical thickness, and the shadows they throw."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from . import spectra
from .acquisitions import Acquisition, Weather
from .noise import FloatArray, above_share, random_field, smooth_step


@dataclass(frozen=True)
class CloudKind:
    """What makes one kind of cloud.

    ``base_m`` is its height above ground; ``wavelength_m`` and ``roughness`` its grain, ``stretch`` how much longer
    it is along the wind; ``thickness`` the optical thickness reached one standard deviation inside its edge;
    ``brightness`` the visible reflectance of its thickest part; ``cirrus_band`` its reflectance in B10 where opaque;
    ``clumping`` how strongly a second, larger field gathers the clouds (0-1).
    """

    base_m: float
    wavelength_m: float
    roughness: float
    stretch: float
    thickness: float
    brightness: float
    cirrus_band: float
    spectrum: FloatArray
    clumping: float = 0.0


CUMULUS = CloudKind(1500.0, 620.0, 2.9, 1.0, 5.5, 0.74, 0.0032, spectra.DROPLETS, 0.5)
STRATUS = CloudKind(1100.0, 5200.0, 2.1, 1.3, 5.0, 0.56, 0.0035, spectra.DROPLETS)
ALTOSTRATUS = CloudKind(3400.0, 3600.0, 2.2, 1.6, 3.2, 0.64, 0.030, spectra.ICE)
CIRRUS = CloudKind(9000.0, 2600.0, 1.9, 5.0, 0.11, 0.58, 0.21, spectra.ICE, 0.3)

_KINDS = {
    Weather.CIRRUS: (CIRRUS,),
    Weather.CUMULUS: (CUMULUS,),
    Weather.BANK: (STRATUS,),
    Weather.BROKEN: (CUMULUS, ALTOSTRATUS),
    Weather.OVERCAST: (ALTOSTRATUS,),
}


@dataclass(frozen=True)
class CloudLayer:
    """One layer over the tile: ``opacity`` (0-1) and visible ``brightness`` of its cloud (y, x) at 10 m."""

    kind: CloudKind
    opacity: FloatArray
    brightness: FloatArray


@dataclass(frozen=True)
class Sky:
    """The layers from the lowest to the highest, and the share of sunlight (0-1) that each pixel's ground misses."""

    layers: tuple[CloudLayer, ...]
    shadow: FloatArray | None


def sky_of(acquisition: Acquisition, size_px: int, rng: np.random.Generator) -> Sky:
    """The clouds of an acquisition and their shadows on the ground."""
    kinds = _KINDS.get(acquisition.weather, ())
    covers = (acquisition.cover,) if len(kinds) == 1 else (0.5 * acquisition.cover, 0.75 * acquisition.cover)
    layers = tuple(_layer(kind, cover, size_px, rng) for kind, cover in zip(kinds, covers))
    if not layers:
        return Sky((), None)
    clear = np.ones((size_px, size_px), np.float32)
    for layer in layers:
        clear *= 1.0 - _thrown(layer.opacity, layer.kind.base_m, acquisition.sun)
    return Sky(layers, 1.0 - clear)


def _layer(kind: CloudKind, cover: float, size_px: int, rng: np.random.Generator) -> CloudLayer:
    kind = replace(
        kind, base_m=kind.base_m * rng.uniform(0.8, 1.3), cirrus_band=kind.cirrus_band * rng.uniform(0.7, 1.3)
    )
    wavelength_px = min(kind.wavelength_m / 10.0, size_px / 2.5)
    shape = random_field(rng, size_px, wavelength_px, kind.roughness, kind.stretch, rng.uniform(-0.6, 0.6))
    if kind.clumping:
        shape = shape + kind.clumping * random_field(rng, size_px, size_px / 2.5, 3.5)
    detail = random_field(rng, size_px, wavelength_px / 3, 2.3)
    edge = above_share(shape, min(cover, 1.0)) if cover < 1.0 else float(shape.min()) - 1.0
    depth = np.maximum(shape - edge, 0.0) / float(shape.std())
    thickness = kind.thickness * depth * (1.0 + 0.25 * np.clip(detail, -2, 2))
    opacity = 1.0 - np.exp(-thickness)
    brightness = kind.brightness * (0.62 + 0.46 * smooth_step(depth, 0.0, 1.6) + 0.09 * detail)
    return CloudLayer(kind, opacity.astype(np.float32), np.clip(brightness, 0.32, 0.85).astype(np.float32))


def _thrown(opacity: FloatArray, base_m: float, sun: tuple[float, float]) -> FloatArray:
    """The shadow of a layer: its opacity moved away from the sun by what its height and the sun's give.

    The fields are periodic, so what leaves the tile on one side stands for the clouds beyond the other.
    """
    zenith, azimuth = np.radians(sun)
    distance_px = base_m * np.tan(zenith) / 10.0
    rows = round(float(distance_px * np.cos(azimuth)))
    columns = round(float(-distance_px * np.sin(azimuth)))
    return np.roll(opacity, (rows, columns), axis=(0, 1))
