"""The pixels that hold labels: an image's values there as one computation, and as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .grid import Grid

if TYPE_CHECKING:
    import ee

Place = tuple[float, float]
"""Longitude and latitude in degrees."""

_NUMBER, _X, _Y = "number", "longitude", "latitude"
_DIGITS = 7
"""Of degrees: 1 cm, so that the centre of a pixel is the same number whichever label lies in it."""


@dataclass(frozen=True)
class LabelPixel:
    """The pixel that holds a place: its centre, and the values of the image's bands, None where they are masked."""

    centre: Place
    values: tuple[float | None, ...]


def pixels_at(image: ee.Image, places: Sequence[Place], grid: Grid) -> ee.FeatureCollection:
    """The bands of ``image`` in the pixels of ``grid`` that hold ``places``, as features in their order."""
    import ee

    features = [ee.Feature(ee.Geometry.Point(list(place)), {_NUMBER: at}) for at, place in enumerate(places)]
    return image.addBands(ee.Image.pixelLonLat().select([_X, _Y])).reduceRegions(
        collection=ee.FeatureCollection(features),
        reducer=ee.Reducer.first(),
        crs=grid.crs,
        crsTransform=list(grid.transform),
    )


def label_pixels(answer: Mapping[str, Any], names: Sequence[str]) -> tuple[LabelPixel, ...]:
    """The pixels of a computed :func:`pixels_at`, with the bands ``names``, in the order of its places."""
    rows = sorted((feature["properties"] for feature in answer["features"]), key=lambda row: row[_NUMBER])
    return tuple(
        LabelPixel((round(row[_X], _DIGITS), round(row[_Y], _DIGITS)), tuple(row.get(name) for name in names))
        for row in rows
    )


def in_blocks(places: Sequence[Place], side_deg: float = 0.05) -> list[Place]:
    """Places in order of squares from north to south, so that those of a request share what is read for them."""
    return sorted(places, key=lambda place: (-(place[1] // side_deg), place[0] // side_deg, -place[1], place[0]))
