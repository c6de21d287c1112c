"""Building a model in the dock by real clicks: from labels to scores and on to a mask, with what may be wrong."""

from __future__ import annotations

import pytest
from qgis.core import QgsVectorLayer
from qgis.gui import QgsCollapsibleGroupBoxBasic
from qgis.PyQt.QtGui import QDesktopServices, QFont

from s2mask_qgis.core.labels import LabelError, LabelTable
from s2mask_qgis.core.models import files
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.core.training.parameters import TrainingParameters
from s2mask_qgis.engines.errors import StorageError
from s2mask_qgis.gis.labels import add_label, new_label_layer
from s2mask_qgis.gui.model_control import Material, training_request
from s2mask_qgis.gui.model_section import name_of
from s2mask_qgis.gui.model_state import ModelState
from s2mask_qgis.gui.services import real_services
from s2mask_qgis.jobs.training_request import TrainingState
from tests.gui.fakes import choose_scenes, click, make_scenes, text_of

NARROW_PX = 300 - 2 * 6
"""A narrow dock without its margins."""

USUAL_PT = 10


@pytest.fixture
def dock(qtbot, make_dock, tmp_path):
    """A dock with scenes whose section for models is open."""
    dock = make_dock()
    choose_scenes(qtbot, dock, tmp_path / "scenes")
    dock.model.section.setCollapsed(False)
    return dock


@pytest.fixture
def ready(dock, tmp_path):
    """A dock that has all that is needed, with a file of labels."""
    section = dock.model.section
    section.labelsSource.setCurrentIndex(1)
    section.labelsFile.setFilePath(str(tmp_path / "labels.csv"))
    section.modelName.setText("My Alps")
    return dock


def build(qtbot, dock):
    with qtbot.waitSignal(dock.model.ended, timeout=10000) as ended:
        click(dock, "buildButton")
    return ended.args[0]


def cells(table, row):
    return [table.item(row, column).text() for column in range(table.columnCount())]


def test_every_problem_is_told_at_once(make_dock, work):
    dock = make_dock()
    dock.model.section.setCollapsed(False)
    click(dock, "buildButton")
    lines = text_of(dock, "modelProblems").splitlines()
    assert len(lines) == 3
    assert "Choose the folder that holds your Sentinel-2 scenes" in lines[0]
    assert "Choose the layer or the file" in lines[1]
    assert "Give the model a name" in lines[2]
    dock.model.section.modelName.setText("published")
    assert "ships with the plugin" in text_of(dock, "modelProblems")
    assert not work.training.requests


def test_labels_of_a_file_end_in_scores_and_a_model(qtbot, ready, work, models, tmp_path):
    report = build(qtbot, ready)
    assert report.state is TrainingState.FINISHED
    assert work.training.files[0][0] == tmp_path / "labels.csv"
    assert len(work.training.files[0][1]) == 3
    (request,) = work.training.requests
    assert (request.name, request.title) == ("my-alps", "My Alps")
    assert request.labels == work.training.labels.labels
    assert request.run.models_folder == models
    assert request.run.scenes_folder == tmp_path / "scenes"
    (ring,) = request.run.area.polygons[0]
    assert min(x for x, _ in ring) < 15.05 < 15.06 < max(x for x, _ in ring)
    assert request.parameters.most_features == 4
    assert text_of(ready, "modelStatus") == "The model reads percentile5."
    table = ready.model.section.scoresTable
    assert cells(table, 0) == ["All held-out labels", "97.4 %", "91.0 %", "95.5 %", "93.2 %", "1,234"]
    assert cells(table, 1) == ["2023-01-01 33UVP", "–", "–", "–", "–", "1,000"]
    assert table.item(1, 0).toolTip() == "20230101T101021_20230101T101023_T33UVP"
    assert table.item(0, 5).toolTip() == "600 of them cloud"
    assert ready.model.section.modelNotesButton.text() == "1 note"


def test_the_model_that_was_built_is_one_click_away_from_masking(qtbot, ready, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    build(qtbot, ready)
    click(ready, "reportButton")
    assert opened[0].toLocalFile().endswith("training/my-alps/r.html")
    click(ready, "useModelButton")
    assert ready.images.values()["model"] == "my-alps"
    assert ready.images.problems() == ()


def test_labels_of_a_layer_are_read_with_their_notes(qtbot, dock, work, project):
    layer = new_label_layer(project)
    for x, kind in ((15.01, "cloud"), (15.02, "clear"), (15.03, "fog bank")):
        add_label(layer, x, 48.0, "image0", kind)
    project.addMapLayer(layer)
    dock.model.section.labelsLayer.setLayer(layer)
    dock.model.section.modelName.setText("clicked")
    report = build(qtbot, dock)
    assert [label.kind for label in work.training.requests[0].labels] == ["cloud", "clear"]
    assert work.training.files == []
    assert "fog bank" in report.notes[0]
    assert dock.model.section.modelNotesButton.text() == "2 notes"


def test_a_layer_that_holds_no_labels_is_a_sentence(dock, work, project):
    layer = QgsVectorLayer("Point?crs=EPSG:4326&field=species:string", "trees", "memory")
    project.addMapLayer(layer)
    dock.model.section.labelsLayer.setLayer(layer)
    dock.model.section.modelName.setText("trees")
    click(dock, "buildButton")
    assert "“trees” has no field for the image" in text_of(dock, "modelProblems")
    assert not work.training.requests


def test_a_file_that_holds_no_labels_is_a_sentence(qtbot, ready, work):
    work.training.label_error = LabelError("The labels x.csv cannot be read; choose another file.")
    report = build(qtbot, ready)
    assert report.state is TrainingState.REFUSED
    assert text_of(ready, "modelStatus") == "The labels x.csv cannot be read; choose another file."
    assert ready.model.section.modelStatus.has_problem
    assert not ready.model.section.modelResults.isVisible()


def test_the_end_is_told_in_the_message_bar(qtbot, ready, iface):
    build(qtbot, ready)
    assert "The model “My Alps” was built" in iface.bar.currentItem().text()


def test_an_error_on_the_way_is_a_sentence(qtbot, ready, work, iface):
    work.training.error = StorageError("The disk is full. Free some space.")
    build(qtbot, ready)
    assert text_of(ready, "modelStatus") == "The disk is full. Free some space."
    assert "The disk is full" in iface.bar.currentItem().text()
    assert ready.model.section.buildButton.text() == "&Build"


def test_no_labels_at_all_are_passed_on_to_be_judged(qtbot, ready, work):
    work.training.labels = LabelTable(())
    build(qtbot, ready)
    assert work.training.requests[0].labels == ()


def test_progress_is_told_and_cancel_answers_at_once(qtbot, ready, work):
    work.training.waits = True
    click(ready, "buildButton")
    qtbot.waitUntil(lambda: text_of(ready, "modelStatus") == "Features at labels: 1 of 4 images", timeout=5000)
    section = ready.model.section
    assert section.buildButton.text() == "&Cancel"
    assert (section.modelProgress.value(), section.modelProgress.maximum()) == (1, 4)
    with qtbot.waitSignal(ready.model.ended, timeout=2000) as ended:
        click(ready, "buildButton")
        assert text_of(ready, "modelStatus") == "Cancelling …"
    assert ended.args[0].state is TrainingState.CANCELLED
    assert "goes on from there" in text_of(ready, "modelStatus")
    assert not section.modelProgress.isVisible()


def test_a_run_and_a_model_do_not_go_on_at_once(qtbot, ready, work):
    work.training.waits = True
    click(ready, "buildButton")
    assert not ready.scenes.isEnabled()
    click(ready, "runButton")
    assert "A model is being built" in text_of(ready, "problemsLabel")
    with qtbot.waitSignal(ready.model.ended, timeout=5000):
        work.training.release.set()
    assert ready.scenes.isEnabled()
    ready.run.start()
    click(ready, "buildButton")
    assert "A run goes on" in text_of(ready, "modelProblems")


def test_a_model_of_that_name_is_not_replaced_without_a_word(qtbot, ready, models):
    assert "20 labels or more" in text_of(ready, "modelHint")
    build(qtbot, ready)
    assert text_of(ready, "modelHint") == "Takes the place of your model “my-alps”."
    assert [path.name for path in models.iterdir()] == ["my-alps.json"]
    assert files.find("my-alps", models).title == "My Alps"


def test_what_has_no_effect_cannot_be_entered(dock):
    form = dock.model.section.parameters
    assert not form.widget("target_recall").isEnabled()
    form.widget("cutoff_by").setCurrentIndex(1)
    assert form.widget("target_recall").isEnabled()
    form.widget("choose_features").setChecked(False)
    assert not form.widget("most_features").isEnabled()
    click(dock, "buildReset")
    assert form.differing() == []


def test_entries_survive_a_restart(qtbot, ready, make_dock, settings, tmp_path):
    ready.model.section.parameters.widget("laplace").setValue(2)
    entered = ready.model.section.remembered()
    make_dock.close(ready)
    settings.sync()
    again = make_dock().model.section
    assert again.remembered() == entered
    assert again.labels_file() == tmp_path / "labels.csv"
    assert not again.isCollapsed()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"no_such": 1}, "no_such"),
        ({"title": 3}, "title"),
        ({"parameters": {"laplace": -1}}, "laplace"),
        ({"parameters": {"no_such": 1}}, "no_such"),
    ],
)
def test_damaged_entries_are_refused(values, told):
    with pytest.raises(ValueError, match=told):
        ModelState.from_json(values)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("My Alps", "my-alps"),
        ("  Über-Böden 2 ", "uber-boden-2"),
        ("a_b-c", "a_b-c"),
        ("!!", ""),
        ("x" * 80, "x" * 64),
    ],
)
def test_names_of_files_follow_from_what_people_write(title, name):
    assert name_of(title) == name


def test_the_plugins_own_functions_are_behind_it(tmp_path):
    services = real_services()
    path = tmp_path / "labels.csv"
    path.write_text("lon,lat,image,class\n15.0,48.0,image0,cloud\n15.1,48.0,image0,clear\n", encoding="utf-8")
    table = services.read_labels(path, make_scenes(1))
    assert [label.kind for label in table.labels] == ["cloud", "clear"]
    material = Material(tmp_path, tmp_path / "library", make_scenes(1), RunParameters())
    request = training_request(material, tmp_path / "models", "Too few", TrainingParameters(), table.labels)
    report = services.train(request, lambda done, total: None, lambda: False)
    assert report.state is TrainingState.REFUSED
    assert "too few" in report.message


@pytest.fixture
def usual_font(qapp):
    """The size of letters on a usual desktop."""
    font = qapp.font()
    qapp.setFont(QFont(font.family(), USUAL_PT))
    yield
    qapp.setFont(font)


def test_everything_fits_a_narrow_dock(usual_font, qtbot, ready):
    build(qtbot, ready)
    for box in ready.findChildren(QgsCollapsibleGroupBoxBasic):
        box.setCollapsed(False)
    for section in (ready.images, ready.results, ready.model.section):
        assert section.minimumSizeHint().width() <= NARROW_PX, section.title()
    for row in (ready.results.featureRow, ready.results.labels):
        assert row.minimumSizeHint().width() <= NARROW_PX
