"""The window that moves collections, by real clicks: what is asked, told and remembered, and the question before
anything is deleted."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from qgis import processing
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QMessageBox

from s2mask_qgis.gis.errors import UserError
from s2mask_qgis.gui.moving_services import MovingServices
from s2mask_qgis.gui.moving_window import MovingWindow
from s2mask_qgis.jobs.moving_request import MoveProgress, MoveReport, MoveStage
from s2mask_qgis.jobs.report import RunState
from tests.gui.fakes import click


@dataclass
class FakeMoves:
    """Services whose behaviour a test chooses, and what they were asked."""

    standing_report: MoveReport = field(default_factory=lambda: MoveReport(RunState.FINISHED, ""))
    report: MoveReport = field(default_factory=lambda: MoveReport(RunState.FINISHED, "5 of 5 images are here.", 5, 5))
    error: Exception | None = None
    nobody: bool = False
    waits: bool = False
    release: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    moves: list = field(default_factory=list)
    deletes: list = field(default_factory=list)
    orders: list = field(default_factory=list)

    def services(self) -> MovingServices:
        return MovingServices(self.connect, lambda _settings: "my-project", self.standing, self.move, self.delete)

    def connect(self, _settings):
        if self.nobody:
            raise UserError("Nobody is signed in to Earth Engine. Sign in first, in the dock.")
        return "connection"

    def standing(self, _folder, _on_count, _is_cancelled):
        return self.standing_report

    def move(self, request, connection, orders, on_progress):
        self.moves.append((request, connection))
        self.orders.append(orders)
        on_progress(MoveProgress(MoveStage.EXPORTING, 2, 5, 1, 3, "The queue is full."))
        self.begun.set()
        while self.waits and not self.release.wait(0.02):
            if orders.is_stopped():
                return MoveReport(RunState.PAUSED if orders.is_paused else RunState.CANCELLED, "Stopped.")
        if self.error:
            raise self.error
        return self.report

    def delete(self, folder, project, count, connection, orders, on_progress):
        self.deletes.append((folder, project, count))
        return MoveReport(RunState.FINISHED, f"{count} assets deleted.", 5, 5, count)


@pytest.fixture
def moves():
    return FakeMoves()


@pytest.fixture
def make_window(qgis_app, qtbot, settings, moves):
    windows = []

    def make() -> MovingWindow:
        window = MovingWindow(moves.services(), settings, None)
        qtbot.addWidget(window)
        window.open_beside()
        windows.append(window)
        return window

    yield make
    moves.release.set()
    for window in windows:
        window.close_down()


@pytest.fixture
def window(make_window):
    return make_window()


def fill(window, folder):
    window.sourceEdit.setText("users/ann/masks")
    window.driveEdit.setText("moved")
    folder.mkdir(exist_ok=True)
    window.folderEdit.setFilePath(str(folder))


def finished(qtbot, window):
    qtbot.waitUntil(lambda: not window.is_busy, timeout=10_000)


def test_a_move_is_asked_for_as_the_form_says(qtbot, window, moves, tmp_path):
    fill(window, tmp_path / "here")
    window.tasksSpin.setValue(12)
    click(window, "moveButton")
    finished(qtbot, window)
    ((request, connection),) = moves.moves
    assert (request.project, request.source, request.drive_folder) == ("my-project", "users/ann/masks", "moved")
    assert (request.folder, request.throttle.nb_task_max) == (tmp_path / "here", 12)
    assert connection == "connection"
    assert window.moveState.text() == "5 of 5 images are here."
    assert not window.moveState.has_problem


@pytest.mark.parametrize("name", ["projectEdit", "sourceEdit", "driveEdit"])
def test_what_is_missing_is_told_and_nothing_begins(window, moves, tmp_path, name):
    fill(window, tmp_path)
    getattr(window, name).setText(" ")
    click(window, "moveButton")
    assert window.moveState.has_problem
    assert not moves.moves


def test_a_folder_that_is_missing_is_told(window, moves):
    window.sourceEdit.setText("users/ann/masks")
    click(window, "moveButton")
    assert window.moveState.text() == "Choose a folder on this computer."


def test_nobody_signed_in_is_told(window, moves, tmp_path):
    moves.nobody = True
    fill(window, tmp_path)
    click(window, "moveButton")
    assert "Sign in first" in window.moveState.text()
    assert not window.is_busy


def test_progress_is_told_and_the_form_is_locked_meanwhile(qtbot, window, moves, tmp_path):
    moves.waits = True
    fill(window, tmp_path)
    click(window, "moveButton")
    expected = "Exporting to Google Drive: 2 of 5, 3 active, 1 failed. The queue is full."
    qtbot.waitUntil(lambda: window.moveState.text() == expected, timeout=10_000)
    assert window.moveProgress.value() == 2
    assert not window.sourceEdit.isEnabled()
    assert window.stopButton.isVisible()
    moves.release.set()
    finished(qtbot, window)
    assert window.sourceEdit.isEnabled()
    assert not window.stopButton.isVisible()


@pytest.mark.parametrize(("button", "is_paused"), [("pauseButton", True), ("stopButton", False)])
def test_a_move_is_paused_or_cancelled(qtbot, window, moves, tmp_path, button, is_paused):
    moves.waits = True
    fill(window, tmp_path)
    click(window, "moveButton")
    qtbot.waitUntil(moves.begun.is_set, timeout=10_000)
    click(window, button)
    finished(qtbot, window)
    assert (moves.orders[0].is_paused, moves.orders[0].is_cancelled) == (is_paused, not is_paused)


def test_closing_down_pauses(qtbot, window, moves, tmp_path):
    moves.waits = True
    fill(window, tmp_path)
    click(window, "moveButton")
    qtbot.waitUntil(moves.begun.is_set, timeout=10_000)
    window.close_down()
    assert moves.orders[0].is_paused
    assert not window.is_busy


def test_failures_and_notes_are_listed(qtbot, window, moves, tmp_path):
    failed, notes = (("a", "It is broken."),), ("b: 1 more file of this name in Drive.",)
    moves.report = MoveReport(RunState.FINISHED_WITH_FAILURES, "4 of 5 …", 5, 4, failed=failed, notes=notes)
    fill(window, tmp_path)
    click(window, "moveButton")
    finished(qtbot, window)
    assert window.moveState.has_problem
    texts = [window.failureList.item(row).text() for row in range(window.failureList.count())]
    assert texts == ["a: It is broken.", *notes]


def test_an_error_that_nobody_foresaw_is_told(qtbot, window, moves, tmp_path):
    moves.error = RuntimeError("surprise")
    fill(window, tmp_path)
    click(window, "moveButton")
    finished(qtbot, window)
    assert window.moveState.has_problem


def answer_with(role, seen):
    """Answer the question that comes up, by the button of a role."""

    def answer():
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(50, answer)
            return
        seen.append((box.text(), box.defaultButton() is box.button(QMessageBox.StandardButton.Cancel)))
        buttons = [button for button in box.buttons() if box.buttonRole(button) == role]
        QTest.mouseClick(buttons[0], Qt.MouseButton.LeftButton)

    QTimer.singleShot(50, answer)


@pytest.fixture
def moved(qtbot, window, moves, tmp_path):
    moves.standing_report = MoveReport(RunState.FINISHED, "", 5, 5, 0, 4)
    fill(window, tmp_path)
    qtbot.waitUntil(window.deleteButton.isEnabled, timeout=10_000)
    return window


def test_how_earlier_moves_stand_is_told(moved):
    assert moved.countsLabel.text() == ("5 images exported, 5 verified on this computer, 0 deleted from Earth Engine")
    assert moved.deleteButton.text() == "Delete 4 assets…"


def test_assets_are_deleted_once_their_number_is_confirmed(qtbot, moved, moves, tmp_path):
    seen = []
    answer_with(QMessageBox.ButtonRole.DestructiveRole, seen)
    click(moved, "deleteButton")
    finished(qtbot, moved)
    assert moves.deletes == [(tmp_path, "my-project", 4)]
    ((text, is_cancel_default),) = seen
    assert "Delete 4 assets from Earth Engine?" in text
    assert is_cancel_default


def test_nothing_is_deleted_without_the_confirmation(moved, moves):
    answer_with(QMessageBox.ButtonRole.RejectRole, [])
    click(moved, "deleteButton")
    assert not moves.deletes
    assert not moved.is_busy


def test_nothing_can_be_deleted_before_something_is_verified(window, tmp_path, qtbot):
    fill(window, tmp_path)
    qtbot.wait(50)
    assert not window.deleteButton.isEnabled()


def test_the_form_is_remembered(qtbot, window, moves, make_window, tmp_path):
    fill(window, tmp_path)
    click(window, "moveButton")
    finished(qtbot, window)
    other = make_window()
    assert other.sourceEdit.text() == "users/ann/masks"
    assert other.driveEdit.text() == "moved"
    assert other.folderEdit.filePath() == str(tmp_path)


@pytest.mark.parametrize("stored", ["{", "[]", '{"sourceEdit": 3}', 5])
def test_a_memory_that_makes_no_sense_is_forgotten(settings, make_window, stored):
    settings.setValue("s2mask_qgis/moving", stored)
    assert make_window().sourceEdit.text() == ""


def test_the_way_back_opens_its_form_filled(window, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(
        processing, "execAlgorithmDialog", lambda name, values: asked.append((name, values)), raising=False
    )
    fill(window, tmp_path)
    click(window, "backButton")
    assert asked == [("s2mask:bringback", {"PROJECT": "my-project", "FOLDER": str(tmp_path)})]


def test_without_processing_the_way_back_is_told(window, monkeypatch):
    monkeypatch.delattr(processing, "execAlgorithmDialog", raising=False)
    click(window, "backButton")
    assert "Processing is switched off" in window.moveState.text()
