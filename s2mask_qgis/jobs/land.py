"""Land as a run uses it: the images that miss it, and the part of it that one image's exports need."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from ..core.area import Area
from ..core.footprints import meets
from ..core.grid import Bounds, Grid
from ..core.land import Land
from ..core.regions import feature_count, reached
from ..core.scenes import Ring, Scene
from ..engines.base import Engine
from ..engines.errors import BadRequestError, EngineError

if TYPE_CHECKING:
    from osgeo import ogr

OUT_OF_AREA = "The image does not meet the land limit inside the area."

ASKED_AT_ONCE = 100
"""Footprints in one question to the service about a table."""

KEPT_PARTS = 8
"""Parts of land that are remembered: a run goes on tile by tile, a few of them at once."""

MARGIN_PX = 50
"""Land is cut so far outside the pixels that are exported."""


def outside(engine: Engine, scenes: Sequence[Scene], area: Area, land: Land | None) -> dict[str, str]:
    """Why each of those scenes is left out that miss the land inside the area, by index; EngineError where the land is
    an asset that cannot be read.

    Polygons are compared here; for an asset the service is asked once for every 100 footprints.
    """
    if land is None or not scenes:
        return {}
    footprints = list(dict.fromkeys(scene.footprint for scene in scenes))
    met = _met_asset(engine, footprints, area, land.asset) if land.asset else _met_polygons(footprints, area, land)
    return {scene.index: OUT_OF_AREA for scene in scenes if not met[scene.footprint]}


def land_problem(engine: Engine, land: Land | None) -> str | None:
    """Why a run cannot use the land, as a sentence; None where it can. One small question where it is an asset."""
    if land is None or not land.asset:
        return None
    try:
        count = engine.value(feature_count(land.asset))
    except BadRequestError as error:
        return str(_unreadable(land.asset, error))
    return None if count else f"The land limit {land.asset} holds no features. Give another asset, or none."


def land_of(land: Land | None, grid: Grid) -> Land | None:
    """What of the land the pixels of ``grid`` are decided by: polygons are cut around it, so that an export holds few
    of them. Everything else stays as it is."""
    if land is None or land.area is None:
        return land
    cut = part_inside(land.area, _degrees(grid))
    # Land beside the grid masks all of it, which one polygon beside it does as well.
    return replace(land, area=replace(land.area, polygons=cut.polygons if cut else land.area.polygons[:1]))


def land_parts(land: Land | None) -> Callable[[Grid], Land | None]:
    """:func:`land_of` for the grids of a run, whose images mostly share them: cutting land of 15,000 corners takes some
    20 ms."""
    return lru_cache(maxsize=KEPT_PARTS)(partial(land_of, land))


def _met_asset(engine: Engine, footprints: Sequence[Ring], area: Area, asset: str) -> Mapping[Ring, bool]:
    found: dict[Ring, bool] = {}
    for start in range(0, len(footprints), ASKED_AT_ONCE):
        asked = footprints[start : start + ASKED_AT_ONCE]
        try:
            counts = engine.value(reached(asked, area, asset))
        except BadRequestError as error:
            raise _unreadable(asset, error) from error
        found |= {ring: count > 0 for ring, count in zip(asked, counts)}
    return found


def _unreadable(asset: str, error: Exception) -> EngineError:
    return BadRequestError(
        f"The land limit {asset} cannot be used ({error}). Give the id of a table that this account may read, or none."
    )


def _met_polygons(footprints: Sequence[Ring], area: Area, land: Land) -> Mapping[Ring, bool]:
    """Whether footprints meet the land inside the area. What lies around all of them is left out first, since scenes
    come tile by tile and land may be large."""
    near = part_inside(land.area, box_of(footprints)) if land.area is not None else None
    inside = _common(near, area) if near is not None else None
    return {ring: inside is not None and meets(ring, inside) for ring in footprints}


def box_of(rings: Iterable[Ring]) -> Bounds:
    """West, south, east and north of rings."""
    longitudes, latitudes = zip(*(corner for ring in rings for corner in ring))
    return min(longitudes), min(latitudes), max(longitudes), max(latitudes)


def _degrees(grid: Grid) -> Bounds:
    """A box in longitude and latitude around a grid and a margin."""
    from osgeo import osr

    margin = MARGIN_PX * grid.scale_m
    x_min, y_min, x_max, y_max = grid.bounds
    own, degrees = osr.SpatialReference(), osr.SpatialReference()
    own.SetFromUserInput(grid.crs)
    degrees.ImportFromEPSG(4326)
    for reference in (own, degrees):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    transformation = osr.CoordinateTransformation(own, degrees)
    edges = (x_min - margin, y_min - margin, x_max + margin, y_max + margin)
    west, south, east, north = transformation.TransformBounds(*edges, 21)
    # East of west only beside the 180° meridian: there nothing is cut.
    return (west, south, east, north) if west < east else (-180.0, south, 180.0, north)


def part_inside(area: Area, box: Bounds) -> Area | None:
    """The part of an area inside a box, None where there is none. Polygons that lie inside stay as they are."""
    west, south, east, north = box
    ring = ((west, south), (east, south), (east, north), (west, north), (west, south))
    return _common(area, Area(((ring,),)))


def _common(area: Area, other: Area) -> Area | None:
    """What two areas have in common, None where that is no more than a border."""
    shape = _shape(area).Intersection(_shape(other))
    polygons = tuple(_polygons(shape)) if shape is not None else ()
    return replace(area, polygons=polygons) if polygons else None


def _shape(area: Area) -> ogr.Geometry:
    from osgeo import ogr

    shape = ogr.CreateGeometryFromJson(json.dumps(area.to_geojson()))
    return shape if shape.IsValid() else shape.MakeValid()


def _polygons(shape: ogr.Geometry) -> Iterator[tuple[Ring, ...]]:
    """The polygons of a geometry; points and lines, where outlines only touch, are none."""
    from osgeo import ogr

    if ogr.GT_Flatten(shape.GetGeometryType()) == ogr.wkbPolygon:
        if not shape.IsEmpty():
            rings = (shape.GetGeometryRef(number) for number in range(shape.GetGeometryCount()))
            yield tuple(tuple((x, y) for x, y, *_ in ring.GetPoints()) for ring in rings)
        return
    for number in range(shape.GetGeometryCount()):
        yield from _polygons(shape.GetGeometryRef(number))
