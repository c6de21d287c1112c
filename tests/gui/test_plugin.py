"""Switching the plugin on and off, and what it costs QGIS at its start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from qgis.core import QgsApplication
from qgis.PyQt.QtWidgets import QDialog, QDockWidget

from s2mask_qgis import classFactory
from s2mask_qgis.gui import dock as dock_module
from tests.gui.fakes import add_area, choose_scenes, click

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def profile(settings, monkeypatch, project):
    monkeypatch.setattr("qgis.core.QgsSettings", lambda: settings)


def test_loading_and_unloading_twice_leaves_nothing_behind(qtbot, iface, profile):
    for _ in range(2):
        plugin = classFactory(iface)
        plugin.initGui()
        assert [place for place, _ in iface.actions] == ["toolbar", "raster", "raster"]
        dock = plugin.open_dock()
        assert isinstance(dock, dock_module.S2MaskDock)
        assert dock.isVisible()
        plugin.unload()
        qtbot.wait(50)
        assert iface.actions == []
        assert iface.window.findChildren(QDockWidget) == []


def test_unloading_without_ever_opening_the_dock_works(iface):
    plugin = classFactory(iface)
    plugin.initGui()
    plugin.unload()
    assert iface.actions == []


def test_the_algorithms_come_and_go_with_the_plugin(iface):
    registry = QgsApplication.processingRegistry()
    for start in ("initGui", "initProcessing"):
        plugin = classFactory(iface)
        getattr(plugin, start)()
        assert registry.algorithmById("s2mask:maskimages") is not None
        plugin.unload()
        assert registry.providerById("s2mask") is None


def test_the_action_shows_and_hides_the_dock(qtbot, iface, profile):
    plugin = classFactory(iface)
    plugin.initGui()
    plugin.action.trigger()
    dock = plugin.dock
    assert dock.isVisible()
    assert plugin.action.isChecked()
    plugin.action.trigger()
    assert not dock.isVisible()
    plugin.action.trigger()
    assert dock.isVisible()
    assert plugin.dock is dock
    plugin.unload()


def test_the_window_that_moves_collections_goes_with_the_plugin(qtbot, iface, profile):
    plugin = classFactory(iface)
    plugin.initGui()
    plugin.move_action.trigger()
    assert plugin.moving.isVisible()
    assert plugin.open_moving() is plugin.moving
    plugin.unload()
    qtbot.wait(50)
    assert plugin.moving is None
    assert iface.actions == []
    assert iface.window.findChildren(QDialog) == []


def test_unloading_during_a_run_stops_it(qtbot, iface, profile, work, monkeypatch, tmp_path):
    monkeypatch.setattr("s2mask_qgis.gui.services.real_services", work.services)
    work.waits = True
    plugin = classFactory(iface)
    plugin.initGui()
    dock = plugin.open_dock()
    dock.resize(380, 900)
    dock.area.areaLayer.setLayer(add_area(dock_module.QgsProject.instance()))
    choose_scenes(qtbot, dock, tmp_path / "scenes")
    dock.run.outputFolder.setFilePath(str(tmp_path / "results"))
    click(dock, "runButton")
    qtbot.waitUntil(lambda: bool(work.requests), timeout=5000)
    plugin.unload()
    qtbot.wait(100)
    assert iface.window.findChildren(QDockWidget) == []


@pytest.mark.parametrize("module", ["s2mask_qgis.plugin", "s2mask_qgis.gui.dock", "s2mask_qgis.processing.provider"])
def test_loading_needs_neither_the_client_nor_arrays(module):
    code = f"import sys, {module}; print([m for m in ('ee', 'numpy', 'scipy', 'osgeo') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
