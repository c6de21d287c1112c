"""The campaigns at small sizes: what ``make reliability`` promises, on every change."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from s2mask_qgis.engines.limits import ServiceLimits
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.rows import RowState
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.request import ASSETS, DRIVE, Throttle

from .campaigns.disk import disk_full, two_runners
from .campaigns.faults import BoundedClock, all_planned, attempt, calm_behaviour, plan_of, session
from .campaigns.kills import kills
from .campaigns.planner import planner
from .campaigns.scale import scale
from .campaigns.throttle import throttle
from .clock import START_S, SimulatedClock
from .running import Plan, Watch, run, states
from .service import Behaviour, SimulatedService, steady, varied
from .tasks import REMEMBERED_S
from .troubles import FOR_GOOD, OF_OPERATIONS, Planned, Trouble, Troubles

IMAGES = 6
POSITIONS = {ASSETS: 46, DRIVE: 28}
"""Requests of a run of so few images without trouble, about."""


@pytest.mark.parametrize(("allowed", "running", "foreign"), [(30, 25, 10), (3000, 400, 200)])
def test_many_images_never_make_more_tasks_than_allowed(tmp_path: Path, allowed: int, running: int, foreign: int):
    found = throttle(tmp_path, 300, allowed, running, foreign, with_costs=False)
    assert not found.broken
    assert found.exports == 600
    assert found.peak_own <= allowed


def test_a_full_queue_is_waited_for(tmp_path: Path):
    clock = BoundedClock(yields=True)
    limits = ServiceLimits(running_operations=3, pending_operations=5)
    service = SimulatedService(clock, Behaviour(limits, varied(300.0)))
    plan = Plan(40, throttle=Throttle(nb_task_max=3000))
    ended = run(service.fetch, clock, plan, tmp_path / "run.gpkg", sleep=clock.advance)
    assert ended.state is RunState.FINISHED
    assert len(service.made) == 80
    assert service.tasks.peak_active["own"] == 8
    assert not service.problems


def test_killed_runs_lose_and_double_nothing(tmp_path: Path):
    found = kills(tmp_path, 20, 60, seed=7)
    assert not found.broken
    assert (found.kills, found.lost, found.duplicates, found.corrupt) == (20, 0, 0, 0)


@pytest.mark.parametrize("destination", [ASSETS, DRIVE])
@pytest.mark.parametrize("trouble", list(Trouble))
def test_trouble_ends_in_a_whole_run_or_in_a_reason(tmp_path: Path, trouble: Trouble, destination: str):
    plan = plan_of(IMAGES, destination)
    every = 4 if trouble in OF_OPERATIONS else 11
    planned = [one for one in all_planned(POSITIONS[destination], 2 * IMAGES, every) if one.trouble is trouble]
    for number, one in enumerate(planned):
        assert not attempt(tmp_path / f"{number}.gpkg", plan, one).broken, one


@pytest.mark.parametrize("first", [12, 17, 22])
def test_a_lost_answer_of_a_service_that_refuses_repeats_starts_nothing_twice(tmp_path: Path, first: int):
    planned = Planned(Trouble.LOST_ANSWER, first)
    assert not attempt(tmp_path / "run.gpkg", plan_of(IMAGES), planned, calm_behaviour(refuses_repeats=True)).broken


@pytest.mark.parametrize("destination", [ASSETS, DRIVE])
def test_tasks_that_are_listed_late_are_not_taken_for_lost(tmp_path: Path, destination: str):
    clock = BoundedClock(yields=True)
    behaviour = Behaviour(ServiceLimits(running_operations=20), varied(600.0), lists_after_s=100.0)
    troubles = Troubles([Planned(Trouble.LOST_ANSWER, 30)])
    service = SimulatedService(clock, behaviour, troubles=troubles)
    plan = Plan(40, destination=destination, throttle=Throttle(nb_task_max=30))
    ended = session(tmp_path / "run.gpkg", plan, service, clock)
    assert ended.state is RunState.FINISHED
    assert service.started_count == len(service.made) == 80
    assert troubles.struck
    assert not service.problems


def test_requests_that_come_too_fast_are_sent_again_later(tmp_path: Path):
    clock = BoundedClock(yields=True)
    behaviour = Behaviour(ServiceLimits(running_operations=20), varied(600.0), latency_s=0.05, requests_per_second=3)
    service = SimulatedService(clock, behaviour)
    plan = Plan(40, throttle=Throttle(nb_task_max=30))
    assert session(tmp_path / "run.gpkg", plan, service, clock).state is RunState.FINISHED
    assert service.requests["too many"] > 0
    assert service.started_count == len(service.made) == 80
    assert not service.problems


def test_an_outage_of_an_hour_is_waited_for(tmp_path: Path):
    clock = BoundedClock(yields=True)
    service = SimulatedService(clock, calm_behaviour(), troubles=Troubles([Planned(Trouble.UNAVAILABLE, 15, 150)]))
    ended = session(tmp_path / "run.gpkg", plan_of(IMAGES), service, clock)
    assert ended.state is RunState.FINISHED
    assert clock.now_s() - START_S > 3600.0
    assert not service.problems


def test_an_outage_beyond_all_patience_pauses_the_run_which_then_goes_on(tmp_path: Path):
    clock = BoundedClock(yields=True)
    service = SimulatedService(clock, calm_behaviour(), troubles=Troubles([Planned(Trouble.RESET, 15, FOR_GOOD)]))
    plan = Plan(IMAGES, throttle=Throttle(nb_task_max=8, patience_hours=6.0))
    ended = session(tmp_path / "run.gpkg", plan, service, clock)
    assert ended.state is RunState.PAUSED
    assert "does not answer" in ended.message
    assert 6 * 3600.0 < clock.now_s() - START_S < 8 * 3600.0
    service.troubles.clear()
    assert session(tmp_path / "run.gpkg", plan, service, clock).state is RunState.FINISHED
    assert not service.problems


def paused_run(path: Path, destination: str, clock: SimulatedClock) -> tuple[SimulatedService, Plan]:
    """A run that is paused once five of its images are done."""
    orders, done = Orders(), []
    service = SimulatedService(clock, calm_behaviour())
    plan = Plan(20, destination=destination, throttle=Throttle(nb_task_max=8))

    def on_image(outcome) -> None:
        done.append(outcome)
        if len(done) == 5:
            orders.pause()

    ended = run(service.fetch, clock, plan, path, Watch(orders, on_image=on_image))
    assert ended.state is RunState.PAUSED
    assert service.tasks.active["own"] > 0
    return service, plan


def test_a_paused_run_goes_on_with_its_ledger_in_another_place(tmp_path: Path):
    clock = SimulatedClock(yields=True)
    service, plan = paused_run(tmp_path / "run.gpkg", ASSETS, clock)
    clock.advance(3600.0)
    elsewhere = tmp_path / "another computer"
    elsewhere.mkdir()
    shutil.move(tmp_path / "run.gpkg", elsewhere / "run.gpkg")
    assert session(elsewhere / "run.gpkg", plan, service, clock).state is RunState.FINISHED
    assert states(elsewhere / "run.gpkg") == {RowState.DONE: 20}
    assert len(service.made) == service.started_count == 40
    assert not service.problems


@pytest.mark.parametrize("destination", [ASSETS, DRIVE])
def test_a_run_taken_up_after_the_service_forgot_its_tasks_makes_nothing_twice(tmp_path: Path, destination: str):
    clock = SimulatedClock(yields=True)
    service, plan = paused_run(tmp_path / "run.gpkg", destination, clock)
    clock.advance(REMEMBERED_S + 86_400.0)
    ended = session(tmp_path / "run.gpkg", plan, service, clock)
    is_drive = destination == DRIVE
    assert ended.state is (RunState.FINISHED_WITH_FAILURES if is_drive else RunState.FINISHED)
    assert not service.problems
    with closing(Ledger.open(tmp_path / "run.gpkg")) as ledger:
        reasons = [row.reason for row in ledger.images({RowState.FAILED})]
    assert bool(reasons) == is_drive
    assert all("does not tell whether its file lies in Drive" in reason for reason in reasons)


def test_a_cancelled_run_leaves_no_task_at_the_service(tmp_path: Path):
    clock, orders = BoundedClock(yields=True), Orders()
    service = SimulatedService(clock, calm_behaviour())
    plan = Plan(20, throttle=Throttle(nb_task_max=8))
    watch = Watch(orders, on_image=lambda outcome: orders.cancel())
    ended = run(service.fetch, clock, plan, tmp_path / "run.gpkg", watch)
    assert ended.state is RunState.CANCELLED
    clock.advance(60.0)
    service.settle()
    assert service.tasks.active["own"] == 0
    assert session(tmp_path / "run.gpkg", plan, service, clock).state is RunState.FINISHED
    assert len(service.made) == 40
    assert not service.problems


@pytest.mark.parametrize(
    ("destination", "behaviour", "word"),
    [
        (ASSETS, Behaviour(ServiceLimits(running_operations=4, assets=12), steady(60.0)), "Quota"),
        (DRIVE, Behaviour(ServiceLimits(running_operations=4), steady(60.0), drive_bytes=30_000_000), "Drive storage"),
    ],
)
def test_no_more_room_pauses_the_run_rather_than_failing_every_image(
    tmp_path: Path, destination: str, behaviour: Behaviour, word: str
):
    clock = BoundedClock(yields=True)
    service = SimulatedService(clock, behaviour)
    plan = Plan(20, destination=destination, throttle=Throttle(nb_task_max=4))
    ended = session(tmp_path / "run.gpkg", plan, service, clock)
    assert ended.state is RunState.PAUSED
    assert word in ended.message
    assert RowState.FAILED not in states(tmp_path / "run.gpkg")
    assert service.started_count < 20


def test_real_plans_come_through(tmp_path: Path):
    assert not planner(tmp_path, 8, (Planned(Trouble.LOST_ANSWER, 14), Planned(Trouble.TIME_OUT, 20))).broken


def test_a_full_disk_pauses_the_run_which_then_goes_on(tmp_path: Path):
    for found in disk_full(tmp_path, 30, (64, 180, 300)):
        assert not found.broken


def test_a_second_run_on_a_ledger_is_read_only(tmp_path: Path):
    found = two_runners(tmp_path, 5)
    assert not found.broken
    assert "read-only" in found.sentence


def test_a_run_of_a_continent_begins_well(tmp_path: Path):
    found = scale(tmp_path, 300, running=50)
    assert not found.broken
    assert found.exports == 300
