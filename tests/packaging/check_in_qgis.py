"""Runs inside QGIS: tells how the plugin was loaded, and loads it a second time."""

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


def look() -> dict[str, Any]:
    """The facts, as JSON values."""
    module = sys.modules.get(NAME)
    facts = {
        "available": NAME in qgis.utils.available_plugins,
        "loaded": NAME in qgis.utils.plugins,
        "class": type(qgis.utils.plugins.get(NAME)).__name__,
        "file": getattr(module, "__file__", None),
        "heavy": sorted({"ee", "scipy", "googleapiclient"} & set(sys.modules)),
    }
    facts["reloaded"] = all((qgis.utils.unloadPlugin(NAME), qgis.utils.loadPlugin(NAME), qgis.utils.startPlugin(NAME)))
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
