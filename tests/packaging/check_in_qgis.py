"""Runs inside QGIS: tells how the plugin was loaded and what it brought, and loads it a second time."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import qgis.utils
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QDockWidget

NAME = "s2mask_qgis"
PROVIDER = "s2mask"


def algorithms() -> list[str]:
    """The plugin's algorithms that the toolbox has."""
    provider = QgsApplication.processingRegistry().providerById(PROVIDER)
    return sorted(algorithm.id() for algorithm in provider.algorithms()) if provider else []


def has_form(algorithm: str) -> bool:
    """Whether QGIS can show the form of an algorithm, with a widget for every parameter."""
    import processing

    dialog = processing.createAlgorithmDialog(algorithm, {})
    wrappers = dialog.mainWidget().wrappers
    dialog.deleteLater()
    shown = QgsApplication.processingRegistry().algorithmById(algorithm).parameterDefinitions()
    return {definition.name() for definition in shown if not definition.isDestination()} <= set(wrappers)


def look() -> dict[str, Any]:
    """The facts, as JSON values."""
    module = sys.modules.get(NAME)
    facts = {
        "available": NAME in qgis.utils.available_plugins,
        "loaded": NAME in qgis.utils.plugins,
        "class": type(qgis.utils.plugins.get(NAME)).__name__,
        "file": getattr(module, "__file__", None),
        "heavy": sorted({"ee", "scipy", "googleapiclient"} & set(sys.modules)),
        "algorithms": algorithms(),
    }
    facts["forms"] = [algorithm for algorithm in algorithms() if has_form(algorithm)]
    is_unloaded = qgis.utils.unloadPlugin(NAME)
    facts["left"] = algorithms()
    facts["reloaded"] = all((is_unloaded, qgis.utils.loadPlugin(NAME), qgis.utils.startPlugin(NAME)))
    facts["again"] = algorithms()
    dock = qgis.utils.plugins[NAME].open_dock()
    facts["dock"] = isinstance(dock, QDockWidget) and dock.isVisible()
    return facts


def main() -> None:
    """Write the facts, whatever they are, and leave QGIS."""
    try:
        answer = look()
    except Exception as error:
        answer = {"error": repr(error)}
    path = Path(os.environ["S2MASK_ANSWER"])
    path.with_suffix(".part").write_text(json.dumps(answer), encoding="utf-8")
    path.with_suffix(".part").replace(path)
    QgsApplication.exit(0)


QTimer.singleShot(0, main)
