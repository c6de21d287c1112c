"""The dock driven by real clicks, from the form to layers on the map."""

from __future__ import annotations

from dataclasses import replace

import pytest
from qgis.PyQt.QtCore import QDate, Qt
from qgis.PyQt.QtWidgets import QPushButton

from s2mask_qgis.core.features import FEATURES
from s2mask_qgis.core.models import files
from s2mask_qgis.core.models.model import Model, Table
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.engines.errors import CancelledError, EngineError, StorageError
from s2mask_qgis.gui.messages import LOG_TAG
from s2mask_qgis.jobs.report import RunState
from tests.gui.fakes import FAR_SQUARE, LEFT, SQUARE, add_area, choose_scenes, click, make_scenes, text_of, write_raster


@pytest.fixture
def ready(qtbot, make_dock, project, tmp_path):
    """A dock whose form is complete."""
    layer = add_area(project)
    dock = make_dock()
    dock.area.areaLayer.setLayer(layer)
    choose_scenes(qtbot, dock, tmp_path / "scenes")
    dock.run.outputFolder.setFilePath(str(tmp_path / "results"))
    qtbot.waitUntil(lambda: "images" in text_of(dock, "estimateLabel"), timeout=5000)
    return dock


def run(qtbot, dock):
    with qtbot.waitSignal(dock.run_ended, timeout=20000) as ended:
        click(dock, "runButton")
    return ended.args[0]


def bar_text(iface) -> str:
    item = iface.bar.currentItem()
    return item.text() if item else ""


def layers_of(project, kind):
    return [la for la in project.mapLayers().values() if la.customProperty("s2mask_qgis/kind") == kind]


def group_of(project, kind):
    groups = project.layerTreeRoot().findGroups(True)
    return next(group for group in groups if group.customProperty("s2mask_qgis/kind") == kind)


def test_an_empty_dock_says_what_to_do_first(qtbot, make_dock):
    dock = make_dock()
    assert "Choose the folder" in text_of(dock, "scenesState")
    assert dock.scenes.sampleButton.isVisible()
    assert "First choose scenes and an area" in text_of(dock, "estimateLabel")
    assert "appear here" in text_of(dock, "resultsState")


def test_scenes_and_area_are_summed_up_before_anything_starts(ready, work):
    assert text_of(ready, "scenesState") == "3 scenes, 1 tile, 2023-01"
    assert "km², 3 images" in text_of(ready, "areaState")
    assert text_of(ready, "estimateLabel") == "3 images"
    assert not ready.scenes.sampleButton.isVisible()
    assert not work.requests


def test_dates_follow_the_scenes_until_the_user_chooses_others(qtbot, ready, tmp_path):
    assert ready.images.dateStart.date() == QDate(2023, 1, 1)
    assert ready.images.dateEnd.date() == QDate(2023, 1, 21)
    ready.images.dateEnd.setDate(QDate(2023, 1, 12))
    choose_scenes(qtbot, ready, tmp_path / "other")
    assert ready.images.dateEnd.date() == QDate(2023, 1, 12)
    qtbot.waitUntil(lambda: text_of(ready, "estimateLabel") == "2 images", timeout=5000)
    click(ready, "allDatesButton")
    assert ready.images.dateEnd.date() == QDate(2023, 1, 21)


def test_images_that_are_done_already_are_told(qtbot, ready, work):
    work.kept = 2
    ready.control.seconds_per_image = 30.0
    ready.images.parameters.changed.emit()
    qtbot.waitUntil(lambda: text_of(ready, "estimateLabel") == "3 images · 2 done already · about 30 s", timeout=5000)


def test_images_that_a_file_lists_as_done_are_left_out_and_the_file_is_remembered(
    qtbot, ready, make_dock, work, tmp_path
):
    work.listed = frozenset({"image1"})
    ready.images.doneFile.setFilePath(str(tmp_path / "current_status.xlsx"))
    qtbot.waitUntil(lambda: "2 images · 1 left out" in text_of(ready, "estimateLabel"), timeout=2000)
    assert "· 1" in ready.images.moreParameters.title()
    run(qtbot, ready)
    assert work.requests[0].done_file == tmp_path / "current_status.xlsx"
    make_dock.close(ready)
    again = make_dock()
    assert again.images.done_file() == tmp_path / "current_status.xlsx"
    click(again, "resetButton")
    assert again.images.done_file() is None
    assert "·" not in again.images.moreParameters.title()


def test_a_file_that_lists_no_images_is_told_before_the_run(qtbot, ready, work, tmp_path):
    def refuse(path):
        raise EngineError(f"{path.name} lists what is no Sentinel-2 image. Choose another file.")

    ready.starter.estimates._services = replace(work.services(), listed=refuse)
    ready.images.doneFile.setFilePath(str(tmp_path / "other.json"))
    qtbot.waitUntil(lambda: "other.json lists what is no" in text_of(ready, "estimateLabel"), timeout=2000)


def test_a_click_on_run_ends_in_layers_on_the_map(qtbot, ready, project, work, iface):
    report = run(qtbot, ready)
    assert report.state is RunState.FINISHED
    for kind in ("outline", "mask", "probability", "ndvi", "true_colour"):
        assert len(layers_of(project, kind)) == 3
    request = work.requests[0]
    assert request.area.name == "parcels"
    assert request.parameters.date_start == "2023-01-01"
    assert text_of(ready, "imageLabel") == "2023-01-01 · cloud 23 % · 1 of 3"
    assert ready.run.runButton.text() == "&Run"
    assert not ready.run.progressBar.isVisible()
    assert "3 images" in bar_text(iface)
    assert iface.canvas.extent().contains(15.05, 48.05)
    assert iface.canvas.extent().width() < 0.5


def test_arrows_and_keys_step_through_the_images(qtbot, ready, iface):
    run(qtbot, ready)
    click(ready, "nextButton")
    assert "2 of 3" in text_of(ready, "imageLabel")
    shown = iface.canvas.temporalRange().begin().date()
    assert shown == QDate(2023, 1, 11)
    iface.window.activateWindow()
    iface.canvas.setFocus()
    qtbot.waitUntil(iface.window.isActiveWindow, timeout=2000)
    qtbot.keyClick(iface.window, Qt.Key.Key_Period)
    assert "3 of 3" in text_of(ready, "imageLabel")
    assert not ready.results.nextButton.isEnabled()
    qtbot.keyClick(iface.window, Qt.Key.Key_Comma)
    assert "2 of 3" in text_of(ready, "imageLabel")


def test_the_label_follows_the_temporal_controller(qtbot, ready, iface):
    run(qtbot, ready)
    iface.controller.setCurrentFrameNumber(2)
    assert "3 of 3" in text_of(ready, "imageLabel")


def test_toggles_decide_what_the_map_shows(qtbot, ready, project):
    run(qtbot, ready)
    assert ready.results.showTrueColour.isChecked()
    assert ready.results.showOutline.isChecked()
    click(ready, "showNdvi")
    click(ready, "showOutline")
    checked = {
        group.customProperty("s2mask_qgis/kind"): group.itemVisibilityChecked()
        for group in project.layerTreeRoot().findGroups(True)
        if group.customProperty("s2mask_qgis/kind")
    }
    assert checked == {"outline": False, "mask": False, "probability": False, "ndvi": True, "true_colour": True}


def test_indices_beside_ndvi_can_be_shown_where_there_are_any(qtbot, ready, work, project, monkeypatch):
    made = work.outcome

    def outcome(scene):
        result = made(scene)
        return replace(result, evi2_path=result.ndvi_path)

    run(qtbot, ready)
    assert not ready.results.showEvi2.isVisible()
    monkeypatch.setattr(work, "outcome", outcome)
    run(qtbot, ready)
    assert ready.results.showEvi2.isVisible()
    assert not ready.results.showKndvi.isVisible()
    assert len(layers_of(project, "evi2")) == 3
    click(ready, "showEvi2")
    groups = project.layerTreeRoot().findGroups(True)
    (evi2,) = [group for group in groups if group.customProperty("s2mask_qgis/kind") == "evi2"]
    assert evi2.itemVisibilityChecked()


def test_shadows_are_told_beside_clouds_and_outlined_with_them(qtbot, ready, work, project, monkeypatch):
    made = work.outcome
    monkeypatch.setattr(work, "outcome", lambda scene: replace(made(scene), shadow_share=0.081))
    run(qtbot, ready)
    assert text_of(ready, "imageLabel") == "2023-01-01 · cloud 23 % · shadow 8 % · 1 of 3"
    assert len(layers_of(project, "shadow_outline")) == 3
    group = group_of(project, "shadow_outline")
    assert group.itemVisibilityChecked()
    click(ready, "showOutline")
    assert not group.itemVisibilityChecked()
    assert not group_of(project, "outline").itemVisibilityChecked()


def test_one_of_the_features_is_shown_by_its_name(qtbot, ready, work, project, monkeypatch):
    made = work.outcome

    def outcome(scene):
        names = tuple(FEATURES)
        path = write_raster(work.output / "features" / f"{scene.index}.tif", len(names), 1.0, names)
        return replace(made(scene), features_path=path)

    run(qtbot, ready)
    assert not ready.results.featureRow.isVisible()
    monkeypatch.setattr(work, "outcome", outcome)
    run(qtbot, ready)
    choice = ready.results.featureChoice
    assert choice.isVisible()
    assert [choice.itemText(row) for row in range(choice.count())] == list(FEATURES)
    assert not group_of(project, "features").itemVisibilityChecked()
    choice.setCurrentIndex(choice.findData("tree2"))
    assert ready.results.showFeatures.isChecked()
    assert group_of(project, "features").itemVisibilityChecked()
    assert {layer.renderer().band() for layer in layers_of(project, "features")} == {12}


def test_labels_are_clicked_in_the_image_that_is_shown(qtbot, ready, project, iface):
    run(qtbot, ready)
    click(ready, "nextButton")
    click(ready, "labelCloud")
    qtbot.mouseClick(iface.canvas.viewport(), LEFT, pos=iface.canvas.rect().center())
    (label,) = ready.results.labels.layer().getFeatures()
    assert (label["image"], label["class"]) == ("image1", "cloud")
    assert ready.model.section.labels_layer() is ready.results.labels.layer()
    click(ready, "nextButton")
    assert "in the image of 2023-01-21" in text_of(ready, "labelState")
    project.clear()
    assert not ready.results.labels.isVisible()
    assert iface.canvas.mapTool() is None


def test_a_run_asks_for_the_model_and_its_folder(qtbot, ready, work, models):
    files.write(Model("alps", "Alps", Table(("tree2",), (0.1, 0.9)), 0.5), models)
    ready.images.choose_model("alps")
    run(qtbot, ready)
    assert work.requests[0].models_folder == models
    assert work.requests[0].parameters.model == "alps"


def test_a_model_that_the_images_do_not_allow_keeps_a_run_from_starting(ready, work):
    ready.images.offer_scenes([replace(scene, bands=("B2", "B3", "B4", "B8")) for scene in make_scenes(3)])
    click(ready, "runButton")
    assert f"The model {RunParameters.model} needs" in text_of(ready, "problemsLabel")
    assert not work.requests


def test_progress_is_told_and_cancel_answers_at_once(qtbot, ready, work, project, iface):
    work.waits = True
    click(ready, "runButton")
    qtbot.waitUntil(lambda: text_of(ready, "statusLabel") == "1 of 3 images, about 60 s left", timeout=5000)
    assert not ready.run.runButton.isVisible()
    assert ready.run.pauseButton.isVisible()
    qtbot.waitUntil(lambda: len(layers_of(project, "mask")) == 1, timeout=5000)
    with qtbot.waitSignal(ready.run_ended, timeout=2000) as ended:
        click(ready, "cancelButton")
        assert text_of(ready, "statusLabel") == "Cancelling …"
    assert ended.args[0].state is RunState.CANCELLED
    assert ready.run.runButton.text() == "&Run"
    assert len(layers_of(project, "mask")) == 1
    assert "Cancelled" in bar_text(iface)


def test_failures_are_counted_and_their_reasons_are_one_click_away(qtbot, ready, work, iface):
    work.failing = ("image1",)
    report = run(qtbot, ready)
    assert report.state is RunState.FINISHED_WITH_FAILURES
    assert ready.run.failuresButton.text() == "1 failed – why"
    assert not ready.run.failuresList.isVisible()
    click(ready, "failuresButton")
    assert ready.run.failuresList.toPlainText() == "2023-01-11  B3 is missing. Load it again."
    ready.run.failuresButton.setChecked(False)
    details = [b for b in iface.bar.currentItem().findChildren(QPushButton) if b.text() == "Details"]
    qtbot.mouseClick(details[0], LEFT)
    assert ready.run.failuresList.isVisible()


def test_a_raster_that_cannot_be_shown_does_not_stop_the_others(qtbot, ready, work, project, monkeypatch):
    made = work.outcome

    def outcome(scene):
        result = made(scene)
        if scene.index == "image1":
            result.true_colour.path.write_bytes(b"no raster")
        return result

    monkeypatch.setattr(work, "outcome", outcome)
    run(qtbot, ready)
    assert ready.run.failuresButton.text() == "1 failed – why"
    assert len(layers_of(project, "ndvi")) == 2


def test_an_error_of_the_engine_is_told_as_its_sentence(qtbot, ready, work, iface):
    work.error = StorageError("The disk is full. Free some space and run again.")
    assert run(qtbot, ready).state is RunState.REFUSED
    assert text_of(ready, "statusLabel") == "The disk is full. Free some space and run again."
    assert "disk is full" in bar_text(iface)


def test_an_unforeseen_error_becomes_a_sentence_and_its_traceback_goes_to_the_log(qtbot, ready, work, qgis_app):
    logged = []
    qgis_app.messageLog().messageReceived.connect(lambda text, tag, level: logged.append((tag, text)))
    work.error = KeyError("B11")
    run(qtbot, ready)
    assert "unexpected" in text_of(ready, "statusLabel")
    assert "Traceback" not in text_of(ready, "statusLabel")
    assert any(tag == LOG_TAG and "Traceback" in text for tag, text in logged)


def test_every_problem_is_shown_at_once_when_run_is_pressed(qtbot, make_dock, work):
    dock = make_dock()
    dock.images.dateStart.setDate(QDate(2023, 5, 1))
    dock.images.dateEnd.setDate(QDate(2023, 4, 1))
    click(dock, "runButton")
    lines = text_of(dock, "problemsLabel").splitlines()
    assert len(lines) == 4
    assert "Choose the folder" in lines[0]
    assert "No area is chosen" in lines[1]
    assert "“Until”: 2023-04-01 lies before “From” 2023-05-01" in lines[2]
    assert "folder for the results" in lines[3]
    assert not work.requests
    assert not dock.run.is_running


def test_problems_go_away_as_they_are_mended(qtbot, make_dock, project, tmp_path):
    dock = make_dock()
    click(dock, "runButton")
    assert len(text_of(dock, "problemsLabel").splitlines()) == 3
    dock.run.outputFolder.setFilePath(str(tmp_path))
    qtbot.waitUntil(lambda: len(text_of(dock, "problemsLabel").splitlines()) == 2, timeout=2000)


def test_an_empty_selection_is_a_sentence_and_a_selection_is_counted(qtbot, make_dock, project):
    layer = add_area(project, SQUARE, FAR_SQUARE)
    dock = make_dock()
    dock.area.areaLayer.setLayer(layer)
    click_box = dock.area.selectedOnly
    click_box.click()
    qtbot.waitUntil(lambda: dock.area.areaState.has_problem, timeout=2000)
    assert click_box.text() == "selected (0)"
    layer.selectByIds([1])
    assert click_box.text() == "selected (1)"
    qtbot.waitUntil(lambda: "km²" in text_of(dock, "areaState"), timeout=2000)


def test_an_area_outside_every_scene_is_told_before_the_run(qtbot, ready, project, work):
    layer = add_area(project, FAR_SQUARE, name="far")
    ready.area.areaLayer.setLayer(layer)
    qtbot.waitUntil(lambda: "does not meet any of the 3 scenes" in text_of(ready, "areaState"), timeout=5000)
    click(ready, "runButton")
    assert "33UVP" in text_of(ready, "problemsLabel")
    assert not work.requests


def test_dates_without_images_name_the_dates_there_are(qtbot, ready):
    ready.images.dateEnd.setDate(QDate(2024, 2, 1))
    ready.images.dateStart.setDate(QDate(2024, 1, 1))
    qtbot.waitUntil(lambda: "from 2023-01-01 to 2023-01-21" in text_of(ready, "areaState"), timeout=5000)


def test_a_folder_without_products_is_a_sentence(qtbot, make_dock, work, tmp_path):
    work.count = 0
    dock = make_dock()
    dock.scenes.scenesFolder.setFilePath(str(tmp_path))
    qtbot.waitUntil(lambda: "holds no Sentinel-2 products" in text_of(dock, "scenesState"), timeout=5000)
    assert dock.scenes.scenesState.has_problem


def test_a_folder_that_is_gone_is_a_sentence(qtbot, make_dock, tmp_path):
    dock = make_dock()
    dock.scenes.scenesFolder.setFilePath(str(tmp_path / "gone"))
    qtbot.waitUntil(lambda: "There is no folder" in text_of(dock, "scenesState"), timeout=5000)


def test_products_that_cannot_be_used_are_named_beside_the_count(qtbot, make_dock, work, tmp_path):
    work.problems = tuple(f"X{n}.SAFE: B3 is missing." for n in range(5))
    dock = make_dock()
    choose_scenes(qtbot, dock, tmp_path / "scenes")
    lines = text_of(dock, "scenesState").splitlines()
    assert lines[0] == "3 scenes, 1 tile, 2023-01"
    assert lines[1] == "X0.SAFE: B3 is missing."
    assert "2 more" in lines[-1]


def test_an_output_folder_that_cannot_be_written_is_told_before_the_run(qtbot, ready, work, monkeypatch, tmp_path):
    monkeypatch.setattr("s2mask_qgis.gui.folders.os.access", lambda path, mode: False)
    click(ready, "runButton")
    assert "cannot be written" in text_of(ready, "problemsLabel")
    file = tmp_path / "file.txt"
    file.write_text("")
    ready.run.outputFolder.setFilePath(str(file / "results"))
    click(ready, "runButton")
    assert "is a file, not a folder" in text_of(ready, "problemsLabel")
    assert not work.requests


def test_the_sample_fills_in_the_whole_form(qtbot, make_dock, work, tmp_path):
    dock = make_dock()
    click(dock, "sampleButton")
    assert dock.scenes.samplePanel.isVisible()
    dock.scenes.sampleFolder.setFilePath(str(tmp_path / "sample"))
    with qtbot.waitSignal(dock.scenes_ready, timeout=5000):
        click(dock, "sampleWriteButton")
    assert work.samples == [tmp_path / "sample"]
    assert dock.scenes.folder() == tmp_path / "sample"
    assert dock.area.areaLayer.currentLayer().name() == "area"
    assert dock.images.dateStart.date() == QDate(2023, 1, 1)
    qtbot.waitUntil(lambda: text_of(dock, "estimateLabel") == "3 images", timeout=5000)
    assert dock.problems() == []


def test_a_new_project_during_a_run_keeps_the_run_and_its_later_results(qtbot, ready, work, project):
    work.waits = True
    click(ready, "runButton")
    qtbot.waitUntil(lambda: len(layers_of(project, "mask")) == 1, timeout=5000)
    project.clear()
    with qtbot.waitSignal(ready.run_ended, timeout=5000) as ended:
        work.release.set()
    assert ended.args[0].state is RunState.FINISHED
    assert len(layers_of(project, "mask")) == 2


def test_a_run_adds_each_layer_in_its_own_turn_of_the_event_loop(qtbot, ready, project):
    seen = []

    def note(layers):
        seen.append(len(layers))

    project.layersAdded.connect(note)
    run(qtbot, ready)
    project.layersAdded.disconnect(note)
    assert seen == [1] * 15


def test_looking_through_a_folder_tells_how_far_it_is_and_can_be_stopped(qtbot, make_dock, work, tmp_path, monkeypatch):
    def survey(scenes_folder, library_folder, on_count, is_cancelled):
        on_count(34, 80)
        while not is_cancelled():
            work.release.wait(0.01)
        raise CancelledError("stopped")

    monkeypatch.setattr(work, "survey", survey)
    dock = make_dock()
    dock.scenes.scenesFolder.setFilePath(str(tmp_path))
    qtbot.waitUntil(lambda: text_of(dock, "scenesState") == "Looking through scenes: 34 of 80", timeout=5000)
    assert dock.scenes.scenesProgress.isVisible()
    assert "still being looked through" in dock.scenes.problem()
    click(dock, "scenesCancelButton")
    qtbot.waitUntil(lambda: text_of(dock, "scenesState").startswith("Stopped"), timeout=5000)
    assert not dock.scenes.scenesProgress.isVisible()


def test_the_scenes_cannot_be_changed_under_a_run(qtbot, ready, work):
    work.waits = True
    click(ready, "runButton")
    assert not ready.scenes.scenesFolder.isEnabled()
    with qtbot.waitSignal(ready.run_ended, timeout=5000):
        work.release.set()
    assert ready.scenes.scenesFolder.isEnabled()
