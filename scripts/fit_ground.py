"""Kinds of ground all over the world that cloud models are fitted on: what each is mixed of, and how it changes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from s2mask_qgis.simulation import spectra


def _spectrum(*values: float) -> np.ndarray:
    return np.array(values)


# Rounded typical values, as those of the simulated sample. B1    B2    B3    B4    B5    B6    B7    B8    B8A   B9
SAND = _spectrum(0.120, 0.160, 0.250, 0.340, 0.380, 0.400, 0.420, 0.430, 0.450, 0.46, 0.47, 0.520, 0.480)
BRIGHT_SAND = _spectrum(0.180, 0.240, 0.360, 0.480, 0.520, 0.540, 0.560, 0.570, 0.580, 0.59, 0.60, 0.640, 0.600)
SALT = _spectrum(0.450, 0.520, 0.580, 0.620, 0.640, 0.650, 0.660, 0.660, 0.660, 0.64, 0.50, 0.420, 0.300)
LIMESTONE = _spectrum(0.300, 0.360, 0.430, 0.490, 0.510, 0.530, 0.550, 0.560, 0.570, 0.57, 0.57, 0.580, 0.500)
LAVA = _spectrum(0.040, 0.045, 0.050, 0.055, 0.060, 0.065, 0.070, 0.070, 0.075, 0.08, 0.08, 0.090, 0.090)
WHITE_ROOF = _spectrum(0.500, 0.600, 0.650, 0.670, 0.680, 0.680, 0.680, 0.680, 0.670, 0.66, 0.60, 0.600, 0.550)
PLASTIC = _spectrum(0.250, 0.300, 0.330, 0.350, 0.380, 0.450, 0.480, 0.490, 0.500, 0.50, 0.45, 0.400, 0.300)
DRY_GRASS = _spectrum(0.050, 0.070, 0.110, 0.150, 0.190, 0.240, 0.270, 0.290, 0.320, 0.33, 0.33, 0.350, 0.230)
BURNT = _spectrum(0.040, 0.045, 0.050, 0.055, 0.060, 0.070, 0.080, 0.090, 0.100, 0.11, 0.13, 0.170, 0.160)
TURBID_WATER = _spectrum(0.070, 0.090, 0.130, 0.120, 0.100, 0.050, 0.050, 0.040, 0.030, 0.02, 0.01, 0.010, 0.005)
OLD_SNOW = _spectrum(0.600, 0.620, 0.620, 0.600, 0.570, 0.520, 0.500, 0.470, 0.420, 0.36, 0.10, 0.040, 0.030)


@dataclass(frozen=True)
class Family:
    """Ground of one kind.

    ``share`` is its part of all pixels; a pixel is mixed of ``parts`` (spectra), the more evenly the larger
    ``evenness``; ``steadiness`` (0-1) is the part of that mixture that stays the same on all dates.
    """

    name: str
    share: float
    parts: tuple[np.ndarray, ...]
    evenness: float
    steadiness: float
    gets_wet: bool = False
    snow_held: float = 1.0
    glints: float = 0.0


_S = spectra
FAMILIES = (
    Family("fields", 0.28, (_S.CROP, _S.STRAW, _S.SOIL, 0.65 * _S.SOIL, 1.35 * _S.SOIL, _S.BLOSSOM), 0.35, 0.0, True),
    Family(
        "forest",
        0.18,
        (_S.LEAVES, _S.AUTUMN_LEAVES, _S.BARE_TREES, _S.NEEDLES, 0.7 * _S.NEEDLES),
        0.5,
        0.6,
        snow_held=0.45,
    ),
    Family("grassland", 0.12, (_S.CROP, DRY_GRASS, _S.SOIL, BURNT, 0.7 * _S.CROP), 0.5, 0.3, True),
    Family(
        "desert",
        0.10,
        (
            *(factor * SAND for factor in (1.0, 0.85, 0.7)),
            *(BRIGHT_SAND, 0.8 * BRIGHT_SAND, LIMESTONE, 0.8 * LIMESTONE),
            *(LAVA, 0.5 * (SAND + LAVA), SALT),
        ),
        0.2,
        0.97,
        True,
    ),
    Family(
        "built-up",
        0.10,
        (
            *(_S.TILES, _S.TILES, 0.8 * _S.TILES, _S.METAL, WHITE_ROOF, PLASTIC),
            *(_S.ASPHALT, _S.ASPHALT, _S.CROP, 0.5 * (_S.ASPHALT + _S.CROP)),
        ),
        0.4,
        0.93,
    ),
    Family("water", 0.12, (_S.WATER, 0.5 * _S.WATER, TURBID_WATER), 0.5, 0.5, snow_held=0.0, glints=0.35),
    Family("shore", 0.04, (_S.WATER, TURBID_WATER, _S.SOIL, SAND, _S.CROP), 0.4, 0.4, True, glints=0.17),
    Family("rock", 0.06, (LAVA, LIMESTONE, _S.ASPHALT, DRY_GRASS, _S.NEEDLES), 0.5, 0.9, True),
)
