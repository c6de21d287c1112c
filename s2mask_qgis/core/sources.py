"""Other sources of masks than a model, as expressions: the product's own mask, s2cloudless and Cloud Score+."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .parameters import CLOUD_SCORE, MODEL, PRODUCT, S2CLOUDLESS
from .scenes import COLLECTION, Scene

if TYPE_CHECKING:
    import ee

CLOUD_PROBABILITY_COLLECTION = "COPERNICUS/S2_CLOUD_PROBABILITY"
"""s2cloudless as Earth Engine computes it of Level-1C: an image by each system:index, band probability, 0-100."""

CLOUD_SCORE_COLLECTION = "GOOGLE/CLOUD_SCORE_PLUS/V1/S2_HARMONIZED"
"""Cloud Score+ of Level-1C: an image by each system:index, bands cs and cs_cdf, 0 (hidden) to 1 (clear)."""

PROBABILITY_BAND, SHADOW_BAND, CLOUD_SCORE_BAND = "probability", "shadow", "cs_cdf"

S2CLOUDLESS_BANDS = ("B1", "B2", "B4", "B5", "B8", "B8A", "B9", "B10", "B11", "B12")
"""What s2cloudless reads, in the order in which it does."""

SCENE_CLASSES = "SCL"
CLOUD_CLASSES, SHADOW_CLASSES = (8, 9, 10), (3,)
"""Classes of Level-2A's scene classification: cloud of medium and of high probability and thin cirrus; cloud shadow."""

CLOUD_FLAGS = "QA60"
CLOUD_BITS = 1 << 10 | 1 << 11
"""Opaque cloud and cirrus in the bit mask of Level-1C."""

CLOUD_MASKS = ("MSK_CLASSI_OPAQUE", "MSK_CLASSI_CIRRUS")

DEFAULT_CUTOFFS = {PRODUCT: 0.5, S2CLOUDLESS: 0.4, CLOUD_SCORE: 0.4}
"""A pixel is cloudy where a source's probability is above this. The product's mask is 0 or 1. s2cloudless: the default
threshold of its authors' package (S2PixelCloudDetector). Cloud Score+: clear from 0.6 on, as in Earth Engine's
catalogue, which calls 0.5 to 0.65 useful."""


def default_cutoff(source: str) -> float:
    """The probability above which a source, other than a model, is taken to mean cloud."""
    return DEFAULT_CUTOFFS[source]


def source_image(source: str, image: str, quality_bands: Sequence[str]) -> ee.Image:
    """Band probability: that of cloud (0-1) in an image (asset id, of either level) by a source other than a model.

    Masked where the source tells nothing. ``quality_bands`` are those that the image has. Cloud Score+ does not tell
    cloud from shadow: both are improbable to be clear.
    """
    import ee

    index = image.rpartition("/")[2]
    if source == S2CLOUDLESS:
        percent = ee.Image(f"{CLOUD_PROBABILITY_COLLECTION}/{index}").select([PROBABILITY_BAND])
        return percent.divide(100)
    if source == CLOUD_SCORE:
        clear = ee.Image(f"{CLOUD_SCORE_COLLECTION}/{index}").select([CLOUD_SCORE_BAND])
        return clear.multiply(-1).add(1).rename([PROBABILITY_BAND])
    return _product_mask(ee.Image(image), quality_bands).rename([PROBABILITY_BAND])


def source_shadow(source: str, image: str, quality_bands: Sequence[str]) -> ee.Image | None:
    """Band shadow: 1 where a source sees the shadow of a cloud, else 0; None where it does not look for shadows.

    Only Level-2A's scene classification does.
    """
    import ee

    if source != PRODUCT or SCENE_CLASSES not in quality_bands:
        return None
    return _is_one_of(ee.Image(image).select([SCENE_CLASSES]), SHADOW_CLASSES).rename([SHADOW_BAND])


def scene_problem(source: str, scene: Scene) -> str | None:
    """Why a source cannot tell the clouds of a scene, a sentence for the user; None where nothing speaks against it."""
    if source == PRODUCT and not _mask_bands(scene.quality_bands):
        return (
            f"The product of {scene.index} has no cloud mask of its own (MSK_CLASSI, MSK_CLOUDS or SCL). "
            "Choose another source of masks."
        )
    if source == S2CLOUDLESS and scene.collection == COLLECTION:
        return s2cloudless_problem(scene.index, scene.bands)
    return None


def s2cloudless_problem(index: str, bands: Sequence[str]) -> str | None:
    """Why s2cloudless cannot be computed of a Level-1C image with these bands; None where it can."""
    missing = [band for band in S2CLOUDLESS_BANDS if band not in bands]
    if not missing:
        return None
    return f"{index} has no {', '.join(missing)}, which s2cloudless needs. Choose another source of masks."


def means_of(source: str, union: bool, model: str) -> str:
    """By what the masks of a run are made, as the end of a sentence; empty for a model alone."""
    if source == MODEL:
        return ""
    name = "the product's own mask" if source == PRODUCT else source
    return f" by {name} and the model “{model}”" if union else f" by {name}"


def _mask_bands(quality_bands: Sequence[str]) -> tuple[str, ...]:
    """The bands that make the product's mask: the scene classification alone, or else all that tell of clouds."""
    if SCENE_CLASSES in quality_bands:
        return (SCENE_CLASSES,)
    return tuple(band for band in (CLOUD_FLAGS, *CLOUD_MASKS) if band in quality_bands)


def _product_mask(image: ee.Image, quality_bands: Sequence[str]) -> ee.Image:
    """1 where the product says cloud, else 0; masked where all its bands are.

    Earth Engine gives every image QA60 and the two masks, but masks either out in the years in which products have
    none of the kind: so what is not masked counts.
    """
    import ee

    bands = _mask_bands(quality_bands)
    if bands == (SCENE_CLASSES,):
        return _is_one_of(image.select([SCENE_CLASSES]), CLOUD_CLASSES)
    masks = [_mask(image, band) for band in bands]
    return ee.Image.cat(masks).reduce(ee.Reducer.max())


def _mask(image: ee.Image, band: str) -> ee.Image:
    values = image.select([band])
    return values.bitwiseAnd(CLOUD_BITS).gt(0) if band == CLOUD_FLAGS else values.gt(0)


def _is_one_of(classes: ee.Image, wanted: Sequence[int]) -> ee.Image:
    return classes.remap(list(wanted), [1] * len(wanted), 0)
