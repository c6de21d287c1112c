"""The series job when it is stopped, killed, short of disk space, or not alone in its output folder."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from s2mask_qgis.core.filling.parameters import FillParameters
from s2mask_qgis.core.filling.plan import FillPlan
from s2mask_qgis.core.seasons.parameters import SeasonParameters
from s2mask_qgis.jobs import series_job
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.series import LOCK, run_series
from s2mask_qgis.jobs.series_progress import PARTS, Step
from s2mask_qgis.jobs.series_request import SeriesRequest
from s2mask_qgis.series import writing
from tests.series.dated_rasters import read, season_values, write

ROOT = Path(__file__).parents[2]
DAYS = np.arange(18_997.0, 19_700.0, 16.0)  # from 2022-01-05 on
SHAPE = (9, 11)
WHITTAKER = FillParameters(method="whittaker")


def name_of(day):
    return str(np.datetime64("1970-01-01") + int(day)).replace("-", "")


def make(folder, shape=SHAPE, days=DAYS):
    for day, image in zip(days, season_values(days, *shape)):
        write(folder / f"{name_of(day)}.tif", image)
    return folder


@pytest.fixture
def request_(tmp_path):
    return SeriesRequest(make(tmp_path / "in"), tmp_path / "out", WHITTAKER)


def run(request, on_count=lambda done, total: None, is_cancelled=lambda: False):
    return run_series(request, on_count, is_cancelled)


def leftovers(folder):
    return sorted(
        path.name for path in folder.rglob("*") if path.name in (LOCK, writing.PARTIAL) or path.suffix == ".partial"
    )


# Progress and cancelling


def test_progress_rises_from_the_sample_to_the_last_file(request_):
    told = []
    assert run(request_, lambda done, total: told.append((done, total))).state is RunState.FINISHED
    done = [first for first, _ in told]
    assert {total for _, total in told} == {PARTS}
    assert done == sorted(set(done))
    assert done[-1] == PARTS
    assert sum(Step.PLAN.value[0] < number <= Step.PLAN.value[1] for number in done) > 3


@pytest.mark.parametrize("step", list(Step))
def test_a_job_stops_in_every_stage_and_leaves_nothing(request_, step):
    reached = []

    def count(done, _total):
        if done > step.value[0]:
            reached.append(done)

    report = run(request_, count, lambda: bool(reached))
    assert report.state is RunState.CANCELLED
    assert leftovers(request_.output_folder) == []
    assert reached[0] < PARTS


# What an earlier run decided


def forbidden(*_arguments, **_named):
    raise AssertionError("this was decided by the run before")


def test_a_second_run_neither_samples_nor_plans(request_, monkeypatch):
    first = run(request_)
    (request_.output_folder / f"{name_of(DAYS[2])}.tif").unlink()
    monkeypatch.setattr(series_job, "sample_pixels", forbidden)
    monkeypatch.setattr(series_job, "make_plan", forbidden)
    second = run(request_)
    assert second.state is RunState.FINISHED
    assert second.plan == first.plan
    assert f"{len(first.outputs) - 1} of them were there already" in second.message


def test_maps_of_productivity_are_added_with_the_plan_there_is(request_, monkeypatch):
    first = run(request_)
    monkeypatch.setattr(series_job, "make_plan", forbidden)
    second = run(replace(request_, seasons=SeasonParameters()))
    assert second.plan == first.plan


@pytest.mark.parametrize("change", ["method", "robust", "strength", "inputs", "broken", "other text"])
def test_a_plan_is_made_again_where_it_would_be_another(request_, monkeypatch, change):
    run(request_)
    made = []

    def noted(*arguments):
        made.append(arguments)
        return FillPlan.from_json(known)

    catalogue = request_.output_folder / "series.json"
    known = json.loads(catalogue.read_text(encoding="utf-8"))["s2mask:plan"]
    monkeypatch.setattr(series_job, "make_plan", noted)
    changed = {"method": "linear"} if change == "method" else {"robust": False} if change == "robust" else {}
    changed |= {"strength": 5.0} if change == "strength" else {}
    if change == "inputs":
        write(request_.ndvi_folder / f"{name_of(DAYS[3])}.tif", np.full(SHAPE, 0.3, np.float32))
    if change in ("broken", "other text"):
        catalogue.write_text("{" if change == "broken" else '["text"]', encoding="utf-8")
    run(replace(request_, fill=replace(request_.fill, **changed)))
    assert len(made) == 1


def test_the_message_tells_the_strength_that_was_chosen(request_):
    report = run(request_)
    strength = f"{report.plan['strength']:.3g}"
    assert f"(whittaker, strength {strength} chosen by cross-validation, RMSE 0." in report.message
    given = run(replace(request_, fill=replace(WHITTAKER, strength=7.0)))
    assert "(whittaker, strength 7)" in given.message


# In a process of its own

JOB = """
import signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from pathlib import Path
from s2mask_qgis.core.filling.parameters import FillParameters
from s2mask_qgis.jobs.series import run_series
from s2mask_qgis.jobs.series_request import SeriesRequest
request = SeriesRequest(Path(sys.argv[1]), Path(sys.argv[2]), FillParameters(method="whittaker", strength=10.0))
exec(sys.argv[3])
print(run_series(request, lambda done, total: print(done, flush=True), lambda: False).message)
"""


def start(request, before=""):
    """The job in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", JOB, str(request.ndvi_folder), str(request.output_folder), before],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


# A full disk


def full_after(count):
    """In place of completing files: the disk is full after some of them."""
    done, complete = [], writing._build_overviews

    def build(path, progress):
        if len(done) == count:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done.append(path)
        return complete(path, progress)

    return build


def test_a_full_disk_ends_the_job_with_a_sentence_and_the_next_run_goes_on(request_, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(writing, "_build_overviews", full_after(6))
        report = run(request_)
    assert report.state is RunState.REFUSED
    assert "No space left on device" in report.message
    assert "free some space" in report.message
    there = sorted(request_.output_folder.glob("*.tif"))
    assert len(there) == 6
    assert f"6 of {len(DAYS) + 1} files are complete and stay" in report.message
    assert leftovers(request_.output_folder) == []
    described = json.loads((request_.output_folder / "series.json").read_text(encoding="utf-8"))
    hrefs = [item["assets"]["data"]["href"] for item in described["features"]]
    assert sorted(hrefs) == [f"./{path.name}" for path in there]
    stamps = [path.stat().st_mtime_ns for path in there]
    again = run(request_)
    assert again.state is RunState.FINISHED
    assert "6 of them were there already" in again.message
    assert [path.stat().st_mtime_ns for path in there] == stamps


def test_a_disk_that_is_full_among_the_pixels_leaves_nothing(tmp_path):
    request = SeriesRequest(make(tmp_path / "in", (200, 200)), tmp_path / "out", WHITTAKER)
    process = start(request, "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))")
    told = process.communicate()[0].splitlines()[-1]
    assert f"{request.output_folder}/20" in told
    assert "cannot be written" in told
    assert "free some space" in told
    assert [path.name for path in request.output_folder.iterdir()] == ["series.json"]


# Other processes


@pytest.fixture
def other_process(tmp_path):
    """A job in a process of its own that is at the pixels, and its request."""
    make(tmp_path / "in", (350, 350), DAYS[:30])
    request = SeriesRequest(tmp_path / "in", tmp_path / "out", FillParameters(method="whittaker", strength=10.0))
    process = start(request)
    partial = request.output_folder / writing.PARTIAL
    until = time.monotonic() + 60
    while not (partial.is_dir() and any(partial.iterdir())) and time.monotonic() < until:
        assert process.poll() is None
        time.sleep(0.01)
    yield process, request
    process.kill()
    process.wait()


def test_a_second_job_into_the_same_folder_is_refused(other_process):
    process, request = other_process
    os.kill(process.pid, signal.SIGSTOP)  # so that it cannot end before the second one has asked
    report = run(request)
    os.kill(process.pid, signal.SIGCONT)
    assert report.state is RunState.REFUSED
    assert f"Another job is writing to {request.output_folder}" in report.message
    assert "30 dates filled" in process.communicate()[0].splitlines()[-1]
    assert leftovers(request.output_folder) == []


def test_what_a_killed_job_left_is_removed_by_the_next(other_process):
    process, request = other_process
    process.kill()
    process.wait()
    assert writing.PARTIAL in leftovers(request.output_folder)
    assert not list(request.output_folder.glob("*.tif"))
    report = run(request)
    assert report.state is RunState.FINISHED
    assert leftovers(request.output_folder) == []
    assert np.isfinite(read(request.output_folder / f"{name_of(DAYS[4])}.tif").values[1]).all()
