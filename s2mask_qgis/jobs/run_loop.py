"""The loop of a run: keeps as many exports under way as it may, and writes down what it does before and after."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any

from ..engines.base import Engine, Operation, OperationState
from ..engines.errors import (
    CancelledError,
    EngineError,
    QueueFullError,
    QuotaError,
    RateError,
    SignInError,
    StorageError,
    TransientError,
)
from .calls import Calls
from .clock import Clock
from .failures import Verdict, verdict
from .feed import Feed, Unusable
from .image_ends import ImageEnds
from .image_job import Job
from .ledger.ledger import Ledger
from .ledger.rows import ExportRow, RowState
from .orders import Orders
from .recipe import Recipe
from .report import ImageOutcome
from .request import Throttle
from .results import mark_of, request_id_of
from .trouble import Trouble
from .under_way import Fate, News, UnderWay

SLICE_S = 0.1
"""How long the loop sleeps at most while calls are under way on other threads."""
MOST_CALLS = 6
GIVE_UP_S = 1800.0
"""An image whose calls fail so often in a row and for so long, while those of others succeed, is given up."""
LOST_TO_DRIVE = (
    "The service does not list the task any more, and does not tell whether its file lies in Drive. Look for it there; "
    "where it is missing, try again."
)
"""Drive keeps files of the same name side by side, so a second one is left to the user."""
PASSING = (TransientError, RateError, QueueFullError)
OUTSIDE = (SignInError, QuotaError, StorageError)
"""What keeps the whole run from going on until somebody does something about it."""


class PausedError(Exception):
    """The run cannot go on for now; the text is for the user."""


class RunLoop:
    """Takes images from the feed to their last export. One thread calls it; calls of the engine may have others."""

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger,
        recipe: Recipe,
        throttle: Throttle,
        orders: Orders,
        clock: Clock,
        on_image: Callable[[ImageOutcome], None],
        on_step: Callable[[], None],
        on_retry: Callable[[], None],
    ) -> None:
        self.is_queue_full = False
        self.trouble = Trouble(throttle.patience_hours * 3600.0)
        self._engine, self._ledger, self._recipe = engine, ledger, recipe
        self._throttle, self._orders, self._clock = throttle, orders, clock
        self._on_step, self._on_retry = on_step, on_retry
        self._ends = ImageEnds(ledger, recipe, on_image)
        self._limit = min(throttle.nb_task_max, engine.traits.active_limit)
        refresh_s = engine.traits.refresh_seconds
        self._refresh_s = throttle.refresh_seconds if refresh_s is None else refresh_s
        self._mark = "" if engine.traits.takes_requests_anew else mark_of(ledger.header.created_s)
        self._calls = Calls(engine.traits.concurrent_calls)
        self._busy: set[str] = set()
        self._pending: dict[Future[Any], Job] = {}
        self._under_way = UnderWay(engine, ledger)
        self._waiting: deque[Job] = deque()
        self._feed = Feed(engine, ledger, recipe, self._busy.__contains__)
        self._next_look_s = 0.0

    @property
    def active(self) -> int:
        """The run's own exports that are under way, or about to be."""
        return len(self._under_way) + len(self._pending)

    @property
    def foreign(self) -> int | None:
        """The project's other tasks that have not ended, None before the first look."""
        return self._under_way.foreign

    @property
    def room(self) -> int:
        """How many more exports may be started; none before the first look at those of others."""
        return 0 if self.foreign is None else self._limit - self.foreign - self.active

    @property
    def hint(self) -> str:
        """A sentence on what is waited for, empty where all goes its way."""
        if self.trouble.failures:
            seconds = max(0.0, self.trouble.until_s - self._clock.now_s())
            return f"{self.trouble.reason} Next try in {seconds:.0f} s."
        if self.is_queue_full:
            return "The queue of tasks is full; waiting for some of them to end."
        if self.foreign and not self.active and self.room <= 0:
            return f"{self.foreign} other tasks of the project are active; waiting for some of them to end."
        return ""

    def adopt(self, rows: Iterable[tuple[ExportRow, Job]]) -> None:
        """Take over exports that an earlier session left open; what came of them is asked before any is sent."""
        for row, job in rows:
            self._busy.add(job.index)
            self._under_way.adopt(row, job)

    def go(self) -> None:
        """Until nothing is left. PausedError where the run cannot go on, CancelledError once an order has come."""
        try:
            while self._step():
                self._pass_time()
        finally:
            self._calls.close()
            self._drain()

    def cancel(self) -> int:
        """Stop at the service what is under way there, once :meth:`go` has ended; returns how many of the exports
        could not be stopped because the service did not answer."""
        left = self._under_way.cancel()
        for job in self._waiting:
            if job.request_id:
                self._ledger.end_export(job.request_id, RowState.CANCELLED)
            self._ledger.mark([job.index], RowState.CANCELLED)
        return left

    def _drain(self) -> None:
        """Keep the answers of calls that ended after the last round."""
        for future, job in self._pending.items():
            is_sending = job.plan is not None
            if is_sending and not future.cancelled() and future.exception() is None:
                self._under_way.sent(future.result(), job)
            else:
                self._set_aside(job)
        self._pending.clear()

    # One round

    def _step(self) -> bool:
        """One round; False once nothing is left."""
        if self._orders.is_stopped():
            raise CancelledError("Stopped on request.")
        self._take_retries()
        self._collect_calls()
        now_s = self._clock.now_s()
        if self.trouble.is_hopeless(now_s):
            raise PausedError(f"{self.trouble.reason} Nothing came for hours; the run is paused.")
        if self.trouble.is_over(now_s):
            if now_s >= self._next_look_s:
                self._guarded(self._look)
            if not self.is_queue_full:
                self._guarded(self._fill)
        if self._ends.obstacle:
            raise PausedError(self._ends.obstacle)
        self._on_step()
        return bool(self.active or self._waiting or not self._feed.is_exhausted)

    def _pass_time(self) -> None:
        """Wait for what comes next: a call that ends, the next look, the end of a pause."""
        now_s = self._clock.now_s()
        until_s = max(self._next_look_s, self.trouble.until_s)
        if self._may_begin(now_s):
            until_s = self.trouble.until_s
        if any(not future.done() for future in self._pending):
            until_s = min(until_s, now_s + SLICE_S)
        elif self._pending:
            return
        if until_s > now_s:
            self._clock.wait(until_s - now_s, self._orders)

    def _may_begin(self, now_s: float) -> bool:
        """True where another image could be taken up at once."""
        if self.is_queue_full or self.room <= 0 or len(self._pending) >= self._calls.at_once:
            return False
        return any(job.not_before_s <= now_s for job in self._waiting) or not self._feed.is_exhausted

    def _guarded(self, work: Callable[[], None]) -> None:
        """Work that asks the service: what may pass is tried again later, what may not pauses the run."""
        try:
            work()
        except PASSING as error:
            self.trouble.failed(self._clock.now_s(), str(error))
        except CancelledError:
            raise
        except EngineError as error:
            raise PausedError(str(error)) from error

    def _take_retries(self) -> None:
        """Let failed images wait again, where the user asked for it."""
        for indexes in self._orders.take_retries():
            if self._ledger.retry(indexes):
                self._feed.look_again()
                self._on_retry()

    # Beginning: plan, write down, send

    def _fill(self) -> None:
        """Begin with images as long as there is room; those to be sent are written down together."""
        jobs: list[Job] = []
        try:
            while len(jobs) < min(self.room, self._calls.at_once - len(self._pending)):
                job = self._next_job()
                if job is None:
                    break
                jobs.append(job)
            with self._ledger.batch():
                for job in jobs:
                    self._write_down(job)
        except EngineError:
            self._waiting.extendleft(reversed(jobs))
            raise
        for job in jobs:
            self._begin(job)

    def _next_job(self) -> Job | None:
        """The image to go on with: one that is on its way already, or a new one."""
        now_s = self._clock.now_s()
        for job in self._waiting:
            if job.not_before_s <= now_s:
                self._waiting.remove(job)
                return job
        while (found := self._feed.next()) is not None:
            if isinstance(found, Unusable):
                self._ends.give_up(found.row, found.reason)
            elif found.missing:
                self._busy.add(found.item.scene.index)
                return Job(found.item, found.missing, now_s)
            else:
                self._ends.kept(found.item)
            self._on_step()
            if self._orders.is_stopped():
                return None
        return None

    def _begin(self, job: Job) -> None:
        """Plan an image, or send its next export."""
        call: Callable[[], Any]
        call = partial(self._recipe.plan, job.item, job.kinds) if job.plan is None else partial(self._start, job)
        self._pending[self._calls.submit(call)] = job

    def _write_down(self, job: Job) -> None:
        """The intention of an export, before its request, unless it was written down before."""
        if job.plan is None or job.request_id:
            return
        kind, key = job.kinds[0], job.item.key
        job.attempts += 1
        attempt = self._ledger.attempts(job.index, kind) + 1 if self._mark else job.attempts
        job.request_id = request_id_of(kind, key, self._mark, attempt)
        job.sent_s = self._clock.now_s()
        row = ExportRow(job.request_id, job.index, kind, attempt, key, sent_s=job.sent_s)
        self._ledger.send(row)

    def _start(self, job: Job) -> str:
        """Send an export; called on whatever thread."""
        assert job.plan is not None
        export = self._recipe.export(job.item, job.plan, job.kinds[0], job.request_id, job.tile_px)
        return self._engine.start(export)

    def _collect_calls(self) -> None:
        """Look after the calls that have ended."""
        for future in [future for future in self._pending if future.done()]:
            job = self._pending.pop(future)
            try:
                value = future.result()
            except EngineError as error:
                self._on_failed_call(job, error)
            except Exception as error:  # whatever is wrong with one image, the others go on
                self._fail(job, f"This image cannot be made ({type(error).__name__}: {error}).", is_permanent=True)
            else:
                self.trouble.succeeded(self._clock.now_s())
                job.failed_calls = 0
                self._on_answer(job, value)

    def _on_answer(self, job: Job, value: Any) -> None:
        """The plan of an image, or the name of the operation that makes its export."""
        if job.plan is None:
            job.plan = value
            job.item = replace(job.item, material=None)  # it holds on to the scenes of a whole tile
            self._ledger.keep_plan(job.index, value)
            self._waiting.appendleft(job)
        else:
            self._under_way.sent(value, job)

    def _on_failed_call(self, job: Job, error: EngineError) -> None:
        """A call that was not answered, or with a refusal."""
        now_s = self._clock.now_s()
        if isinstance(error, QueueFullError):
            self.is_queue_full = True
            self._waiting.appendleft(job)
        elif isinstance(error, PASSING):
            self._on_passing(job, error, now_s)
        elif isinstance(error, (CancelledError, *OUTSIDE)):
            self._set_aside(job)
            if isinstance(error, CancelledError):
                raise error
            raise PausedError(str(error)) from error
        else:
            self._fail(job, str(error), is_permanent=True)

    def _on_passing(self, job: Job, error: EngineError, now_s: float) -> None:
        """A call that may succeed later. One that was sent may have been carried out all the same."""
        self.trouble.failed(now_s, str(error))
        job.failed_since_s = job.failed_since_s if job.failed_calls else now_s
        job.failed_calls, job.reason = job.failed_calls + 1, str(error)
        if job.plan is None and self._is_given_up(job):
            self._fail(job, job.reason, is_permanent=False)
            return
        job.not_before_s = now_s + self.trouble.pause_s(job.failed_calls)
        self._set_aside(job)

    def _is_given_up(self, job: Job) -> bool:
        """True where the calls of an image keep failing although the service is well."""
        if job.failed_calls < MOST_CALLS or self._clock.now_s() - job.failed_since_s < GIVE_UP_S:
            return False
        return self.trouble.last_success_s > job.failed_since_s

    def _set_aside(self, job: Job) -> None:
        """Go on with an image later: one whose export was sent once it is known whether that has arrived."""
        if job.plan is None:
            self._waiting.append(job)
        else:
            self._under_way.unanswered(job)

    # Looking: what came of the exports

    def _look(self) -> None:
        """One look at the service's operations."""
        operations = self._under_way.look()
        now_s = self._clock.now_s()
        self._next_look_s = now_s + self._refresh_s
        self.trouble.succeeded(now_s)
        self.is_queue_full = False
        for news in self._under_way.arrivals(operations):
            self._on_news(news)
        with self._ledger.batch():
            for news in self._under_way.ends(operations):
                self._on_news(news)
        for news in self._under_way.losses(operations, self._clock.now_s()):
            self._on_news(news)

    def _on_news(self, news: News) -> None:
        """What to do about an export whose fate is known."""
        if news.fate is Fate.DONE:
            self._advance(news.job)
        elif news.fate is Fate.NEVER_ARRIVED and self._is_given_up(news.job):
            self._fail(news.job, news.job.reason, is_permanent=False)
        elif news.fate is Fate.NEVER_ARRIVED:
            self._waiting.appendleft(news.job)
        elif news.fate is Fate.VANISHED:
            self._again(news.job, "The service has lost the task.", 0)
        elif news.fate is Fate.UNKNOWN:
            self._fail(news.job, LOST_TO_DRIVE, is_permanent=False)
        elif news.operation is not None:
            self._on_end(news.job, news.operation)

    def _on_end(self, job: Job, operation: Operation) -> None:
        """What to do about an export that has ended without success."""
        if operation.state is OperationState.CANCELLED:
            self._fail(job, "The task was cancelled at the service.", is_permanent=False)
            return
        found = verdict(operation.error_code, operation.error, self._engine.traits.has_local_results)
        if found is Verdict.NO_ROOM:
            self._ledger.end_export(job.request_id, RowState.FAILED, operation.error, operation.error_code)
            self._ledger.mark([job.index], RowState.WAITING)
            self._ends.obstacle = operation.error
            return
        if found is Verdict.NEVER:
            self._fail(job, operation.error, is_permanent=True, code=operation.error_code)
            return
        job.smaller += found is Verdict.SMALLER
        self._again(job, operation.error, operation.error_code)

    def _again(self, job: Job, reason: str, code: int) -> None:
        """Another attempt, as long as there are some left."""
        if job.attempts >= self._throttle.attempts:
            self._fail(job, f"{reason} ({job.attempts} attempts)", is_permanent=False, code=code)
            return
        self._ledger.end_export(job.request_id, RowState.FAILED, reason, code)
        job.request_id, job.state, job.not_listed = "", OperationState.PENDING, 0
        self._waiting.append(job)

    def _advance(self, job: Job) -> None:
        """An export is done: the next kind of results, or the end of the image."""
        self._ledger.end_export(job.request_id, RowState.DONE)
        job.next_kind()
        if job.kinds:
            self._waiting.appendleft(job)
        else:
            self._busy.discard(job.index)
            self._ends.done(job.item, self._clock.now_s() - job.started_s)
            self._on_step()

    def _fail(self, job: Job, reason: str, is_permanent: bool, code: int = 0) -> None:
        """An image is given up."""
        if job.request_id:
            self._ledger.end_export(job.request_id, RowState.FAILED, reason, code)
        self._busy.discard(job.index)
        self._ends.failed(job.item.scene, reason, is_permanent, self._clock.now_s() - job.started_s)
        self._on_step()
