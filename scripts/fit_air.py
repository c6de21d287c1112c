"""The air and the clouds of single pixels: from reflectance of the ground to that at the top of the atmosphere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WAVELENGTH_UM = np.array((0.443, 0.492, 0.560, 0.665, 0.704, 0.741, 0.783, 0.833, 0.865, 0.945, 1.374, 1.614, 2.202))
B9, B10, B11, B12 = 9, 10, 11, 12
"""Places of bands in the order of BANDS."""

_GASES = np.array((0.99, 0.985, 0.97, 0.965, 0.97, 0.96, 0.98, 0.97, 0.985, 1.0, 1.0, 0.96, 0.93))
_RAYLEIGH_DEPTH = 0.00864 * WAVELENGTH_UM ** -(3.916 + 0.074 * WAVELENGTH_UM + 0.05 / WAVELENGTH_UM)
"""Optical depth of air at sea level (Leckner 1978, Solar Energy 20, 143-150)."""


@dataclass(frozen=True)
class Air:
    """``path`` is what the air adds, ``passed`` the share of the ground's signal that it lets through, both (n, 13)."""

    path: np.ndarray
    passed: np.ndarray


@dataclass(frozen=True)
class AirState:
    """The air over n pixels: cosine of the sun's zenith angle, height in km, water vapour in cm, optical depth of
    aerosol at 0.55 um, its exponent of the wavelength and how much of it is thrown back to the satellite."""

    sun: np.ndarray
    height_km: np.ndarray
    vapour_cm: np.ndarray
    aerosol: np.ndarray
    exponent: np.ndarray
    thrown_back: np.ndarray


def air_of(state: AirState, rng: np.random.Generator) -> Air:
    """Path and transmission by single scattering, seen from straight above.

    Vapour takes B9 and B10 by the root of its amount along the way: strong lines.
    """
    slant = 1 / state.sun + 1
    rayleigh = _RAYLEIGH_DEPTH * np.exp(-state.height_km / 8)[:, None]
    spectral = (WAVELENGTH_UM / 0.55) ** -state.exponent[:, None]
    aerosol = (state.aerosol * np.exp(-state.height_km / 3))[:, None] * spectral
    phase = 0.75 * (1 + state.sun**2)[:, None]
    path = 1.12 * _scattered(rayleigh, phase, state.sun, slant)
    path = path + _scattered(aerosol, state.thrown_back[:, None], state.sun, slant)
    passed = np.exp(-(0.45 * rayleigh + 0.13 * aerosol) * slant[:, None]) * _GASES
    vapour = np.sqrt(np.maximum(state.vapour_cm * slant, 0.01))
    passed[:, B9] *= np.exp(-0.55 * vapour)
    passed[:, B10] *= np.exp(-3.1 * vapour)
    path[:, B9] *= np.exp(-0.25 * vapour)
    path[:, B10] = 0.15 * path[:, B10] * np.exp(-vapour) + 0.0006 * (1 + rng.random(len(vapour)))
    return Air(path, passed)


def _scattered(depth: np.ndarray, phase: np.ndarray, sun: np.ndarray, slant: np.ndarray) -> np.ndarray:
    return (1 - np.exp(-depth * slant[:, None])) * phase / (4 * (sun[:, None] + 1))


NO_CLOUD, DROPLETS, ICE, MIXED = range(4)
"""Kinds of cloud."""


def cover(seen: np.ndarray, kind: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Reflectance (n, 13) seen through a cloud of each pixel's ``kind``, and by how much that cloud would raise the
    visible reflectance of dark ground (n); opacity, brightness and spectrum of the clouds are drawn."""
    count = len(seen)
    opacity = np.where(kind == NO_CLOUD, 0.0, _opacity(count, rng))
    brightness = np.clip(0.42 + 0.40 * opacity * rng.random(count) + 0.12 * rng.standard_normal(count), 0.3, 0.95)
    relative = _cloud_spectrum(kind, rng)
    mixed = seen * (1 - opacity[:, None]) + (opacity * brightness)[:, None] * relative
    cirrus = opacity * relative[:, B10] * brightness / 0.6
    mixed[:, B10] = seen[:, B10] * (1 - 0.5 * opacity) + cirrus
    return mixed, opacity * (brightness - 0.08)


def _opacity(count: int, rng: np.random.Generator) -> np.ndarray:
    """Thick, thin and hardly visible clouds."""
    which = rng.random(count)
    thick, thin, veil = rng.uniform(0.4, 1, count), rng.uniform(0.05, 0.45, count), rng.exponential(0.06, count)
    return np.clip(np.where(which < 0.45, thick, np.where(which < 0.8, thin, veil)), 0, 1)


def _cloud_spectrum(kind: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Reflectance of thick clouds relative to their brightness in the visible (n, 13)."""
    count = len(kind)
    slope = rng.normal(0, 0.05, count)[:, None]
    relative = (1 + 0.03 * rng.standard_normal((count, 1))) * (
        1 + slope * np.where(WAVELENGTH_UM < 1, (WAVELENGTH_UM - 0.6) / 0.3, 1.0)
    )
    ice = np.array((0.0, 0.0, 1.0, 0.5))[kind] * rng.uniform(0.6, 1.0, count)
    swir = (rng.uniform(0.55, 0.85, count), rng.uniform(0.32, 0.6, count))
    far = (rng.uniform(0.42, 0.7, count), rng.uniform(0.22, 0.5, count))
    relative[:, B11] = swir[0] * (1 - ice) + swir[1] * ice
    relative[:, B12] = np.minimum(far[0] * (1 - ice) + far[1] * ice, 0.95 * relative[:, B11])
    low, high, middle = (rng.uniform(*limits, count) for limits in ((0.42, 0.62), (0.7, 0.95), (0.55, 0.75)))
    relative[:, B9] = np.choose(kind, (low, low, high, middle))
    leak = rng.choice((0.002, 0.006, 0.015), count, p=(0.6, 0.25, 0.15)) * rng.random(count)
    relative[:, B10] = np.choose(kind, (leak, leak, rng.uniform(0.12, 0.55, count), rng.uniform(0.015, 0.12, count)))
    return relative
