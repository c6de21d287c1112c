"""Counts of images and sizes of results as expressions: small answers about many of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from .area import Area
from .regions import geometry

if TYPE_CHECKING:
    import ee


def counts_by_tile(collection: str, area: Area, date_start: str, date_end: str) -> ee.Dictionary:
    """How many images of each MGRS tile meet an area within some days, both included."""
    import ee

    after = (date.fromisoformat(date_end) + timedelta(1)).isoformat()
    images = ee.ImageCollection(collection).filterBounds(geometry(area)).filterDate(date_start, after)
    return ee.Dictionary(images.aggregate_histogram("MGRS_TILE"))


def stored_sizes(assets: Sequence[str]) -> ee.List:
    """Bytes of stored images, null where the engine does not tell them."""
    import ee

    return ee.List([ee.Image(asset).get("system:asset_size") for asset in assets])
