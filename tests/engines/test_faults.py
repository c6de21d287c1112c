"""Faults on the way to the service: what the client makes of them, and that nothing is done twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from s2mask_qgis.engines.base import OperationState
from s2mask_qgis.engines.errors import EngineError, QuotaError, SignInError, TransientError
from s2mask_qgis.engines.local.assets import PROJECT
from s2mask_qgis.engines.local.faults import Fault, FaultPlan, PlannedFault
from tests.engines.services import Service, export_of, running, slow_grid, until

Opened = Callable[..., AbstractContextManager[tuple[Service, FaultPlan]]]
VALUE, EXPORT = "value:compute", "image:export"


@pytest.fixture
def opened(small_scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Opens a service with faults; the client's back-off waits for no time."""
    monkeypatch.setattr(random, "random", lambda: 0.0)

    @contextmanager
    def open_service(*faults: PlannedFault, max_retries: int = 0, **more: Any) -> Iterator[tuple[Service, FaultPlan]]:
        plan = FaultPlan(faults, **more)
        with running(small_scenes, tmp_path, faults=plan, max_retries=max_retries) as service:
            yield service, plan

    return open_service


REFUSALS = [
    (Fault.UNAVAILABLE, TransientError),
    (Fault.INTERNAL, EngineError),
    (Fault.TOO_MANY_REQUESTS, QuotaError),
    (Fault.RATE_LIMIT_EXCEEDED, QuotaError),
    (Fault.QUOTA_USED_UP, QuotaError),
    (Fault.CREDENTIALS_EXPIRED, SignInError),
    (Fault.TIME_OUT, TransientError),
    (Fault.DROP, TransientError),
    (Fault.AFTER, TransientError),
    (Fault.DROP_AFTER, TransientError),
]


@pytest.mark.parametrize(("fault", "expected"), REFUSALS)
def test_each_fault_becomes_an_error_of_the_engine(opened: Opened, fault: Fault, expected: type[EngineError]):
    with opened(PlannedFault(fault, VALUE)) as (service, plan):
        number = service.client.ee.Number(1)
        with pytest.raises(EngineError) as caught:
            service.client.value(number)
        assert type(caught.value) is expected
        assert plan.struck == [(fault, f"POST /v1/projects/{PROJECT}/value:compute")]
        assert service.client.value(number) == 1


@pytest.mark.parametrize(
    "fault",
    [Fault.UNAVAILABLE, Fault.TOO_MANY_REQUESTS, Fault.RATE_LIMIT_EXCEEDED, Fault.DROP, Fault.TIME_OUT, Fault.AFTER],
)
def test_the_client_asks_again_where_that_helps(opened: Opened, fault: Fault):
    with opened(PlannedFault(fault, VALUE, times=3), max_retries=5) as (service, plan):
        assert service.client.value(service.client.ee.Number(7)) == 7
        assert len(plan.struck) == 3


def test_expired_credentials_are_not_asked_again(opened: Opened):
    with opened(PlannedFault(Fault.CREDENTIALS_EXPIRED, VALUE, times=9), max_retries=5) as (service, plan):
        with pytest.raises(SignInError, match="invalid authentication credentials"):
            service.client.value(service.client.ee.Number(7))
        assert len(plan.struck) == 1


@pytest.mark.parametrize("fault", [Fault.AFTER, Fault.DROP_AFTER])
def test_a_lost_answer_starts_no_second_operation(opened: Opened, fault: Fault):
    with opened(PlannedFault(fault, EXPORT, times=2), max_retries=5) as (service, plan):
        name = service.client.start(export_of(service.client.ee.Image(1), "lost"))
        assert len(plan.struck) == 2
        assert list(service.client.operations()) == [name]
        until(lambda: service.client.operations()[name].state.is_final, "the export")
        assert service.ask("GET", f"operations/{name.rpartition('/')[2]}")[1]["metadata"]["attempt"] == 1


def test_a_slow_answer_comes_all_the_same(opened: Opened):
    waits: list[float] = []
    with opened(PlannedFault(Fault.SLOW, VALUE, seconds=120.0), sleep=waits.append) as (service, _):
        assert service.client.value(service.client.ee.Number(7)) == 7
    assert waits == [120.0]


def test_faults_strike_by_number_of_request(opened: Opened):
    with opened(PlannedFault(Fault.UNAVAILABLE, VALUE, first=2, times=2)) as (service, _):
        number = service.client.ee.Number(7)
        outcomes = []
        for _attempt in range(5):
            try:
                outcomes.append(service.client.value(number))
            except TransientError:
                outcomes.append("fault")
        assert outcomes == [7, "fault", "fault", 7, 7]


def test_an_operation_fails_part_of_the_way_and_leaves_nothing(opened: Opened):
    with opened(failing={"export half": 0.3}) as (service, _):
        ee = service.client.ee
        half = service.client.start(export_of(ee.Image(1), "half", grid=slow_grid()))
        other = service.client.start(export_of(ee.Image(1), "other"))
        until(lambda: all(each.state.is_final for each in service.client.operations().values()), "both exports")
        operations = service.client.operations()
        assert operations[half].state is OperationState.FAILED
        assert operations[half].error == "Execution failed at 30%; out of memory."
        assert operations[half].error_code == 13
        assert operations[other].state is OperationState.SUCCEEDED
        store = service.store.folder
    assert not (store / "mask" / "half.tif").exists()
    assert (store / "mask" / "other.tif").exists()
    assert not (store / ".partial").exists()
