"""What all tests share: paths, and how property tests look for counterexamples."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine, however slow it is.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real Sentinel-2 data beside the repository; tests that need it are skipped without it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no real Sentinel-2 data: there is no ../shared/data beside the repository")
    return SHARED_DATA


@pytest.fixture(scope="session", autouse=True)
def closed_rasters(qgis_app: object) -> Iterator[None]:
    """Graphs of expressions refer to themselves and hold rasters until they are collected, which must not be after QGIS
    has taken GDAL's drivers away: the end of a session would crash."""
    yield
    gc.collect()
