"""Areas as expressions: their geometry, their extent in a coordinate system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .area import Area

if TYPE_CHECKING:
    import ee


def geometry(area: Area) -> ee.Geometry:
    """An area as a geometry whose edges are straight in longitude and latitude, as GeoJSON means them."""
    import ee

    return ee.Geometry(area.to_geojson(), None, False)


def extent(area: Area, crs: str) -> ee.List:
    """Corners of an area's bounding box in a coordinate system: one ring of [x, y], within 1 m."""
    import ee

    return geometry(area).bounds(1, ee.Projection(crs)).coordinates()
