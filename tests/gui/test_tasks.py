"""Tasks end exactly once with a plain value, whatever happens in the thread."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest
from qgis.core import QgsApplication, QgsTask

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.gui.run_task import FunctionTask, RunTask
from s2mask_qgis.jobs.report import Progress, RunState, Stage
from s2mask_qgis.jobs.request import RunRequest


@pytest.fixture
def request_(tmp_path):
    square = (((15.0, 48.0), (15.1, 48.0), (15.1, 48.1), (15.0, 48.0)),)
    return RunRequest(tmp_path, tmp_path, tmp_path, Area((square,)), RunParameters())


def test_a_run_that_was_cancelled_before_it_started_still_reports(qtbot, qgis_app, work, request_):
    blocker = QgsTask.fromFunction("blocker", lambda task: work.release.wait(5))
    task = RunTask(request_, work.services())
    task.addSubTask(blocker, [], QgsTask.SubTaskDependency.ParentDependsOnSubTask)
    with qtbot.waitSignal(task.run_ended, timeout=5000) as ended:
        QgsApplication.taskManager().addTask(task)
        task.stop()
        work.release.set()
    assert ended.args[0].state is RunState.CANCELLED
    assert work.requests == []


def test_a_run_that_qgis_cancels_pauses(qtbot, qgis_app, work, request_):
    work.waits = True
    task = RunTask(request_, work.services())
    with qtbot.waitSignal(task.run_ended, timeout=5000) as ended:
        QgsApplication.taskManager().addTask(task)
        qtbot.waitUntil(lambda: bool(work.requests), timeout=5000)
        QgsApplication.taskManager().cancelAll()
    assert ended.args[0].state is RunState.PAUSED
    assert [orders.is_cancelled for orders in work.orders] == [False]


def test_a_run_that_is_stopped_is_cancelled_at_the_service_too(qtbot, qgis_app, work, request_):
    work.waits = True
    task = RunTask(request_, work.services())
    with qtbot.waitSignal(task.run_ended, timeout=5000) as ended:
        QgsApplication.taskManager().addTask(task)
        qtbot.waitUntil(lambda: bool(work.requests), timeout=5000)
        task.stop()
    assert ended.args[0].state is RunState.CANCELLED
    assert [orders.is_cancelled for orders in work.orders] == [True]


def test_a_run_reports_once(qtbot, qgis_app, work, request_):
    reports = []
    task = RunTask(request_, work.services())
    task.run_ended.connect(reports.append)
    QgsApplication.taskManager().addTask(task)
    qtbot.waitUntil(lambda: bool(reports), timeout=5000)
    qtbot.wait(100)
    assert [report.state for report in reports] == [RunState.FINISHED]


def test_a_run_spares_the_window_full_garbage_collections_and_gives_them_back(qtbot, qgis_app, work, request_):
    frozen = []

    def run(request, connection, orders, on_progress, on_image):
        frozen.append(gc.get_freeze_count())
        on_progress(Progress(Stage.MASKING, 0, 1))
        frozen.append(gc.get_freeze_count())
        raise OSError("the run broke off")

    before = gc.get_freeze_count()
    task = RunTask(request_, replace(work.services(), run=run))
    with qtbot.waitSignal(task.run_ended, timeout=5000):
        QgsApplication.taskManager().addTask(task)
    assert frozen[0] == before
    assert frozen[1] > before + 10_000
    assert gc.get_freeze_count() == 0


def test_a_function_gives_its_value(qtbot, qgis_app):
    counts = []

    def work(on_count, is_cancelled):
        on_count(1, 2)
        return 42

    task = FunctionTask("forty-two", work)
    task.counted.connect(lambda done, total: counts.append((done, total)))
    with qtbot.waitSignal(task.succeeded, timeout=5000) as ended:
        QgsApplication.taskManager().addTask(task)
    assert ended.args == [42]
    assert counts == [(1, 2)]


def test_a_function_that_fails_gives_a_sentence(qtbot, qgis_app):
    task = FunctionTask("fails", lambda on_count, is_cancelled: 1 / 0)
    with qtbot.waitSignal(task.failed, timeout=5000) as ended:
        QgsApplication.taskManager().addTask(task)
    assert "ZeroDivisionError" in ended.args[0]
    assert "Traceback" not in ended.args[0]


def test_a_cancelled_function_stops_without_a_value(qtbot, qgis_app, work):
    def wait(on_count, is_cancelled):
        while not is_cancelled():
            work.release.wait(0.01)
        return "too late"

    task = FunctionTask("waits", wait)
    values = []
    task.succeeded.connect(values.append)
    with qtbot.waitSignal(task.stopped, timeout=5000):
        QgsApplication.taskManager().addTask(task)
        qtbot.wait(50)
        task.cancel()
    assert values == []
