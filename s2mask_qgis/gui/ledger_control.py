"""Looks at the ledger of the form's run: for the line in the run section, the window of its images, the live layer."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import QgsApplication, QgsCoordinateReferenceSystem, QgsProject, QgsRectangle
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QFileDialog, QWidget

from ..gis.ledger_layer import LEDGER_PROPERTY, STATE_COLOURS, ledger_layer, refresh
from ..jobs.ledger.rows import ImageRow
from ..jobs.request import RunRequest
from .ledger_services import LedgerServices
from .ledger_table import LedgerTable
from .run_task import FunctionTask
from .wording import tr
from .zoom import zoom_to

if TYPE_CHECKING:
    from ..jobs.ledger.reading import LedgerView

REFRESH_MS = 3000
"""Between the end of one look at a ledger and the next one, while its run goes on and somebody looks, or while another
QGIS writes it."""

MOST_ROWS = 50_000
"""Of a larger run the table shows so many images, of one state where one is chosen."""

DEGREES = "EPSG:4326"


class LedgerControl(QObject):
    """Follows one run at a time.

    ``found`` carries a LedgerView after each look, None where there is no ledger; ``failed`` a sentence;
    ``retry_asked`` the names of images that are to be tried again, or None for all; ``zoomed`` the ImageRows that the
    map was brought to.
    """

    found = pyqtSignal(object)
    failed = pyqtSignal(str)
    retry_asked = pyqtSignal(object)
    zoomed = pyqtSignal(object)

    def __init__(self, canvas: Any, project: QgsProject, services: LedgerServices, parent: QWidget) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._project = project
        self._services = services
        self._window = parent
        self._request: RunRequest | None = None
        self._view: LedgerView | None = None
        self._rows: dict[str, ImageRow] = {}
        self._seen_s: float | None = None
        self._task: FunctionTask | None = None
        self._export_task: FunctionTask | None = None
        self._is_running = False
        self._layer_id = ""
        self.table: LedgerTable | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.look)

    @property
    def path(self) -> Path | None:
        """The ledger that was looked at last."""
        return self._view.path if self._view is not None else None

    def follow(self, request: RunRequest | None) -> None:
        """Look at the ledger of this run, or at none."""
        if request != self._request:
            self._request = request
            self._view = None
            self._forget_rows()
        self.look()

    def set_running(self, is_running: bool) -> None:
        """Look again and again while a run goes on."""
        self._is_running = is_running
        self.look()

    def look(self) -> None:
        """Look at the ledger now, in a task."""
        self._timer.stop()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._request is None:
            self._take(None, False)
            return
        with_rows = self._is_watched()
        state = self.table.state() if self.table is not None and self._is_large() else None
        states = None if state is None else (state,)
        since_s = None if self._is_large() else self._seen_s
        work = partial(self._services.look, self._request, states, since_s, MOST_ROWS if with_rows else 0)
        task = FunctionTask(tr("Reading the ledger"), lambda _on_count, _is_cancelled: work())
        self._start(task, with_rows)

    def open_table(self) -> None:
        """Show the window of the images; it is made the first time."""
        if self.table is None:
            self.table = LedgerTable(STATE_COLOURS, self._window.window())
            self.table.looked_at.connect(self.look)
            self.table.zoom_asked.connect(self.zoom_to)
            self.table.retry_asked.connect(self.retry_asked)
            self.table.map_asked.connect(self.show_on_map)
            self.table.export_asked.connect(self._on_export)
        self.table.open_beside()

    def zoom_to(self, rows: list[ImageRow]) -> None:
        """Show the footprints of images."""
        corners = [corner for row in rows for corner in row.footprint]
        if corners:
            xs, ys = zip(*corners)
            extent = QgsRectangle(min(xs), min(ys), max(xs), max(ys))
            zoom_to(self._canvas, extent, QgsCoordinateReferenceSystem(DEGREES), self._project)
            self.zoomed.emit(rows)

    def show_on_map(self) -> None:
        """Add the layer of footprints, coloured by state; it follows the run."""
        if self._view is None:
            return
        layer = self._layer()
        if layer is None or layer.customProperty(LEDGER_PROPERTY) != str(self._view.path):
            layer = ledger_layer(self._view.path)
            self._project.addMapLayer(layer)
            self._layer_id = layer.id()
        zoom_to(self._canvas, layer.extent(), layer.crs(), self._project, always=False)

    def export(self, target: Path) -> None:
        """Write the table to a file, in a task."""
        if self._view is None or self.table is None:
            return
        work = partial(self._services.export, self._view.path, target)
        task = FunctionTask(tr("Writing the table"), lambda _on_count, _is_cancelled: work())
        done = tr("Written: {}").format(target)
        task.succeeded.connect(lambda _value: self.table and self.table.doneState.show_fact(done))
        task.failed.connect(lambda text: self.table and self.table.doneState.show_problem(text))
        self._export_task = task
        QgsApplication.taskManager().addTask(task)

    def close(self) -> None:
        """End with the plugin."""
        self._timer.stop()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self.table is not None:
            self.table.close()
            self.table.deleteLater()

    def _is_watched(self) -> bool:
        """True while the rows themselves are shown."""
        return self.table is not None and self.table.isVisible()

    def _is_written(self) -> bool:
        """True while a run of this QGIS or of another one writes the ledger."""
        return self._is_running or (self._view is not None and bool(self._view.holder))

    def _is_large(self) -> bool:
        """True where not all images fit in the table."""
        return self._view is not None and self._view.total > MOST_ROWS

    def _forget_rows(self) -> None:
        self._rows, self._seen_s = {}, None

    def _start(self, task: FunctionTask, with_rows: bool) -> None:
        self._task = task
        task.succeeded.connect(lambda view: self._end(task, lambda: self._take(view, with_rows)))
        task.failed.connect(lambda text: self._end(task, lambda: self._on_failure(text)))
        QgsApplication.taskManager().addTask(task)

    def _end(self, task: FunctionTask, then: Any) -> None:
        if task is self._task:
            self._task = None
            then()
            if self._is_written() and (self._is_watched() or self._layer() is not None or not self._is_running):
                self._timer.start()

    def _take(self, view: LedgerView | None, with_rows: bool) -> None:
        was_large = self._is_large()
        self._view = view
        if view is not None and with_rows and self.table is not None:
            if self._is_large() or was_large:
                self._forget_rows()
            self._rows |= {row.index: row for row in view.rows}
            self._seen_s = view.seen_s
            self.table.show_problem("" if self._is_running else view.holder)
            self.table.show_retry_problem("" if self._is_running else view.holder)
            self.table.take(view, tuple(self._rows.values()))
        layer = self._layer()
        if layer is not None:
            refresh(layer)
        self.found.emit(view)

    def _on_failure(self, text: str) -> None:
        self._view = None
        self._forget_rows()
        if self.table is not None:
            self.table.show_problem(text)
        self.failed.emit(text)

    def _on_export(self) -> None:
        kinds = tr("Comma-separated values (*.csv);;Excel workbook (*.xlsx)")
        start = str(self.path.with_suffix(".csv")) if self.path is not None else ""
        name, kind = QFileDialog.getSaveFileName(self.table, tr("Export the table"), start, kinds)
        if name:
            path = Path(name)
            suffix = ".xlsx" if "xlsx" in kind else ".csv"
            self.export(path if path.suffix.lower() in (".csv", ".xlsx") else path.with_name(path.name + suffix))

    def _layer(self) -> Any:
        return self._project.mapLayer(self._layer_id) if self._layer_id else None
