"""A run on Earth Engine from the dock: the switch, the estimate, the run with its tasks, pause and resume."""

from __future__ import annotations

from dataclasses import replace

import pytest
from qgis.PyQt.QtWidgets import QComboBox, QLineEdit, QSpinBox

from s2mask_qgis.core.estimates import RunEstimate
from s2mask_qgis.engines.errors import TransientError
from s2mask_qgis.gis.errors import UserError
from s2mask_qgis.gui import run_form
from s2mask_qgis.jobs.ledger.rows import RowState
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.request import DRIVE, FOLDER
from tests.gui.fakes import FakeGoogle, add_area, choose_scenes, click, make_row, text_of

FITS = RunEstimate(61, 2, 3, tasks=112, facts=("61 images of 1 tile.", "112 tasks."), warnings=("The queue is long.",))


@pytest.fixture(autouse=True)
def section(monkeypatch):
    monkeypatch.setattr(run_form, "EarthEngineSection", FakeGoogle)


@pytest.fixture
def signed_in(qtbot, make_dock, project, tmp_path, work):
    """A dock whose form is complete for Earth Engine, without any scenes."""
    work.found_estimate = FITS
    layer = add_area(project)
    dock = make_dock()
    dock.area.areaLayer.setLayer(layer)
    dock.run.outputFolder.setFilePath(str(tmp_path / "results"))
    dock.form.engine.earthEngineButton.click()
    dock.form.google.sign_in()
    qtbot.waitUntil(lambda: "Estimate" in text_of(dock, "estimateLabel"), timeout=5000)
    return dock


def run(qtbot, dock):
    with qtbot.waitSignal(dock.run_ended, timeout=20000) as ended:
        click(dock, "runButton")
    return ended.args[0]


def begin(qtbot, dock, work):
    work.waits = True
    click(dock, "runButton")
    qtbot.waitUntil(lambda: "1 of 3" in text_of(dock, "statusLabel"), timeout=5000)


def unfinished(*more):
    return [make_row(0, RowState.DONE), make_row(1, RowState.QUEUED), make_row(2), *more]


def test_the_switch_shows_what_the_engine_needs(qtbot, make_dock):
    dock = make_dock()
    assert dock.form.engine.localButton.isChecked()
    assert dock.scenes.isVisible()
    for widget in (dock.form.google, dock.run.destination, dock.run.estimateButton):
        assert not widget.isVisible()
    dock.form.engine.earthEngineButton.click()
    assert not dock.scenes.isVisible()
    for widget in (dock.form.google, dock.run.destination, dock.run.estimateButton):
        assert widget.isVisible()
    assert dock.findChild(QComboBox, "parameter_level").isVisible()
    assert not dock.images.allDatesButton.isVisible()
    qtbot.waitUntil(lambda: "First choose a project and an area" in text_of(dock, "estimateLabel"), timeout=2000)


def test_the_engine_and_the_destination_are_remembered(qtbot, make_dock, signed_in, work):
    destination = signed_in.run.destination
    destination.destinationChoice.setCurrentIndex(destination.destinationChoice.findData(DRIVE))
    destination.driveFolder.setText("alps")
    signed_in.findChild(QSpinBox, "parameter_nb_task_max").setValue(300)
    make_dock.close(signed_in)
    again = make_dock()
    assert again.form.is_earth_engine
    state = again.run.destination.remembered()
    assert (state.destination, state.drive_folder, state.throttle) == (DRIVE, "alps", {"nb_task_max": 300})
    assert again.form.google.project() == "my-project"


def test_sources_of_earth_engine_can_be_chosen_there_alone(qtbot, make_dock):
    dock = make_dock()
    combo = dock.images.parameters.widget("source")
    row = next(row for row in range(combo.count()) if combo.itemData(row).startswith("Cloud Score"))
    assert not combo.model().item(row).isEnabled()
    dock.form.engine.earthEngineButton.click()
    assert combo.model().item(row).isEnabled()
    dock.form.engine.localButton.click()
    assert not combo.model().item(row).isEnabled()


def test_nothing_is_asked_before_somebody_clicks(qtbot, signed_in, work):
    signed_in.images.parameters.changed.emit()
    qtbot.wait(300)
    assert work.estimates == []
    assert work.requests == []


def test_an_estimate_tells_facts_and_warnings(qtbot, signed_in, work):
    click(signed_in, "estimateButton")
    qtbot.waitUntil(lambda: "112 tasks" in text_of(signed_in, "estimateLabel"), timeout=5000)
    assert text_of(signed_in, "warningsLabel") == "The queue is long."
    (request, connection) = work.estimates[0]
    assert connection is signed_in.form.google.account
    assert request.earth_engine.asset_folder == "projects/my-project/assets/s2mask"
    signed_in.images.parameters.changed.emit()
    qtbot.waitUntil(lambda: text_of(signed_in, "warningsLabel") == "", timeout=5000)
    assert work.requests == []


def test_an_estimate_can_be_stopped(qtbot, signed_in, work):
    work.found_estimate = None
    click(signed_in, "estimateButton")
    assert signed_in.run.estimateButton.text() == "&Stop"
    assert "Asking Earth Engine" in text_of(signed_in, "estimateLabel")
    click(signed_in, "estimateButton")
    assert signed_in.run.estimateButton.text() == "&Estimate"
    assert text_of(signed_in, "estimateLabel") == "Stopped."


def test_an_estimate_that_fails_is_a_sentence(qtbot, signed_in, work):
    work.found_estimate = TransientError("Earth Engine does not answer. Try again later.")
    click(signed_in, "estimateButton")
    qtbot.waitUntil(lambda: "does not answer" in text_of(signed_in, "estimateLabel"), timeout=5000)
    assert not signed_in.run.is_running


def test_run_looks_first_whether_the_run_fits(qtbot, signed_in, work):
    report = run(qtbot, signed_in)
    assert report.state is RunState.FINISHED
    assert len(work.estimates) == 1
    request = work.requests[0]
    assert work.connections == [signed_in.form.google.account]
    assert request.earth_engine.project == "my-project"
    assert request.throttle.nb_task_max == 30


def test_what_does_not_fit_is_refused_with_the_way_out(qtbot, signed_in, work):
    work.found_estimate = replace(FITS, problems=("12,000 new assets, at most 10,000. Send the results to Drive.",))
    click(signed_in, "runButton")
    qtbot.waitUntil(lambda: "Send the results to Drive" in text_of(signed_in, "problemsLabel"), timeout=5000)
    click(signed_in, "runButton")
    assert "Send the results to Drive" in text_of(signed_in, "problemsLabel")
    assert work.requests == []


@pytest.mark.parametrize(
    ("destination", "field", "text", "problem"),
    [
        ("assets", "assetFolder", "projects/p/assets/my folder", "is no folder of assets"),
        ("assets", "assetFolder", "somewhere", "is no folder of assets"),
        (DRIVE, "driveFolder", "a/b", "without a slash"),
        (DRIVE, "driveFolder", "", "Name the folder"),
    ],
)
def test_a_destination_that_cannot_be_is_told(qtbot, signed_in, work, destination, field, text, problem):
    form = signed_in.run.destination
    form.destinationChoice.setCurrentIndex(form.destinationChoice.findData(destination))
    line = signed_in.findChild(QLineEdit, field)
    assert line.isVisible()
    line.setText(text)
    click(signed_in, "runButton")
    assert problem in text_of(signed_in, "problemsLabel")
    assert work.estimates == []


def test_a_parameters_py_of_the_scripts_enters_folder_and_tasks(signed_in, tmp_path):
    path = tmp_path / "parameters.py"
    path.write_text("folder_GEE = 'users/ann/masks/'\nnb_task_max = 250\nCUTTOF = 0.3")
    signed_in.images.presets.load(path)
    choice = signed_in.run.destination.choice()
    assert (choice.asset_folder, signed_in.run.destination.throttle().nb_task_max) == ("users/ann/masks", 250)
    assert signed_in.problems() == []
    path.write_text("nb_task_max = 4000")
    signed_in.images.presets.load(path)
    assert "nb_task_max: 4000 cannot be used" in text_of(signed_in, "presetState")
    assert signed_in.run.destination.throttle().nb_task_max == 250


def test_results_can_come_to_this_computer(qtbot, signed_in, work):
    form = signed_in.run.destination
    form.destinationChoice.setCurrentIndex(form.destinationChoice.findData(FOLDER))
    assert not form.assetFolder.isVisible()
    assert not form.driveFolder.isVisible()
    run(qtbot, signed_in)
    assert work.requests[0].earth_engine.destination == FOLDER


def test_nobody_signed_in_keeps_a_run_from_starting(qtbot, signed_in, work):
    signed_in.form.google.account = None
    click(signed_in, "runButton")
    assert "Sign in to Earth Engine first." in text_of(signed_in, "problemsLabel")
    assert work.estimates == []


def test_secrets_that_cannot_be_opened_are_a_sentence(qtbot, signed_in, work):
    signed_in.form.google.error = UserError("Open the authentication database.")
    click(signed_in, "runButton")
    assert "Open the authentication database." in text_of(signed_in, "problemsLabel")
    assert work.estimates == []


def test_tasks_and_what_is_waited_for_are_told(qtbot, signed_in, work):
    work.hint, work.tasks = "The queue is full; waiting.", {"active": 9, "active_project": 28, "failed": 1}
    begin(qtbot, signed_in, work)
    assert text_of(signed_in, "statusLabel") == "1 of 3 images, 28 of 30 tasks active, 1 failed, about 60 s left"
    assert text_of(signed_in, "hintLabel") == "The queue is full; waiting."
    with qtbot.waitSignal(signed_in.run_ended, timeout=5000):
        work.release.set()
    assert text_of(signed_in, "hintLabel") == ""


def test_pause_ends_the_run_here_and_resume_goes_on(qtbot, signed_in, work, iface):
    begin(qtbot, signed_in, work)
    with qtbot.waitSignal(signed_in.run_ended, timeout=5000) as ended:
        work.ledgers.rows = unfinished()
        click(signed_in, "pauseButton")
        assert text_of(signed_in, "statusLabel") == "Pausing …"
    assert ended.args[0].state is RunState.PAUSED
    assert not work.orders[0].is_cancelled
    assert "Paused" in text_of(signed_in, "statusLabel")
    qtbot.waitUntil(lambda: signed_in.run.runButton.text() == "&Resume", timeout=5000)
    work.waits = False
    run(qtbot, signed_in)
    assert work.requests[1] == work.requests[0]
    assert len(work.estimates) == 1


def test_edits_during_a_run_leave_its_table_alone(qtbot, signed_in, work):
    begin(qtbot, signed_in, work)
    signed_in.images.parameters.widget("cutoff").setValue(0.4)
    qtbot.wait(300)
    assert all(look[0].parameters.cutoff != 0.4 for look in work.ledgers.looks)
    with qtbot.waitSignal(signed_in.run_ended, timeout=5000):
        work.release.set()
    qtbot.waitUntil(lambda: work.ledgers.looks[-1][0].parameters.cutoff == 0.4, timeout=5000)


def test_cancel_reaches_the_service(qtbot, signed_in, work):
    begin(qtbot, signed_in, work)
    with qtbot.waitSignal(signed_in.run_ended, timeout=5000) as ended:
        click(signed_in, "cancelButton")
    assert ended.args[0].state is RunState.CANCELLED
    assert work.orders[0].is_cancelled


def test_closing_the_dock_window_does_not_stop_a_run(qtbot, signed_in, work):
    begin(qtbot, signed_in, work)
    signed_in.close()
    with qtbot.waitSignal(signed_in.run_ended, timeout=5000) as ended:
        work.release.set()
    assert ended.args[0].state is RunState.FINISHED


def test_the_end_of_the_plugin_pauses_a_run(qtbot, make_dock, signed_in, work):
    begin(qtbot, signed_in, work)
    make_dock.close(signed_in)
    assert [orders.is_cancelled for orders in work.orders] == [False]


def test_what_an_earlier_session_left_is_told_and_begun_by_nobody(qtbot, signed_in, work):
    work.ledgers.rows = unfinished(make_row(3, RowState.FAILED))
    signed_in.images.parameters.changed.emit()
    text = "An earlier run: 4 images, 1 done, 1 failed, 1 task under way. Resume goes on with it."
    qtbot.waitUntil(lambda: text_of(signed_in, "ledgerLabel") == text, timeout=5000)
    assert signed_in.run.cancelButton.isVisible()
    assert signed_in.run.tableButton.isVisible()
    assert work.requests == []


def test_tasks_that_an_earlier_session_left_can_be_cancelled(qtbot, signed_in, work):
    work.ledgers.rows = unfinished()
    work.waits = True
    signed_in.images.parameters.changed.emit()
    qtbot.waitUntil(signed_in.run.cancelButton.isVisible, timeout=5000)
    with qtbot.waitSignal(signed_in.run_ended, timeout=5000) as ended:
        click(signed_in, "cancelButton")
    assert ended.args[0].state is RunState.CANCELLED
    assert [orders.is_cancelled for orders in work.orders] == [True]


def test_failed_images_are_tried_again_by_the_run_that_goes_on(qtbot, signed_in, work):
    begin(qtbot, signed_in, work)
    work.ledgers.rows = unfinished(make_row(3, RowState.FAILED))
    click(signed_in, "tableButton")
    table = signed_in.ledgers.table
    qtbot.waitUntil(table.retryFailedButton.isEnabled, timeout=5000)
    click(table, "retryFailedButton")
    assert work.ledgers.retries == []
    with qtbot.waitSignal(signed_in.run_ended, timeout=5000):
        click(signed_in, "pauseButton")
    assert work.orders[0].take_retries() == [None]


def test_failed_images_are_tried_again_after_a_run(qtbot, signed_in, work):
    work.ledgers.rows = [make_row(0, RowState.DONE), make_row(1, RowState.FAILED)]
    signed_in.images.parameters.changed.emit()
    qtbot.waitUntil(signed_in.run.tableButton.isVisible, timeout=5000)
    click(signed_in, "tableButton")
    table = signed_in.ledgers.table
    qtbot.waitUntil(table.retryFailedButton.isEnabled, timeout=5000)
    with qtbot.waitSignal(signed_in.run_ended, timeout=5000):
        click(table, "retryFailedButton")
    assert work.ledgers.retries == [(signed_in.run.output_folder() / "run-00000000.gpkg", None)]
    assert len(work.requests) == 1


def test_a_run_is_resumed_from_its_ledger_alone(qtbot, make_dock, signed_in, work, tmp_path, monkeypatch):
    run(qtbot, signed_in)
    other = replace(work.requests[0], output_folder=tmp_path / "elsewhere" / "alps")
    make_dock.close(signed_in)
    work.ledgers.chosen = replace(other, parameters=replace(other.parameters, cutoff=0.4))
    work.ledgers.rows = unfinished()
    dock = make_dock()
    dock.area.areaLayer.setLayer(None)
    dock.form.google.sign_in()
    chosen = (str(tmp_path / "elsewhere" / "alps" / "run-00000000.gpkg"), "")
    monkeypatch.setattr("s2mask_qgis.gui.run_starter.QFileDialog.getOpenFileName", lambda *_: chosen)
    click(dock, "ledgerButton")
    qtbot.waitUntil(lambda: dock.run.runButton.text() == "&Resume", timeout=5000)
    assert dock.run.leaveButton.text() == "Leave alps"
    assert dock.images.values()["cutoff"] == 0.4
    assert not dock.images.isEnabled()
    assert dock.problems() == []
    run(qtbot, dock)
    assert work.requests[-1] == work.ledgers.chosen
    click(dock, "leaveButton")
    assert dock.images.isEnabled()
    assert dock.problems() != []


def test_a_file_that_is_no_ledger_is_a_sentence(qtbot, signed_in, work, tmp_path, monkeypatch):
    work.ledgers.error = TransientError("x.gpkg is no ledger of a run.")
    monkeypatch.setattr("s2mask_qgis.gui.run_starter.QFileDialog.getOpenFileName", lambda *_: (str(tmp_path), ""))
    click(signed_in, "ledgerButton")
    qtbot.waitUntil(lambda: "no ledger of a run" in text_of(signed_in, "statusLabel"), timeout=5000)
    assert signed_in.images.isEnabled()


def test_models_are_built_on_this_computer(qtbot, signed_in):
    assert any("built on this computer" in text for text in signed_in._material())


def test_scenes_of_this_computer_do_not_limit_what_earth_engine_offers(qtbot, signed_in, tmp_path):
    signed_in.form.engine.localButton.click()
    choose_scenes(qtbot, signed_in, tmp_path / "scenes")
    assert not signed_in.images.parameters.widget("level").isVisible()
    signed_in.form.engine.earthEngineButton.click()
    assert signed_in.images.parameters.widget("level").isVisible()


def test_the_tab_key_goes_through_the_run_section_from_top_to_bottom(qtbot, signed_in, work, iface):
    work.ledgers.rows = unfinished()
    signed_in.images.parameters.changed.emit()
    qtbot.waitUntil(signed_in.run.cancelButton.isVisible, timeout=5000)
    signed_in.run.destination.throttleBox.setCollapsed(False)
    iface.window.activateWindow()
    signed_in.run.outputFolder.lineEdit().setFocus()
    seen = []
    while not seen or (seen[-1] != "ledgerButton" and len(seen) < 30):
        signed_in.focusNextChild()
        seen.append(signed_in.focusWidget().objectName().removeprefix("parameter_"))
    assert seen[1:] == [  # after the button that browses folders
        "destinationChoice", "assetFolder", "throttleBox", "collapseButton",
        "nb_task_max", "refresh_seconds", "attempts", "patience_hours",
        "estimateButton", "cancelButton", "runButton", "tableButton", "ledgerButton",
    ]  # fmt: skip


def test_the_dock_fits_into_300_pixels(qtbot, signed_in, work):
    work.ledgers.rows = unfinished()
    signed_in.images.parameters.changed.emit()
    qtbot.waitUntil(signed_in.run.cancelButton.isVisible, timeout=5000)
    assert signed_in.run.minimumSizeHint().width() <= 288


def test_land_can_be_stored_where_somebody_is_signed_in(signed_in, project):
    signed_in.area.landLayer.setLayer(add_area(project, name="coast"))
    assert signed_in.area.landStore.isVisible()
    access = signed_in.area.store.access()
    assert access is not None
    assert access.project == "my-project"
    signed_in.form.engine.localButton.click()
    assert not signed_in.area.landStore.isVisible()
    signed_in.form.engine.earthEngineButton.click()
    assert signed_in.area.landStore.isVisible()


def test_a_ledger_that_another_qgis_writes_is_told_before_run_is_pressed(qtbot, signed_in, work):
    work.ledgers.rows = unfinished()
    work.ledgers.holder = "run-12345678.gpkg is being written by QGIS on alps (process 7) since 10:32."
    signed_in.images.parameters.changed.emit()
    qtbot.waitUntil(lambda: text_of(signed_in, "ledgerLabel") == work.ledgers.holder, timeout=5000)
    assert signed_in.run.ledgerLabel.has_problem
    assert signed_in.run.tableButton.isVisible()
    assert not signed_in.run.cancelButton.isVisible()
    work.ledgers.holder = ""
    signed_in.ledgers.look()
    qtbot.waitUntil(lambda: "Resume goes on with it" in text_of(signed_in, "ledgerLabel"), timeout=5000)
    assert signed_in.run.cancelButton.isVisible()
