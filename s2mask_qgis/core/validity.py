"""How complete images are: counts of valid pixels, as one small computation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .scenes import Ring
from .statistics import MAX_PIXELS

if TYPE_CHECKING:
    import ee


def valid_counts(images: Sequence[str], bands: Sequence[str], footprint: Ring, crs: str, scale_m: float) -> ee.List:
    """For each image (asset id) the pixels of ``scale_m`` inside ``footprint`` that are valid in all ``bands``."""
    import ee

    region = ee.Geometry({"type": "Polygon", "coordinates": [[list(corner) for corner in footprint]]}, None, False)

    def count(image: str) -> ee.ComputedObject:
        valid = ee.Image(image).select(list(bands)).mask().reduce(ee.Reducer.min()).rename(["valid"])
        return valid.reduceRegion(ee.Reducer.sum(), region, scale_m, crs, maxPixels=MAX_PIXELS).get("valid")

    return ee.List([count(image) for image in images])
