"""The dock, the runner, its ledger and the engine of Earth Engine together, against the embedded protocol."""

from __future__ import annotations

import json
from functools import partial
from urllib.parse import urlsplit

import pytest
from qgis.core import QgsVectorLayer
from qgis.PyQt.QtCore import QDate, Qt

from s2mask_qgis.engines.local.engine import LocalEngine
from s2mask_qgis.gui import run_form
from s2mask_qgis.gui.dock import S2MaskDock
from s2mask_qgis.gui.services import real_services
from s2mask_qgis.jobs.ledger.reading import read
from s2mask_qgis.jobs.ledger.rows import RowState
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.request import Throttle
from s2mask_qgis.simulation.sample import write_sample
from s2mask_qgis.simulation.settings import SampleSettings
from tests.engines.embedded_service import connection_to, serving
from tests.gui.fakes import FakeGoogle, click, text_of

SMALL = {"number_of_images": 2, "number_preselect": 3, "cluster_count": 4, "sample_size": 300, "scale_m": 60}
QUICK = Throttle(nb_task_max=3, refresh_seconds=0.2)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Five simulated scenes at the embedded service, prepared as Earth Engine has its own."""
    folder = tmp_path_factory.mktemp("service")
    scenes = folder / "scenes"
    write_sample(scenes, SampleSettings(size_px=120, dates=5, jp2_products=0))
    with LocalEngine(scenes, folder / "library", folder / "unused", workers=1) as engine:
        engine.refresh(lambda done, total: None)
        assert engine.prepare(engine.scenes(), lambda done, total: None) == {}
    with serving(scenes, folder) as web:
        yield scenes, web


@pytest.fixture
def make_real_dock(iface, project, settings, service, monkeypatch, tmp_path):
    """Docks with the plugin's own services, signed in to the embedded one; their forms are complete."""
    docks = []
    scenes, web = service
    monkeypatch.setattr(run_form, "EarthEngineSection", FakeGoogle)

    def make(folder):
        dock = S2MaskDock(iface, project, real_services(), settings)
        iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        dock.show()
        docks.append(dock)
        dock.form.engine.choose(True)
        dock.form.google.account, dock.form.google.chosen = connection_to(web), "local-engine"
        dock.form.google.changed.emit()
        layer = QgsVectorLayer(str(scenes / "area.gpkg"), "area", "ogr")
        project.addMapLayer(layer)
        dock.area.areaLayer.setLayer(layer)
        dock.images.restore({**SMALL, "date_start": "2022-01-01", "date_end": "2024-12-31"}, str(tmp_path / "library"))
        dock.run.outputFolder.setFilePath(str(folder))
        monkeypatch.setattr(dock.run.destination, "throttle", lambda: QUICK)
        return dock

    def close(dock):
        docks.remove(dock)
        dock.close_down()
        iface.removeDockWidget(dock)
        dock.deleteLater()

    make.close = close
    yield make
    for dock in list(docks):
        close(dock)


def run(qtbot, dock):
    with qtbot.waitSignal(dock.run_ended, timeout=60000) as ended:
        click(dock, "runButton")
    return ended.args[0]


def test_an_estimate_a_pause_and_a_resume_end_in_assets(qtbot, make_real_dock, tmp_path):
    dock = make_real_dock(tmp_path / "out")
    assert dock.images.dateEnd.date() == QDate(2024, 12, 31)
    click(dock, "estimateButton")
    qtbot.waitUntil(lambda: "5 images" in text_of(dock, "estimateLabel"), timeout=30000)
    click(dock, "runButton")
    qtbot.waitUntil(lambda: "tasks active" in text_of(dock, "statusLabel"), timeout=30000)
    with qtbot.waitSignal(dock.run_ended, timeout=30000) as ended:
        click(dock, "pauseButton")
    assert ended.args[0].state is RunState.PAUSED
    qtbot.waitUntil(lambda: dock.run.runButton.text() == "&Resume", timeout=10000)
    make_real_dock.close(dock)
    again = make_real_dock(tmp_path / "other")
    (ledger,) = (tmp_path / "out").glob("run-*.gpkg")
    again.starter.take_ledger(ledger)
    qtbot.waitUntil(lambda: again.run.leaveButton.isVisible(), timeout=10000)
    qtbot.waitUntil(lambda: again.ledgers.path == ledger, timeout=10000)
    report = run(qtbot, again)
    assert report.state is RunState.FINISHED, report.message
    view = read(ledger)
    assert view.counts[RowState.DONE] == 5
    assert all(row.outputs["mask"].startswith("projects/local-engine/assets/s2mask/mask/") for row in view.rows)
    assert not (tmp_path / "other").exists() or not list((tmp_path / "other").glob("run-*.gpkg"))
    click(again, "tableButton")
    qtbot.waitUntil(lambda: again.ledgers.table.model.rowCount() == 5, timeout=10000)
    assert "planted" not in ledger.read_bytes().decode("latin-1")
    assert "planted" not in json.dumps(view.header.request)


def test_results_come_to_this_computer_and_onto_the_map(qtbot, make_real_dock, project, tmp_path):
    dock = make_real_dock(tmp_path / "out")
    destination = dock.run.destination.destinationChoice
    destination.setCurrentIndex(destination.findData("folder"))
    report = run(qtbot, dock)
    assert report.state is RunState.FINISHED, report.message
    assert len(list((tmp_path / "out" / "mask").glob("*.tif"))) == 5
    kinds = [layer.customProperty("s2mask_qgis/kind") for layer in project.mapLayers().values()]
    assert kinds.count("mask") == 5


def test_tasks_that_were_left_at_the_service_are_cancelled_there(qtbot, make_real_dock, service, tmp_path, monkeypatch):
    _scenes, web = service
    monkeypatch.setattr(web, "answers", partial(busy, web, {one["name"] for one in operations_of(web)["operations"]}))
    dock = make_real_dock(tmp_path / "out")
    dock.run.destination.assetFolder.setText("projects/local-engine/assets/left")
    click(dock, "runButton")
    qtbot.waitUntil(lambda: open_images(tmp_path / "out") == QUICK.nb_task_max, timeout=30000)
    with qtbot.waitSignal(dock.run_ended, timeout=30000):
        click(dock, "pauseButton")
    assert web.paths(":cancel") == []
    assert open_images(tmp_path / "out") == QUICK.nb_task_max
    qtbot.waitUntil(dock.run.cancelButton.isVisible, timeout=10000)
    with qtbot.waitSignal(dock.run_ended, timeout=30000) as ended:
        click(dock, "cancelButton")
    assert ended.args[0].state is RunState.CANCELLED, ended.args[0].message
    assert len(web.paths(":cancel")) == QUICK.nb_task_max
    assert open_images(tmp_path / "out") == 0


def busy(web, ended, request):
    """A service whose tasks never end, but for those that had: it says so, and takes what cancels them."""
    parts = urlsplit(request.url)
    if parts.path.endswith(":cancel"):
        return 200, {}, b"{}"
    if request.verb != "GET" or not parts.path.endswith("/operations"):
        return None
    answer = operations_of(web, parts.query)
    for operation in answer.get("operations", ()):
        if operation["name"] not in ended:
            operation["metadata"]["state"], operation["done"] = "RUNNING", False
            operation.pop("response", None)
    return 200, {}, json.dumps(answer).encode()


def operations_of(web, query=""):
    """A page of the service's tasks."""
    return json.loads(web.handle("GET", "/v1/projects/local-engine/operations", query, b"")[2])


def open_images(folder):
    """How many images of the only ledger of a folder have exports that the service has answered for."""
    ledgers = list(folder.glob("run-*.gpkg"))
    counts = read(ledgers[0]).counts if ledgers else {}
    return counts.get(RowState.QUEUED, 0) + counts.get(RowState.RUNNING, 0)
