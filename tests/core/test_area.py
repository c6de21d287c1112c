"""The area as a value."""

from __future__ import annotations

import json

import pytest

from s2mask_qgis.core.area import Area

OUTER = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 0.0))
HOLE = ((2.0, 1.0), (3.0, 2.0), (3.0, 1.0), (2.0, 1.0))
OTHER = ((9.0, 9.0), (10.0, 9.0), (10.0, 10.0), (9.0, 9.0))


def test_geojson_gives_the_area_back():
    area = Area(((OUTER, HOLE), (OTHER,)), "parcels")
    assert Area.from_geojson(json.loads(json.dumps(area.to_geojson())), "parcels") == area


def test_one_polygon_is_an_area_and_heights_are_dropped():
    ring = [[x, y, 250.0] for x, y in OUTER]
    assert Area.from_geojson({"type": "Polygon", "coordinates": [ring]}).polygons == ((OUTER,),)


def test_other_geometries_are_refused():
    with pytest.raises(ValueError, match="not a LineString"):
        Area.from_geojson({"type": "LineString", "coordinates": [[0, 0], [1, 1]]})
