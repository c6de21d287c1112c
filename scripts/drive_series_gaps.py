"""Runs inside QGIS (qgis --code): fills a series through the dock and measures how long the GUI thread was held up."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

JOB = json.loads(Path(os.environ["S2MASK_JOB"]).read_text(encoding="utf-8"))
sys.path.insert(0, JOB["scripts_folder"])

from qgis.core import QgsProject  # noqa: E402
from qgis.gui import QgsFileWidget  # noqa: E402
from qgis.PyQt.QtCore import Qt  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QLabel, QWidget  # noqa: E402

from dock_driver import Driver, RefusedError, serve  # noqa: E402
from gui_gaps import GapRecorder  # noqa: E402

SETTLE_MS = 1000


def fill_in(driver: Driver) -> None:
    """Enter the folders and ask for maps of seasons too."""
    section = driver.dock.series.section
    section.setCollapsed(False)
    chooser = driver.widget(QComboBox, "seriesSource")
    chooser.setCurrentIndex(chooser.findData("folder"))
    for entry, name in (("ndviFolder", "ndvi"), ("masksFolder", "mask")):
        driver.widget(QgsFileWidget, entry).setFilePath(f"{driver.job['series_input']}/{name}")
    driver.widget(QgsFileWidget, "seriesOutput").setFilePath(driver.job["output_folder"])
    driver.widget(QCheckBox, "seasonsOn").setChecked(True)
    driver.wait(lambda: section.source.survey is not None, driver.job["timeout_s"], "The series was not looked through")


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """The gaps from the click on Fill to the last layer, and a moment longer."""
    driver = Driver(job)
    fill_in(driver)
    driver.pause(SETTLE_MS)
    recorder, ended = GapRecorder(), []
    series, status = driver.dock.series, driver.widget(QLabel, "seriesStatus")
    series.ended.connect(ended.append)

    def is_ended() -> bool:
        recorder.phase = status.text().partition(":")[0]
        return bool(ended)

    recorder.phase = "Starting"
    recorder.start()
    QTest.mouseClick(driver.widget(QWidget, "seriesRunButton"), Qt.MouseButton.LeftButton)
    driver.wait(is_ended, job["timeout_s"], "The series did not end")
    recorder.phase = "After the end"
    driver.pause(SETTLE_MS)
    recorder.stop()
    report = ended[0]
    if not report.outputs:
        raise RefusedError(report.message)
    return {
        "problem": None,
        "state": report.state.value,
        "images": len(report.outputs),
        "layers": len(QgsProject.instance().mapLayers()),
        "steps": len(series.results._stepper.steps),
        "gaps": [gap.to_json() for gap in recorder.gaps],
    }


serve(JOB, measure)
