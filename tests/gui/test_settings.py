"""What the dock remembers over a restart, and what damaged or read-only settings do."""

from __future__ import annotations

import pytest
from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QDate, QSettings
from qgis.PyQt.QtWidgets import QLabel

from s2mask_qgis.gui import settings as remembered
from s2mask_qgis.gui.settings import FormState, load, save


def reopened(settings) -> QgsSettings:
    return QgsSettings(settings.fileName(), QSettings.Format.IniFormat)


def test_a_fresh_profile_has_defaults_and_no_complaints(settings):
    state, problems = load(settings)
    assert problems == ()
    assert state.scenes_folder == ""
    assert state.library_folder.endswith("s2mask_qgis/library")
    assert state.parameters == {}


def test_what_is_saved_is_loaded_after_a_restart(settings):
    state = FormState("scenes", "library", "out", True, {"cutoff": 0.4, "allow_future": False}, 2.5)
    assert save(settings, state) is None
    assert load(reopened(settings)) == (state, ())


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("parameters", "{broken"),
        ("parameters", '["a"]'),
        ("parameters", '{"cutoff": 7}'),
        ("parameters", '{"no_such": 1}'),
        ("selected_only", "perhaps"),
        ("seconds_per_image", "soon"),
        ("seconds_per_image", -1),
        ("scenes_folder", ["a", "b"]),
        ("engine", "mars"),
        ("destination", '{"destination": "mars"}'),
        ("destination", '{"drive_folder": 7}'),
        ("destination", '{"throttle": {"nb_task_max": 0}}'),
        ("earth_engine", '["a"]'),
        ("land", "{broken"),
        ("series", "{broken"),
        ("series", '["a"]'),
        ("series", '{"fill": {"strength": -1}}'),
    ],
)
def test_a_damaged_value_becomes_its_default_and_a_sentence(settings, name, stored):
    save(settings, FormState(library_folder="library", output_folder="kept"))
    settings.setValue(f"s2mask_qgis/{name}", stored)
    settings.sync()
    state, problems = load(reopened(settings))
    assert len(problems) == 1
    assert name in problems[0]
    assert state == FormState(library_folder="library", output_folder="kept")


def test_settings_that_cannot_be_written_are_a_sentence(settings, monkeypatch):
    monkeypatch.setattr(remembered.QSettings, "isWritable", lambda self: False)
    assert "cannot be written" in save(settings, FormState())


def test_the_form_survives_a_restart(qtbot, make_dock, settings, tmp_path):
    first = make_dock()
    first.run.outputFolder.setFilePath(str(tmp_path / "out"))
    first.images.dateStart.setDate(QDate(2021, 2, 3))
    first.images.dateEnd.setDate(QDate(2021, 3, 4))
    first.images.findChild(object, "parameter_cutoff").setValue(0.4)
    first.images.findChild(object, "parameter_allow_future").setChecked(False)
    first.area.selectedOnly.setChecked(True)
    entered = first.images.values()
    make_dock.close(first)
    settings.sync()
    second = make_dock()
    assert second.run.output_folder() == tmp_path / "out"
    assert second.images.values() == entered
    assert second.images.values()["cutoff"] == 0.4
    assert second.images.dateStart.date() == QDate(2021, 2, 3)
    assert second.area.selectedOnly.isChecked()


def test_a_dock_with_damaged_settings_opens_and_says_so(qtbot, make_dock, settings):
    settings.setValue("s2mask_qgis/parameters", "{broken")
    dock = make_dock()
    assert "parameters" in dock.findChild(QLabel, "statusLabel").text()
    assert dock.images.values()["cutoff"] == 0


def test_settings_that_cannot_be_written_are_told_once(qtbot, make_dock, monkeypatch, iface):
    monkeypatch.setattr(remembered.QSettings, "isWritable", lambda self: False)
    dock = make_dock()
    dock.images.parameters.changed.emit()
    qtbot.wait(300)
    assert len(iface.bar.items()) == 1
    assert "cannot be remembered" in iface.bar.currentItem().text()
