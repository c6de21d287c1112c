"""What a run tells of its end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s2mask_qgis.jobs.report import RunState
from tests.jobs.small_engine import SmallRecipe, scenes
from tests.jobs.test_run_loop import Bench


@pytest.mark.parametrize(("has_files", "goes_on"), [(False, True), (True, False)])
def test_a_pause_tells_whether_anything_goes_on_meanwhile(tmp_path, has_files, goes_on):
    """Files of this computer stop with the engine, tasks of a service do not."""
    bench = Bench(tmp_path / "run.gpkg", SmallRecipe(scenes(5)))
    bench.engine.traits = replace(bench.engine.traits, has_local_results=has_files)
    bench.engine.before = lambda name: bench.orders.pause() if bench.engine.looks == 2 else None
    ended = bench.run()
    assert ended.state is RunState.PAUSED
    assert ("goes on" in ended.message) is goes_on
    assert "Resume" in ended.message
