"""A land limit stored once as a table on Earth Engine, so that exports name it by its id and do not carry it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..core.area import Area, Polygon
from ..core.models.model import checksum
from ..core.regions import feature_count, of_content, table_of
from ..engines.asset_names import folder_name
from ..engines.base import Operation, OperationState
from ..engines.errors import (
    BadRequestError,
    CancelledError,
    EngineError,
    QueueFullError,
    RateError,
    TransientError,
)
from .clock import Clock, SystemClock
from .land import box_of, part_inside
from .opening import Interrupt
from .orders import Orders
from .trouble import Trouble

if TYPE_CHECKING:
    from ..engines.earth_engine.engine import EarthEngine
    from ..google.account import Connection

Answer = TypeVar("Answer")
OnState = Callable[[str], None]
"""Hears what is waited for."""

MOST_CORNERS = 100_000
"""Of a feature's geometry in a table. Source: the limits of tables in the guide on importing tables."""
TOGETHER_CORNERS = 2_000
"""Small polygons share a feature: each feature adds 400 bytes to the request."""
REFRESH_S = 10.0
PATIENCE_S = 3600.0
"""So long may the service fail to answer in a row."""
MOST_ATTEMPTS = 20
"""Tasks for the same content under the same name, of which all but the last have failed or were cancelled: the service
starts none a second time under a request id that it has seen."""
QUEUE_IS_FULL = "Earth Engine takes no more tasks for now; waiting"
TEXTS = {
    OperationState.PENDING: "Waiting for Earth Engine to begin",
    OperationState.RUNNING: "Earth Engine is storing the land limit",
    OperationState.CANCELLING: "The task is being cancelled at Earth Engine",
}


def table_name(text: str, project: str) -> str:
    """The name of the table that a user means: an asset id, or a path within the project. BadRequestError where it
    cannot be one."""
    given = text.strip().strip("/")
    try:
        name = folder_name(given, project)
    except BadRequestError:
        name = ""
    if not given or not name or name.endswith("/assets"):
        raise BadRequestError(
            f"{text!r} cannot be the name of a table: letters, digits, - and _ are allowed, and / between folders. "
            f"Give one like projects/{project}/assets/land."
        )
    return name


def store_on_earth_engine(
    connection: Connection, project: str, area: Area, asset: str, orders: Orders, on_state: OnState
) -> str:
    """:func:`store_land` in the name of a project; ``asset`` is what :func:`table_name` takes."""
    from ..engines.earth_engine.engine import ASSETS, EarthEngine, Places

    name = table_name(asset, project)
    interrupt = Interrupt(orders)
    places = Places(project, ASSETS, name.rpartition("/")[0], "", Path())
    with closing(EarthEngine(connection, places, interrupt)) as engine:
        return store_land(engine, area, name, orders, interrupt, on_state)


def store_land(
    engine: EarthEngine,
    area: Area,
    asset: str,
    orders: Orders,
    interrupt: Interrupt,
    on_state: OnState = lambda text: None,
    clock: Clock | None = None,
) -> str:
    """Store polygons as a table and wait until it is there; its name, which is ``asset``.

    ``engine`` has its results in the folder of the table, and gives up what it waits for at ``interrupt``. A table that
    holds these polygons already is used, and a task that is storing them is waited for. BadRequestError where something
    else has the name or the polygons are too many for a request, EngineError where the task fails, CancelledError once
    the orders end it: a task under way is cancelled where they say so, and goes on where they pause.
    """
    content = checksum(area.polygons)[:32]
    work = _Storing(engine, asset, content, orders, interrupt, on_state, clock or SystemClock())
    if work.patiently(work.is_there):
        return asset
    work.patiently(lambda: engine.open_destinations(()))
    work.store(list(table_parts(area)))
    return asset


def table_parts(area: Area) -> Iterator[Area]:
    """Polygons as the features of a table: those with too many corners are cut, small ones that lie near each other
    are put together."""
    small = [polygon for polygon in area.polygons if _corners(polygon) <= TOGETHER_CORNERS]
    for polygon in area.polygons:
        if _corners(polygon) > TOGETHER_CORNERS:
            yield from _halves(Area((polygon,)))
    together: list[Polygon] = []
    count = 0
    for polygon in sorted(small, key=_place):
        if together and count + _corners(polygon) > TOGETHER_CORNERS:
            yield Area(tuple(together))
            together, count = [], 0
        together.append(polygon)
        count += _corners(polygon)
    if together:
        yield Area(tuple(together))


def _halves(area: Area) -> Iterator[Area]:
    """An area cut along the middle of its longer side until each part has few enough corners."""
    if sum(map(_corners, area.polygons)) <= MOST_CORNERS:
        yield area
        return
    west, south, east, north = box_of(polygon[0] for polygon in area.polygons)
    if east - west > north - south:
        middle = (west + east) / 2
        boxes = ((west, south, middle, north), (middle, south, east, north))
    else:
        middle = (south + north) / 2
        boxes = ((west, south, east, middle), (west, middle, east, north))
    for box in boxes:
        part = part_inside(area, box)
        if part is not None:
            yield from _halves(part)


def _corners(polygon: Polygon) -> int:
    return sum(map(len, polygon))


def _place(polygon: Polygon) -> tuple[int, int, float]:
    """Cells of a degree, row by row: what follows one another lies near."""
    longitude, latitude = polygon[0][0]
    return int(latitude // 1), int(longitude // 1), longitude


@dataclass
class _Storing:
    """One table on its way."""

    engine: EarthEngine
    asset: str
    content: str
    orders: Orders
    interrupt: Interrupt
    on_state: OnState
    clock: Clock
    trouble: Trouble = field(default_factory=lambda: Trouble(PATIENCE_S))

    def is_there(self) -> bool:
        """True where the table holds the content. BadRequestError where something else has its name."""
        if self.engine.asset_properties(self.asset) is None:
            return False
        try:
            marked = self.engine.value(of_content(self.asset, self.content))
            is_same = marked > 0 and marked == self.engine.value(feature_count(self.asset))
        except BadRequestError:  # it is no table
            is_same = False
        if not is_same:
            raise BadRequestError(
                f"{self.asset} is there already and holds something else than this land limit. Choose another name, or "
                "delete it first."
            )
        return True

    def store(self, parts: list[Area]) -> None:
        """Have the table made; returns when it is there."""
        table = table_of(parts, self.content)
        failure = ""
        for attempt in range(1, MOST_ATTEMPTS + 1):
            request_id = f"land-{checksum([self.asset, self.content])[:32]}-{attempt}"
            try:
                name = self.patiently(partial(self.engine.start_table, table, self.asset, request_id, request_id))
            except BadRequestError:
                if self.patiently(self.is_there):  # an answer was lost, or another QGIS has stored the same
                    return
                raise
            operation = self.patiently(partial(self._look, name))
            if operation is None or not operation.state.is_final:
                self._follow(name)
                return
            if self.patiently(self.is_there):
                return
            failure = operation.error or operation.state.value.lower()
        raise EngineError(self._failed(failure))

    def patiently(self, ask: Callable[[], Answer]) -> Answer:
        """The answer of the service, however often it has to be asked. CancelledError once an order has come."""
        while True:
            if self.orders.is_stopped():
                raise CancelledError("Stopped on request.")
            try:
                answer = ask()
            except QueueFullError:
                self.on_state(QUEUE_IS_FULL)
            except (RateError, TransientError) as error:
                self.trouble.failed(self.clock.now_s(), str(error))
                if self.trouble.is_hopeless(self.clock.now_s()):
                    raise
            else:
                self.trouble.succeeded(self.clock.now_s())
                return answer
            self.clock.wait(REFRESH_S, self.orders)

    def _follow(self, name: str) -> None:
        """Wait for the end of a task. EngineError where it does not end well."""
        try:
            operation = self._ended(name)
            is_there = self.patiently(self.is_there)
        except CancelledError:
            if self.orders.is_cancelled:
                self._cancel(name)
            raise
        if not is_there:
            told = (operation.error or operation.state.value.lower()) if operation else "it does not know the task"
            raise EngineError(self._failed(told))

    def _ended(self, name: str) -> Operation | None:
        """A task that has ended, None where the service does not know it any more."""
        while True:
            operation = self.patiently(partial(self._look, name))
            if operation is None or operation.state.is_final:
                return operation
            self.on_state(TEXTS[operation.state])
            self.clock.wait(REFRESH_S, self.orders)

    def _look(self, name: str) -> Operation | None:
        return self.engine.operations([name]).get(name)

    def _cancel(self, name: str) -> None:
        with self.interrupt.suspended():
            try:
                self.engine.cancel(name)
            except EngineError as error:
                raise EngineError(
                    f"Cancelled here, but Earth Engine could not be told ({error}): see there whether the task that "
                    f"makes {self.asset} still runs."
                ) from None

    def _failed(self, reason: str) -> str:
        return f"Earth Engine could not store the land limit as {self.asset}: {reason}"
