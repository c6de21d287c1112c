"""Tiles from the military grid, against PROJ and against real products."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import osr

from s2mask_qgis.catalogues.tiles import project, tiles_of
from s2mask_qgis.core.area import Area

# North-west corner (m) and coordinate system of tiles, from the metadata of real products.
TILES = {
    "31TCJ": (300000, 4900020, 32631),
    "46RER": (499980, 3100020, 32646),
    "10SDG": (399960, 4200000, 32610),
    "01LAC": (99960, 8300020, 32701),
    "07HFE": (600000, 6500020, 32707),
    "20HNH": (499980, 6300040, 32720),
    "29RKH": (199980, 2800020, 32629),
    "28QCH": (300000, 2300040, 32628),
    "06VVN": (399960, 6800040, 32606),
    "19UDP": (399960, 5400000, 32619),
}


def utm(code: int) -> tuple[osr.CoordinateTransformation, osr.CoordinateTransformation]:
    plane, globe = osr.SpatialReference(), osr.SpatialReference()
    plane.ImportFromEPSG(code)
    globe.ImportFromEPSG(4326)
    for reference in (plane, globe):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return osr.CoordinateTransformation(globe, plane), osr.CoordinateTransformation(plane, globe)


def square(lon: float, lat: float, half: float = 0.001) -> Area:
    ring = ((lon - half, lat - half), (lon + half, lat - half), (lon + half, lat + half), (lon - half, lat + half))
    return Area((((*ring, ring[0]),),))


@given(st.floats(-9, 9), st.floats(-80, 84))
def test_places_are_projected_as_proj_does(away, latitude):
    to_plane, _ = utm(32633)
    x, y, _ = to_plane.TransformPoint(15 + away, latitude)
    assert project(15 + away, latitude, 33) == pytest.approx((x, y), abs=1.0)


@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize("place", [(0.5, 0.5), (0.001, 0.001), (0.999, 0.001), (0.001, 0.999), (0.999, 0.999)])
def test_a_place_anywhere_in_a_tile_finds_it(tile, place):
    left, top, code = TILES[tile]
    lon, lat, _ = utm(code)[1].TransformPoint(left + place[0] * 109_800, top - place[1] * 109_800)
    found = tiles_of(square(lon, lat))
    assert tile in found
    assert len(found) <= 16  # four squares, by two zones, by two names of bands


def test_a_place_in_the_middle_of_a_tile_asks_for_few_others():
    lon, lat, _ = utm(32619)[1].TransformPoint(455_000, 5_350_000)
    assert set(tiles_of(square(lon, lat))) <= {"19UDP", "19TDP"}


def test_tiles_of_both_zones_are_found_where_they_meet():
    found = tiles_of(square(12.001, 50.0))
    assert {name[:2] for name in found} == {"32", "33"}


def test_an_area_across_the_antimeridian_and_the_equator_has_tiles_on_all_sides():
    found = tiles_of(square(-180.0, 0.0, half=0.2))
    assert {name[:3] for name in found} >= {"60N", "60M", "01N", "01M"}


def test_an_area_of_several_polygons_has_the_tiles_of_all_and_the_poles_have_none():
    both = Area((*square(15.0, 48.0).polygons, *square(3.0, 44.0).polygons))
    assert set(tiles_of(both)) == set(tiles_of(square(15.0, 48.0))) | set(tiles_of(square(3.0, 44.0)))
    assert tiles_of(square(15.0, 89.0)) == ()


def test_svalbard_and_norway_have_their_wider_zones():
    assert "33XWG" in tiles_of(square(15.6, 78.2, half=0.05))
    assert any(name.startswith("32V") for name in tiles_of(square(5.3, 60.4)))
