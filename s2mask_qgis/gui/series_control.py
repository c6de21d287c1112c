"""One series at a time: from its section to a task, and from the files it wrote to layers on the map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..core.area import Area
from ..gis.errors import UserError
from ..gis.series_layers import SeriesLayers
from ..gis.series_maps import SeriesLayer, layers_of, maps_of
from ..jobs.pixel_curves import SeriesSource, curve_choices
from ..jobs.report import RunState
from ..jobs.series_report import SeriesOutput, SeriesReport
from ..jobs.series_request import SeriesRequest
from .curves_opener import CurvesOpener
from .layer_queue import LayerQueue
from .messages import Messages, log
from .polygon_summary import Polygons, PolygonSummary
from .run_task import FunctionTask
from .series_results import SeriesResults
from .series_section import SeriesSection
from .services import Services
from .wording import tr
from .zoom import zoom_to

LOOK_MS = 300
"""Changes of the other sections that follow each other within this time are looked at once."""

STOP_MS = 3000
"""How long the end of the plugin waits for a series that was asked to stop."""


class SeriesControl(QObject):
    """Runs the requests of its ``section`` and adds what they write to the project.

    ``ended`` carries the SeriesReport once the last layer is there; ``settled`` comes once edits have paused.
    """

    settled = pyqtSignal()
    ended = pyqtSignal(object)

    def __init__(
        self, iface: Any, project: QgsProject, services: Services, messages: Messages, polygons: Polygons
    ) -> None:
        super().__init__(iface.mainWindow())
        self._project = project
        self._services = services
        self._messages = messages
        self._canvas = iface.mapCanvas()
        self._zoomed = False
        self._task: FunctionTask | None = None
        self._request: SeriesRequest | None = None
        self._report: SeriesReport | None = None
        self._plan: dict[str, Any] | None = None
        self._layers: SeriesLayers | None = None
        self.section = SeriesSection(services)
        self.results = SeriesResults(iface)
        self.section.seriesLayout.addWidget(self.results)
        self.curves = CurvesOpener(iface, self.section.curvesButton)
        self.summary = PolygonSummary(project, polygons, self.results.summaryButton, self.results.summaryState)
        self._queue = LayerQueue(self._add_steps, self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LOOK_MS)
        self._connect()

    def follow(self, results_folder: Path | None, area: Area | None) -> None:
        """The output folder of the run and the area, as the other sections have them now."""
        self.section.set_area(area)
        self.section.source.set_results(results_folder)
        self._timer.start()

    def look_again(self) -> None:
        """There are new results of the run."""
        if not self.section.isCollapsed():
            self.section.source.look(again=True)

    def start(self) -> None:
        """Fill the series that the form asks for, or show everything that is in its way."""
        problems = self.section.problems()
        self.section.show_problems(problems)
        request = self.section.request()
        if problems or request is None or self._task is not None:
            return
        log(tr("Series: {}, results in {}").format(request.ndvi_folder, request.output_folder))
        self._request = request
        self._plan = None
        self._zoomed = False
        self.begin_layers()
        self.section.start()
        task = FunctionTask(tr("Filling a series"), partial(self._services.run_series, request))
        self._task = task
        task.counted.connect(self.section.show_progress)
        task.succeeded.connect(self._on_report)
        task.failed.connect(lambda text: self._on_report(SeriesReport(RunState.REFUSED, text)))
        stopped = SeriesReport(RunState.CANCELLED, tr("Cancelled. Files that were complete are kept."))
        task.stopped.connect(lambda: self._on_report(stopped))
        QgsApplication.taskManager().addTask(task)

    def begin_layers(self) -> None:
        """Let files from now on go to a group of their own; also after the project was emptied."""
        self._queue.clear()
        self.results.clear()
        if self._request is not None:
            name = tr("Series · {}").format(self._request.output_folder.name)
            self._layers = SeriesLayers(self._project, name)
            self._end_if_done()

    def close(self) -> None:
        """End with the plugin: stop the series and wait for it briefly."""
        self._timer.stop()
        self._queue.clear()
        self.section.source.stop()
        self.curves.close()
        self.summary.stop()
        task, self._task = self._task, None
        if task is not None:
            task.blockSignals(True)
            task.cancel()
            task.waitForFinished(STOP_MS)

    def _connect(self) -> None:
        self.section.run_asked.connect(self.start)
        self.section.cancel_asked.connect(self._cancel)
        self.section.changed.connect(self._timer.start)
        self._timer.timeout.connect(self._look)
        self.results.map_asked.connect(self._add_map)
        self._queue.added.connect(self._on_added)
        self._queue.failed.connect(self._on_layer_failure)
        self._queue.idle.connect(self._end_if_done)

    def _look(self) -> None:
        """Look through the rasters once somebody sees it."""
        self.settled.emit()
        self.curves.follow(self._pixels())
        if not self.section.isCollapsed():
            self.section.source.look()

    def _pixels(self) -> SeriesSource | None:
        """The series whose pixels can be looked at, with the plan of the run that filled it where there was one."""
        source, run = self.section.pixels(), self._request
        if source is None or run is None or self._plan is None:
            return source
        filled = (run.ndvi_folder, run.masks_folder, *curve_choices(run.fill))
        asked = (source.ndvi_folder, source.masks_folder, *curve_choices(source.fill))
        return replace(source, plan=self._plan) if asked == filled else source

    def _cancel(self) -> None:
        """Stop writing or, where everything is written, adding layers."""
        if self._task is not None:
            self._task.cancel()
        else:
            self._queue.clear()
            self._end_if_done()

    def _add_steps(self, output: SeriesOutput) -> Iterator[Any]:
        for layer in self._layers.add_steps(output) if self._layers is not None else ():
            if not self._zoomed:
                self._zoomed = True
                zoom_to(self._canvas, layer.extent(), layer.crs(), self._project, always=False)
            yield layer

    def _on_report(self, report: SeriesReport) -> None:
        self._task = None
        self._report = report
        self._plan = report.plan
        self._timer.start()
        if report.outputs and self._layers is not None and self._request is not None:
            self.results.follow(self._layers)
            self.summary.follow(report.outputs, self._request.output_folder)
            self.section.show_layers(len(report.outputs))
        for output in report.outputs:
            self._queue.add(output)
        self._end_if_done()

    def _on_added(self, output: SeriesOutput) -> None:
        there = {planned.source for planned in layers_of(output)}
        self.results.grow([planned for planned in maps_of(output) if planned.source not in there])
        self.section.show_layers(self._queue.waiting)

    def _on_layer_failure(self, _output: SeriesOutput, reason: str) -> None:
        log(reason)
        self.section.add_note(reason)

    def _add_map(self, planned: SeriesLayer) -> None:
        if self._layers is None:
            return
        try:
            self._layers.add(planned, is_visible=True)
        except UserError as error:
            self.section.add_note(str(error))
            return
        self.results.show_kind(planned.kind)

    def _end_if_done(self) -> None:
        """Say that the series has ended once its report is there and its last layer too."""
        if self._report is None or not self._queue.is_idle:
            return
        report, self._report = self._report, None
        self.results.refresh()
        self.section.end(report)
        for note in report.notes:
            log(note)
        if report.state is RunState.FINISHED and self._request is not None:
            self._messages.success(report.message, self._request.output_folder)
        elif report.state is RunState.FINISHED_WITH_FAILURES:
            self._messages.warning(report.message, self.section.open_notes)
        elif report.state is RunState.CANCELLED:
            self._messages.notice(report.message)
        else:
            self._messages.error(report.message)
        self.ended.emit(report)
