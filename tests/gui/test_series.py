"""The series in the dock by real clicks: from a folder to layers, with everything that may be wrong on the way."""

from __future__ import annotations

import pytest
from qgis.core import QgsRectangle
from qgis.PyQt.QtCore import QDate, Qt
from qgis.PyQt.QtWidgets import QComboBox, QLabel, QWidget

from s2mask_qgis.core.filling.parameters import FillParameters
from s2mask_qgis.engines.errors import SceneError
from s2mask_qgis.gui.series_state import SeriesState
from s2mask_qgis.gui.series_wording import series_estimate_text
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.series_survey import SeriesSurvey
from tests.gui.fakes import add_area, click, text_of


def folder_of_run(tmp_path, *indices):
    folder = tmp_path / "results"
    for name in (*indices, "mask"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return folder


def is_looked_at(dock):
    return lambda: dock.series.section.source.survey is not None


@pytest.fixture
def ready(qtbot, make_dock, tmp_path):
    """A dock whose series section is open and complete, with the results of a run."""
    dock = make_dock()
    dock.run.outputFolder.setFilePath(str(folder_of_run(tmp_path, "ndvi")))
    dock.series.section.setCollapsed(False)
    dock.series.section.seriesOutput.setFilePath(str(tmp_path / "series"))
    qtbot.waitUntil(is_looked_at(dock), timeout=5000)
    return dock


def fill(qtbot, dock):
    with qtbot.waitSignal(dock.series.ended, timeout=20000) as ended:
        click(dock, "seriesRunButton")
    return ended.args[0]


def layers_of(project, kind):
    return [la for la in project.mapLayers().values() if la.customProperty("s2mask_qgis/kind") == kind]


def enter(dock, name, value):
    widget = dock.series.section.findChild(QWidget, f"parameter_{name}")
    if isinstance(widget, QComboBox):
        widget.setCurrentIndex(widget.findData(value))
    else:
        widget.setValue(value)


def test_nothing_is_looked_through_before_somebody_opens_the_section(qtbot, make_dock, work, tmp_path):
    dock = make_dock()
    dock.run.outputFolder.setFilePath(str(folder_of_run(tmp_path, "ndvi")))
    qtbot.wait(1000)
    assert work.series.surveys == []
    dock.series.section.setCollapsed(False)
    qtbot.waitUntil(is_looked_at(dock), timeout=5000)
    assert work.series.surveys == [(tmp_path / "results" / "ndvi", None)]


def test_without_results_it_says_what_to_choose(qtbot, make_dock, tmp_path):
    dock = make_dock()
    dock.series.section.setCollapsed(False)
    assert "output folder of a run" in text_of(dock, "seriesState")
    dock.run.outputFolder.setFilePath(str(tmp_path / "results"))
    qtbot.waitUntil(lambda: "holds no NDVI yet" in text_of(dock, "seriesState"), timeout=5000)
    click(dock, "seriesRunButton")
    assert "holds no NDVI yet" in text_of(dock, "seriesProblems")
    assert "folder for the results" in text_of(dock, "seriesProblems")


def test_dates_pixels_masks_and_space_are_told_before_anything_starts(ready, work):
    told = text_of(ready, "seriesState")
    assert told == "3 dates, 2023-01-05 to 2023-02-04, 64 pixels, masks from the folder mask"
    assert text_of(ready, "seriesEstimate") == "3 dates · at most 3 kB"
    assert not work.series.requests


def test_a_regular_series_is_estimated_by_its_step(qtbot, ready):
    enter(ready, "step", "5 days")
    enter(ready, "number_type", "int16 x 10000")
    assert text_of(ready, "seriesEstimate") == "7 dates · at most 4 kB"


def test_the_indices_of_the_run_are_offered_where_there_is_a_choice(qtbot, ready, work, tmp_path):
    assert not ready.series.section.source.indexRow.isVisible()
    folder_of_run(tmp_path, "evi2")
    ready.series.follow(tmp_path / "results", None)
    index = ready.series.section.source.seriesIndex
    assert index.isVisible()
    assert [index.itemText(row) for row in range(index.count())] == ["NDVI", "EVI2"]
    index.setCurrentIndex(1)
    qtbot.waitUntil(lambda: work.series.surveys[-1][0].name == "evi2", timeout=5000)


def test_a_click_ends_in_layers_grouped_by_what_they_show(qtbot, ready, project, work):
    report = fill(qtbot, ready)
    assert report.state is RunState.FINISHED
    for kind in ("filled", "quality", "uncertainty", "support"):
        assert len(layers_of(project, kind)) == 3
    assert layers_of(project, "productivity") == []
    assert text_of(ready, "seriesStatus") == "3 dates filled."
    assert text_of(ready, "seriesDate") == "2023-01-05 · 1 of 3"
    (request,) = work.series.requests
    assert request.seasons is None
    assert request.masks_folder is None
    assert request.fill.method == "harmonic"
    assert ready.series.section.seriesRunButton.text() == "&Fill"
    assert not ready.series.section.seriesProgress.isVisible()


def test_the_map_goes_to_a_series_that_it_does_not_show(qtbot, ready, iface):
    iface.canvas.setExtent(QgsRectangle(2, 40, 3, 41))
    fill(qtbot, ready)
    assert iface.canvas.extent().contains(15.05, 48.05)
    near = QgsRectangle(15.01, 48.01, 15.02, 48.02)
    iface.canvas.setExtent(near)
    before = iface.canvas.extent()
    fill(qtbot, ready)
    assert iface.canvas.extent() == before


def test_each_layer_is_added_in_its_own_turn_of_the_event_loop(qtbot, ready, project):
    seen = []

    def note(layers):
        seen.append(len(layers))

    project.layersAdded.connect(note)
    fill(qtbot, ready)
    project.layersAdded.disconnect(note)
    assert seen == [1] * 12


def test_dates_are_stepped_through_and_the_temporal_controller_is_followed(qtbot, ready, iface):
    fill(qtbot, ready)
    click(ready, "seriesNext")
    assert text_of(ready, "seriesDate") == "2023-01-15 · 2 of 3"
    assert iface.canvas.temporalRange().begin().date() == QDate(2023, 1, 15)
    iface.controller.setCurrentFrameNumber(2)
    assert text_of(ready, "seriesDate") == "2023-02-04 · 3 of 3"
    assert not ready.series.results.seriesNext.isEnabled()


def test_the_keys_step_through_what_was_shown_last(qtbot, ready, iface):
    fill(qtbot, ready)
    iface.window.activateWindow()
    iface.canvas.setFocus()
    qtbot.waitUntil(iface.window.isActiveWindow, timeout=2000)
    qtbot.keyClick(iface.window, Qt.Key.Key_Period)
    assert text_of(ready, "seriesDate") == "2023-01-15 · 2 of 3"
    qtbot.keyClick(iface.window, Qt.Key.Key_Comma)
    assert text_of(ready, "seriesDate") == "2023-01-05 · 1 of 3"


def test_toggles_decide_what_the_map_shows(qtbot, ready, project):
    fill(qtbot, ready)
    click(ready, "showFilled")
    click(ready, "showUncertainty")
    checked = {
        group.customProperty("s2mask_qgis/kind"): group.itemVisibilityChecked()
        for group in project.layerTreeRoot().findGroups(True)
        if group.customProperty("s2mask_qgis/kind")
    }
    assert checked == {"quality": False, "uncertainty": True, "support": False, "filled": False}


def test_maps_of_seasons_have_layers_and_the_others_come_on_demand(qtbot, ready, project):
    ready.series.section.seasonsOn.setChecked(True)
    fill(qtbot, ready)
    names = {layer.name() for layer in layers_of(project, "productivity")}
    assert len(names) == 7
    assert "2023  Start of season" in names
    menu = ready.series.results.addMapButton.menu()
    offered = {action.text(): action for action in menu.actions()}
    assert {text[6:] for text in offered} == {
        "Value at the start",
        "Start of season, second season",
        "Mean of the year",
    }
    offered["2023  Mean of the year"].trigger()
    assert "2023  Mean of the year" in {layer.name() for layer in layers_of(project, "productivity")}
    assert ready.series.results.showProductivity.isChecked()


def test_what_was_entered_is_what_is_asked_for(qtbot, ready, work, project, tmp_path):
    layer = add_area(project)
    ready.area.areaLayer.setLayer(layer)
    qtbot.waitUntil(ready.series.section.areaOnly.isEnabled, timeout=5000)
    ready.series.section.areaOnly.setChecked(True)
    ready.series.section.seasonsOn.setChecked(True)
    enter(ready, "method", "whittaker")
    enter(ready, "strength", 12.5)
    enter(ready, "start_share", 0.4)
    fill(qtbot, ready)
    (request,) = work.series.requests
    assert (request.fill.method, request.fill.strength) == ("whittaker", 12.5)
    assert request.seasons.start_share == 0.4
    assert request.area.name == "parcels"
    assert request.output_folder == tmp_path / "series"


@pytest.mark.parametrize(
    ("days", "within", "step", "expected"),
    [
        (("2021-12-03", "2022-06-01", "2023-12-20"), (None, None), "each image", "3 dates · maps of 2 years"),
        (("2022-10-01", "2023-12-20"), (None, None), "each image", "2 dates · maps of 1 year"),
        (
            ("2021-12-03", "2022-06-01", "2023-12-20"),
            ("2022-01-01", "2022-12-31"),
            "each image",
            "1 date · maps of 1 year",
        ),
        (("2022-01-01", "2022-12-31"), ("2022-03-01", "2022-03-31"), "10 days", "4 dates"),
        (("2022-01-01", "2022-12-31"), ("2023-03-01", "2023-03-31"), "10 days", "0 dates"),
    ],
)
def test_the_estimate_counts_what_will_be_written(days, within, step, expected):
    survey = SeriesSurvey(days, 1, 1000)
    assert series_estimate_text(survey, FillParameters(step=step), 2, within).startswith(expected)


def test_days_to_write_are_offered_checked_and_asked_for(qtbot, ready, work):
    section = ready.series.section
    assert not section.firstDay.isVisible()
    assert (section.firstDay.date(), section.lastDay.date()) == (QDate(2023, 1, 5), QDate(2023, 2, 4))
    section.daysOnly.click()
    section.firstDay.setDate(QDate(2023, 1, 10))
    assert text_of(ready, "seriesEstimate").startswith("2 dates")
    fill(qtbot, ready)
    (request,) = work.series.requests
    assert (request.first_day, request.last_day) == ("2023-01-10", "2023-02-04")
    section.lastDay.setDate(QDate(2023, 1, 9))
    click(ready, "seriesRunButton")
    assert "comes after the last one" in text_of(ready, "seriesProblems")
    section.daysOnly.click()
    fill(qtbot, ready)
    assert (work.series.requests[-1].first_day, work.series.requests[-1].last_day) == (None, None)


def test_the_pixel_curves_have_the_plan_of_the_run_as_long_as_the_form_is_the_same(qtbot, ready, work):
    work.series.plan = {"method": "harmonic", "strength": 0.1}
    fill(qtbot, ready)
    followed = ready.series.curves
    qtbot.waitUntil(lambda: followed.source is not None and followed.source.plan == work.series.plan, timeout=5000)
    enter(ready, "step", "5 days")  # decides what is written, not the curves
    qtbot.wait(500)
    assert followed.source.plan == work.series.plan
    enter(ready, "method", "linear")
    qtbot.waitUntil(lambda: followed.source.fill.method == "linear", timeout=5000)
    assert followed.source.plan is None


def test_a_folder_of_the_users_with_masks_is_used(qtbot, ready, work, tmp_path):
    for name in ("my ndvi", "my masks"):
        (tmp_path / name).mkdir()
    source = ready.series.section.source
    source.seriesSource.setCurrentIndex(1)
    assert "Choose the folder" in text_of(ready, "seriesState")
    source.ndviFolder.setFilePath(str(tmp_path / "my ndvi"))
    source.masksFolder.setFilePath(str(tmp_path / "my masks"))
    qtbot.waitUntil(lambda: "masks from the folder my masks" in text_of(ready, "seriesState"), timeout=5000)
    fill(qtbot, ready)
    assert work.series.requests[0].masks_folder == tmp_path / "my masks"


def test_a_folder_that_is_gone_and_one_without_rasters_are_sentences(qtbot, ready, work, tmp_path):
    source = ready.series.section.source
    source.seriesSource.setCurrentIndex(1)
    source.ndviFolder.setFilePath(str(tmp_path / "gone"))
    qtbot.waitUntil(lambda: "There is no folder" in text_of(ready, "seriesState"), timeout=5000)
    work.series.survey_error = SceneError("There is no GeoTIFF in it; choose another folder.")
    source.ndviFolder.setFilePath(str(tmp_path))
    qtbot.waitUntil(lambda: "no GeoTIFF" in text_of(ready, "seriesState"), timeout=5000)
    click(ready, "seriesRunButton")
    assert text_of(ready, "seriesProblems") == "There is no GeoTIFF in it; choose another folder."
    assert not work.series.requests


def test_a_series_is_not_written_among_its_own_rasters(ready, work, tmp_path):
    ready.series.section.seriesOutput.setFilePath(str(tmp_path / "results" / "ndvi"))
    click(ready, "seriesRunButton")
    assert "among its own rasters" in text_of(ready, "seriesProblems")
    ready.series.section.seriesOutput.setFilePath(str(tmp_path / "series"))
    assert text_of(ready, "seriesProblems") == ""


def test_progress_is_told_and_cancel_answers_at_once(qtbot, ready, work, project):
    work.series.waits = True
    click(ready, "seriesRunButton")
    qtbot.waitUntil(lambda: text_of(ready, "seriesStatus") == "Filling: 25 %", timeout=5000)
    assert ready.series.section.seriesRunButton.text() == "&Cancel"
    with qtbot.waitSignal(ready.series.ended, timeout=5000) as ended:
        click(ready, "seriesRunButton")
        assert text_of(ready, "seriesStatus") == "Cancelling …"
    assert ended.args[0].state is RunState.CANCELLED
    assert layers_of(project, "filled") == []


def test_cancel_also_stops_adding_layers(qtbot, ready, project):
    def cancel_after_two(_layers):
        if len(project.mapLayers()) == 2:
            click(ready, "seriesRunButton")

    project.layersAdded.connect(cancel_after_two)
    report = fill(qtbot, ready)
    project.layersAdded.disconnect(cancel_after_two)
    assert report.state is RunState.FINISHED
    assert len(project.mapLayers()) == 2
    assert ready.series.section.seriesRunButton.isEnabled()


def test_an_error_is_told_as_its_sentence(qtbot, ready, work):
    work.series.error = SceneError("The two images have no clear pixel. Choose other masks.")
    assert fill(qtbot, ready).state is RunState.REFUSED
    assert text_of(ready, "seriesStatus") == "The two images have no clear pixel. Choose other masks."
    assert ready.series.section.seriesStatus.has_problem


def test_notes_are_counted_and_unfold(qtbot, ready, work):
    work.series.notes = ("Left out a.tif: it breaks off.", "2023-01-15 has no mask.")
    work.series.state = RunState.FINISHED_WITH_FAILURES
    fill(qtbot, ready)
    assert ready.series.section.seriesNotesButton.text() == "2 notes"
    click(ready, "seriesNotesButton")
    assert "breaks off" in ready.series.section.seriesNotes.toPlainText()


def test_a_file_that_cannot_be_shown_does_not_stop_the_others(qtbot, ready, work, project, monkeypatch):
    made = work.series.outputs

    def outputs(request):
        for number, output in enumerate(made(request)):
            if number == 1:
                output.path.write_bytes(b"no raster")
            yield output

    monkeypatch.setattr(work.series, "outputs", outputs)
    fill(qtbot, ready)
    assert len(layers_of(project, "filled")) == 2
    assert ready.series.section.seriesNotesButton.text() == "1 note"


def test_images_of_a_run_and_dates_of_a_series_can_be_stepped_in_turn(qtbot, ready, project, iface, tmp_path):
    fill(qtbot, ready)
    layer = add_area(project)
    ready.area.areaLayer.setLayer(layer)
    (tmp_path / "scenes").mkdir()
    with qtbot.waitSignal(ready.scenes_ready, timeout=5000):
        ready.scenes.scenesFolder.setFilePath(str(tmp_path / "scenes"))
    with qtbot.waitSignal(ready.run_ended, timeout=20000):
        click(ready, "runButton")
    assert iface.canvas.temporalRange().begin().date() == QDate(2023, 1, 1)
    click(ready, "seriesNext")
    assert iface.canvas.temporalRange().begin().date() == QDate(2023, 1, 15)
    click(ready, "nextButton")
    assert iface.canvas.temporalRange().begin().date() == QDate(2023, 1, 11)


def test_each_method_is_explained(ready):
    hints = set()
    widget = ready.series.section.findChild(QComboBox, "parameter_method")
    for row in range(widget.count()):
        widget.setCurrentIndex(row)
        hints.add(ready.series.section.methodHint.text())
    assert len(hints) == 5
    assert all(len(hint) > 20 for hint in hints)


def test_a_strength_is_asked_for_where_the_method_has_one(ready):
    strength = ready.series.section.fill.widget("strength")
    enter(ready, "method", "linear")
    assert not strength.isEnabled()
    enter(ready, "method", "whittaker")
    assert strength.isEnabled()
    assert strength.text() == "by cross-validation"


def test_the_tab_key_goes_through_the_form_from_top_to_bottom(qtbot, ready, iface):
    section = ready.series.section
    section.moreFill.setCollapsed(False)
    iface.window.activateWindow()
    section.curvesButton.setEnabled(True)
    section.daysOnly.setChecked(True)
    section.curvesButton.setFocus()
    seen = []
    for _ in range(12):
        ready.focusNextChild()
        seen.append(ready.focusWidget())
    assert [widget.objectName().removeprefix("parameter_") for widget in seen] == [
        "daysOnly", "firstDay", "lastDay",
        "method", "robust", "step", "moreFill", "collapseButton", "strength", "layout", "number_type", "seasonsOn",
    ]  # fmt: skip


def test_the_entries_survive_a_restart(qtbot, ready, make_dock, settings, tmp_path):
    enter(ready, "method", "linear")
    enter(ready, "end_share", 0.3)
    ready.series.section.seasonsOn.setChecked(True)
    entered = ready.series.section.remembered()
    make_dock.close(ready)
    settings.sync()
    assert make_dock().series.section.remembered() == entered


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"fill": {"method": "magic"}}, "magic"),
        ({"source": 3}, "source"),
        ({"no": 1}, "no"),
        ({"seasons": {"x": 1}}, "x"),
    ],
)
def test_damaged_entries_are_refused_with_a_reason(values, reason):
    with pytest.raises(ValueError, match=reason):
        SeriesState.from_json(values)


def test_a_new_project_during_a_series_keeps_it(qtbot, ready, work, project):
    work.series.waits = True
    click(ready, "seriesRunButton")
    project.clear()
    with qtbot.waitSignal(ready.series.ended, timeout=5000):
        work.series.release.set()
    assert len(layers_of(project, "filled")) == 3


def test_a_folded_section_hides_what_is_in_it(ready):
    ready.series.section.setCollapsed(True)
    ready.series.section.seriesStatus.show_fact("a text that comes late")
    assert not ready.findChild(QLabel, "seriesStatus").isVisible()


def test_the_maps_are_summed_up_per_polygon_as_layer_and_table(qtbot, ready, project, tmp_path):
    ready.area.areaLayer.setLayer(add_area(project))
    ready.series.section.seasonsOn.setChecked(True)
    fill(qtbot, ready)
    click(ready, "summaryButton")
    qtbot.waitUntil(lambda: "1 polygon summed up" in text_of(ready, "summaryState"), timeout=10000)
    (layer,) = project.mapLayersByName("Summary of parcels")
    (polygon,) = layer.getFeatures()
    assert polygon["TPROD_1_2023_mean"] == pytest.approx(100)
    assert polygon["mean_2023_share"] == pytest.approx(1)
    header = (tmp_path / "series" / "summary" / "parcels.csv").read_text().splitlines()[0]
    assert "SOSD_1_2023_median" in header
    assert list((tmp_path / "series").rglob("*.aux.xml")) == []
    click(ready, "summaryButton")
    qtbot.waitUntil(lambda: len(project.mapLayersByName("Summary of parcels")) == 1, timeout=10000)


def test_without_maps_of_seasons_the_filled_dates_are_summed_up(qtbot, ready, project, tmp_path):
    ready.area.areaLayer.setLayer(add_area(project))
    fill(qtbot, ready)
    click(ready, "summaryButton")
    qtbot.waitUntil(lambda: "summed up" in text_of(ready, "summaryState"), timeout=10000)
    (polygon,) = project.mapLayersByName("Summary of parcels")[0].getFeatures()
    assert polygon["NDVI_20230115_median"] == pytest.approx(0.5)


def test_a_summary_without_polygons_says_what_to_choose(qtbot, ready):
    fill(qtbot, ready)
    click(ready, "summaryButton")
    assert "Choose a layer of polygons" in text_of(ready, "summaryState")


def test_the_pixel_curves_open_and_close_with_their_button(qtbot, ready, iface):
    button = ready.series.section.curvesButton
    qtbot.waitUntil(button.isEnabled, timeout=5000)
    click(ready, "curvesButton")
    panel = ready.series.curves.panel
    assert panel.isVisible()
    panel.close()
    qtbot.waitUntil(lambda: not button.isChecked(), timeout=2000)
    click(ready, "curvesButton")
    assert ready.series.curves.panel is panel
    assert panel.isVisible()
