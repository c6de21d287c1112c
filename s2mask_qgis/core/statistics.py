"""Figures of an image's stored results, as one small computation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .area import Area
from .indices import NDVI_BAND
from .land import Land
from .mask import CLOUD, MASK_BANDS, SHADOW
from .regions import clipped

if TYPE_CHECKING:
    import ee

MAX_PIXELS = 10**13
"""More than any tile has; the service's default of 1e7 is less than a tile at 30 m."""


@dataclass(frozen=True)
class Figures:
    """``cloud_share`` and ``shadow_share`` of the pixels with a mask (None where there are none), ``ndvi_share`` of the
    area's pixels; 0-1."""

    cloud_share: float | None
    shadow_share: float | None
    ndvi_share: float


def result_statistics(mask_asset: str, ndvi_asset: str, area: Area, land: Land | None = None) -> ee.Dictionary:
    """Shares of cloud and shadow in a stored mask, and counts of its pixels, of those with an NDVI and of those inside
    the area and on its land."""
    import ee

    inside = clipped(ee.Image.constant(1), area, land).rename(["area"])
    mask = ee.Image(mask_asset).select([MASK_BANDS[0]])
    bands = ee.Image.cat(
        [mask.eq(CLOUD).rename(["cloud"]), mask.eq(SHADOW).rename(["shadow"]), ee.Image(ndvi_asset).select([NDVI_BAND])]
    )
    reducer = ee.Reducer.mean().combine(ee.Reducer.count(), "", True)
    return bands.addBands(inside).reduceRegion(reducer=reducer, maxPixels=MAX_PIXELS)


def figures(statistics: Mapping[str, Any]) -> Figures:
    """The figures of a computed :func:`result_statistics`."""
    inside = statistics["area_count"]
    ndvi_share = statistics[f"{NDVI_BAND}_count"] / inside if inside else 0.0
    return Figures(statistics["cloud_mean"], statistics["shadow_mean"], ndvi_share)
