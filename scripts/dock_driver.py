"""Works the plugin's dock as a user would; for scripts that run inside QGIS (qgis --code)."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qgis.utils
from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.gui import QgsFileWidget, QgsMapLayerComboBox
from qgis.PyQt.QtCore import QDate, QEventLoop, Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QAbstractSpinBox, QCheckBox, QComboBox, QDateTimeEdit, QDockWidget, QLabel, QWidget

POLL_MS = 100
START_TIMEOUT_S = 15
DRAW_TIMEOUT_S = 60
WINDOW_SIZE = (1600, 1000)
PARTLY_CLOUDY = 0.35
"""Cloud share of the image that tells most in a picture."""


class RefusedError(Exception):
    """The dock does not do the job; the text is what it says."""


class Driver:
    """Works the dock of one QGIS for one job."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.window: QWidget = qgis.utils.iface.mainWindow()
        self.dock = self._open_dock()
        self.surveys: list[Any] = []
        self.reports: list[Any] = []
        self.dock.scenes_ready.connect(self.surveys.append)
        self.dock.run_ended.connect(self.reports.append)

    def do(self) -> dict[str, Any]:
        """The whole job; returns the answer."""
        self.fill_in()
        report = self.run()
        if report.images:
            self.show_image(report.images)
        self.save()
        return answer(report)

    def fill_in(self) -> None:
        """Enter folders, area, dates and parameters."""
        self.widget(QgsFileWidget, "libraryFolder").setFilePath(self.job["library_folder"])
        self.widget(QgsFileWidget, "outputFolder").setFilePath(self.job["output_folder"])
        self.say(f"Looking through {self.job['scenes_folder']}")
        self.widget(QgsFileWidget, "scenesFolder").setFilePath(self.job["scenes_folder"])
        state = self.widget(QLabel, "scenesState")
        self.wait(lambda: bool(self.surveys) or state.has_problem, self.job["timeout_s"], "The scenes were not read")
        if not self.surveys or not self.surveys[-1].scenes:
            raise RefusedError(state.text())
        scenes = self.surveys[-1].scenes
        self.say(state.text())
        layer = self.area_layer() if self.job["area"] else self.footprints_layer(scenes)
        self.widget(QgsMapLayerComboBox, "areaLayer").setLayer(layer)
        days = sorted(scene.date for scene in scenes)
        if self.job.get("preset"):
            self.load_preset(Path(self.job["preset"]))
        entered = {"date_start": days[0], "date_end": days[-1], **self.job["parameters"]}
        self.widget(QDateTimeEdit, "dateStart").setDate(iso_date(entered.pop("date_start")))
        self.widget(QDateTimeEdit, "dateEnd").setDate(iso_date(entered.pop("date_end")))
        for name, value in entered.items():
            enter(self.widget(QWidget, f"parameter_{name}"), value)

    def load_preset(self, path: Path) -> None:
        """Load a preset as the form's button does, with the model that comes along."""
        self.dock.images.presets.load(path)
        state = self.widget(QLabel, "presetState")
        if state.has_problem:
            raise RefusedError(state.text())

    def area_layer(self) -> QgsVectorLayer:
        """The user's area, added to the project."""
        path = Path(self.job["area"])
        layer = QgsVectorLayer(str(path), path.stem, "ogr")
        if not layer.isValid():
            raise RefusedError(f"{path} cannot be read as a vector layer.")
        QgsProject.instance().addMapLayer(layer)
        return layer

    def footprints_layer(self, scenes: Any) -> QgsVectorLayer:
        """The union of the footprints of all scenes, kept beside the results and added to the project."""
        rings = [[QgsPointXY(longitude, latitude) for longitude, latitude in scene.footprint] for scene in scenes]
        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.unaryUnion([QgsGeometry.fromPolygonXY([ring]) for ring in rings]))
        memory = QgsVectorLayer("MultiPolygon?crs=EPSG:4326", "all scenes", "memory")
        memory.dataProvider().addFeature(feature)
        path = Path(self.job["output_folder"]) / "area.gpkg"
        options = QgsVectorFileWriter.SaveVectorOptions()
        context = QgsProject.instance().transformContext()
        error, text, *_ = QgsVectorFileWriter.writeAsVectorFormatV3(memory, str(path), context, options)
        if error:
            raise RefusedError(f"The area of all scenes cannot be written to {path}: {text}")
        layer = QgsVectorLayer(str(path), "all scenes", "ogr")
        QgsProject.instance().addMapLayer(layer)
        return layer

    def run(self) -> Any:
        """Press Run and wait for the report; RefusedError with what the dock says where it does not run."""
        button = self.widget(QWidget, "runButton")
        self.wait(button.isEnabled, START_TIMEOUT_S, "Run is not offered")
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        problems = self.widget(QLabel, "problemsLabel")
        self.wait(
            lambda: self.dock.run.is_running or bool(self.reports) or bool(problems.text()),
            START_TIMEOUT_S,
            "The run did not start",
        )
        if problems.text():
            raise RefusedError(problems.text())
        status = self.widget(QLabel, "statusLabel")
        said = [""]

        def is_ended() -> bool:
            if status.text() != said[-1]:
                said.append(status.text())
                self.say(said[-1])
            return bool(self.reports)

        self.wait(is_ended, self.job["timeout_s"], "The run did not end")
        report = self.reports[-1]
        if report.state.name in ("REFUSED", "CANCELLED"):
            raise RefusedError(report.message)
        return report

    def show_image(self, images: Any) -> None:
        """Step to an image that is partly cloudy, with the dock's own buttons, and let the map draw it."""
        shown = [image for image in images if image.cloud_share is not None]
        if not shown:
            return
        chosen = min(shown, key=lambda image: abs(image.cloud_share - PARTLY_CLOUDY))
        date = time.strftime("%Y-%m-%d", time.gmtime(chosen.time_start_ms / 1000))
        label = self.widget(QLabel, "imageLabel")
        for name in ("nextButton", "previousButton"):
            for _ in images:
                if date in label.text():
                    break
                QTest.mouseClick(self.widget(QWidget, name), Qt.MouseButton.LeftButton)
                QgsApplication.processEvents()
        canvas = qgis.utils.iface.mapCanvas()
        canvas.refresh()
        self.pause(POLL_MS)
        self.wait(lambda: not canvas.isDrawing(), DRAW_TIMEOUT_S, "The map was not drawn")

    def save(self) -> None:
        """Keep the project and a picture of the window."""
        if not QgsProject.instance().write(self.job["project"]):
            raise RefusedError(f"The project cannot be written to {self.job['project']}.")
        self.pause(5 * POLL_MS)
        self.window.grab().save(self.job["screenshot"])

    def widget(self, kind: type[QWidget], name: str) -> Any:
        """The dock's widget of this object name."""
        found = self.dock.findChild(kind, name)
        if found is None:
            raise RefusedError(f"The dock has no {kind.__name__} called {name}.")
        return found

    def wait(self, is_done: Callable[[], bool], timeout_s: float, sentence: str) -> None:
        """Run the event loop until ``is_done``; RefusedError with the dock's problems or ``sentence`` when late."""
        deadline = time.monotonic() + timeout_s
        while not is_done():
            if time.monotonic() > deadline:
                labels = self.dock.findChildren(QLabel)
                problems = [label.text() for label in labels if getattr(label, "has_problem", False) and label.text()]
                raise RefusedError("\n".join(problems) or f"{sentence} within {timeout_s:.0f} s.")
            self.pause(POLL_MS)

    def pause(self, milliseconds: int) -> None:
        """Let the event loop run for a while."""
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec_()

    def say(self, text: str) -> None:
        """A line for the user who started the job."""
        if text:
            print(self.job["log_prefix"] + text.replace("\n", " "), flush=True)

    def _open_dock(self) -> Any:
        """The plugin's dock, in a window of a fixed size without the browser panel."""
        plugin = qgis.utils.plugins.get("s2mask_qgis")
        if plugin is None:
            raise RefusedError("QGIS did not load the plugin s2mask_qgis; the log says why.")
        self.window.resize(*WINDOW_SIZE)
        self.window.move(0, 0)
        self.window.activateWindow()  # shortcuts work in the active window alone; nobody activates it under Xvfb
        browser = self.window.findChild(QDockWidget, "Browser")
        if browser is not None:
            browser.hide()
        return plugin.open_dock()


def iso_date(text: str) -> QDate:
    """A date written YYYY-MM-DD."""
    return QDate.fromString(text, Qt.DateFormat.ISODate)


def enter(widget: Any, value: Any) -> None:
    """Put a parameter's value into its widget."""
    if isinstance(widget, QComboBox):
        widget.setCurrentIndex(widget.findData(value))
    elif isinstance(widget, QCheckBox):
        widget.setChecked(value)
    elif isinstance(widget, QAbstractSpinBox):
        widget.setValue(value)
        if widget.value() != value:
            raise RefusedError(f"{widget.objectName()} takes {widget.value()} instead of {value}; give fewer decimals.")
    else:
        raise RefusedError(f"{widget.objectName()} is a {type(widget).__name__}, which takes no value.")


def answer(report: Any) -> dict[str, Any]:
    """A run's report as JSON values, without the plans: report.json holds them."""
    images = [
        {
            "index": image.index,
            "time_start_ms": image.time_start_ms,
            "state": image.state.value,
            "mask_path": str(image.mask_path) if image.mask_path else None,
            "cloud_share": image.cloud_share,
            "ndvi_share": image.ndvi_share,
            "seconds": image.seconds,
            "reason": image.reason,
        }
        for image in report.images
    ]
    return {"problem": None, "state": report.state.value, "notes": list(report.notes), "images": images}


def serve(job: dict[str, Any], do: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Do a job once QGIS is up, write the answer, and leave QGIS unless it is to stay open.

    The answer holds a ``problem`` where the job was refused or broke off.
    """

    def main() -> None:
        try:
            result = do(job)
        except RefusedError as refusal:
            result = {"problem": str(refusal)}
        except Exception:  # whatever it is must reach the one who waits for an answer
            result = {"problem": f"The job broke off:\n{traceback.format_exc()}"}
        unfinished = Path(job["answer"] + ".part")
        unfinished.write_text(json.dumps(result, indent=1), encoding="utf-8")
        unfinished.replace(job["answer"])
        if not job["keep_open"]:
            QgsProject.instance().clear()
            QgsApplication.exit(0)

    QTimer.singleShot(0, main)
