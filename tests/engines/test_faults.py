"""Faults on the way to the embedded service: the errors that they become, and that nothing is done twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from s2mask_qgis.engines.base import OperationState
from s2mask_qgis.engines.client import ServiceClient
from s2mask_qgis.engines.errors import EngineError, QuotaError, RateError, SignInError, TransientError
from s2mask_qgis.engines.local.assets import PROJECT
from s2mask_qgis.engines.local.calls import LocalCalls
from s2mask_qgis.engines.local.faults import Fault, FaultPlan, PlannedFault
from tests.engines.services import Service, export_of, running, slow_grid, until

Opened = Callable[..., tuple[ServiceClient, FaultPlan]]
VALUE, EXPORT = "value:compute", "image:export"


@pytest.fixture(scope="module")
def service(small_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(small_scenes, tmp_path_factory.mktemp("faults")) as started:
        yield started


@pytest.fixture
def opened(service: Service) -> Opened:
    """Puts faults between a client and the service."""

    def open_client(
        *faults: PlannedFault, sleep: Callable[[float], None] = time.sleep
    ) -> tuple[ServiceClient, FaultPlan]:
        plan = FaultPlan(faults, sleep=sleep)
        return ServiceClient(LocalCalls(service.protocol, plan), PROJECT), plan

    return open_client


REFUSALS = [
    (Fault.UNAVAILABLE, TransientError),
    (Fault.INTERNAL, EngineError),
    (Fault.TOO_MANY_REQUESTS, RateError),
    (Fault.RATE_LIMIT_EXCEEDED, RateError),
    (Fault.QUOTA_USED_UP, QuotaError),
    (Fault.CREDENTIALS_EXPIRED, SignInError),
    (Fault.TIME_OUT, TransientError),
    (Fault.DROP, TransientError),
    (Fault.AFTER, TransientError),
    (Fault.DROP_AFTER, TransientError),
]


@pytest.mark.parametrize(("fault", "expected"), REFUSALS)
def test_each_fault_becomes_an_error_of_the_engine(opened: Opened, fault: Fault, expected: type[EngineError]):
    client, plan = opened(PlannedFault(fault, VALUE))
    number = client.ee.Number(1)
    with pytest.raises(EngineError) as caught:
        client.value(number)
    assert type(caught.value) is expected
    assert plan.struck == [(fault, f"POST /v1/projects/{PROJECT}/value:compute")]
    assert client.value(number) == 1


@pytest.mark.parametrize("fault", [Fault.AFTER, Fault.DROP_AFTER])
def test_a_lost_answer_starts_no_second_operation(opened: Opened, fault: Fault):
    client, plan = opened(PlannedFault(fault, EXPORT, times=2))
    before, export = set(client.operations()), export_of(client.ee.Image(1), fault.name)
    for _ in range(2):
        with pytest.raises(TransientError):
            client.start(export)
    name = client.start(export)
    assert len(plan.struck) == 2
    assert set(client.operations()) - before == {name}
    until(lambda: client.operations()[name].state.is_final, "the export")


def test_a_slow_answer_comes_all_the_same(opened: Opened):
    waits: list[float] = []
    client, _ = opened(PlannedFault(Fault.SLOW, VALUE, seconds=120.0), sleep=waits.append)
    assert client.value(client.ee.Number(7)) == 7
    assert waits == [120.0]


def test_faults_strike_by_number_of_request(opened: Opened):
    client, _ = opened(PlannedFault(Fault.UNAVAILABLE, VALUE, first=2, times=2))
    number = client.ee.Number(7)
    outcomes = []
    for _attempt in range(5):
        try:
            outcomes.append(client.value(number))
        except TransientError:
            outcomes.append("fault")
    assert outcomes == [7, "fault", "fault", 7, 7]


def test_an_operation_fails_part_of_the_way_and_leaves_nothing(small_scenes: Path, tmp_path: Path):
    with running(small_scenes, tmp_path, faults=FaultPlan(failing={"export_half": 0.3})) as service:
        client, ee = service.client, service.client.ee
        half = client.start(export_of(ee.Image(1), "half", grid=slow_grid()))
        other = client.start(export_of(ee.Image(1), "other"))
        until(lambda: all(each.state.is_final for each in client.operations().values()), "both exports")
        operations = client.operations()
        assert operations[half].state is OperationState.FAILED
        assert operations[half].error == "Execution failed at 30%; out of memory."
        assert operations[half].error_code == 13
        assert operations[other].state is OperationState.SUCCEEDED
        store = service.store.folder
    assert not (store / "mask" / "half.tif").exists()
    assert (store / "mask" / "other.tif").exists()
    assert not (store / ".partial").exists()
