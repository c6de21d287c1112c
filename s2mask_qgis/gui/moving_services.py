"""The functions behind the window that moves collections, as one value: the real ones load modules on first use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qgis.core import QgsSettings

from ..jobs.moving_request import MoveProgress, MoveReport, MoveRequest
from ..jobs.orders import Orders
from .services import CountCallback, IsCancelled

if TYPE_CHECKING:
    from ..google.account import Connection

OnProgress = Callable[[MoveProgress], None]


@dataclass(frozen=True)
class MovingServices:
    """What the window can have done.

    In the main thread: ``connect(settings)`` gives the account that the dock remembers, ``project(settings)`` the
    project. In tasks: ``standing(folder, on_count, is_cancelled)`` tells how far earlier moves into a folder are,
    ``move(request, connection, orders, on_progress)`` exports and downloads, and
    ``delete(folder, project, count, connection, orders, on_progress)`` deletes so many assets, or none.
    """

    connect: Callable[[QgsSettings], Connection]
    project: Callable[[QgsSettings], str]
    standing: Callable[[Path, CountCallback, IsCancelled], MoveReport]
    move: Callable[[MoveRequest, Connection, Orders, OnProgress], MoveReport]
    delete: Callable[[Path, str, int, Connection, Orders, OnProgress], MoveReport]


def real_moving_services() -> MovingServices:
    """The plugin's own functions, over QGIS's network."""
    return MovingServices(_connect, _project, _standing, _move, _delete)


def _connect(settings: QgsSettings) -> Connection:
    from ..gis.google_account import connection_of

    return connection_of(settings)


def _project(settings: QgsSettings) -> str:
    from ..gis.google_account import project_of

    return project_of(settings)


def _standing(folder: Path, _on_count: CountCallback, _is_cancelled: IsCancelled) -> MoveReport:
    from ..jobs.moving import standing

    return standing(folder)


def _move(request: MoveRequest, connection: Connection, orders: Orders, on_progress: OnProgress) -> MoveReport:
    from ..jobs.moving import connected, move_out
    from ..jobs.opening import Interrupt

    interrupt = Interrupt(orders)
    return move_out(request, connected(connection, interrupt, request.project), orders, interrupt, on_progress)


def _delete(
    folder: Path, project: str, count: int, connection: Connection, orders: Orders, on_progress: OnProgress
) -> MoveReport:
    from ..jobs.moving import connected, delete

    return delete(folder, connected(connection, orders.is_stopped, project), count, orders, on_progress)
