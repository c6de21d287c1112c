"""Land stored as a table: once, never over something else, told what it waits for, cancelled where that is asked."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.land import Land
from s2mask_qgis.core.regions import feature_count, reached
from s2mask_qgis.engines.base import Operation, OperationState
from s2mask_qgis.engines.errors import (
    BadRequestError,
    CancelledError,
    EngineError,
    QueueFullError,
    TransientError,
)
from s2mask_qgis.engines.local.assets import PROJECT, ROOT
from s2mask_qgis.engines.local.faults import Fault, FaultPlan, PlannedFault
from s2mask_qgis.jobs import land_table
from s2mask_qgis.jobs.land import land_problem
from s2mask_qgis.jobs.land_table import (
    MOST_ATTEMPTS,
    MOST_CORNERS,
    QUEUE_IS_FULL,
    TOGETHER_CORNERS,
    store_land,
    store_on_earth_engine,
    table_name,
    table_parts,
)
from s2mask_qgis.jobs.opening import Interrupt
from s2mask_qgis.jobs.orders import Orders
from tests.engines.embedded_service import Web, connection_to, engine_on, places_in, serving
from tests.jobs.small_engine import SteppedClock


def box(west: float, south: float, size: float) -> tuple[tuple[float, float], ...]:
    east, north = west + size, south + size
    return ((west, south), (east, south), (east, north), (west, north), (west, south))


def circle(corners: int, x: float, y: float, radius: float) -> tuple[tuple[float, float], ...]:
    angles = (2 * math.pi * number / corners for number in range(corners))
    ring = [(round(x + radius * math.cos(angle), 7), round(y + radius * math.sin(angle), 7)) for angle in angles]
    return (*ring, ring[0])


ISLANDS = Area(((box(10.0, 45.0, 0.5), box(10.2, 45.2, 0.1)), (box(12.0, 47.0, 1.0),)))
OTHERS = Area(((box(10.0, 45.0, 0.4),),))


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("land-tables")
    (folder / "scenes").mkdir()
    with serving(folder / "scenes", folder) as web:
        yield web


@dataclass
class Storing:
    """One engine on a service, and the orders to it."""

    web: Web
    folder: Path
    asset_folder: str
    orders: Orders = field(default_factory=Orders)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.interrupt = Interrupt(self.orders)
        places = places_in(self.folder, asset_folder=self.asset_folder)
        self.engine = engine_on(self.web, places, is_cancelled=self.interrupt)

    def store(self, area: Area, name: str, engine: Any = None) -> str:
        asset = f"{ROOT}/{self.asset_folder}/{name}"
        clock = _QuickClock()
        return store_land(engine or self.engine, area, asset, self.orders, self.interrupt, self.told.append, clock)


class _QuickClock(SteppedClock):
    """Waits a little, for a service that really works meanwhile."""

    def wait(self, seconds: float, orders: Orders) -> None:
        super().wait(seconds, orders)
        orders.wait(0.02)


@pytest.fixture
def storing(web: Web, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Storing]:
    web.asked.clear()
    storing = Storing(web, tmp_path, f"{request.node.name}/limits")
    with storing.engine:
        yield storing


def started(web: Web) -> int:
    return len(web.paths("table:export"))


def test_land_is_stored_and_used_by_its_name(storing: Storing) -> None:
    asset = storing.store(ISLANDS, "islands")
    assert asset == f"{ROOT}/{storing.asset_folder}/islands"
    assert storing.engine.value(feature_count(asset)) == 1  # small polygons share a feature
    inside = Area(((box(9.0, 44.0, 6.0),),))
    rings = [box(10.05, 45.05, 0.01), box(10.22, 45.22, 0.01), box(12.5, 47.5, 0.01), box(11.0, 46.0, 0.5)]
    assert storing.engine.value(reached(rings, inside, asset)) == [1, 0, 1, 0]
    assert land_problem(storing.engine, Land(asset)) is None


def test_the_same_land_is_stored_once(storing: Storing) -> None:
    for _ in range(2):
        storing.store(ISLANDS, "islands")
    assert started(storing.web) == 1


def test_other_land_under_that_name_is_refused_before_anything_is_sent(storing: Storing) -> None:
    storing.store(ISLANDS, "islands")
    with pytest.raises(BadRequestError, match=r"islands is there already and holds something else"):
        storing.store(OTHERS, "islands")
    assert started(storing.web) == 1


def test_a_name_that_something_else_has_is_refused(storing: Storing) -> None:
    storing.engine.open_destinations(("islands",))  # a collection of images
    with pytest.raises(BadRequestError, match="holds something else"):
        storing.store(ISLANDS, "islands")
    assert started(storing.web) == 0


@pytest.mark.parametrize("fault", [Fault.DROP_AFTER, Fault.AFTER, Fault.UNAVAILABLE, Fault.TIME_OUT])
def test_a_lost_answer_starts_no_second_task(web: Web, tmp_path: Path, fault: Fault) -> None:
    plan = FaultPlan([PlannedFault(fault, "table:export", times=9)])
    faulty = Web(web.handle, faults=plan)
    storing = Storing(faulty, tmp_path, f"lost-{fault.name.lower()}")
    with storing.engine:
        asset = storing.store(ISLANDS, "islands")
        assert storing.engine.value(feature_count(asset)) == 1
    assert started(faulty) == 10
    listed = json.loads(web.handle("GET", "/v1/projects/local-engine/operations", "pageSize=1000", b"")[2])
    descriptions = [each["metadata"]["description"] for each in listed["operations"]]
    assert len(descriptions) == len(set(descriptions))


def test_land_is_stored_in_the_name_of_an_account_and_a_project(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(land_table, "REFRESH_S", 0.05)
    told: list[str] = []
    asset = store_on_earth_engine(connection_to(web), PROJECT, ISLANDS, "by-name/islands", Orders(), told.append)
    assert asset == f"{ROOT}/by-name/islands"
    assert store_on_earth_engine(connection_to(web), PROJECT, ISLANDS, asset, Orders(), told.append) == asset


@dataclass
class Scripted:
    """An engine whose tasks go as a test says; what it stores is there once a task has succeeded."""

    looks: list[list[OperationState]]
    start_errors: list[Exception] = field(default_factory=list)
    look_errors: list[Exception] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    content: str = ""
    on_look: Callable[[], None] = lambda: None
    cancel_error: Exception | None = None
    _is_there: bool = False

    def asset_properties(self, asset: str) -> dict[str, Any] | None:
        return {} if self._is_there else None

    def value(self, computation: Any) -> int:
        return 3

    def open_destinations(self, kinds: Collection[str]) -> None:
        return None

    def start_table(self, table: Any, asset: str, request_id: str, description: str) -> str:
        self.ids.append(request_id)
        if self.start_errors:
            raise self.start_errors.pop(0)
        return f"task {len(set(self.ids)) - 1}"

    def operations(self, names: Collection[str]) -> dict[str, Operation]:
        self.on_look()
        if self.look_errors:
            raise self.look_errors.pop(0)
        (name,) = names
        states = self.looks[int(name.split()[1])]
        if not states:
            return {}
        state = states.pop(0) if len(states) > 1 else states[0]
        self._is_there = self._is_there or state is OperationState.SUCCEEDED
        error = "It went wrong." if state is OperationState.FAILED else ""
        return {name: Operation(name, state, error)}

    def cancel(self, name: str) -> None:
        if self.cancel_error is not None:
            raise self.cancel_error
        self.cancelled.append(name)


PENDING, RUNNING, DONE, FAILED, GONE = (
    OperationState.PENDING,
    OperationState.RUNNING,
    OperationState.SUCCEEDED,
    OperationState.FAILED,
    OperationState.CANCELLED,
)


def carry_out(engine: Scripted, orders: Orders | None = None) -> tuple[list[str], SteppedClock]:
    orders, told, clock = orders or Orders(), [], SteppedClock()
    store_land(engine, ISLANDS, "projects/p/assets/l", orders, Interrupt(orders), told.append, clock)  # type: ignore[arg-type]
    return told, clock


def test_what_is_waited_for_is_told() -> None:
    told, clock = carry_out(Scripted([[PENDING, PENDING, RUNNING, DONE]]))
    assert told == ["Waiting for Earth Engine to begin", "Earth Engine is storing the land limit"]
    assert clock.waits == [10.0, 10.0]


def test_a_full_queue_and_silence_are_waited_out_with_the_same_request() -> None:
    engine = Scripted([[RUNNING, DONE]], [QueueFullError("full")] * 3, [TransientError("busy")] * 4)
    told, clock = carry_out(engine)
    assert told[:3] == [QUEUE_IS_FULL] * 3
    assert len(set(engine.ids)) == 1
    assert len(engine.ids) == 4
    assert len(clock.waits) == 7


def test_a_service_that_stays_silent_for_an_hour_ends_it() -> None:
    engine = Scripted([[RUNNING]], look_errors=[TransientError("busy")] * 1000)
    with pytest.raises(TransientError, match="busy"):
        carry_out(engine)


def test_a_task_that_has_failed_before_is_followed_by_another_one() -> None:
    engine = Scripted([[FAILED], [GONE], [RUNNING, DONE]])
    carry_out(engine)
    assert [each.rpartition("-")[2] for each in engine.ids] == ["1", "2", "3"]
    assert len({each.rpartition("-")[0] for each in engine.ids}) == 1
    assert all(len(each) <= 60 for each in engine.ids)


def test_a_task_that_fails_is_told_with_the_reason() -> None:
    with pytest.raises(EngineError, match=r"could not store the land limit as projects/p/assets/l: It went wrong\."):
        carry_out(Scripted([[RUNNING, FAILED]]))
    with pytest.raises(EngineError, match="It went wrong"):
        carry_out(Scripted([[FAILED]] * MOST_ATTEMPTS))


def test_a_task_that_the_service_forgets_is_told() -> None:
    with pytest.raises(EngineError, match="it does not know the task"):
        carry_out(Scripted([[]]))


def test_cancelling_cancels_the_task_and_pausing_leaves_it() -> None:
    for order, cancelled in (("cancel", ["task 0"]), ("pause", [])):
        orders = Orders()
        engine = Scripted([[RUNNING]], on_look=getattr(orders, order))
        with pytest.raises(CancelledError):
            carry_out(engine, orders)
        assert engine.cancelled == cancelled


def test_a_task_that_cannot_be_cancelled_is_told() -> None:
    orders = Orders()
    engine = Scripted([[RUNNING]], on_look=orders.cancel, cancel_error=TransientError("No answer."))
    with pytest.raises(EngineError, match=r"could not be told \(No answer\.\): see there"):
        carry_out(engine, orders)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("projects/p-1/assets/a/land", "projects/p-1/assets/a/land"),
        (" land ", "projects/my-project/assets/land"),
        ("users/ann/land", "projects/earthengine-legacy/assets/users/ann/land"),
    ],
)
def test_a_table_may_be_named_within_the_project(text: str, name: str) -> None:
    assert table_name(text, "my-project") == name


@pytest.mark.parametrize("text", ["", "/", "projects/p/assets", "la nd", "a/../b"])
def test_what_cannot_be_a_name_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="cannot be the name of a table"):
        table_name(text, "my-project")


def test_large_polygons_are_cut_and_small_ones_put_together() -> None:
    large = (circle(250_000, 20.0, 50.0, 1.0), circle(5_000, 20.0, 50.0, 0.5))
    small = tuple((circle(9, 5.0 + number % 40, 40.0 + number // 40, 0.1),) for number in range(1000))
    parts = list(table_parts(Area((large, *small))))
    sizes = [sum(len(ring) for polygon in part.polygons for ring in polygon) for part in parts]
    assert max(sizes) <= MOST_CORNERS
    together = [size for size, part in zip(sizes, parts) if len(part.polygons) > 1 and size <= TOGETHER_CORNERS]
    assert len(together) == 5
    assert sum(len(part.polygons) for part in parts if len(part.polygons) > 50) == 1000
    ring_area = math.pi * (1.0 - 0.25)
    assert sum(_area(part) for part in parts if len(part.polygons) < 50) == pytest.approx(ring_area, rel=1e-6)


def _area(area: Area) -> float:
    def shoelace(ring: Any) -> float:
        return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))) / 2

    return sum(shoelace(polygon[0]) - sum(map(shoelace, polygon[1:])) for polygon in area.polygons)
