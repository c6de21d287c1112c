"""Keeps layers of Earth Engine alive: adds those of results, renews what has expired, downloads on request."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication, QgsNetworkAccessManager, QgsNetworkReplyContent, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal
from qgis.PyQt.QtNetwork import QNetworkRequest

from ..gis.errors import UserError
from ..gis.result_layers import ResultLayers
from ..gis.tile_layers import comes_from, made_s, renew, restore_extent, show_file, tile_layers, view_of
from ..jobs.report import ImageOutcome
from ..jobs.tile_views import MAP_LIFETIME_S, SCENE_WAY, TileAnswers, Tiles, TileView, views_of
from .layer_queue import LayerQueue
from .messages import log
from .run_task import FunctionTask
from .tile_services import Access, TileServices
from .wording import tr

GONE = frozenset({401, 403, 404, 410})
"""Statuses of tiles whose address may have expired."""
RETRY_S = 60.0
"""A layer whose tiles still fail is not asked for again before."""
LOOK_MS = 5 * 60 * 1000
"""How often layers are looked at for their age."""
GATHER_MS = 300
"""Tiles fail by dozens: so long their layers are gathered into one task."""
IMAGES_AT_ONCE = 8
MOST_IMAGES = 60
"""Of a run so many images get layers by themselves: each layer is a request, and a project of thousands is slow."""


class TileControl(QObject):
    """The layers of one project that show tiles of Earth Engine.

    ``access(by_hand)`` tells in the main thread who is signed in and which project is charged; None where nobody is.
    It may ask for a password only ``by_hand``, where the user has asked for something; UserError where it cannot tell.
    ``layers_added`` carries an ImageOutcome, ``told`` a sentence, ``expired`` the number of layers that need a sign-in
    to be shown again, ``busy`` whether anything goes on.
    """

    layers_added = pyqtSignal(object)
    told = pyqtSignal(str)
    expired = pyqtSignal(int)
    busy = pyqtSignal(bool)

    def __init__(
        self,
        project: QgsProject,
        services: TileServices,
        access: Callable[[bool], Access | None],
        parent: QObject | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._services = services
        self._access = access
        self._now = now
        self._task: FunctionTask | None = None
        self._waiting: deque[tuple[ImageOutcome, ResultLayers, str]] = deque()
        self._to_renew: dict[str, TileView] = {}
        self._tried_s: dict[str, float] = {}
        self._shown = 0
        self._is_by_hand = False
        self._queue = LayerQueue(self._add_steps, self)
        self._queue.added.connect(lambda result: self.layers_added.emit(result[0]))
        self._queue.failed.connect(lambda _result, reason: self.told.emit(reason))
        self._gather = _timer(self, GATHER_MS, self._renew_some, True)
        self._look = _timer(self, LOOK_MS, self.look, False)
        self._replies = QgsNetworkAccessManager.instance().finished[QgsNetworkReplyContent]
        self._replies.connect(self._on_reply)
        project.readProject.connect(self._on_opened)
        self._look.start()

    def begin(self) -> None:
        """A run begins: its images count anew."""
        self._shown = 0

    def show(self, outcome: ImageOutcome, layers: ResultLayers, level: str, by_hand: bool = False) -> bool:
        """Let an image whose results are assets wait for its layers; False where it has none, or is one too many.

        ``by_hand`` says that the user asked for this very image.
        """
        if not views_of(outcome, level) or (not by_hand and self._shown >= MOST_IMAGES):
            return False
        self._shown += not by_hand
        if not by_hand and self._shown == MOST_IMAGES:
            log(
                tr("The first {} images are on the map; zoom to others in the table of images to add them.").format(
                    MOST_IMAGES
                )
            )
        self._waiting.append((outcome, layers, level))
        self._go_on()
        return True

    def look(self) -> None:
        """Renew the layers that are shown and whose addresses are old."""
        oldest = self._now() - MAP_LIFETIME_S
        root = self._project.layerTreeRoot()
        for layer in tile_layers(self._project):
            node = root.findLayer(layer.id())
            if made_s(layer) <= oldest and node is not None and node.isVisible():
                self._want(layer)

    def reconnect(self, layers: Iterable[QgsRasterLayer] | None = None) -> None:
        """Renew layers because the user asks for it: these, or all of the project."""
        self._tried_s.clear()
        self._is_by_hand = True
        for layer in tile_layers(self._project) if layers is None else layers:
            self._want(layer)

    def download(self, layers: Iterable[QgsRasterLayer], folder: Path) -> None:
        """Bring the images of layers into a folder, and let all layers of the same images show the files."""
        views = [view for view in map(view_of, layers) if view is not None]
        assets = sorted({view.asset for view in views if view.way != SCENE_WAY})
        if not views:
            self.told.emit(tr("None of the selected layers comes from Earth Engine."))
        elif not assets:
            self.told.emit(tr("True colours stay on Earth Engine; download masks and indices."))
        elif self._task is not None:
            self.told.emit(tr("Earth Engine is being asked for other layers; try again in a moment."))
        elif (access := self._access_or_tell()) is not None:
            work = partial(self._services.fetch, access, folder, assets)
            self._run(tr("Downloading from Earth Engine"), work, self._on_files)

    def stop(self) -> None:
        """End with the plugin."""
        self._replies.disconnect(self._on_reply)
        self._project.readProject.disconnect(self._on_opened)
        for timer in (self._gather, self._look):
            timer.stop()
        self._waiting.clear()
        self._to_renew.clear()
        self._queue.clear()
        task, self._task = self._task, None
        if task is not None:
            task.blockSignals(True)
            task.cancel()

    # What has to be renewed

    def _on_reply(self, reply: QgsNetworkReplyContent) -> None:
        """Any answer to QGIS, whoever asked: is it a tile of ours that has gone?"""
        if reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute) not in GONE:
            return
        url = bytes(reply.request().url().toEncoded()).decode("ascii", "replace")
        for layer in tile_layers(self._project):
            if comes_from(layer, url):
                self._want(layer)

    def _on_opened(self, *_document: Any) -> None:
        for layer in tile_layers(self._project):
            restore_extent(layer)
        self.look()

    def _want(self, layer: QgsRasterLayer) -> None:
        view = view_of(layer)
        tried = self._tried_s.get(layer.id(), made_s(layer))
        if view is not None and self._now() - tried >= RETRY_S:
            self._to_renew[layer.id()] = view
            self._gather.start()

    def _renew_some(self) -> None:
        """Begin to renew what has been gathered; without a sign-in say what waits for one."""
        if self._task is not None or not self._to_renew:
            return
        is_by_hand, self._is_by_hand = self._is_by_hand, False
        access = self._ask_access(is_by_hand)
        if access is None:
            count = len(self._to_renew)
            self._tried_s |= dict.fromkeys(self._to_renew, self._now())
            self._to_renew.clear()
            self.expired.emit(count)
            return
        wanted, self._to_renew = self._to_renew, {}
        self._tried_s |= dict.fromkeys(wanted, self._now())
        work = partial(self._services.ask, access, list(dict.fromkeys(wanted.values())), False)
        self._run(tr("Renewing layers of Earth Engine"), work, partial(self._on_renewed, wanted))

    def _on_renewed(self, wanted: dict[str, TileView], found: TileAnswers) -> None:
        by_view = {tiles.view: tiles for tiles in found.tiles}
        for layer_id, view in wanted.items():
            layer = self._project.mapLayer(layer_id)
            if view_of(layer) == view and view in by_view:
                renew(layer, by_view[view].address, by_view[view].made_s)
        self._tell_problems(found)

    # New layers, and files

    def _go_on(self) -> None:
        """Begin the next task, if one waits and none goes on."""
        if self._task is not None:
            return
        if self._to_renew:
            self._renew_some()
        if self._task is None and self._waiting:
            self._ask_some()

    def _ask_some(self) -> None:
        access = self._access_or_tell()
        if access is None:
            self._waiting.clear()
            return
        some = [self._waiting.popleft() for _ in range(min(IMAGES_AT_ONCE, len(self._waiting)))]
        views = [view for outcome, _, level in some for view in views_of(outcome, level)]
        work = partial(self._services.ask, access, views, True)
        self._run(tr("Layers of Earth Engine"), work, partial(self._on_asked, some))

    def _on_asked(self, some: Sequence[tuple[ImageOutcome, ResultLayers, str]], found: TileAnswers) -> None:
        by_view = {tiles.view: tiles for tiles in found.tiles}
        for outcome, layers, level in some:
            tiles = [by_view[view] for view in views_of(outcome, level) if view in by_view]
            if tiles:
                self._queue.add((outcome, layers, tiles))
        self._tell_problems(found)

    def _tell_problems(self, found: TileAnswers) -> None:
        """Why some layers cannot be shown: each in the log, the first one to the user."""
        for view, problem in found.problems.items():
            log(f"{view.asset}: {problem}")
        if found.problems:
            text = tr("{} layers of Earth Engine cannot be shown: {}")
            self.told.emit(text.format(len(found.problems), next(iter(found.problems.values()))))

    def _add_steps(self, result: tuple[ImageOutcome, ResultLayers, list[Tiles]]) -> Iterator[Any]:
        outcome, layers, tiles = result
        return layers.add_tile_steps(outcome, tiles)

    def _on_files(self, files: dict[str, Path]) -> None:
        for layer in list(tile_layers(self._project)):
            view = view_of(layer)
            if view is not None and view.asset in files:
                try:
                    show_file(layer, files[view.asset])
                except UserError as error:
                    self.told.emit(str(error))
        self.told.emit(tr("Downloaded: {}.").format(", ".join(path.name for path in files.values())))

    def _ask_access(self, by_hand: bool) -> Access | None:
        try:
            return self._access(by_hand)
        except UserError as error:
            self.told.emit(str(error))
            return None

    def _access_or_tell(self) -> Access | None:
        access = self._ask_access(True)
        if access is None:
            self.told.emit(tr("Layers of Earth Engine need a sign-in and a project. Sign in, then try again."))
        return access

    def _run(self, title: str, work: Callable[[Callable[[], bool]], Any], then: Callable[[Any], None]) -> None:
        task = FunctionTask(title, lambda _on_count, is_cancelled: work(is_cancelled))
        self._task = task
        task.succeeded.connect(lambda value: self._end(task, partial(then, value)))
        task.failed.connect(lambda text: self._end(task, partial(self.told.emit, text)))
        task.stopped.connect(lambda: self._end(task, lambda: None))
        self.busy.emit(True)
        QgsApplication.taskManager().addTask(task)

    def _end(self, task: FunctionTask, then: Callable[[], None]) -> None:
        if task is not self._task:
            return
        self._task = None
        self.busy.emit(False)
        then()
        self._go_on()


def _timer(parent: QObject, interval_ms: int, call: Callable[[], None], is_single: bool) -> QTimer:
    timer = QTimer(parent)
    timer.setInterval(interval_ms)
    timer.setSingleShot(is_single)
    timer.timeout.connect(call)
    return timer
