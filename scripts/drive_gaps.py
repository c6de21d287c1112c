"""Runs inside QGIS (qgis --code): does a run through the dock and measures how long the GUI thread was held up."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

JOB = json.loads(Path(os.environ["S2MASK_JOB"]).read_text(encoding="utf-8"))
sys.path.insert(0, JOB["scripts_folder"])

import qgis.utils  # noqa: E402
from qgis.core import QgsProject  # noqa: E402
from qgis.PyQt.QtCore import Qt  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QLabel  # noqa: E402

from dock_driver import Driver, serve  # noqa: E402
from gui_gaps import GapRecorder  # noqa: E402

STEP_MS = 400
STEPS = 8
SETTLE_MS = 1000


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """The gaps from the click on Run to the end of the run, its layers and a few steps with the keys included."""
    driver = Driver(job)
    driver.fill_in()
    driver.pause(SETTLE_MS)
    recorder = GapRecorder()

    def name_phase(progress: Any) -> None:
        recorder.phase = progress.stage.value

    driver.dock.control.progress_made.connect(name_phase)
    recorder.phase = "Starting"
    recorder.start()
    report = driver.run()
    recorder.phase = "After the end"
    driver.pause(SETTLE_MS)
    recorder.phase = "Stepping"
    canvas = qgis.utils.iface.mapCanvas()
    label = driver.widget(QLabel, "imageLabel")
    shown = []
    for number in range(STEPS):
        QTest.keyClick(canvas, Qt.Key.Key_Period if number < STEPS // 2 else Qt.Key.Key_Comma)
        driver.pause(STEP_MS)
        shown.append(label.text())
    recorder.stop()
    return {
        "problem": None,
        "state": report.state.value,
        "images": len(report.images),
        "layers": len(QgsProject.instance().mapLayers()),
        "steps": len(set(shown)),
        "gaps": [gap.to_json() for gap in recorder.gaps],
    }


serve(JOB, measure)
