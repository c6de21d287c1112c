"""What a model must hold to although chance rarely draws it: clouds that stay, snow, and bright ground that stays."""

from __future__ import annotations

import numpy as np

from fit_air import B10
from fit_ground import BRIGHT_SAND, OLD_SNOW, SALT, WHITE_ROOF
from s2mask_qgis.simulation import spectra

HAZES = (1.0, 1.4, 1.9)
"""Path reflectance relative to a high sun: down to a low one."""

CLOUD_BRIGHTNESS = (0.55, 0.65, 0.75, 0.85)
CIRRUS_BAND = (0.04, 0.08)
SNOW_SHARES = (0.3, 0.5, 0.7, 0.9)


def anchors() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images and backgrounds (n, 13) in reflectance, and whether each is cloud (n).

    Thick clouds before a background as cloudy as themselves are cloud; sand, salt and white roofs that do not change,
    and snow of any share before bare or snowy ground, are not.
    """
    rows = [(image, image, True) for image in _thick_clouds()]
    for haze in HAZES:
        for surface in (BRIGHT_SAND, SALT, 0.9 * WHITE_ROOF):
            rows.append((_above(surface, haze), _above(surface, 1.0), False))
        for ground in (spectra.SOIL, spectra.CROP, spectra.NEEDLES, spectra.BARE_TREES):
            for snow in (spectra.SNOW, OLD_SNOW):
                for share in SNOW_SHARES:
                    image = _above(share * snow + (1 - share) * ground, haze)
                    rows += [(image, _above(ground, haze), False), (image, image, False)]
    images, backgrounds, cloud = zip(*rows)
    return np.array(images), np.array(backgrounds), np.array(cloud)


def _thick_clouds() -> list[np.ndarray]:
    clouds = []
    for brightness in CLOUD_BRIGHTNESS:
        clouds.append(_cloud(brightness * spectra.DROPLETS, 0.002))
        clouds += [_cloud(brightness * spectra.ICE, cirrus) for cirrus in CIRRUS_BAND]
    return clouds


def _cloud(spectrum: np.ndarray, cirrus: float) -> np.ndarray:
    seen = spectrum.astype(float)
    seen[B10] = cirrus
    return seen


def _above(ground: np.ndarray, haze: float) -> np.ndarray:
    return ground * spectra.TRANSMISSION + spectra.PATH * np.where(np.arange(13) == B10, 1.0, haze)
