"""Land as a run uses it: images that miss it, the part of it that an image needs, and assets that cannot be read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ee
import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.grid import Grid
from s2mask_qgis.core.land import Land
from s2mask_qgis.core.regions import clipped
from s2mask_qgis.core.scenes import COLLECTION, Scene
from s2mask_qgis.engines.errors import BadRequestError
from s2mask_qgis.engines.local.assets import ROOT, AssetStore
from s2mask_qgis.engines.local.engine import LocalEngine
from s2mask_qgis.engines.local.tables import table_path
from s2mask_qgis.jobs.land import ASKED_AT_ONCE, OUT_OF_AREA, land_of, land_parts, land_problem, outside
from tests.reference.inside import centres_inside


def box(west: float, south: float, east: float, north: float) -> tuple[tuple[float, float], ...]:
    return ((west, south), (east, south), (east, north), (west, north), (west, south))


def scene(name: str, footprint: tuple[tuple[float, float], ...]) -> Scene:
    return Scene(f"{COLLECTION}/{name}", name, "33UVP", 0, 10.0, footprint)


AREA = Area(((box(10, 45, 14, 49),),))
ISLANDS = Area(((box(10.5, 45.5, 11, 46), box(10.7, 45.7, 10.9, 45.9)), (box(12, 47, 13, 48),), (box(15, 46, 16, 47),)))
SCENES = (
    scene("on_the_first", box(10.2, 45.2, 10.6, 45.6)),
    scene("in_its_hole", box(10.75, 45.75, 10.85, 45.85)),
    scene("between", box(11.2, 46.2, 11.8, 46.8)),
    scene("around_the_second", box(11.9, 46.9, 13.1, 48.1)),
    scene("on_land_beside_the_area", box(15.2, 46.2, 15.8, 46.8)),
    scene("touching", box(13, 47, 13.5, 47.5)),
)
MISSING = {"in_its_hole", "between", "on_land_beside_the_area", "touching"}


@dataclass
class Asked:
    """An engine that answers every question with what a test gives, and remembers them."""

    answers: list[Any]
    expressions: list[Any] = field(default_factory=list)

    def value(self, computation: Any) -> Any:
        self.expressions.append(computation)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    """An engine without products, whose store holds the islands as a table."""
    folder = tmp_path_factory.mktemp("land")
    (folder / "scenes").mkdir()
    store = folder / "store"
    store.mkdir()
    write_islands(store, "islands")
    write_features(store, "nothing", [])
    with LocalEngine(folder / "scenes", folder / "library", store) as engine:
        yield engine


def write_islands(store: Path, name: str, area: Area = ISLANDS) -> None:
    shapes = [Area((polygon,)).to_geojson() | {"geodesic": False} for polygon in area.polygons]
    features = [{"type": "Feature", "properties": {}, "geometry": shape} for shape in shapes]
    write_features(store, name, features)


def write_features(store: Path, name: str, features: list[dict[str, Any]]) -> None:
    path = table_path(AssetStore(store), f"{ROOT}/{name}")
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def test_without_land_nothing_is_left_out_and_nothing_is_asked() -> None:
    asked = Asked([])
    assert outside(asked, SCENES, AREA, None) == {}
    assert land_problem(asked, None) is land_problem(asked, Land(area=ISLANDS)) is None


def test_images_that_miss_polygons_inside_the_area_are_told_without_asking() -> None:
    found = outside(Asked([]), SCENES, AREA, Land(area=ISLANDS))
    assert set(found) == MISSING
    assert set(found.values()) == {OUT_OF_AREA}


def test_images_that_miss_a_table_inside_the_area_are_told(engine: LocalEngine) -> None:
    found = outside(engine, SCENES, AREA, Land(f"{ROOT}/islands"))
    assert set(found) == MISSING - {"touching"}  # the service counts a common border as meeting


def test_a_table_is_asked_about_each_footprint_once_and_many_at_once(engine: LocalEngine) -> None:
    many = [scene(str(n), box(10 + n % 250 / 100, 45, 10.5, 45.5)) for n in range(1000)]
    asked = Asked([[1] * ASKED_AT_ONCE, [0] * ASKED_AT_ONCE, [2] * 50])
    assert len(outside(asked, many, AREA, Land("projects/p/assets/land"))) == 400
    assert len(asked.expressions) == 3


def test_a_table_that_cannot_be_read_is_told_with_its_name(engine: LocalEngine) -> None:
    land = Land(f"{ROOT}/missing")
    with pytest.raises(BadRequestError, match=r"The land limit .*/missing cannot be used \(.*not found"):
        outside(engine, SCENES, AREA, land)
    assert "missing cannot be used" in str(land_problem(engine, land))
    assert "nothing holds no features" in str(land_problem(engine, Land(f"{ROOT}/nothing")))
    assert land_problem(engine, Land(f"{ROOT}/islands")) is None


GRID = Grid("EPSG:32633", (10.0, 0.0, 269_500.0, 0.0, -10.0, 5_231_000.0), (300, 400))  # about 12.0, 47.2


def test_an_export_gets_the_land_around_its_pixels_only() -> None:
    land = Land(area=ISLANDS, tolerance_m=5.0)
    cut = land_of(land, GRID)
    assert cut is not None
    assert cut.area is not None
    assert cut.tolerance_m == 5.0
    assert len(cut.area.polygons) == 1
    longitudes = [x for ring in cut.area.polygons[0] for x, _ in ring]
    assert max(longitudes) - min(longitudes) < 0.1
    transform = (269_500.0, 10.0, 0.0, 5_231_000.0, 0.0, -10.0)
    before, after = (centres_inside(area.polygons, 32633, transform, GRID.shape_yx) for area in (ISLANDS, cut.area))
    assert 0 < before.sum() < before.size
    assert (before == after).all()


def test_parts_of_land_are_cut_once_for_the_images_of_a_tile() -> None:
    part_of = land_parts(Land(area=ISLANDS))
    assert part_of(GRID) == land_of(Land(area=ISLANDS), GRID)
    assert part_of(replace(GRID)) is part_of(GRID)
    assert land_parts(None)(GRID) is None


def test_an_export_on_a_long_coast_stays_well_under_a_megabyte(engine: LocalEngine) -> None:
    count = 16_000
    ring = [(12.0 + 1e-5 * number, round(47.2 + 1e-3 * math.sin(number), 7)) for number in range(count)]
    corners = tuple((round(x, 7), y) for x, y in ring)
    coast = Land(area=Area((((*corners, (12.1, 46.0), corners[0]),),)))
    image = clipped(ee.Image(1), AREA, coast)
    assert 300_000 < len(image.serialize()) < 500_000
    assert len(clipped(ee.Image(1), AREA, land_of(coast, GRID)).serialize()) < 0.5 * len(image.serialize())


def test_land_beside_the_pixels_stays_beside_them() -> None:
    far = Grid("EPSG:32633", (10.0, 0.0, 500_000.0, 0.0, -10.0, 6_000_000.0), (10, 10))
    cut = land_of(Land(area=ISLANDS), far)
    assert cut is not None
    assert cut.area is not None
    transform = (500_000.0, 10.0, 0.0, 6_000_000.0, 0.0, -10.0)
    assert not centres_inside(cut.area.polygons, 32633, transform, (10, 10)).any()


def test_assets_and_no_land_stay_as_they_are() -> None:
    asset = Land("projects/p/assets/land")
    assert land_of(asset, GRID) is asset
    assert land_of(None, GRID) is None
