"""Shares and overlaps of outlines, against hand-made cases and GEOS (through OGR)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import ogr

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.footprints import common_share, meets


def box(x_min: float, y_min: float, x_max: float, y_max: float):
    return ((x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max), (x_min, y_min))


TILE = box(15.0, 45.0, 16.4, 46.0)
POINT = ((15.0, 45.0),) * 4
LINE = ((15.0, 45.0), (16.0, 46.0), (15.0, 45.0))
U_SHAPE = ((0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3), (0, 0))


@pytest.mark.parametrize(
    ("other", "share"),
    [
        (box(15.7, 45.0, 17.0, 46.0), 0.5),
        (box(15.0, 45.0, 16.4, 45.96), 0.96),
        (box(15.35, 45.25, 16.05, 45.75), 0.25),
        (box(10.0, 40.0, 20.0, 50.0), 1.0),
        (box(16.4, 45.0, 17.0, 46.0), 0.0),
        (box(17.0, 45.0, 18.0, 46.0), 0.0),
        (((15.0, 45.0), (16.4, 45.0), (15.0, 46.0), (15.0, 45.0)), 0.5),
    ],
)
def test_share_is_the_covered_part_of_the_footprint(other, share):
    assert common_share(TILE, other) == pytest.approx(share, abs=1e-12)
    assert common_share(TILE, other[::-1]) == pytest.approx(share, abs=1e-12)
    assert common_share(TILE[::-1], other) == pytest.approx(share, abs=1e-12)


def test_share_is_of_the_first_ring():
    assert common_share(box(0, 0, 1, 1), box(0, 0, 4, 1)) == 1.0
    assert common_share(box(0, 0, 4, 1), box(0, 0, 1, 1)) == pytest.approx(0.25)


def test_concave_outlines_are_not_filled_up():
    notch = box(1.25, 1.5, 1.75, 2.5)
    assert common_share(notch, U_SHAPE) == pytest.approx(0.0, abs=1e-12)
    assert common_share(U_SHAPE, notch) == pytest.approx(0.0, abs=1e-12)
    assert common_share(box(0, 0, 3, 3), U_SHAPE) == pytest.approx(7 / 9)


@pytest.mark.parametrize("degenerate", [POINT, LINE, (), ((15.0, 45.0),)])
def test_outlines_without_area_share_nothing(degenerate):
    assert common_share(degenerate, TILE) == 0.0
    assert common_share(TILE, degenerate) == 0.0
    assert common_share(degenerate, degenerate) == 0.0
    assert not meets(degenerate, Area(((TILE,),)))


@st.composite
def stars(draw):
    """Outlines of 3 to 9 corners around a centre, many of them concave."""
    count = draw(st.integers(3, 9))
    centre_x, centre_y = draw(st.floats(-1, 1)), draw(st.floats(-1, 1))
    radii = draw(st.lists(st.floats(0.2, 1.5), min_size=count, max_size=count))
    corners = [
        (centre_x + radius * math.cos(math.tau * k / count), centre_y + radius * math.sin(math.tau * k / count))
        for k, radius in enumerate(radii)
    ]
    return (*corners, corners[0])


def polygon(*rings) -> ogr.Geometry:
    result = ogr.Geometry(ogr.wkbPolygon)
    for ring in rings:
        line = ogr.Geometry(ogr.wkbLinearRing)
        for x, y in ring:
            line.AddPoint_2D(x, y)
        result.AddGeometry(line)
    return result


@given(stars(), stars())
def test_share_agrees_with_geos(first, second):
    expected = polygon(first).Intersection(polygon(second)).GetArea() / polygon(first).GetArea()
    assert common_share(first, second) == pytest.approx(expected, abs=1e-9)


@given(stars())
def test_equal_rings_cover_each_other_exactly(ring):
    assert common_share(ring, ring) == 1.0


@given(stars(), st.integers(1, 2))
def test_shares_stay_within_0_and_1(ring, start):
    corners = ring[:-1]
    turned = (*corners[start:], *corners[: start + 1])  # the same outline from another corner on
    assert 1.0 - 1e-9 < common_share(ring, turned) <= 1.0


@given(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3), st.floats(0.1, 0.9))
def test_outlines_on_both_sides_of_a_slanted_edge_do_not_meet(dx, dy, along):
    west, east = ((14.0 + dx, 45.0), (16.0, 46.0 + dy))
    between = (west[0] + along * (east[0] - west[0]), west[1] + along * (east[1] - west[1]))
    above = (west, east, (15.0, 47.0), west)
    below = (west, (15.1, 44.1), east, between, west)
    assert not meets(above, Area(((below,),)))
    assert not meets(below, Area(((above,),)))


@given(stars(), stars(), st.floats(0.3, 0.95))
def test_meeting_an_area_with_a_hole_agrees_with_geos(footprint, outer, shrink):
    middle_x, middle_y = (sum(corner[axis] for corner in outer[:-1]) / (len(outer) - 1) for axis in (0, 1))
    hole = tuple((middle_x + shrink * (x - middle_x), middle_y + shrink * (y - middle_y)) for x, y in outer)
    if not polygon(outer, hole).IsValid():
        return
    common = polygon(footprint).Intersection(polygon(outer, hole)).GetArea()
    if common > 1e-9 or common == 0.0:
        assert meets(footprint, Area(((outer, hole),))) == (common > 0)


@pytest.mark.parametrize(
    ("polygons", "expected"),
    [
        pytest.param(((box(15.5, 45.5, 15.6, 45.6),),), True, id="inside"),
        pytest.param(((box(10, 40, 20, 50),),), True, id="around"),
        pytest.param(((box(15.5, 44, 15.6, 47),),), True, id="across, without corners inside"),
        pytest.param(((TILE,),), True, id="the same outline"),
        pytest.param(((box(16.4, 45, 17, 46),),), False, id="beside, with a common edge"),
        pytest.param(((box(16.4, 46, 17, 47),),), False, id="touching in a corner"),
        pytest.param(((box(1, 1, 2, 2),),), False, id="far away"),
        pytest.param(((box(1, 1, 2, 2),), (box(15.5, 45.5, 15.6, 45.6),)), True, id="the second polygon"),
        pytest.param(((box(10, 40, 20, 50), box(14, 44, 18, 48)),), False, id="swallowed by a hole"),
        pytest.param(((box(10, 40, 20, 50), box(15.5, 45.2, 16, 45.8)),), True, id="around a hole"),
        pytest.param(((box(10, 40, 20, 50), TILE),), False, id="a hole of the footprint's outline"),
    ],
)
def test_meets(polygons, expected):
    assert meets(TILE, Area(polygons)) is expected
