"""The button that sums up the maps of a series per polygon, the task behind it, and the layer that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qgis.core import QgsApplication, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtWidgets import QToolButton

from ..jobs.series_report import SeriesOutput
from .run_task import FunctionTask
from .state_label import StateLabel
from .wording import tr

if TYPE_CHECKING:
    from ..gis.series_zones import SummaryFiles

Polygons = Callable[[], tuple["QgsVectorLayer | None", bool]]
"""The layer of polygons that is chosen, and whether its selected polygons alone count."""

STOP_MS = 3000


class PolygonSummary(QObject):
    """Works a button and a line of a form; the button cancels while a summary is made."""

    def __init__(self, project: QgsProject, polygons: Polygons, button: QToolButton, state: StateLabel) -> None:
        super().__init__(button)
        self._project = project
        self._polygons = polygons
        self._button = button
        self._caption = button.text()
        self._state = state
        self._task: FunctionTask | None = None
        self._outputs: Sequence[SeriesOutput] = ()
        self._folder = Path()
        button.clicked.connect(self._on_click)

    def follow(self, outputs: Sequence[SeriesOutput], folder: Path) -> None:
        """The maps of a series, and its folder, where summaries go."""
        self._outputs = outputs
        self._folder = folder
        self._state.show_hint("")

    def stop(self) -> None:
        """Give up and wait briefly."""
        task, self._task = self._task, None
        if task is not None:
            task.blockSignals(True)
            task.cancel()
            task.waitForFinished(STOP_MS)

    def _on_click(self) -> None:
        if self._task is not None:
            self._task.cancel()
            return
        layer, selected_only = self._polygons()
        if layer is None:
            self._state.show_problem(tr("Choose a layer of polygons in section 1 first."))
            return
        from ..gis.zonal import ZonalError

        try:
            self._start(layer, selected_only)
        except ZonalError as error:
            self._state.show_problem(str(error))

    def _start(self, layer: QgsVectorLayer, selected_only: bool) -> None:
        from ..gis.series_zones import files_of, write_summary, zonal_bands
        from ..gis.zonal import zones_of

        zones = zones_of(layer, selected_only)
        files = files_of(self._folder, zones.name)
        self._forget(files.polygons)
        context = self._project.transformContext()
        task = FunctionTask(
            tr("Summing up polygons"), partial(write_summary, zones, zonal_bands(self._outputs), files, context)
        )
        self._task = task
        task.counted.connect(self._on_count)
        task.succeeded.connect(partial(self._on_files, zones.name))
        task.failed.connect(partial(self._end, self._state.show_problem))
        task.stopped.connect(partial(self._end, self._state.show_hint, tr("Cancelled.")))
        self._button.setText(tr("Cancel"))
        self._state.show_fact(tr("Summing up polygons …"))
        QgsApplication.taskManager().addTask(task)

    def _forget(self, path: Path) -> None:
        """Take an earlier summary off the map: its file is written anew."""
        layers = self._project.mapLayers().values()
        old = [layer.id() for layer in layers if layer.source().split("|")[0] == str(path)]
        self._project.removeMapLayers(old)

    def _on_count(self, done: int, total: int) -> None:
        if self._task is not None:
            self._state.show_fact(tr("Summing up polygons: {} %").format(100 * done // max(total, 1)))

    def _on_files(self, name: str, files: SummaryFiles) -> None:
        from ..gis.series_zones import summary_layer, summary_text

        self._project.addMapLayer(summary_layer(files, tr("Summary of {}").format(name)))
        self._end(self._state.show_fact, summary_text(files))

    def _end(self, show: Callable[[str], None], text: str) -> None:
        self._task = None
        self._button.setText(self._caption)
        show(text)
