"""Areas and land as expressions: their geometry, their extent, what of an image lies inside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .area import Area
from .land import Land
from .scenes import Ring

if TYPE_CHECKING:
    import ee


def geometry(area: Area) -> ee.Geometry:
    """An area as a geometry whose edges are straight in longitude and latitude, as GeoJSON means them."""
    import ee

    return ee.Geometry.MultiPolygon([[_open(ring) for ring in polygon] for polygon in area.polygons], None, False)


def _open(ring: Ring) -> list[list[float]]:
    """Corners without the repeated one, which the service adds: the client sends what comes twice by reference, and
    then wraps each of the other corners, which doubles their bytes."""
    return [list(corner) for corner in ring[:-1]]


def extent(area: Area, crs: str) -> ee.List:
    """Corners of an area's bounding box in a coordinate system: one ring of [x, y], within 1 m."""
    import ee

    return geometry(area).bounds(1, ee.Projection(crs)).coordinates()


def clipped(image: ee.Image, area: Area, land: Land | None = None) -> ee.Image:
    """An image masked outside an area and outside the land, where there is any: a pixel is inside where its centre is.

    The area comes last, since it becomes the footprint: the land of an asset may be large.
    """
    import ee

    if land is not None and land.area is not None:
        image = image.clip(geometry(land.area))
    elif land is not None:
        image = image.clipToCollection(ee.FeatureCollection(land.asset))
    return image.clip(geometry(area))


def reached(footprints: Sequence[Ring], area: Area, asset: str) -> ee.List:
    """How many features of a table meet each footprint inside an area, in the order of ``footprints``."""
    import ee

    table, inside = ee.FeatureCollection(asset), geometry(area)

    def count(corners: ee.ComputedObject) -> ee.ComputedObject:
        outline = ee.Geometry.Polygon(ee.List([corners]), None, False)
        return table.filterBounds(outline.intersection(inside, 1)).size()

    return ee.List([_open(ring) for ring in footprints]).map(count)


CONTENT = "content"
"""The property of stored land by which it is known again: a digest of all its polygons."""


def table_of(parts: Sequence[Area], content: str) -> ee.FeatureCollection:
    """A table with a feature for each part of a large land limit, marked by the digest of all."""
    import ee

    return ee.FeatureCollection([ee.Feature(geometry(part), {CONTENT: content}) for part in parts])


def of_content(asset: str, content: str) -> ee.Number:
    """How many features of a table have been stored with that digest."""
    import ee

    return ee.FeatureCollection(asset).filter(ee.Filter.eq(CONTENT, content)).size()


def feature_count(asset: str) -> ee.Number:
    """How many features a table has; an error where there is no such table, or it may not be read."""
    import ee

    return ee.FeatureCollection(asset).size()
