"""Differences between an image and its backgrounds: as expressions, and the sample their clusters are found from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .clusters import REFLECTANCE_UNIT, VISIBLE_BANDS, Clusters, find
from .parameters import RunParameters

if TYPE_CHECKING:
    import ee

_OWN = "own_"


def median(images: Sequence[str], bands: Sequence[str]) -> ee.Image:
    """The per-band median of images (asset ids), reflectance x 10000; a single image stands for itself."""
    import ee

    return ee.ImageCollection([ee.Image(identity).select(list(bands)) for identity in images]).median()


def reflectance(image: ee.Image) -> ee.Image:
    """Stored values as reflectance (1 = all light)."""
    return image.divide(REFLECTANCE_UNIT)


def difference(image: str, background: Sequence[str], bands: Sequence[str]) -> ee.Image:
    """An image less the per-band median of its background images (asset ids), reflectance x 10000.

    Masked where any band of the image, or of all background images, is masked.
    """
    import ee

    result = ee.Image(image).select(list(bands)).subtract(median(background, bands))
    return result.updateMask(result.mask().reduce(ee.Reducer.min()))


def sample_image(image: str, backgrounds: Mapping[str, Sequence[str]], bands: Sequence[str]) -> ee.Image:
    """What the clusters are found from: the difference to each background (asset ids by its feature's name) and the
    image's visible bands, for one sample."""
    import ee

    result = ee.Image(image).select(list(VISIBLE_BANDS), [_OWN + band for band in VISIBLE_BANDS])
    for name, images in backgrounds.items():
        result = result.addBands(difference(image, images, bands).rename([f"{name}_{band}" for band in bands]))
    return result


def clusters_from_sample(
    sample: Mapping[str, list[float]], names: Sequence[str], bands: Sequence[str], parameters: RunParameters
) -> dict[str, Clusters]:
    """The clusters of each background, by its feature's name, from a sample of :func:`sample_image`.

    Raises ValueError (a sentence) where the sample is too small.
    """
    own = np.array([sample.get(_OWN + band, []) for band in VISIBLE_BANDS], dtype=np.float64).T
    return {
        name: find(
            np.array([sample.get(f"{name}_{band}", []) for band in bands], dtype=np.float64).T,
            own,
            bands,
            count=parameters.cluster_count,
            thresholds=parameters.thresholds,
            seed=parameters.seed,
        )
        for name in names
    }
