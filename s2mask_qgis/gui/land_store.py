"""The button that stores the layer of the land limit as a table on Earth Engine, and what comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QInputDialog, QLineEdit, QPushButton, QWidget

from ..core.area import Area
from ..engines.errors import EngineError
from ..gis.errors import UserError
from ..jobs.orders import Orders
from .land_limit import LandLimit
from .run_task import FunctionTask
from .state_label import StateLabel
from .tile_services import Access
from .wording import tr

if TYPE_CHECKING:
    from ..core.land import Land

OnState = Callable[[str], None]
Store = Callable[[Access, Area, str, Orders, OnState], str]

_NOT_ALLOWED = re.compile(r"[^\w-]+", re.ASCII)


class StoreTask(FunctionTask):
    """Land on its way to Earth Engine; ``told`` carries what is waited for. Where QGIS cancels the task, at its end,
    what Earth Engine does goes on."""

    told = pyqtSignal(str)

    def __init__(self, work: Callable[[Orders, OnState], str]) -> None:
        super().__init__(tr("Storing the land limit"), lambda _on_count, _is_cancelled: work(self._orders, self._tell))
        self._orders = Orders()

    def stop(self) -> None:
        """Cancel it, at Earth Engine too."""
        self._orders.cancel()

    def cancel(self) -> None:
        """Leave it alone: it is QGIS that calls this."""
        self._orders.pause()
        super().cancel()

    def _tell(self, text: str) -> None:
        self.told.emit(text)


class LandStore(QObject):
    """Works the button; the form tells who is signed in through ``access``, and the area through ``area`` (AreaError).

    ``ask_name`` asks the user for the table's name, "" for none.
    """

    def __init__(self, button: QPushButton, limit: LandLimit, state: StateLabel, area: Callable[[], Area]) -> None:
        super().__init__(button)
        self._button, self._limit, self._state, self._area = button, limit, state, area
        self._task: StoreTask | None = None
        self._is_possible = False
        self.access: Callable[[], Access | None] = lambda: None
        self.ask_name: Callable[[QWidget, str], str] = _asked
        self.store: Store = _store
        limit.changed.connect(self._show)
        button.clicked.connect(self._on_click)
        self._show()

    def close(self) -> None:
        """Wait no longer."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def follow(self, is_possible: bool) -> None:
        """Offer it where runs compute on Earth Engine and somebody is signed in."""
        self._is_possible = is_possible
        self._show()

    def _show(self) -> None:
        is_storing = self._task is not None
        self._button.setVisible(is_storing or (self._is_possible and self._limit.layer_name is not None))
        self._button.setText(tr("Stop storing") if is_storing else tr("Store as table…"))
        self._limit.lock(is_storing)

    def _on_click(self) -> None:
        if self._task is not None:
            self._button.setEnabled(False)
            self._task.stop()
            return
        try:
            access = self.access()
            land = self._limit.whole_land(self._area()) if access is not None else None
        except (UserError, EngineError) as error:
            self._state.show_problem(str(error))
            return
        if access is None or land is None:
            return
        name = self.ask_name(self._button, proposed_name(access.project, self._limit.layer_name or ""))
        if name:
            self._begin(access, land, name)

    def _begin(self, access: Access, land: Land, name: str) -> None:
        area = land.area
        assert area is not None
        task = StoreTask(lambda orders, on_state: self.store(access, area, name, orders, on_state))
        self._task = task
        task.told.connect(lambda text: self._tell(task, text))
        task.succeeded.connect(lambda asset: self._end(task, lambda: self._limit.use_asset(asset)))
        task.failed.connect(lambda text: self._end(task, lambda: self._state.show_problem(text)))
        task.stopped.connect(lambda: self._end(task, lambda: self._state.show_fact(tr("Storing was stopped."))))
        self._state.show_fact(tr("Sending the land limit to Earth Engine"))
        self._show()
        QgsApplication.taskManager().addTask(task)

    def _tell(self, task: StoreTask, text: str) -> None:
        if task is self._task:
            self._state.show_fact(tr(text))

    def _end(self, task: StoreTask, then: Callable[[], Any]) -> None:
        if task is not self._task:
            return
        self._task = None
        self._button.setEnabled(True)
        self._show()
        then()


def proposed_name(project: str, layer_name: str) -> str:
    """A name for the table of a layer, in the characters that are allowed."""
    plain = _NOT_ALLOWED.sub("_", layer_name).strip("_")
    return f"projects/{project}/assets/s2mask/{plain or 'land'}"


def _asked(parent: QWidget, proposed: str) -> str:
    text, is_given = QInputDialog.getText(
        parent,
        tr("Store as table"),
        tr("Asset id of the new table on Earth Engine:"),
        QLineEdit.EchoMode.Normal,
        proposed,
    )
    return text.strip() if is_given else ""


def _store(access: Access, area: Area, name: str, orders: Orders, on_state: OnState) -> str:
    from ..jobs.land_table import store_on_earth_engine

    return store_on_earth_engine(access.connection, access.project, area, name, orders, on_state)
