"""The choice of models, sources and levels by what the images allow, and presets by the buttons beside it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QFileDialog, QLabel, QWidget

from s2mask_qgis.core.models import files
from s2mask_qgis.core.models.model import Model, Table
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.core.scenes import BANDS, COLLECTION, COLLECTION_L2A
from s2mask_qgis.gui.images_section import ImagesSection
from tests.gui.fakes import click, make_scenes

DEFAULT = RunParameters.model
NEEDY = Model("needy", "Needs cirrus", Table(("tree1",), (0.1, 0.9)), 0.3, {"labels": "300 points"}, {"F1": 0.91})
MODEST = Model("modest", "Visible bands alone", Table(("percentile5", "percentile1"), (0.1, 0.5, 0.6, 0.9)), 0.45)
L2A_BANDS = tuple(band for band in BANDS if band != "B10")


@pytest.fixture(autouse=True)
def shipped(tmp_path, monkeypatch):
    """Two models ship, so that these tests do not depend on which do."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    for model in (replace(NEEDY, name=DEFAULT), MODEST):
        (folder / f"{model.name}.json").write_text(files.text_of(model), encoding="utf-8")
    monkeypatch.setattr(files, "SHIPPED", folder)


@pytest.fixture
def section(qgis_app, qtbot, models, shipped):
    section = ImagesSection(models)
    qtbot.addWidget(section)
    section.moreParameters.setCollapsed(False)
    section.show()
    return section


def scenes_of(collection=COLLECTION, bands=BANDS, quality_bands=()):
    return [
        replace(scene, id=f"{collection}/{scene.index}", bands=bands, quality_bands=quality_bands)
        for scene in make_scenes(3)
    ]


def entries(combo):
    return [combo.itemText(row) for row in range(combo.count()) if combo.itemText(row)]


def is_offered(combo, name):
    return combo.model().item(combo.findData(name)).isEnabled()


def choose(section, parameter, value):
    widget = section.parameters.widget(parameter)
    widget.setCurrentIndex(widget.findData(value))


def test_shipped_models_come_first_and_ones_own_below_a_line(section, models):
    files.write(replace(NEEDY, name="alps"), models)
    section.chooser.reload()
    assert entries(section.chooser) == [*sorted(("modest", DEFAULT)), "alps"]
    assert section.chooser.count() == 4
    assert section.chooser.currentData() == DEFAULT


def test_a_model_tells_what_it_is_in_its_tooltip(section):
    told = section.chooser.toolTip()
    for part in (
        "Needs cirrus",
        "Needs B3, B4, B7",
        "Cutoff 0.3",
        "labels: 300 points",
        "F1: 0.91",
        f"Default: {DEFAULT}",
    ):
        assert part in told


def test_a_cutoff_of_nothing_shows_the_one_of_the_model(section):
    cutoff = section.parameters.widget("cutoff")
    assert cutoff.text() == "0.3 (the model's)"
    choose(section, "model", "modest")
    assert cutoff.text() == "0.45 (the model's)"
    choose(section, "source", "product mask")
    assert cutoff.text() == "0.5 (the source's)"
    section.parameters.widget("union").setChecked(True)
    assert cutoff.text() == "what suits each"
    cutoff.setValue(0.2)
    assert cutoff.text() == "0.200"


def test_models_that_the_images_do_not_allow_are_greyed_with_the_reason(section):
    section.offer_scenes(scenes_of(COLLECTION_L2A, L2A_BANDS))
    assert section.values()["level"] == "L2A"
    assert entries(section.chooser) == sorted(("modest", f"{DEFAULT} – needs B10"))
    assert not is_offered(section.chooser, DEFAULT)
    assert is_offered(section.chooser, "modest")
    assert "“Model”" not in section.imagesState.text()
    assert f"The model {DEFAULT} needs B10, which the images do not have. Choose modest." in section.imagesState.text()
    choose(section, "model", "modest")
    assert section.problems() == ()
    assert not section.imagesState.isVisible()


def test_a_model_that_takes_no_part_is_no_problem(section):
    section.offer_scenes(scenes_of(COLLECTION_L2A, L2A_BANDS, ("SCL",)))
    choose(section, "source", "product mask")
    assert section.problems() == ()
    assert not section.chooser.isEnabled()
    section.parameters.widget("union").setChecked(True)
    assert section.chooser.isEnabled()
    assert len(section.problems()) == 1


def test_bands_of_one_image_are_enough_to_offer_a_model(section):
    whole, *others = scenes_of()
    section.offer_scenes([whole, *(replace(scene, bands=("B2", "B3", "B4", "B8")) for scene in others)])
    assert is_offered(section.chooser, DEFAULT)
    section.offer_scenes([replace(scene, bands=("B2", "B3", "B4", "B8")) for scene in others])
    assert entries(section.chooser) == sorted(("modest", f"{DEFAULT} – needs B7, B8A, B10, B11"))


def test_the_level_is_the_one_of_the_images_and_a_choice_where_there_are_two(section):
    level = section.parameters.widget("level")
    assert not level.isVisible()
    section.offer_scenes(scenes_of(COLLECTION_L2A, L2A_BANDS))
    assert not level.isVisible()
    assert not section.resetButton.isEnabled()
    section.offer_scenes([*scenes_of(COLLECTION_L2A, L2A_BANDS), *scenes_of()])
    assert level.isVisible()
    assert section.values()["level"] == "L2A"
    choose(section, "level", "L1C")
    assert is_offered(section.chooser, DEFAULT)
    section.offer_scenes(scenes_of())
    assert section.values()["level"] == "L1C"


def test_sources_that_cannot_be_used_are_greyed_with_the_reason(section):
    source = section.parameters.widget("source")
    assert not is_offered(source, "Cloud Score+")
    assert "Cloud Score+ – on Earth Engine only" in entries(source)
    assert is_offered(source, "product mask")
    section.offer_scenes(scenes_of())
    assert "the product's own mask – not with these images" in entries(source)
    assert not is_offered(source, "product mask")
    section.offer_scenes(scenes_of(quality_bands=("QA60",)))
    assert is_offered(source, "product mask")
    assert not section.parameters.widget("union").isVisible()
    choose(section, "source", "product mask")
    assert section.parameters.widget("union").isVisible()


def test_a_model_that_has_gone_is_told_and_stays_chosen(section, models):
    files.write(replace(MODEST, name="alps"), models)
    section.choose_model("alps")
    assert section.problems() == ()
    (models / "alps.json").unlink()
    section.chooser.reload()
    section.parameters.changed.emit()
    assert section.values()["model"] == "alps"
    assert "no model called “alps”" in section.imagesState.text()


def test_a_remembered_model_that_has_gone_is_told(section):
    section.restore({"model": "alps"}, "library")
    assert section.values()["model"] == "alps"
    assert "no model called “alps”" in section.imagesState.text()


def test_model_files_that_cannot_be_used_are_counted_with_the_reasons(section, models):
    models.mkdir()
    (models / "alps.json").write_text("{broken")
    section.chooser.reload()
    assert entries(section.chooser)[-1] == "1 file unusable"
    row = section.chooser.count() - 1
    assert "alps.json is not a model" in section.chooser.itemData(row, Qt.ItemDataRole.ToolTipRole)
    assert section.chooser.currentData() == DEFAULT


def test_folded_groups_count_what_was_changed_in_them(section):
    assert section.backgroundBox.isCollapsed()
    section.parameters.widget("cloud_threshold").setValue(30)
    section.parameters.widget("allow_future").setChecked(False)
    assert section.backgroundBox.title() == "Background · 2 changed"
    assert section.moreParameters.title() == "Background, shadow, output · 2"
    assert section.shadowBox.title() == "Shadow and buffers"
    click(section, "resetButton")
    assert section.backgroundBox.title() == "Background"


def test_parameters_of_shadows_are_idle_while_shadows_are_not_looked_for(section):
    assert section.parameters.widget("swir_darkening").isEnabled()
    section.parameters.widget("shadow").setChecked(False)
    for name in ("swir_darkening", "highest_cloud_m", "shadow_buffer_m"):
        assert not section.parameters.widget(name).isEnabled()
    assert section.parameters.widget("cloud_buffer_m").isEnabled()


def test_every_parameter_has_its_place(section):
    names = [section.parameters.widget(name).objectName() for name in section.parameters.values()]
    found = [widget.objectName() for widget in section.findChildren(QWidget) if widget.objectName() in names]
    assert sorted(found) == sorted(names)
    assert section.shadowBody.findChild(QWidget, "parameter_shadow")
    assert section.outputBody.findChild(QWidget, "libraryFolder")


def test_a_preset_is_saved_and_loaded_by_the_buttons(section, tmp_path, monkeypatch):
    path = tmp_path / "dry.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "dry"), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    section.parameters.widget("cloud_buffer_m").setValue(60)
    choose(section, "model", "modest")
    saved = section.parameters.values()
    click(section, "saveButton")
    assert section.presetState.text() == "Saved as dry.json."
    assert "date_start" not in json.loads(path.read_text())["parameters"]
    click(section, "resetButton")
    assert section.parameters.values() != saved
    click(section, "loadButton")
    assert section.parameters.values() == saved
    assert section.presetState.text() == "Loaded dry.json."
    section.parameters.widget("cloud_buffer_m").setValue(90)
    assert not section.presetState.isVisible()


def test_a_preset_with_a_day_takes_it_and_one_without_leaves_the_days_alone(section, tmp_path):
    section.offer_dates("2023-01-01", "2023-03-01")
    path = tmp_path / "day.json"
    path.write_text(json.dumps({"format": 1, "parameters": {"date_end": "2023-02-01"}}))
    section.presets.load(path)
    assert section.values()["date_start"] == "2023-01-01"
    assert section.values()["date_end"] == "2023-02-01"
    path.write_text(json.dumps({"format": 1, "parameters": {"seed": 3}}))
    section.presets.load(path)
    assert section.values()["date_end"] == "2023-02-01"


def test_a_preset_brings_its_model_along(section, tmp_path, models, monkeypatch):
    theirs = tmp_path / "theirs"
    files.write(replace(MODEST, name="alps"), theirs)
    from s2mask_qgis.jobs import presets

    presets.write(tmp_path / "alps.json", {"model": "alps"}, theirs)
    section.presets.load(tmp_path / "alps.json")
    assert section.values()["model"] == "alps"
    assert section.problems() == ()
    assert files.find("alps", models).title == MODEST.title


def test_a_damaged_preset_changes_nothing_and_every_reason_is_told(section, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({"format": 1, "parameters": {"cutoff": 7, "scale_m": 20, "no_such": 1}}))
    before = section.parameters.values()
    section.presets.load(path)
    assert section.parameters.values() == before
    lines = section.presetState.text().splitlines()
    assert lines[0] == "Nothing was taken from bad.json:"
    assert any(line.startswith("“Cutoff”: 7 cannot be used") for line in lines)
    assert any("no_such" in line for line in lines)
    assert section.presetState.has_problem


def test_a_parameters_py_is_loaded_by_the_same_button(section, tmp_path, monkeypatch):
    path = tmp_path / "parameters.py"
    path.write_text("CUTTOF = 0.35\ndate_start = '2018-01-31'\nnb_days_before = 30\nfolder_GEE = 'users/x/y'")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    click(section, "loadButton")
    values = section.values()
    assert (values["model"], values["shadow"], values["cutoff"]) == ("published", False, 0.35)
    assert values["date_start"] == "2018-01-01"
    lines = section.presetState.text().splitlines()
    assert lines[0] == "Loaded parameters.py."
    assert any(line.startswith("folder_GEE: is entered as the asset folder") for line in lines)
    assert not section.presetState.has_problem


def test_a_parameters_py_with_problems_changes_nothing(section, tmp_path):
    path = tmp_path / "parameters.py"
    path.write_text("NUMBER_HOURS = 3\nCUTTOF = best()")
    before = section.values()
    section.presets.load(path)
    assert section.values() == before
    assert section.presetState.text().splitlines() == [
        "Nothing was taken from parameters.py:",
        "Line 2: CUTTOF cannot be told without running the file. Write the plain value there.",
    ]
    assert section.presetState.has_problem


def test_values_with_problems_are_not_saved(section, tmp_path):
    section.parameters.widget("number_preselect").setValue(3)
    section.presets.save(tmp_path / "bad.json")
    assert "“Chosen from”" in section.presetState.text()
    assert not (tmp_path / "bad.json").exists()


def test_giving_a_file_chooser_up_changes_nothing(section, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    click(section, "saveButton")
    click(section, "loadButton")
    assert not section.findChild(QLabel, "presetState").isVisible()
