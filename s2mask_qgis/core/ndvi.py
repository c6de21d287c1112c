"""The normalised difference vegetation index of an image where its mask is clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ee

NDVI_BAND = "NDVI"


def ndvi_image(image: str, mask_asset: str) -> ee.Image:
    """NDVI = (B8 - B4) / (B8 + B4), -1 to 1, of an image (asset id) where its stored mask is 0, else masked."""
    import ee

    clear = ee.Image(mask_asset).select("mask").eq(0)
    index = ee.Image(image).normalizedDifference(["B8", "B4"]).rename([NDVI_BAND])
    return index.toFloat().updateMask(clear)
