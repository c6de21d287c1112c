"""The measures and the sums of terms in plain numpy, written from their formulas, to check the plugin."""

from __future__ import annotations

import numpy as np

from tests.reference import masking

Bands = dict[str, np.ndarray]
"""Reflectance (1 = all light) by band name, (y, x)."""


def measure(name: str, image: Bands, background: Bands) -> np.ndarray:
    """A measure of an image and the median of its clearest images; nan where a band is unknown."""
    blue, red, swir = image["B2"], image["B4"], image["B11"]
    if name == "brightening":
        opacity = np.clip((blue - background["B2"]) / np.maximum(0.7 - background["B2"], 0.2), 0, 1)
        gap = swir - (1 - opacity) * background["B11"] - 0.25 * opacity
        rise = blue - background["B2"] - 0.3 * (red - background["B4"])
        return np.minimum(rise, 0.045 + 0.3 * gap)
    if name == "white":
        return np.minimum(blue, 2 * swir)
    if name == "nir_swir":
        return image["B8A"] - swir
    if name == "swir_rise":
        return np.minimum(swir - background["B11"], blue - 0.2)
    if name == "snow_index":
        return (red - swir) / np.maximum(red + swir, 0.01)
    if name == "snow_change":
        return np.minimum(red - background["B4"], background["B11"] - swir)
    if name == "cirrus":
        return image["B10"] - 2 * background["B10"]
    if name == "cirrus_level":
        return image["B10"]
    raise KeyError(name)


def probability(model: dict, image: Bands, background: Bands) -> np.ndarray:
    """The probability of cloud of an additive model as its file describes it; nan where a measure is unknown."""
    log_odds = np.full(image["B2"].shape, float(model["intercept"]))
    for name, term in zip(model["features"], model["terms"], strict=True):
        values = measure(name, image, background)
        log_odds += np.where(np.isnan(values), np.nan, np.interp(values, term["knots"], term["values"]))
    return 1 / (1 + np.exp(-log_odds))


def median(stack: np.ndarray, valid: np.ndarray) -> Bands:
    """The per-band median (t, 13, y, x) of images in reflectance x 10000, as reflectance; nan where there is none."""
    found = [masking.background_median(stack[:, band], valid[:, band])[0] for band in range(stack.shape[1])]
    return {name: band / 10000 for name, band in zip(masking.BANDS, found, strict=True)}
