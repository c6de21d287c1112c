"""Land on a real, cloudy date: inside it all results are those without it, outside they are masked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.land import Land
from s2mask_qgis.engines.local.assets import ROOT, AssetStore
from s2mask_qgis.engines.local.tables import table_path
from s2mask_qgis.jobs.ledger.reading import read
from s2mask_qgis.jobs.ledger.rows import RowState
from s2mask_qgis.jobs.report import ImageState
from s2mask_qgis.jobs.request import RunRequest
from tests.jobs.conftest import Watched, carry_out
from tests.jobs.rasters import read_result
from tests.reference.inside import centres_inside

EPSG = 32633
OUTER = ((14.5521, 45.8673), (14.5608, 45.8664), (14.5622, 45.8731), (14.5561, 45.8743), (14.5521, 45.8673))
HOLE = ((14.5554, 45.8686), (14.5591, 45.8681), (14.5587, 45.8719), (14.5554, 45.8686))
ISLAND = ((14.5628, 45.8671), (14.5636, 45.8668), (14.5635, 45.8682), (14.5628, 45.8671))
FAR = ((14.61, 45.97), (14.62, 45.97), (14.62, 45.98), (14.61, 45.97))
LAND = Area(((OUTER, HOLE), (ISLAND,), (FAR,)), "land")


def run_of(request: RunRequest, name: str, land: Land | None) -> Watched:
    parameters = replace(request.parameters, features=True, date_start="2015-08-20", date_end="2015-08-20")
    output = request.output_folder.parent / f"land_{name}"
    return carry_out(replace(request, output_folder=output, parameters=parameters, land=land))


@pytest.fixture(scope="module")
def without(eolearn_request: RunRequest) -> Watched:
    return run_of(eolearn_request, "none", None)


@pytest.fixture(scope="module", params=["polygons", "table"])
def limited(request: pytest.FixtureRequest, eolearn_request: RunRequest) -> Watched:
    if request.param == "polygons":
        return run_of(eolearn_request, "polygons", Land(area=LAND))
    asset = f"{ROOT}/land/coast"
    write_table(table_path(AssetStore(eolearn_request.output_folder.parent / "land_table"), asset))
    return run_of(eolearn_request, "table", Land(asset))


def write_table(path: Path) -> None:
    path.parent.mkdir(parents=True)
    shapes = [Area((polygon,)).to_geojson() | {"geodesic": False} for polygon in LAND.polygons]
    features = [{"type": "Feature", "properties": {}, "geometry": shape} for shape in shapes]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def paths_of(watched: Watched, kind: str) -> dict[str, Path]:
    paths = {outcome.index: getattr(outcome, f"{kind}_path") for outcome in watched.report.images}
    assert len(paths) == 1
    assert all(path is not None for path in paths.values())
    return paths


@pytest.mark.parametrize("kind", ["mask", "ndvi", "features"])
def test_results_are_those_without_land_inside_it_and_masked_outside(without, limited, kind):
    before, after = paths_of(without, kind), paths_of(limited, kind)
    for index, path in after.items():
        values, valid, transform, _ = read_result(path)
        expected, was_valid, _, _ = read_result(before[index])
        inside = centres_inside(LAND.polygons, EPSG, transform, valid.shape[1:])
        assert 1500 < inside.sum() < 0.8 * inside.size
        np.testing.assert_array_equal(valid, was_valid & inside)
        np.testing.assert_array_equal(values[valid], expected[valid])


def test_shares_are_of_the_pixels_on_land(limited):
    for outcome in limited.report.images:
        assert outcome.state is ImageState.DONE
        values, valid, transform, _ = read_result(outcome.mask_path)
        _, has_ndvi, _, _ = read_result(outcome.ndvi_path)
        inside = centres_inside(LAND.polygons, EPSG, transform, valid.shape[1:])
        assert outcome.cloud_share == pytest.approx((values[0] == 1)[valid[0]].mean(), abs=1e-9)
        assert outcome.ndvi_share == pytest.approx(has_ndvi.sum() / inside.sum(), abs=1e-9)


def test_land_that_no_image_meets_leaves_them_out(eolearn_request):
    watched = run_of(eolearn_request, "far", Land(area=Area(((FAR,),))))
    assert watched.report.message.startswith("0 of 0 images masked")
    assert watched.report.message.endswith("1 out of the area.")
    states = {row.index: row.state for row in read(watched.report.ledger).rows}
    assert list(states.values()) == [RowState.OUT_OF_AREA]
    assert not list((watched.request.output_folder / "mask").glob("*.tif"))
