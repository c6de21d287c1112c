"""How much sunlight a rippled water surface mirrors towards the satellite."""

from __future__ import annotations

import math

VIEW_ZENITH_DEG = 9.0
"""Angle under which the edge of the swath is seen; 0 is straight down."""

EAST_OF_TARGET_DEG, WEST_OF_TARGET_DEG = 105.0, 285.0
"""Azimuth of the satellite as seen from the ground, for orbits that pass to the east and to the west of it."""

_FRESNEL = 0.021


def glint_reflectance(sun: tuple[float, float], view: tuple[float, float], wind_m_s: float) -> float:
    """Reflectance of sun glint in the visible; ``sun`` and ``view`` are zenith and azimuth in degrees.

    Slopes of the waves are normal and the same in every direction, their variance grows with the wind: Cox and Munk
    (1954), J. Opt. Soc. Am. 44(11):838, https://doi.org/10.1364/JOSA.44.000838. Fresnel's reflectance is that of near
    vertical incidence.
    """
    to_sun, to_satellite = _direction(*sun), _direction(*view)
    half = [a + b for a, b in zip(to_sun, to_satellite)]
    squared_slope = (half[0] ** 2 + half[1] ** 2) / half[2] ** 2
    variance = 0.003 + 0.00512 * wind_m_s
    density = math.exp(-squared_slope / variance) / (math.pi * variance)
    return math.pi * _FRESNEL * density * (1 + squared_slope) ** 2 / (4 * to_sun[2] * to_satellite[2])


def _direction(zenith_deg: float, azimuth_deg: float) -> tuple[float, float, float]:
    """Unit vector (east, north, up) towards a place in the sky."""
    zenith, azimuth = math.radians(zenith_deg), math.radians(azimuth_deg)
    return math.sin(zenith) * math.sin(azimuth), math.sin(zenith) * math.cos(azimuth), math.cos(zenith)
