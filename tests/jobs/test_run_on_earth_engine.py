"""A whole run through Earth Engine's engine, with the embedded service in its place: the same pixels as at home."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.core.models.files import find
from s2mask_qgis.engines.earth_engine.engine import EarthEngine
from s2mask_qgis.engines.local.assets import PROJECT
from s2mask_qgis.jobs import outputs, runner
from s2mask_qgis.jobs.clock import SystemClock
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.rows import RowState
from s2mask_qgis.jobs.opening import Interrupt
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.report import ImageState, RunReport, RunState
from s2mask_qgis.jobs.request import ASSETS, FOLDER, EarthEngineChoice, RunRequest, Throttle
from s2mask_qgis.jobs.under_way import LISTED_WITHIN_S
from tests.engines.embedded_service import Web, engine_on, places_in, serving
from tests.jobs.conftest import Watched


@pytest.fixture(scope="module")
def web(sample_run: Watched, sample_folder: Path) -> Iterator[Web]:
    """The service on the products, and on the ingested scenes, of the run at home."""
    with serving(sample_folder / "scenes", sample_folder, workers=2) as found:
        yield found


def request_of(at_home: Watched, folder: Path, destination: str) -> RunRequest:
    """What the run at home was asked, asked of Earth Engine."""
    choice = EarthEngineChoice(PROJECT, destination, destination, "masks")
    throttle = Throttle(nb_task_max=4, refresh_seconds=0.1)
    return replace(at_home.request, output_folder=folder, earth_engine=choice, throttle=throttle)


def carry_out(web: Web, request: RunRequest) -> tuple[RunReport, EarthEngine]:
    outputs.check_writable(request.output_folder)
    choice, orders = request.earth_engine, Orders()
    assert choice is not None
    engine = engine_on(web, places_in(request.output_folder, choice.destination, choice.asset_folder))
    model = find(request.parameters.model)
    nothing = lambda _: None  # noqa: E731
    report = runner.run_on(engine, request, model, orders, Interrupt(orders), nothing, nothing)
    return report, engine


@pytest.fixture(scope="module", params=[ASSETS, FOLDER])
def elsewhere(request, web, sample_run, tmp_path_factory) -> Iterator[tuple[RunReport, EarthEngine, RunRequest]]:
    asked = request_of(sample_run, tmp_path_factory.mktemp(request.param), request.param)
    report, engine = carry_out(web, asked)
    yield report, engine, asked
    engine.close()


def file_of(engine: EarthEngine, kind: str, index: str) -> Path:
    """The result as a file, downloaded where it is an asset."""
    if engine.traits.stores_masks:
        return engine.fetch(engine.asset_id(kind, index))
    return engine.destination(kind, index).path


def test_every_pixel_is_that_of_the_run_at_home(elsewhere, sample_run):
    report, engine, _ = elsewhere
    assert report.state is RunState.FINISHED
    made = [image for image in sample_run.report.images if image.state is not ImageState.FAILED]
    assert len(made) == 9
    for image in made:
        for kind, path in (("mask", image.mask_path), ("ndvi", image.ndvi_path), ("features", image.features_path)):
            ours = gdal.Open(str(file_of(engine, kind, image.index))).ReadAsArray()
            assert np.array_equal(ours, gdal.Open(str(path)).ReadAsArray()), (kind, image.index)


def test_the_ledger_tells_where_each_result_is(elsewhere):
    report, _, request = elsewhere
    assert report.ledger == outputs.ledger_path(request, find(request.parameters.model))
    ledger = Ledger.open(report.ledger)
    rows = list(ledger.images())
    assert [row.state for row in rows] == [RowState.DONE] * 9
    assert rows[0].outputs.keys() == {"mask", "ndvi", "features"}
    assert rows[0].index in rows[0].outputs["mask"]
    ledger.close()


def test_results_tell_what_made_them(elsewhere, sample_run):
    _, engine, request = elsewhere
    index = sample_run.report.images[0].index
    properties = engine.stored("mask", [index])[index]
    assert properties["system:time_start"] == properties["system:time_end"]
    assert json.loads(properties["s2mask:parameters"]) == request.parameters.to_json()
    assert properties["s2mask:model"].startswith("published ")
    assert json.loads(properties["s2mask:footprint"])["type"] == "Polygon"


def test_what_was_there_is_counted_whether_looked_at_or_not(elsewhere, web):
    report, _, request = elsewhere
    ledger = Ledger.open(report.ledger)
    ledger.mark([next(ledger.images()).index], RowState.WAITING)
    ledger.close()
    report, engine = carry_out(web, request)
    engine.close()
    assert "0 of 9 images masked" in report.message
    assert "9 were there already" in report.message


def test_running_again_makes_nothing_anew(elsewhere, web):
    _, _, request = elsewhere
    asked = len(web.paths("image:export")) + len(web.paths("image:computePixels"))
    report, engine = carry_out(web, request)
    engine.close()
    assert report.state is RunState.FINISHED
    assert "9 were there already" in report.message
    assert len(web.paths("image:export")) + len(web.paths("image:computePixels")) == asked


def test_files_that_a_paused_run_left_unfinished_are_made_when_it_goes_on(web, sample_run, tmp_path, monkeypatch):
    """Nobody writes them any more, so nobody waits for them either."""
    request = request_of(sample_run, tmp_path, FOLDER)
    orders, made = Orders(), []

    def pause(outcome):
        made.append(outcome)
        orders.pause()

    outputs.check_writable(tmp_path)
    model = find(request.parameters.model)
    with engine_on(web, places_in(tmp_path, FOLDER)) as engine:
        paused = runner.run_on(engine, request, model, orders, Interrupt(orders), lambda _: None, pause)
    assert paused.state is RunState.PAUSED
    assert 1 <= len(made) < 9
    real, waits = SystemClock.wait, []

    def wait(self, seconds, orders):
        waits.append(seconds)
        real(self, min(seconds, 1.0), orders)

    monkeypatch.setattr(SystemClock, "wait", wait)
    report, engine = carry_out(web, request)
    engine.close()
    assert report.state is RunState.FINISHED
    assert sum(waits) < LISTED_WITHIN_S
