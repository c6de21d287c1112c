"""Runs inside QGIS (qgis --code): takes pictures of a made-up run on Earth Engine, from the sign-in to its table."""

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
    QgsSettings,
    QgsVectorLayer,
)
from qgis.gui import QgsFileWidget, QgsMapLayerComboBox  # noqa: E402
from qgis.PyQt.QtCore import QSettings, Qt  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QAbstractItemView, QLabel, QWidget  # noqa: E402

import stand_in_run  # noqa: E402
from dock_driver import enter, iso_date, serve  # noqa: E402
from photographer import NARROW_PX, SETTLE_MS, USUAL_PX, WIDE_PX, Photographer  # noqa: E402
from s2mask_qgis.gis.google_account import command_choice  # noqa: E402
from s2mask_qgis.gui.dock import S2MaskDock  # noqa: E402

ACCOUNT, PROJECT = "ann@example.org", "alps-vegetation"
DATES = ("2023-04-01", "2023-10-01")
AREA = QgsRectangle(15.6, 47.9, 17.2, 49.2)
"""Longitude and latitude."""
MAP_CRS = "EPSG:32633"
ABOVE = 12
"""Rows of the table above the first image under way in its picture."""

LEFT = Qt.MouseButton.LeftButton


class EarthEnginePhotographer(Photographer):
    """Works a dock of its own, whose account and runs are stand-ins."""

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        iface, project = qgis.utils.iface, QgsProject.instance()
        self.dock.hide()
        settings = QgsSettings(str(self.folder / "settings.ini"), QSettings.Format.IniFormat)
        self.dock = S2MaskDock(iface, project, stand_in_run.services(), settings)
        self.dock.run_ended.connect(self.reports.append)
        iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.dock.form.google._services = stand_in_run.account_services()
        self.set_width(USUAL_PX)

    def do(self) -> dict[str, Any]:
        """All pictures, in the order of the work."""
        self.sign_in()
        self.ask_for_an_estimate()
        self.run_and_look()
        self.look_at_the_images()
        self.pause_the_run()
        self.dock.close_down()
        return {"problem": None, "pictures": self.taken}

    def sign_in(self) -> None:
        """The form is filled in, the account is there."""
        layer = QgsVectorLayer("Polygon?crs=EPSG:4326", "mountains", "memory")
        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.fromRect(AREA))
        layer.dataProvider().addFeature(feature)
        QgsProject.instance().addMapLayer(layer)
        QgsProject.instance().setCrs(QgsCoordinateReferenceSystem(MAP_CRS))
        self.widget(QgsMapLayerComboBox, "areaLayer").setLayer(layer)
        for name, day in zip(("dateStart", "dateEnd"), DATES):
            self.widget(QWidget, name).setDate(iso_date(day))
        self.widget(QgsFileWidget, "outputFolder").setFilePath(self.job["output_folder"])
        QTest.mouseClick(self.widget(QWidget, "earthEngineButton"), LEFT)
        self.fold((self.dock.area, self.dock.images), True)
        self.take_dock("earth-engine-signed-out")
        account = command_choice(ACCOUNT).to_json()
        self.dock.form.google.restore({"account": account, "project": PROJECT})
        self.dock.form.changed.emit()
        QTest.mouseClick(self.widget(QWidget, "checkButton"), LEFT)
        self.pause(2 * SETTLE_MS)

    def ask_for_an_estimate(self) -> None:
        """What the run would make."""
        label = self.widget(QLabel, "estimateLabel")
        QTest.mouseClick(self.widget(QWidget, "estimateButton"), LEFT)
        self.wait(lambda: "tiles" in label.text(), self.job["timeout_s"], "No estimate came")
        for width in (NARROW_PX, WIDE_PX):
            self.set_width(width)
            self.take_dock(f"earth-engine-estimate-{width}px")
        self.set_width(USUAL_PX)
        self.take_dock("earth-engine-estimate")
        enter(self.widget(QWidget, "parameter_nb_task_max"), stand_in_run.MOST_ACTIVE + 1)
        self.dock.run.destination.throttleBox.setCollapsed(False)
        self.fold((self.dock.form.google,), True)
        self.take_dock("earth-engine-tasks")
        self.fold((self.dock.form.google,), False)
        self.dock.run.destination.throttleBox.setCollapsed(True)
        enter(self.widget(QWidget, "parameter_nb_task_max"), stand_in_run.MOST_ACTIVE)
        self.pause(SETTLE_MS)

    def run_and_look(self) -> None:
        """The run under way, with its images on the map."""
        status = self.widget(QLabel, "statusLabel")
        QTest.mouseClick(self.widget(QWidget, "runButton"), LEFT)
        self.wait(lambda: "tasks active" in status.text(), self.job["timeout_s"], "The run did not start")
        self.take_dock("earth-engine-running")
        self.dock.ledgers.look()
        self.wait(lambda: self.dock.ledgers.path is not None, self.job["timeout_s"], "The ledger was not found")
        self.dock.ledgers.show_on_map()
        qgis.utils.iface.zoomFull()
        self.take_window("window-earth-engine")

    def look_at_the_images(self) -> None:
        """The window of the run's images."""
        QTest.mouseClick(self.widget(QWidget, "tableButton"), LEFT)
        table = self.dock.ledgers.table
        self.wait(lambda: table.model.rowCount() > 0, self.job["timeout_s"], "No image was listed")
        place = table.model.index(stand_in_run.DONE - ABOVE, 0)
        table.imagesTable.scrollTo(place, QAbstractItemView.ScrollHint.PositionAtTop)
        self.pause(SETTLE_MS)
        self.take(table, "images-of-the-run")
        table.close()

    def pause_the_run(self) -> None:
        """The run is left, and could go on."""
        QTest.mouseClick(self.widget(QWidget, "pauseButton"), LEFT)
        self.wait(lambda: bool(self.reports), self.job["timeout_s"], "The run did not pause")
        qgis.utils.iface.messageBar().clearWidgets()
        self.take_dock("earth-engine-paused")


serve(JOB, lambda job: EarthEnginePhotographer(job).do())
