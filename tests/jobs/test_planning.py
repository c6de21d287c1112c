"""Planning: where an area lies in a coordinate system is asked of the engine once a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.grid import Grid
from s2mask_qgis.engines.errors import SceneError
from s2mask_qgis.jobs import planning
from s2mask_qgis.jobs.planning import WorkingGrids

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
