"""Filling a series at the local engine: its exports hold the pixels of the numpy kernel, and are made once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from s2mask_qgis.core.filling.curves import fill
from s2mask_qgis.core.filling.plan import FillPlan
from s2mask_qgis.engines.base import Export
from s2mask_qgis.engines.errors import BadRequestError
from s2mask_qgis.engines.export_requests import export_request
from s2mask_qgis.engines.local.engine import LocalEngine
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.series_on_engine import StoredSeries, fill_on_engine
from s2mask_qgis.jobs.series_report import OutputKind
from tests.engines.filling_pixels import SHAPE_YX, read_series
from tests.engines.in_process import grid_of
from tests.jobs.rasters import NODATA, read_result, write_result

DATES = 24


@pytest.fixture(scope="module")
def ndvi(shared_data: Path) -> tuple[np.ndarray, np.ndarray]:
    days, values = read_series(shared_data / "eolearn-l1c")
    return days[:DATES], values[:DATES]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[LocalEngine]:
    (tmp_path / "scenes").mkdir()
    with LocalEngine(tmp_path / "scenes", tmp_path / "library", tmp_path / "out", workers=1) as running:
        yield running


@pytest.fixture
def series(engine: LocalEngine, tmp_path: Path, ndvi: tuple[np.ndarray, np.ndarray]) -> StoredSeries:
    days, values = ndvi
    images = []
    for number, layer in enumerate(values):
        images.append(engine.asset_id("ndvi", f"date{number:02d}"))
        path = tmp_path / "out" / "ndvi" / f"date{number:02d}.tif"
        write_result(path, np.where(np.isfinite(layer), layer, NODATA)[None], grid_of(SHAPE_YX), ["NDVI"])
    plan = FillPlan("harmonic", tuple(days.tolist()), True, 0.03, 0.7, (), 0.03, 1e-4)
    return StoredSeries("patch", tuple(images), grid_of(SHAPE_YX), plan)


def carry_out(engine: LocalEngine, series: StoredSeries, is_cancelled=lambda: False):
    counts: list[tuple[int, int]] = []
    return fill_on_engine(engine, series, lambda done, total: counts.append((done, total)), is_cancelled), counts


def test_the_exports_hold_the_filled_series(engine, series, ndvi):
    report, counts = carry_out(engine, series)
    assert (report.state, report.message) == (RunState.FINISHED, "5 of 5 outputs made.")
    assert counts[-1] == (5, 5)
    assert report.plan == series.plan.to_json()
    days, values = ndvi
    expected = fill(days, values.reshape(DATES, -1), series.plan)
    for output, wanted in zip(report.outputs, (expected.observed, expected.final, expected.quality)):
        assert output.kind is OutputKind.SERIES
        assert (output.first_day, output.last_day) == ("2015-07-11", output.last_day)
        found, known, transform, names = read_result(output.path)
        assert names == list(output.bands)
        assert names[0] == "20150711"
        assert transform[:2] == (500000.0, 10.0)
        wanted = wanted.reshape(values.shape).astype(np.float64)
        np.testing.assert_array_equal(known, np.isfinite(wanted))
        assert np.abs(found - wanted)[known].max() < 1e-5
    assert report.outputs[-1].kind is OutputKind.SUPPORT
    again, _ = carry_out(engine, series)
    assert again.message == "0 of 5 outputs made, 5 were there already."
    assert again.outputs == report.outputs


def test_a_cancelled_series_stops(engine, series):
    report, _ = carry_out(engine, replace(series, outputs=("final",)), lambda: True)
    assert report.state is RunState.CANCELLED
    assert report.outputs == ()


def test_what_cannot_be_filled_is_told(engine, series):
    report, _ = carry_out(engine, replace(series, plan=replace(series.plan, method="whittaker")))
    assert report.state is RunState.REFUSED
    assert "'whittaker' does not exist on Earth Engine" in report.message
    missing = replace(series, images=("projects/local-engine/assets/ndvi/gone", *series.images[1:]), outputs=("final",))
    report, _ = carry_out(engine, missing)
    assert report.state is RunState.FINISHED_WITH_FAILURES
    assert "gone" in report.notes[0]


def test_outputs_with_large_arrays_are_computed_in_small_tiles(engine, series, monkeypatch):
    sent: list[Export] = []

    def refuse(export: Export) -> None:
        sent.append(export)
        raise BadRequestError("enough is known")

    monkeypatch.setattr(engine, "start", refuse)
    for output in ("final", "uncertainty"):
        report, _ = carry_out(engine, replace(series, outputs=(output,)))
        assert (report.state, report.message) == (RunState.REFUSED, "enough is known")
    final, uncertainty = sent
    assert "tileSize" not in export_request(final)["assetExportOptions"]
    assert export_request(uncertainty)["assetExportOptions"]["tileSize"] == {"value": 64}
    assert final.request_id != uncertainty.request_id
    assert max(len(final.request_id), len(uncertainty.request_id)) <= 60
