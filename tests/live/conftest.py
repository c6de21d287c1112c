"""The live checks, each also rehearsed at the embedded service; the live ones only where they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.live.setting import SWITCH, Setting, live, rehearsal


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the live checks out unless the environment asks for them."""
    if os.environ.get(SWITCH) == "1":
        return
    left_out = [item for item in items if item.get_closest_marker("live")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session", params=["rehearsal", pytest.param("live", marks=pytest.mark.live)])
def setting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    opened = live if request.param == "live" else rehearsal
    with opened(tmp_path_factory.mktemp(request.param)) as made:
        yield made
