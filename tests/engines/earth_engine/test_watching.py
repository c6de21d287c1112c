"""Looks at the operations of a project: few requests, nothing missed, whatever order they are listed in."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timezone

import pytest

from s2mask_qgis.engines.base import OperationState
from s2mask_qgis.engines.calls import Call
from s2mask_qgis.engines.client import ServiceClient
from s2mask_qgis.engines.earth_engine.watching import SINGLE_LOOKS, Watch
from s2mask_qgis.engines.errors import NotFoundError

START_S = 1_700_000_000.0
PENDING, RUNNING, DONE = "PENDING", "RUNNING", "SUCCEEDED"


@dataclass
class Tasks:
    """The tasks of a project, listed latest first unless ``order`` says otherwise."""

    made: list[tuple[str, float]] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    order: str = "latest first"
    asked: list[str] = field(default_factory=list)

    def add(self, count: int, state: str = DONE, who: str = "own", step_s: float = 60.0) -> list[str]:
        names = []
        for _ in range(count):
            created_s = self.made[-1][1] + step_s if self.made else START_S
            names.append(f"projects/p/operations/{who}{len(self.made)}")
            self.made.append((names[-1], created_s))
            self.states[names[-1]] = state
        return names

    def end(self, names: list[str], state: str = DONE) -> None:
        self.states |= dict.fromkeys(names, state)

    def forget(self, name: str) -> None:
        self.made = [each for each in self.made if each[0] != name]
        del self.states[name]

    def answer(self, call: Call) -> bytes:
        self.asked.append(call.path)
        if call.path != "projects/p/operations":
            if call.path not in self.states:
                raise NotFoundError("gone")
            return json.dumps(self._described(call.path, dict(self.made)[call.path])).encode()
        listed = list(reversed(self.made))
        if self.order == "oldest first":
            listed.reverse()
        if self.order == "by chance":
            random.Random(len(self.made)).shuffle(listed)
        size, start = int(call.query["pageSize"]), int(call.query.get("pageToken", 0))
        rest = {"nextPageToken": str(start + size)} if start + size < len(listed) else {}
        return json.dumps(
            {"operations": [self._described(*each) for each in listed[start : start + size]], **rest}
        ).encode()

    def _described(self, name: str, created_s: float) -> dict:
        created = datetime.fromtimestamp(created_s, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {"name": name, "metadata": {"state": self.states[name], "createTime": created}}

    def requests(self) -> int:
        count, self.asked = len(self.asked), []
        return count


@pytest.fixture
def tasks() -> Tasks:
    return Tasks()


@pytest.fixture
def watch(tasks: Tasks) -> Watch:
    return Watch(ServiceClient(tasks.answer, "p"))


def active(tasks: Tasks) -> set[str]:
    return {name for name, state in tasks.states.items() if state in (PENDING, RUNNING)}


def test_a_look_costs_as_much_after_thousands_of_tasks(tasks: Tasks, watch: Watch):
    own = tasks.add(30, PENDING)
    costs = []
    for _ in range(400):
        found = watch.look(own)
        assert active(tasks) <= set(found)
        assert set(own) <= set(found)
        costs.append(tasks.requests())
        tasks.end(own[:25])
        own = own[25:] + tasks.add(25, PENDING)
    assert len(tasks.made) > 10_000
    assert max(costs) <= 2


def test_the_end_of_an_own_task_is_seen_once_it_is_asked_for(tasks: Tasks, watch: Watch):
    tasks.add(1200)
    own = tasks.add(3, RUNNING)
    watch.look(own)
    tasks.end(own[:1], "FAILED")
    found = watch.look(own)
    assert [found[name].state.value for name in own] == ["FAILED", RUNNING, RUNNING]
    assert found[own[0]].state is OperationState.FAILED


def test_a_foreign_task_older_than_all_is_counted_without_reading_all(tasks: Tasks, watch: Watch):
    (foreign,) = tasks.add(1, RUNNING, "foreign")
    tasks.add(5000)
    own = tasks.add(10, PENDING)
    assert foreign in watch.look(own)
    first = tasks.requests()
    assert first == 11
    for _ in range(5):
        tasks.end(own)
        own = tasks.add(10, PENDING)
        assert watch.look(own)[foreign].state is OperationState.RUNNING
        assert tasks.requests() <= 3
    tasks.end([foreign])
    assert foreign not in watch.look(own)
    tasks.requests()
    watch.look(own)
    assert tasks.requests() == 1


def test_many_old_tasks_are_read_up_to_rather_than_asked_for_singly(tasks: Tasks, watch: Watch):
    old = tasks.add(SINGLE_LOOKS + 1, RUNNING, "foreign")
    tasks.add(2000)
    assert set(old) <= set(watch.look(()))
    tasks.requests()
    assert set(old) <= set(watch.look(()))
    assert tasks.requests() == 5


def test_new_foreign_tasks_are_counted(tasks: Tasks, watch: Watch):
    tasks.add(3000)
    watch.look(())
    fresh = tasks.add(700, PENDING, "foreign")
    assert set(watch.look(())) == set(fresh)


@pytest.mark.parametrize("order", ["oldest first", "by chance"])
def test_another_order_costs_requests_but_no_task(tasks: Tasks, watch: Watch, order: str):
    tasks.order = order
    (foreign,) = tasks.add(1, RUNNING, "foreign")
    tasks.add(3000)
    own = tasks.add(20, PENDING)
    for _ in range(4):
        found = watch.look(own)
        assert active(tasks) <= set(found)
        assert foreign in found
        tasks.end(own)
        own = tasks.add(20, PENDING)


def test_names_that_the_service_has_forgotten_are_left_out(tasks: Tasks, watch: Watch):
    tasks.add(4000)
    own = tasks.add(5, RUNNING)
    watch.look(own)
    tasks.forget(own[2])
    tasks.requests()
    found = watch.look([*own, "projects/p/operations/never"])
    assert set(found) == {*own} - {own[2]}
    assert tasks.requests() == 3


def test_a_kind_of_state_that_nobody_knows_is_no_failure(tasks: Tasks, watch: Watch):
    (strange,) = tasks.add(1, "UNHEARD_OF")
    own = tasks.add(1, PENDING)
    assert set(watch.look([strange, *own])) == set(own)


def test_pages_are_asked_for_as_large_as_the_client_asks():
    sizes = []

    def answer(call: Call) -> bytes:
        sizes.append(call.query["pageSize"])
        return b"{}"

    assert Watch(ServiceClient(answer, "p")).look(()) == {}
    assert sizes == ["500"]
