"""The loop of a run: throttled, exactly once, and never at a loss when the service is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from s2mask_qgis.engines.errors import (
    BadRequestError,
    EngineError,
    QueueFullError,
    QuotaError,
    RateError,
    SceneError,
    SignInError,
    TransientError,
)
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.rows import RowState, RunHeader
from s2mask_qgis.jobs.opening import Interrupt
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.report import ImageOutcome, ImageState, Progress, RunState
from s2mask_qgis.jobs.request import Throttle
from s2mask_qgis.jobs.run_loop import GIVE_UP_S
from s2mask_qgis.jobs.runner import Ended, Work, carry_out
from tests.jobs.small_engine import SmallEngine, SmallRecipe, SteppedClock, scenes

HEADER = RunHeader("settings", {}, {}, "1.0", 1_700_000_000.0)


@dataclass
class Bench:
    """A run on the small engine, with everything it is made of."""

    path: Path
    recipe: SmallRecipe
    throttle: Throttle = field(default_factory=Throttle)
    clock: SteppedClock = field(default_factory=SteppedClock)
    orders: Orders = field(default_factory=Orders)
    images: list[ImageOutcome] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = SmallEngine(self.clock)

    def run(self) -> Ended:
        """A session; the ledger is opened anew, as after a restart."""
        ledger = Ledger.open(self.path) if self.path.exists() else Ledger.create(self.path, HEADER)
        work = Work(
            self.engine,
            ledger,
            self.recipe,
            self.throttle,
            self.orders,
            Interrupt(self.orders),
            self.progress.append,
            self.on_image,
            self.clock,
        )
        try:
            return carry_out(work)
        finally:
            self.counts = {state: count for state, count in ledger.counts().items() if count}
            self.rows = {row.index: row for row in ledger.images()}
            ledger.close()

    def on_image(self, outcome: ImageOutcome) -> None:
        self.images.append(outcome)

    def resumed(self) -> Ended:
        """Another session after orders or obstacles."""
        self.orders = Orders()
        return self.run()

    def check_once(self, kinds: int = 2) -> None:
        """Every export of every image was started once, none twice, none is missing."""
        started = Counter(export.destination.asset for export in self.engine.started)
        assert len(started) == kinds * len(self.recipe.archive)
        assert set(started.values()) == {1}
        assert self.counts == {RowState.DONE: len(self.recipe.archive)}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "run.gpkg", SmallRecipe(scenes(20)))


def failing(name: str, *errors: Exception):
    """What raises these errors, one after the other, when a method of this name is called."""
    left = list(errors)

    def raise_next(called: str) -> None:
        if called == name and left:
            raise left.pop(0)

    return raise_next


def test_all_images_are_made_once(bench):
    ended = bench.run()
    assert (ended.state, ended.total, ended.made, ended.failed) == (RunState.FINISHED, 20, 20, 0)
    bench.check_once()
    assert [image.state for image in bench.images] == [ImageState.DONE] * 20


@pytest.mark.parametrize(("limit", "foreign"), [(1, 0), (7, 0), (7, 5), (30, 28)])
def test_never_more_tasks_than_allowed_those_of_others_counted(bench, limit, foreign):
    bench.throttle = Throttle(nb_task_max=limit)
    bench.engine.foreign = foreign
    bench.run()
    bench.check_once()
    assert bench.engine.most_active <= limit
    assert bench.engine.most_active >= min(limit, 20)


def test_others_that_use_up_the_room_are_waited_for(bench):
    bench.throttle = Throttle(nb_task_max=5)
    bench.engine.foreign = 9

    def leave_later(name: str) -> None:
        if bench.engine.looks == 4:
            bench.engine.foreign = 0

    bench.engine.before = leave_later
    bench.run()
    bench.check_once()
    assert any("9 other tasks" in progress.hint for progress in bench.progress)


def test_one_look_a_refresh_however_many_tasks(bench):
    bench.recipe.archive = scenes(300)
    bench.throttle = Throttle(nb_task_max=150, refresh_seconds=30.0)
    bench.run()
    elapsed_s = sum(bench.clock.waits)
    assert bench.engine.looks <= elapsed_s / 30.0 + 2


def test_a_second_session_makes_nothing_anew(bench):
    bench.run()
    count = len(bench.engine.started)
    ended = bench.resumed()
    assert (ended.state, ended.made) == (RunState.FINISHED, 0)
    assert len(bench.engine.started) == count


def test_results_of_an_unknown_ledger_are_kept(bench, tmp_path):
    bench.run()
    count = len(bench.engine.started)
    bench.path = tmp_path / "other.gpkg"
    ended = bench.resumed()
    assert ended.kept == 20
    assert len(bench.engine.started) == count


@pytest.mark.parametrize(
    "error",
    [TransientError("no answer"), RateError("too fast"), QueueFullError("Too many tasks already in the queue (3000).")],
)
@pytest.mark.parametrize("name", ["start", "operations", "stored"])
def test_what_may_pass_is_tried_again(bench, name, error):
    bench.engine.before = failing(name, *[error] * 3)
    ended = bench.run()
    assert ended.state is RunState.FINISHED
    bench.check_once()
    assert any(progress.hint for progress in bench.progress)


def test_a_lost_answer_starts_nothing_twice(bench):
    bench.engine.after = failing("start", *[TransientError("connection reset")] * 4)
    bench.run()
    bench.check_once()


def test_a_request_without_an_answer_is_looked_for_before_it_is_sent_again(bench):
    """Even where the service does not know request ids: the list of tasks tells that it has arrived."""
    bench.recipe.archive = scenes(1)
    sent = []

    def lose_first(name: str) -> None:
        if name == "start":
            sent.append(name)
            if len(sent) == 1:
                raise TransientError("connection reset")

    bench.engine.after = lose_first
    bench.run()
    bench.check_once()
    assert len(sent) == 2  # one a kind of result


def test_a_full_queue_waits_and_fails_nothing(bench):
    bench.engine.at_most = 3

    def refuse_more(name: str) -> None:
        if name == "start" and bench.engine.active() >= 3:
            raise QueueFullError("Too many tasks already in the queue (3).")

    bench.engine.before = refuse_more
    ended = bench.run()
    assert (ended.made, ended.failed) == (20, 0)
    assert any("queue of tasks is full" in progress.hint for progress in bench.progress)


def test_pauses_grow_while_the_service_does_not_answer(bench):
    bench.engine.before = failing("operations", *[TransientError("The service does not answer.")] * 9)
    bench.run()
    bench.check_once()
    hints = [progress.hint for progress in bench.progress if "does not answer" in progress.hint]
    assert any("Next try in" in hint for hint in hints)
    assert max(bench.clock.waits) > 100.0


def test_after_a_day_without_any_answer_the_run_pauses(bench):
    bench.throttle = Throttle(patience_hours=24.0)

    def never(name: str) -> None:
        if name == "operations":
            raise TransientError("The service does not answer.")

    bench.engine.before = never
    before_s = bench.clock.now
    ended = bench.run()
    assert ended.state is RunState.PAUSED
    assert "does not answer" in ended.message
    assert 24.0 <= (bench.clock.now - before_s) / 3600.0 < 25.0
    bench.engine.before = lambda name: None
    assert bench.resumed().state is RunState.FINISHED
    bench.check_once()


@pytest.mark.parametrize("name", ["start", "operations", "stored"])
@pytest.mark.parametrize("error", [SignInError("Sign in again."), QuotaError("The quota is used up.")])
def test_what_somebody_has_to_mend_pauses_the_run(bench, name, error):
    bench.engine.before = failing(name, error)
    ended = bench.run()
    assert ended.state is RunState.PAUSED
    assert str(error) in ended.message
    assert bench.resumed().state is RunState.FINISHED
    bench.check_once()


def test_a_task_that_fails_in_passing_is_tried_again_a_bounded_number_of_times(bench):
    bad = bench.recipe.archive[4].index
    bench.engine.ending = lambda export: (13, "Internal error.") if bad in export.description else None
    ended = bench.run()
    attempts = [export for export in bench.engine.started if bad in export.description]
    assert len(attempts) == 3
    assert len({export.request_id for export in attempts}) == 3
    assert (ended.made, ended.failed) == (19, 1)
    assert bench.rows[bad].state is RowState.FAILED
    assert "Internal error." in bench.rows[bad].reason
    assert not bench.rows[bad].is_permanent


def test_a_task_that_runs_out_of_memory_is_tried_in_smaller_tiles(bench):
    bench.recipe.archive = scenes(1)

    def ending(export):
        return (3, "User memory limit exceeded.") if export.tile_px is None or export.tile_px > 64 else None

    bench.engine.ending = ending
    assert bench.run().made == 1
    assert [export.tile_px for export in bench.engine.started] == [None, 128, 64, None, 128, 64]


def test_a_task_that_is_wrong_fails_at_once(bench):
    bad = bench.recipe.archive[4].index
    bench.engine.ending = lambda export: (3, "Image.load: no such image.") if bad in export.description else None
    bench.run()
    assert len([export for export in bench.engine.started if bad in export.description]) == 1
    assert bench.rows[bad].is_permanent
    assert bench.rows[bad].reason == "Image.load: no such image."


def test_images_that_cannot_be_planned_fail_alone(bench):
    first, second, third = (scene.index for scene in bench.recipe.archive[:3])
    bench.recipe.plan_errors = {first: [SceneError("No background.")], second: [BadRequestError("No such band.")]}
    bench.recipe.unusable = {third: "The product is damaged."}
    ended = bench.run()
    assert (ended.made, ended.failed) == (17, 3)
    reasons = {image.index: image.reason for image in bench.images if image.state is ImageState.FAILED}
    assert reasons == {first: "No background.", second: "No such band.", third: "The product is damaged."}


def test_an_image_whose_planning_never_succeeds_is_given_up_while_others_go_on(bench):
    bad = bench.recipe.archive[4].index
    bench.recipe.plan_errors = {bad: [TransientError("Computation timed out.")] * 100}
    ended = bench.run()
    assert (ended.made, ended.failed) == (19, 1)
    assert bench.rows[bad].reason == "Computation timed out."


def test_an_export_that_cannot_be_sent_is_given_up_while_others_go_on(bench):
    bad, real, sends = bench.recipe.archive[0].index, bench.engine.start, []

    def start(export):
        if bad in export.description:
            sends.append(bench.clock.now)
            raise TransientError("An internal error has occurred.")
        return real(export)

    bench.engine.start = start
    ended = bench.run()
    assert (ended.made, ended.failed) == (19, 1)
    assert bench.rows[bad].reason == "An internal error has occurred."
    assert GIVE_UP_S / 2 < sends[-1] - sends[0] < 2 * GIVE_UP_S


def test_whatever_is_wrong_with_one_image_the_others_go_on(bench):
    bad = bench.recipe.archive[3].index
    bench.recipe.plan_errors = {bad: [KeyError("properties")]}
    ended = bench.run()
    assert (ended.made, ended.failed) == (19, 1)
    assert "KeyError" in bench.rows[bad].reason


def test_a_task_that_vanished_is_done_or_made_again(bench):
    made, gone = (scene.index for scene in bench.recipe.archive[:2])
    bench.engine.lasting_s = 20.0

    def lose(name: str) -> None:
        for operation, (export, _) in bench.engine._operations.items():
            if export.description.startswith(("mask_" + made, "mask_" + gone)):
                bench.engine.lost.add(operation)

    bench.engine.after = lose

    def ending(export):
        is_first = export.description.startswith(f"mask_{gone}") and export.request_id.endswith("-1")
        return (2, "lost") if is_first else None

    bench.engine.after, bench.engine.ending = lose, ending
    ended = bench.run()
    assert ended.made == 20
    started = Counter(export.destination.asset for export in bench.engine.started)
    assert started[f"mask/{made}"] == 1
    assert started[f"mask/{gone}"] > 1


def test_pause_leaves_tasks_alone_and_resume_goes_on(bench):
    def pause(name: str) -> None:
        if bench.engine.looks == 4:
            bench.orders.pause()

    bench.engine.before = pause
    ended = bench.run()
    assert ended.state is RunState.PAUSED
    assert bench.engine.active() > 0
    assert bench.engine.cancelled == []
    bench.engine.before = lambda name: None
    assert bench.resumed().state is RunState.FINISHED
    bench.check_once()


def test_cancel_stops_the_tasks_at_the_service_and_run_makes_the_rest(bench):
    def cancel(name: str) -> None:
        if bench.engine.looks == 6:
            bench.orders.cancel()

    bench.engine.before = cancel
    ended = bench.run()
    assert ended.state is RunState.CANCELLED
    assert bench.engine.active() == 0
    assert len(bench.engine.cancelled) > 0
    assert bench.counts[RowState.CANCELLED] == len(bench.engine.cancelled)
    done = ended.made
    bench.engine.before = lambda name: None
    again = bench.resumed()
    assert (again.state, again.made) == (RunState.FINISHED, 20 - done)
    assert bench.counts == {RowState.DONE: 20}


def test_a_task_whose_answer_was_lost_is_cancelled_too(bench):
    bench.recipe.archive = scenes(1)

    def lose(name: str) -> None:
        if name == "start":
            bench.orders.cancel()
            raise TransientError("connection reset")

    bench.engine.after = lose
    assert bench.run().state is RunState.CANCELLED
    assert bench.engine.cancelled == ["operation0"]
    assert bench.counts == {RowState.CANCELLED: 1}


def test_failed_images_wait_for_retry_and_can_be_tried_again_while_the_run_goes_on(bench):
    bad = bench.recipe.archive[0].index
    broken = [True]

    def ending(export):
        return (3, "Not now.") if bad in export.description and broken[0] else None

    def mend(name: str) -> None:
        if bench.counts_of_failed() and broken[0]:
            broken[0] = False
            bench.orders.retry([bad])

    bench.counts_of_failed = lambda: [image for image in bench.images if image.state is ImageState.FAILED]
    bench.throttle = Throttle(nb_task_max=2)
    bench.engine.ending, bench.engine.before = ending, mend
    bench.run()
    assert bench.rows[bad].state is RowState.DONE
    assert (bench.progress[-1].done, bench.progress[-1].total, bench.progress[-1].failed) == (20, 20, 0)


def test_a_resumed_run_leaves_failures_to_retry(bench):
    bad = bench.recipe.archive[0].index
    bench.engine.ending = lambda export: (3, "Wrong.") if bad in export.description else None
    bench.run()
    bench.engine.ending = lambda export: None
    bench.resumed()
    assert bench.rows[bad].state is RowState.FAILED
    ledger = Ledger.open(bench.path)
    assert ledger.retry() == 1
    ledger.close()
    bench.resumed()
    assert bench.counts == {RowState.DONE: 20}


def test_images_out_of_the_area_are_recorded_and_never_sent(bench):
    outside = bench.recipe.archive[3].index
    bench.recipe.out_of_area = {outside: "It misses the land."}
    ended = bench.run()
    assert ended.total == 19
    assert bench.rows[outside].state is RowState.OUT_OF_AREA
    assert bench.rows[outside].reason == "It misses the land."
    assert not any(outside in export.description for export in bench.engine.started)


def test_an_obstacle_while_destinations_are_opened_ends_the_run_before_it_begins(bench):
    bench.engine.before = failing("open_destinations", BadRequestError("There is a folder of that name."))
    with pytest.raises(EngineError, match="a folder of that name"):
        bench.run()
    assert bench.engine.started == []


def test_results_that_were_removed_at_the_service_are_made_again(bench):
    bench.run()
    removed = bench.recipe.archive[7].index
    del bench.engine.assets[f"ndvi/{removed}"]
    ended = bench.resumed()
    assert (ended.state, ended.made) == (RunState.FINISHED, 1)
    assert [export.destination.asset for export in bench.engine.started[40:]] == [f"ndvi/{removed}"]
