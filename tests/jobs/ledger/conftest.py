"""A new ledger, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from s2mask_qgis.jobs.ledger.ledger import Ledger
from tests.jobs.ledger.images import HEADER, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run-0a1b2c3d.gpkg"


@pytest.fixture
def ledger(path: Path, clock: Clock) -> Iterator[Ledger]:
    """A new ledger, held for writing."""
    made = Ledger.create(path, HEADER, now=clock)
    yield made
    made.close()
