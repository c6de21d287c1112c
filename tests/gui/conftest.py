"""Docks in a small QGIS window, made and closed as the plugin does."""

from __future__ import annotations

import pytest
from qgis.core import QgsProject, QgsSettings
from qgis.PyQt.QtCore import QSettings, Qt

from s2mask_qgis.gui import images_section
from s2mask_qgis.gui.dock import S2MaskDock
from tests.gui.fakes import FakeIface, FakeWork


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    """The folder of the user's own models: none to begin with, wherever the tests run."""
    folder = tmp_path / "own_models"
    monkeypatch.setattr(images_section, "models_folder", lambda: folder)
    return folder


@pytest.fixture
def project(qgis_app):
    project = QgsProject.instance()
    project.clear()
    yield project
    project.clear()


@pytest.fixture
def iface(qgis_app, qtbot):
    iface = FakeIface()
    qtbot.addWidget(iface.window)
    iface.window.show()
    return iface


@pytest.fixture
def settings(tmp_path):
    return QgsSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def work(tmp_path):
    return FakeWork(tmp_path / "out")


@pytest.fixture
def make_dock(iface, project, settings, work, qtbot):
    """Makes docks as the plugin does, and closes them as it does."""
    docks = []

    def make() -> S2MaskDock:
        dock = S2MaskDock(iface, project, work.services(), settings)
        iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        dock.resize(380, 900)
        dock.show()
        docks.append(dock)
        return dock

    def close(dock: S2MaskDock) -> None:
        docks.remove(dock)
        dock.close_down()
        iface.removeDockWidget(dock)
        dock.deleteLater()

    make.close = close
    yield make
    for dock in list(docks):
        close(dock)
