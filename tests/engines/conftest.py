"""What the tests of the local engine share: the client, ready to build expressions, and a folder of small scenes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from s2mask_qgis.engines.local.assets import AssetStore
from s2mask_qgis.engines.local.operations import OperationQueue
from s2mask_qgis.engines.local.protocol import Protocol, Transport
from s2mask_qgis.engines.local.workers import WorkerPool
from tests.engines.services import initialised
from tests.engines.small_scenes import write_small_scenes


@pytest.fixture(scope="module")
def ee(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The unmodified client, told the local engine's algorithms by its protocol; no worker runs behind it."""
    pool = WorkerPool(0, (), lambda line: None)
    store = AssetStore(tmp_path_factory.mktemp("store"))
    protocol = Protocol(pool, OperationQueue(pool, store), store, lambda: False)
    yield initialised(Transport(protocol))
    pool.close()


@pytest.fixture(scope="module")
def small_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three dates of 60 x 50 pixels of the tile 31TCJ; see small_scenes.py."""
    folder = tmp_path_factory.mktemp("scenes")
    write_small_scenes(folder)
    return folder
