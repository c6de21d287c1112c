"""What the user sees of layers of Earth Engine: entries in their menu, and an offer where they have expired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qgis.core import QgsMapLayer, QgsMapLayerType, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtWidgets import QAction

from ..gis.result_layers import ResultLayers
from ..gis.tile_layers import tile_layers, view_of
from ..jobs.ledger.rows import ImageRow, RowState
from ..jobs.report import ImageOutcome, ImageState
from .messages import Messages
from .tile_control import TileControl
from .tile_services import Access, TileServices
from .wording import tr

MOST_ROWS = 8
"""So many images of a table are put on the map at once: whoever chooses more wants to see where they lie."""


class TileMenu(QObject):
    """The layers of Earth Engine in one QGIS window: TileControl with its menu entries and messages.

    ``access`` is TileControl's; ``folder()`` tells where downloads go, None where none is chosen.
    """

    def __init__(
        self,
        iface: Any,
        project: QgsProject,
        messages: Messages,
        services: TileServices,
        access: Callable[[bool], Access | None],
        folder: Callable[[], Path | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._iface = iface
        self._project = project
        self._messages = messages
        self._folder = folder
        self.control = TileControl(project, services, access, self)
        self.reconnectAction = QAction(tr("Reconnect to Earth Engine"), self)
        self.downloadAction = QAction(tr("Download from Earth Engine"), self)
        self.reconnectAction.triggered.connect(lambda _checked: self.control.reconnect(self._selected()))
        self.downloadAction.triggered.connect(lambda _checked: self.download())
        for action in (self.reconnectAction, self.downloadAction):
            iface.addCustomActionForLayerType(action, "", QgsMapLayerType.RasterLayer, False)
        self.control.told.connect(messages.notice)
        self.control.expired.connect(self._on_expired)
        project.layersAdded.connect(self._offer_menu)
        project.readProject.connect(self._on_opened)

    def begin(self) -> None:
        """A run begins."""
        self.control.begin()

    def show(self, outcome: ImageOutcome, layers: ResultLayers, level: str) -> None:
        """Put an image whose results are assets on the map; others are left to whoever shows files."""
        self.control.show(outcome, layers, level)

    def show_rows(self, rows: Sequence[ImageRow], layers: ResultLayers, level: str) -> None:
        """Put chosen images of a ledger on the map, as far as they are few, done, and stored as assets."""
        if len(rows) > MOST_ROWS:
            return
        shown = {step.index for step in layers.steps()}
        for row in rows:
            if row.state is RowState.DONE and row.index not in shown:
                self.control.show(_outcome(row), layers, level, by_hand=True)

    def download(self) -> None:
        """Bring the images of the selected layers to this computer."""
        folder = self._folder()
        if folder is None:
            self._messages.notice(tr("Choose a folder of results in the section Run; downloads go there."))
        else:
            self.control.download(self._selected(), folder)

    def close(self) -> None:
        """End with the plugin."""
        self._project.layersAdded.disconnect(self._offer_menu)
        self._project.readProject.disconnect(self._on_opened)
        for action in (self.reconnectAction, self.downloadAction):
            self._iface.removeCustomActionForLayerType(action)
        self.control.stop()

    def _selected(self) -> list[QgsRasterLayer]:
        return [layer for layer in self._iface.layerTreeView().selectedLayers() if view_of(layer) is not None]

    def _offer_menu(self, layers: list[QgsMapLayer]) -> None:
        for layer in layers:
            if view_of(layer) is not None:
                for action in (self.reconnectAction, self.downloadAction):
                    self._iface.addCustomActionForLayer(action, layer)

    def _on_opened(self, *_document: Any) -> None:
        self._offer_menu(list(tile_layers(self._project)))

    def _on_expired(self, count: int) -> None:
        text = tr("{} layers of Earth Engine have expired. Sign in and reconnect to see them again.").format(count)
        self._messages.offer(text, tr("Reconnect"), self.control.reconnect)


def _outcome(row: ImageRow) -> ImageOutcome:
    """What a ledger tells of an image that is done."""
    return ImageOutcome(
        row.index,
        row.tile,
        row.time_start_ms,
        ImageState.KEPT,
        cloud_share=row.cloud_share,
        shadow_share=row.shadow_share,
        ndvi_share=row.ndvi_share,
        outputs=dict(row.outputs),
    )
