"""The service's limits, scaled down: each is enforced with the service's own words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s2mask_qgis.engines.client import ServiceClient
from s2mask_qgis.engines.errors import BadRequestError, QueueFullError, QuotaError, RateError
from s2mask_qgis.engines.limits import OWN_DISK, ServiceLimits
from s2mask_qgis.engines.local.assets import PROJECT, ROOT
from s2mask_qgis.engines.local.calls import LocalCalls
from s2mask_qgis.engines.local.operations import OperationQueue
from s2mask_qgis.engines.local.protocol import Protocol, Transport
from tests.engines.services import Service, export_of, initialised, running, slow_grid, slow_image, slow_value, until


@pytest.fixture(scope="module")
def service(small_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(small_scenes, tmp_path_factory.mktemp("limits")) as started:
        yield started


@contextmanager
def limited(service: Service, **changes: Any) -> Iterator[ServiceClient]:
    """A client of a service with other limits on the same pool and store, put in the place of its own meanwhile."""
    limits = replace(ServiceLimits(), **changes)
    operations = OperationQueue(service.pool, service.store, limits)
    protocol = Protocol(service.pool, operations, service.store, lambda: False, limits)
    try:
        initialised(Transport(protocol))
        yield ServiceClient(LocalCalls(protocol), PROJECT)
    finally:
        operations._journal.close()
        initialised(Transport(service.protocol))


def test_the_defaults_are_the_services():
    limits = ServiceLimits()
    assert (limits.pending_operations, limits.running_operations, limits.concurrent_requests) == (3000, 2, 40)
    assert (limits.payload_bytes, limits.pixels_bytes, limits.side_px) == (10 * 2**20, 48 * 2**20, 32_768)
    assert (limits.assets, limits.store_bytes, limits.max_pixels) == (10_000, 250 * 10**9, 10**8)
    assert limits.request_seconds == 300
    assert (OWN_DISK.assets, OWN_DISK.store_bytes) == (None, None)


def test_a_full_queue_says_wait(service: Service):
    with limited(service, pending_operations=2) as client:
        ee = client.ee
        names = [client.start(export_of(slow_image(ee), f"q{n}", grid=slow_grid())) for n in range(1)]
        until(lambda: client.operations()[names[0]].state.value == "RUNNING", "the first to run")
        names += [client.start(export_of(ee.Image(n), f"q{n}")) for n in range(1, 3)]
        with pytest.raises(QueueFullError) as caught:
            client.start(export_of(ee.Image(3), "q3"))
        assert str(caught.value) == (
            "Too many tasks already in the queue (2). Please wait for some of them to complete."
        )
        for name in names[::-1]:
            client.cancel(name)
        after = client.start(export_of(ee.Image(3), "q3"))
        until(lambda: client.operations()[after].state.is_final, "what is asked for again")


def test_more_requests_at_once_than_allowed_are_refused(service: Service):
    with limited(service, concurrent_requests=1) as client:
        ee = client.ee
        values: list[Any] = []
        slow = threading.Thread(target=lambda: values.append(client.value(slow_value(ee, 6))))
        slow.start()
        until(lambda: service.pool._processes, "the first request to be worked on")
        with pytest.raises(RateError, match="rate or concurrency limit was exceeded"):
            client.value(ee.Number(1))
        slow.join()
        assert values
        assert client.value(ee.Number(1)) == 1


def test_requests_that_take_too_long_time_out(service: Service):
    with (
        limited(service, request_seconds=0.2) as client,
        pytest.raises(BadRequestError, match=r"^Computation timed out\.$"),
    ):
        client.value(slow_value(client.ee, 10))
    assert service.client.value(service.client.ee.Number(1)) == 1


def test_large_payloads_are_refused(service: Service):
    with limited(service, payload_bytes=1000) as client:
        assert client.value(client.ee.Number(1)) == 1
        with pytest.raises(BadRequestError, match="payload size exceeds the limit: 1000 bytes"):
            client.value(client.ee.List(["x" * 1000]))


def test_exports_name_how_many_pixels_they_may_have(service: Service):
    ee = service.client.ee
    request = {
        "expression": ee.Image(1),
        "assetExportOptions": {"earthEngineDestination": {"name": f"{ROOT}/mask/large"}},
        "grid": {
            "crsCode": "EPSG:32631",
            "dimensions": {"width": 10_001, "height": 10_000},
            "affineTransform": {"scaleX": 10, "scaleY": -10, "translateX": 500000, "translateY": 5000000},
        },
    }
    expected = r"Export too large: specified 100010000 pixels \(max: 100000000\)\. Specify higher maxPixels value"
    with pytest.raises(ee.EEException, match=expected):
        ee.data.exportImage("large", dict(request))
    with pytest.raises(ee.EEException, match=r"max: 5"):
        ee.data.exportImage("large", {**request, "maxPixels": {"value": "5"}})
    with pytest.raises(ee.EEException, match="maxPixels must be a whole number"):
        ee.data.exportImage("large", {**request, "maxPixels": {"value": "many"}})


def test_a_full_project_takes_no_more_assets(service: Service):
    ee = service.client.ee
    done = service.client.start(export_of(ee.Image(1), "there"))
    until(lambda: service.client.operations()[done].state.is_final, "an asset")
    for changes in ({"assets": 1}, {"store_bytes": 10}):
        with limited(service, **changes) as client:
            with pytest.raises(QuotaError, match=r"quota exceeded: .*; delete some of them"):
                client.start(export_of(ee.Image(2), "one-more"))
            again = client.start(export_of(ee.Image(2), "there", f"again{changes}"))  # in place of what is there
            until(lambda client=client, again=again: client.operations()[again].state.is_final, "the end")


def test_the_pages_of_tables_are_bounded(service: Service):
    with limited(service, page_size=10) as client:
        ee = client.ee
        table = ee.FeatureCollection([ee.Feature(None, {"n": 1})])
        with pytest.raises(ee.EEException, match="pageSize must be from 1 to 10"):
            ee.data.computeFeatures({"expression": table, "pageSize": 11})
