"""Runs inside QGIS (qgis --code): takes pictures of the dock and of the window in every state of a run."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

JOB = json.loads(Path(os.environ["S2MASK_JOB"]).read_text(encoding="utf-8"))
sys.path.insert(0, JOB["scripts_folder"])

import qgis.utils  # noqa: E402
from qgis.core import (  # noqa: E402
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsFileWidget, QgsMapLayerComboBox  # noqa: E402
from qgis.PyQt.QtCore import QPoint, Qt  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QComboBox, QDockWidget, QLabel, QLineEdit, QWidget  # noqa: E402

from dock_driver import RefusedError, enter, serve  # noqa: E402
from photographer import NARROW_PX, SETTLE_MS, USUAL_PX, WIDE_PX, Photographer  # noqa: E402

RUNNING_AT = 6
"""Images done when the picture of a run is taken."""

FEATURE_DAYS = 14
"""Of so many days features are made: of three images."""

LABELLED = {
    "labelCloud": ((0.42, 0.63), (0.64, 0.71), (0.88, 0.73)),
    "labelClear": ((0.10, 0.60), (0.62, 0.10), (0.93, 0.40)),
    "labelShadow": ((0.56, 0.29), (0.48, 0.37), (0.76, 0.46)),
}
"""Where labels are clicked for a picture, as shares of the map's width and height."""

SERIES_STEPS = 22
"""Dates that are stepped over before a picture: to one in the growing season."""

MAP_CRS = "EPSG:32633"
"""That of the sample's tile, so that its images are not distorted."""

ELSEWHERE = QgsRectangle(2.0, 40.0, 2.1, 40.1)
"""Longitude and latitude of an area that meets no scene of the sample."""


class DockPhotographer(Photographer):
    """Takes pictures of every state of runs on this computer, of models and of series."""

    def do(self) -> dict[str, Any]:
        """All pictures, in the order of the work."""
        self.take_dock("dock-empty")
        self.fill_in()
        self.show_parameters()
        self.show_area_elsewhere()
        self.show_earth_engine()
        self.run_and_look()
        self.look_at_features()
        self.label()
        self.build_a_model()
        self.fill_a_series()
        self.run_with_a_damaged_scene()
        return {"problem": None, "pictures": self.taken}

    def show_parameters(self) -> None:
        """Every group of parameters unfolded, with some that differ from their defaults."""
        images = self.dock.images
        boxes = (images.moreParameters, images.backgroundBox, images.clustersBox, images.shadowBox, images.outputBox)
        others = (self.dock.scenes, self.dock.area, self.dock.run, self.dock.results)
        enter(self.widget(QWidget, "parameter_cloud_buffer_m"), 60)
        enter(self.widget(QWidget, "parameter_evi2"), True)
        self.fold(boxes[:1], False)
        self.take_dock("dock-groups")
        self.fold(others, True)
        self.fold(boxes, False)
        for width in (NARROW_PX, USUAL_PX):
            self.set_width(width)
            self.take_dock(f"dock-parameters-{width}px")
        QTest.mouseClick(self.widget(QWidget, "resetButton"), Qt.MouseButton.LeftButton)
        self.fold(boxes, True)
        self.fold(others, False)

    def show_area_elsewhere(self) -> None:
        """A run is asked for an area that has no scenes; then the right area is chosen."""
        chooser = self.widget(QgsMapLayerComboBox, "areaLayer")
        right = chooser.currentLayer()
        wrong = QgsVectorLayer("Polygon?crs=EPSG:4326", "elsewhere", "memory")
        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.fromRect(ELSEWHERE))
        wrong.dataProvider().addFeature(feature)
        QgsProject.instance().addMapLayer(wrong)
        chooser.setLayer(wrong)
        self.pause(2 * SETTLE_MS)
        QTest.mouseClick(self.widget(QWidget, "runButton"), Qt.MouseButton.LeftButton)
        self.take_dock("dock-problem")
        chooser.setLayer(right)
        QgsProject.instance().removeMapLayer(wrong.id())
        self.pause(2 * SETTLE_MS)
        self.take_dock("dock-scenes")

    def show_earth_engine(self) -> None:
        """The form of a run on Earth Engine, with nobody signed in, in docks of several widths."""
        QTest.mouseClick(self.widget(QWidget, "earthEngineButton"), Qt.MouseButton.LeftButton)
        QTest.mouseClick(self.widget(QWidget, "runButton"), Qt.MouseButton.LeftButton)
        for width in (NARROW_PX, WIDE_PX, USUAL_PX):
            self.set_width(width)
            self.take_dock(f"dock-earth-engine-{width}px")
        QTest.mouseClick(self.widget(QWidget, "localButton"), Qt.MouseButton.LeftButton)
        self.pause(2 * SETTLE_MS)

    def run_and_look(self) -> None:
        """A whole run, pictured on the way and at its end, in docks of several widths."""

        def look(progress: Any) -> None:
            if progress.done == RUNNING_AT and progress.seconds_left is not None and "dock-running" not in self.taken:
                self.window.repaint()
                self.take(self.dock, "dock-running")

        QgsProject.instance().setCrs(QgsCoordinateReferenceSystem(MAP_CRS))
        self.dock.control.progress_made.connect(look)
        report = self.run()
        self.dock.control.progress_made.disconnect(look)
        self.take_window("window-run-ended")
        qgis.utils.iface.messageBar().clearWidgets()
        self.show_image(report.images)
        self.take_window("overview")
        self.take_dock("dock-results")
        for width in (NARROW_PX, WIDE_PX):
            self.set_width(width)
            self.take_dock(f"dock-{width}px")
        self.set_width(USUAL_PX)
        self.take_with_temporal_controller()

    def look_at_features(self) -> None:
        """The features of a few images are made and one of them is shown."""
        images = self.dock.images
        first, last = images.dateStart.date(), images.dateEnd.date()
        images.dateStart.setDate(last.addDays(-FEATURE_DAYS))
        enter(self.widget(QWidget, "parameter_features"), True)
        self.pause(2 * SETTLE_MS)
        self.reports.clear()
        report = self.run()
        qgis.utils.iface.messageBar().clearWidgets()
        enter(self.widget(QWidget, "featureChoice"), "tree2")
        self.show_image(report.images)
        for button in ("showTrueColour", "showOutline"):
            QTest.mouseClick(self.widget(QWidget, button), Qt.MouseButton.LeftButton)
        self.take_window("window-feature")
        for button in ("showFeatures", "showMask", "showTrueColour"):
            QTest.mouseClick(self.widget(QWidget, button), Qt.MouseButton.LeftButton)
        self.unfold_a_layer("mask")
        self.take_window("window-mask")
        for button in ("showMask", "showOutline"):
            QTest.mouseClick(self.widget(QWidget, button), Qt.MouseButton.LeftButton)
        enter(self.widget(QWidget, "parameter_features"), False)
        images.dateStart.setDate(first)

    def label(self) -> None:
        """A few clicks on the map, in every class."""
        canvas = qgis.utils.iface.mapCanvas()
        above = (self.dock.scenes, self.dock.area, self.dock.images)
        self.fold(above, True)
        for button, places in LABELLED.items():
            QTest.mouseClick(self.widget(QWidget, button), Qt.MouseButton.LeftButton)
            for column, row in places:
                place = QPoint(int(column * canvas.width()), int(row * canvas.height()))
                QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
        self.take_window("window-labels")
        self.set_width(NARROW_PX)
        self.take_dock("dock-labels-300px")
        self.set_width(USUAL_PX)
        QTest.keyClick(canvas, Qt.Key.Key_Escape)
        self.fold(above, False)

    def build_a_model(self) -> None:
        """A model is built from labels and chosen, pictured on the way."""
        sections = (self.dock.scenes, self.dock.area, self.dock.images, self.dock.run, self.dock.results)
        self.fold(sections, True)
        section = self.dock.model.section
        section.setCollapsed(False)
        self.take_dock("model-empty")
        QTest.mouseClick(self.widget(QWidget, "buildButton"), Qt.MouseButton.LeftButton)
        self.take_dock("model-problem")
        enter(self.widget(QWidget, "labelsSource"), "file")
        self.widget(QgsFileWidget, "labelsFile").setFilePath(self.job["labels_file"])
        self.widget(QLineEdit, "modelName").setText("Simulated hills")
        section.buildBox.setCollapsed(False)
        self.take_dock("model-ready")
        section.buildBox.setCollapsed(True)
        ended: list[Any] = []
        self.dock.model.ended.connect(ended.append)
        QTest.mouseClick(self.widget(QWidget, "buildButton"), Qt.MouseButton.LeftButton)
        progress = self.widget(QWidget, "modelProgress")
        self.wait(lambda: progress.value() > 0 or bool(ended), self.job["timeout_s"], "No features came")
        self.take(self.dock, "model-running")
        self.wait(lambda: bool(ended), self.job["timeout_s"], "The model was not built")
        self.take_window("window-model-built")
        qgis.utils.iface.messageBar().clearWidgets()
        for width in (NARROW_PX, WIDE_PX):
            self.set_width(width)
            self.take_dock(f"model-{width}px")
        self.set_width(USUAL_PX)
        self.take_dock("model-built")
        if not ended[0].rows:
            raise RefusedError(ended[0].message)
        self.fold(sections, False)
        QTest.mouseClick(self.widget(QWidget, "useModelButton"), Qt.MouseButton.LeftButton)
        section.setCollapsed(True)
        self.take_dock("dock-own-model")
        QTest.mouseClick(self.widget(QWidget, "resetButton"), Qt.MouseButton.LeftButton)

    def take_with_temporal_controller(self) -> None:
        """The window with QGIS's own panel open, two steps on by the key."""
        panel = self.window.findChild(QDockWidget, "Temporal Controller")
        panel.show()
        label = self.widget(QLabel, "imageLabel")
        before = label.text()
        for _ in range(2):
            QTest.keyClick(qgis.utils.iface.mapCanvas(), Qt.Key.Key_Period)
            self.pause(SETTLE_MS)
        if label.text() == before:
            raise RefusedError("The key does not step through the images.")
        self.take_window("window-temporal-controller")
        panel.hide()

    def fill_a_series(self) -> None:
        """The gaps of a folder of NDVI are filled and its seasons mapped, pictured on the way."""
        sections = (self.dock.scenes, self.dock.area, self.dock.images, self.dock.run, self.dock.results)
        self.fold(sections, True)
        section = self.dock.series.section
        section.setCollapsed(False)
        self.take_dock("series-empty")
        chooser = self.widget(QComboBox, "seriesSource")
        chooser.setCurrentIndex(chooser.count() - 1)
        for entry, name in (("ndviFolder", "ndvi"), ("masksFolder", "mask")):
            self.widget(QgsFileWidget, entry).setFilePath(f"{self.job['series_input']}/{name}")
        self.wait(lambda: section.source.survey is not None, self.job["timeout_s"], "The series was not looked through")
        QTest.mouseClick(self.widget(QWidget, "seriesRunButton"), Qt.MouseButton.LeftButton)
        self.take_dock("series-problem")
        self.widget(QgsFileWidget, "seriesOutput").setFilePath(self.job["series_folder"])
        section.seasonsOn.setChecked(True)
        self.take_dock("series-ready")
        ended: list[Any] = []
        self.dock.series.ended.connect(ended.append)
        QTest.mouseClick(self.widget(QWidget, "seriesRunButton"), Qt.MouseButton.LeftButton)
        progress = self.widget(QWidget, "seriesProgress")
        self.wait(lambda: progress.maximum() > 0 or bool(ended), self.job["timeout_s"], "The series did not start")
        self.take(self.dock, "series-running")
        self.wait(lambda: bool(ended), self.job["timeout_s"], "The series did not end")
        if not ended[0].outputs:
            raise RefusedError(ended[0].message)
        qgis.utils.iface.messageBar().clearWidgets()
        self.hide_the_run()
        self.look_at_the_series()
        self.fold(sections, False)
        section.setCollapsed(True)

    def look_at_the_series(self) -> None:
        """What a series shows, in docks of several widths."""
        for _ in range(SERIES_STEPS):
            QTest.mouseClick(self.widget(QWidget, "seriesNext"), Qt.MouseButton.LeftButton)
        self.take_window("series-filled")
        for button in ("showFilled", "showProductivity"):
            QTest.mouseClick(self.widget(QWidget, button), Qt.MouseButton.LeftButton)
        self.unfold_a_layer("productivity")
        self.take_window("series-seasons")
        QTest.mouseClick(self.widget(QWidget, "summaryButton"), Qt.MouseButton.LeftButton)
        state = self.widget(QLabel, "summaryState")
        self.wait(lambda: ".csv" in state.text(), self.job["timeout_s"], "The polygons were not summed up")
        self.take_dock("series-done")
        for width in (NARROW_PX, WIDE_PX):
            self.set_width(width)
            self.take_dock(f"series-{width}px")
        self.set_width(USUAL_PX)

    def hide_the_run(self) -> None:
        """The series alone on the map, as large as it goes."""
        for node in QgsProject.instance().layerTreeRoot().children():
            is_series = node.name().startswith("Series")
            node.setItemVisibilityChecked(is_series)
            if is_series:
                qgis.utils.iface.mapCanvas().setExtent(node.findLayers()[0].layer().extent())

    def unfold_a_layer(self, kind: str) -> None:
        """Show the legend of the first layer of a kind in the layers panel."""
        for group in QgsProject.instance().layerTreeRoot().findGroups(True):
            if group.customProperty("s2mask_qgis/kind") == kind:
                group.setExpanded(True)
                shown = [node for node in group.findLayers() if node.itemVisibilityChecked()]
                for node in shown[:1]:
                    node.setExpanded(True)

    def run_with_a_damaged_scene(self) -> None:
        """A run in which one image fails, with the reason unfolded."""
        self.surveys.clear()
        self.reports.clear()
        self.widget(QgsFileWidget, "scenesFolder").setFilePath(self.job["damaged_folder"])
        self.widget(QgsFileWidget, "outputFolder").setFilePath(self.job["damaged_output_folder"])
        self.wait(lambda: bool(self.surveys), self.job["timeout_s"], "The damaged scenes were not read")
        self.pause(2 * SETTLE_MS)
        self.run()
        self.dock.run.open_failures()
        self.take_dock("dock-failed")
        self.take_window("window-failed")


serve(JOB, lambda job: DockPhotographer(job).do())
