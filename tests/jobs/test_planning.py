"""Planning: where an area lies in a coordinate system is asked of the engine once a run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.grid import Grid
from s2mask_qgis.core.models.model import Model, Table
from s2mask_qgis.core.parameters import MODEL, PRODUCT, S2CLOUDLESS, RunParameters
from s2mask_qgis.core.scenes import BANDS, COLLECTION, Scene
from s2mask_qgis.engines.errors import SceneError
from s2mask_qgis.jobs import planning
from s2mask_qgis.jobs.planning import Planner, WorkingGrids, why_without_shadow

AREA = Area((((0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0)),), "a triangle")


@dataclass
class Answers:
    """An engine whose scenes are named after their coordinate system, in which the area has its corners."""

    corners: list[list[float]]
    asked: list[Any] = field(default_factory=list)

    def grid(self, scene: str) -> Grid:
        return Grid(scene, (10.0, 0.0, 600_000.0, 0.0, -10.0, 5_400_000.0), (60, 60))

    def value(self, computation: Any) -> list[list[list[float]]]:
        self.asked.append(computation)
        return [self.corners]


@pytest.fixture(autouse=True)
def named_extents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "extent", lambda area, crs: crs)


def test_an_area_is_asked_for_once_a_coordinate_system():
    engine = Answers([[600_030.0, 5_399_970.0], [600_120.0, 5_399_910.0]])
    grids = WorkingGrids(engine, AREA, 30)
    found = [grids.of(scene) for scene in ("EPSG:32633", "EPSG:32634", "EPSG:32633", "EPSG:32633")]
    assert engine.asked == ["EPSG:32633", "EPSG:32634"]
    assert found[0] == found[2] == found[3]
    tile, part = found[0]
    assert (tile.scale_m, tile.shape_yx) == (30.0, (20, 20))
    assert (part.bounds, part.shape_yx) == ((600_030.0, 5_399_910.0, 600_120.0, 5_399_970.0), (2, 3))


def test_an_area_beside_the_pixels_is_said():
    grids = WorkingGrids(Answers([[0.0, 0.0], [10.0, 10.0]]), AREA, 30)

    class Scene(str):
        index = "20240101T000000"

    with pytest.raises(SceneError, match="lies beside the pixels of 20240101T000000"):
        grids.of(Scene("EPSG:32633"))


UTM = Grid("EPSG:32633", (30.0, 0.0, 600_000.0, 0.0, -30.0, 5_400_000.0), (20, 20))
SCENE = Scene(
    f"{COLLECTION}/image", "image", "33UWP", 1_600_000_000_000, 0.0, ((16.0, 48.0), (16.1, 48.0), (16.0, 48.1))
)


def test_shadows_can_be_looked_for_with_bands_a_background_and_utm():
    assert why_without_shadow(SCENE, True, UTM) == ""
    assert why_without_shadow(replace(SCENE, bands=("B8", "B11", "B12")), True, UTM) == ""


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        (("B11",), "B11"),
        (("B12",), "B12"),
        (("B8", "B8A"), "B8A or B8"),
        (("B8", "B8A", "B11", "B12"), "B8A or B8, B11, B12"),
    ],
)
def test_bands_that_shadows_need_are_named(lacking: tuple[str, ...], told: str):
    scene = replace(SCENE, bands=tuple(band for band in BANDS if band not in lacking))
    assert why_without_shadow(scene, True, UTM) == f"the image has no {told}"


def test_a_missing_background_and_other_grids_than_utm_are_told():
    assert why_without_shadow(SCENE, False, UTM) == "there is no other image to compare it with"
    told = why_without_shadow(SCENE, True, replace(UTM, crs="EPSG:3035"))
    assert told == "shadows need a grid in UTM, this one is in EPSG:3035"


class Still:
    """An engine that computes nothing: it has a grid, in which the area lies whole."""

    def grid(self, scene: Scene) -> Grid:
        return UTM

    def value(self, computation: Any) -> list[list[list[float]]]:
        return [[[600_030.0, 5_399_970.0], [600_120.0, 5_399_910.0]]]


@pytest.mark.parametrize(
    ("source", "asked", "model", "other"),
    [(MODEL, 0.0, 0.4, 0.0), (MODEL, 0.7, 0.7, 0.0), (S2CLOUDLESS, 0.0, 0.4, 0.4), (S2CLOUDLESS, 0.7, 0.4, 0.7)],
)
@pytest.mark.parametrize("union", [False, True])
def test_a_cutoff_that_is_asked_for_is_that_of_the_source_and_0_its_own(
    source: str, asked: float, model: float, other: float, union: bool
):
    parameters = RunParameters(source=source, union=union, cutoff=asked, shadow=False)
    trees = Model("trees", "Trees", Table(("tree2",), (0.0, 1.0)), 0.4)
    plan = Planner(Still(), AREA, parameters, trees).plan(SCENE, {})
    assert (plan.cutoff, plan.source_cutoff) == (model, other)
    assert (plan.source, plan.union) == (source, union)
    assert plan.grid.shape_yx == (2, 3)


def test_a_scene_without_the_bands_of_the_model_or_of_the_source_is_refused():
    trees = Model("trees", "Trees", Table(("tree2",), (0.0, 1.0)), 0.4)
    without = replace(SCENE, bands=("B2", "B3", "B4", "B8A", "B11"))
    with pytest.raises(SceneError, match="image has no B6, B10, which the model “trees” needs"):
        Planner(Still(), AREA, RunParameters(shadow=False), trees).plan(without, {})
    with pytest.raises(SceneError, match="which s2cloudless needs"):
        Planner(Still(), AREA, RunParameters(source=S2CLOUDLESS, shadow=False), trees).plan(without, {})
    with pytest.raises(SceneError, match="no cloud mask of its own"):
        Planner(Still(), AREA, RunParameters(source=PRODUCT, shadow=False), trees).plan(SCENE, {})
