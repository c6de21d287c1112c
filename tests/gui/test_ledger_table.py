"""The window of a run's images: filter, order, looks that follow each other, and what can be done with them."""

from __future__ import annotations

import pytest
from qgis.core import QgsVectorLayer
from qgis.PyQt.QtCore import QItemSelectionModel, Qt
from qgis.PyQt.QtWidgets import QDialog

from s2mask_qgis.engines.errors import StorageError
from s2mask_qgis.gui import ledger_control
from s2mask_qgis.gui.ledger_control import LedgerControl
from s2mask_qgis.jobs.ledger.rows import RowState
from tests.gui.fakes import FakeLedgers, click, make_row, text_of

REQUEST = object()


@pytest.fixture
def ledgers(tmp_path):
    rows = [
        make_row(0, RowState.DONE, cloud_share=0.234, attempts=2),
        make_row(1, RowState.FAILED, reason="B3 is missing.", is_permanent=True, attempts=1),
        make_row(2, RowState.FAILED, reason="Timed out.", attempts=3),
        make_row(3, RowState.RUNNING, attempts=1),
        make_row(4),
    ]
    return FakeLedgers(rows, path=tmp_path / "mountains" / "run-12345678.gpkg")


@pytest.fixture
def control(qtbot, iface, project, ledgers):
    control = LedgerControl(iface.canvas, project, ledgers.services(), iface.window)
    yield control
    control.close()


@pytest.fixture
def table(qtbot, control):
    with qtbot.waitSignal(control.found, timeout=5000):
        control.follow(REQUEST)
    with qtbot.waitSignal(control.found, timeout=5000):
        control.open_table()
    return control.table


def shown(table) -> list[str]:
    model = table.model
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def column(table, number) -> list[str]:
    return [table.model.index(row, number).data() for row in range(table.model.rowCount())]


def select(table, *rows) -> None:
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    table.imagesTable.clearSelection()
    for row in rows:
        table.imagesTable.selectionModel().select(table.model.index(row, 0), flags)


def test_rows_are_read_only_once_somebody_looks(qtbot, control, ledgers):
    with qtbot.waitSignal(control.found, timeout=5000) as found:
        control.follow(REQUEST)
    assert found.args[0].counts[RowState.FAILED] == 2
    assert ledgers.looks == [(REQUEST, None, None, 0)]


def test_every_image_is_told_with_its_state_share_and_reason(table):
    assert isinstance(table, QDialog)
    assert table.windowTitle() == "Images of the run · mountains"
    assert shown(table) == [f"2023-01-0{day}" for day in range(1, 6)]
    assert column(table, 2) == ["done", "failed", "failed", "running", "waiting"]
    assert column(table, 3) == ["23 %", "", "", "", ""]
    assert column(table, 5)[1:3] == ["B3 is missing. Trying again will not help.", "Timed out."]
    assert text_of(table, "shownLabel") == "5 images"


def test_states_and_text_filter_together(table):
    table.stateFilter.setCurrentIndex(table.stateFilter.findData(RowState.FAILED))
    assert table.stateFilter.currentText() == "failed (2)"
    assert shown(table) == ["2023-01-02", "2023-01-03"]
    assert text_of(table, "shownLabel") == "2 of 5 images"
    table.textFilter.setText("TIMED")
    assert shown(table) == ["2023-01-03"]
    table.stateFilter.setCurrentIndex(0)
    table.textFilter.setText("2023-01-05")
    assert column(table, 2) == ["waiting"]


def test_a_click_on_a_heading_sorts(table):
    table.imagesTable.sortByColumn(4, Qt.SortOrder.DescendingOrder)
    assert column(table, 4) == ["3", "2", "1", "1", ""]


def test_a_new_look_reads_what_changed_and_keeps_selection_and_order(qtbot, control, table, ledgers):
    select(table, 3)
    ledgers.rows[3] = make_row(3, RowState.DONE, cloud_share=0.5, updated_s=10.0)
    with qtbot.waitSignal(control.found, timeout=5000):
        control.look()
    assert column(table, 2)[3] == "done"
    assert [row.index for row in table.selected()] == ["image3"]
    ledgers.rows.append(make_row(9, updated_s=20.0))
    with qtbot.waitSignal(control.found, timeout=5000):
        control.look()
    assert ledgers.looks[-1][2] == 10.0
    assert len(shown(table)) == 6
    assert [row.index for row in table.selected()] == ["image3"]


def test_a_selection_outlives_images_that_come_before_it(qtbot, control, table, ledgers):
    select(table, 2, 3)
    ledgers.rows.insert(0, make_row(-5, updated_s=20.0))
    with qtbot.waitSignal(control.found, timeout=5000):
        control.look()
    assert shown(table)[0] == "2022-12-27"
    assert [row.index for row in table.selected()] == ["image2", "image3"]


def test_retry_is_offered_for_what_failed_alone(qtbot, control, table):
    select(table, 0)
    assert not table.retryButton.isEnabled()
    assert table.retryFailedButton.isEnabled()
    select(table, 0, 1, 2)
    with qtbot.waitSignal(control.retry_asked, timeout=1000) as asked:
        click(table, "retryButton")
    assert asked.args == [["image1", "image2"]]
    with qtbot.waitSignal(control.retry_asked, timeout=1000) as asked:
        click(table, "retryFailedButton")
    assert asked.args == [None]


def test_the_map_goes_to_the_selected_images(table, iface):
    assert not table.zoomButton.isEnabled()
    select(table, 1)
    click(table, "zoomButton")
    extent = iface.canvas.extent()
    assert extent.contains(15.1, 48.1)
    assert extent.width() < 1


def test_the_layer_is_added_once_and_refreshed_by_each_look(qtbot, control, table, project, monkeypatch):
    made, refreshed = [], []

    def ledger_layer(path):
        layer = QgsVectorLayer("Polygon?crs=EPSG:4326", "images", "memory")
        layer.setCustomProperty(ledger_control.LEDGER_PROPERTY, str(path))
        made.append(path)
        return layer

    monkeypatch.setattr(ledger_control, "ledger_layer", ledger_layer)
    monkeypatch.setattr(ledger_control, "refresh", refreshed.append)
    click(table, "mapButton")
    click(table, "mapButton")
    assert made == [control.path]
    with qtbot.waitSignal(control.found, timeout=5000):
        control.look()
    assert len(refreshed) == 1
    project.clear()
    with qtbot.waitSignal(control.found, timeout=5000):
        control.look()
    assert len(refreshed) == 1


def test_the_table_is_exported_under_the_ending_that_was_chosen(qtbot, control, table, ledgers, tmp_path, monkeypatch):
    chosen = (str(tmp_path / "images"), "Excel workbook (*.xlsx)")
    monkeypatch.setattr("s2mask_qgis.gui.ledger_control.QFileDialog.getSaveFileName", lambda *_: chosen)
    click(table, "exportButton")
    qtbot.waitUntil(lambda: "Written" in text_of(table, "doneState"), timeout=5000)
    assert ledgers.exports == [(control.path, tmp_path / "images.xlsx")]


def test_a_ledger_that_cannot_be_read_is_a_sentence(qtbot, control, table, ledgers):
    ledgers.error = StorageError("The ledger cannot be opened: check the permissions.")
    with qtbot.waitSignal(control.failed, timeout=5000):
        control.look()
    assert "check the permissions" in text_of(table, "ledgerState")


def test_while_a_run_goes_on_the_table_follows_it(qtbot, control, table, ledgers, monkeypatch):
    control._timer.setInterval(20)
    control.set_running(True)
    before = len(ledgers.looks)
    qtbot.waitUntil(lambda: len(ledgers.looks) > before + 3, timeout=5000)
    control.set_running(False)
    qtbot.wait(100)
    count = len(ledgers.looks)
    qtbot.wait(100)
    assert len(ledgers.looks) == count


def test_a_run_too_large_for_the_table_shows_one_state_of_it(qtbot, control, ledgers, monkeypatch):
    monkeypatch.setattr(ledger_control, "MOST_ROWS", 4)
    with qtbot.waitSignal(control.found, timeout=5000):
        control.follow(REQUEST)
    with qtbot.waitSignal(control.found, timeout=5000):
        control.open_table()
    table = control.table
    assert len(shown(table)) == 4
    assert text_of(table, "shownLabel") == "4 of 5 images"
    with qtbot.waitSignal(control.found, timeout=5000):
        table.stateFilter.setCurrentIndex(table.stateFilter.findData(RowState.WAITING))
    assert ledgers.looks[-1][1] == (RowState.WAITING,)
    assert shown(table) == ["2023-01-05"]


def test_ten_thousand_images_are_filtered_and_sorted(qtbot, control, ledgers):
    ledgers.rows = [make_row(number, list(RowState)[number % 8]) for number in range(10_000)]
    with qtbot.waitSignal(control.found, timeout=20000):
        control.follow(REQUEST)
    with qtbot.waitSignal(control.found, timeout=20000):
        control.open_table()
    table = control.table
    assert table.model.rowCount() == 10_000
    table.textFilter.setText("image99")
    assert table.model.rowCount() == 111
    table.textFilter.setText("")
    table.imagesTable.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    assert [column(table, 2)[row] for row in (0, -1)] == ["waiting", "cancelled"]


def test_a_ledger_that_another_qgis_writes_is_followed_and_nothing_is_retried(qtbot, control, table, ledgers):
    control._timer.setInterval(50)
    ledgers.holder = (
        "run-12345678.gpkg is being written by QGIS on alps (process 7) since 10:32; it is shown read-only."
    )
    with qtbot.waitSignal(control.found, timeout=5000):
        control.look()
    assert text_of(table, "ledgerState") == ledgers.holder
    assert not table.retryFailedButton.isEnabled()
    ledgers.holder = ""
    qtbot.waitUntil(lambda: table.retryFailedButton.isEnabled(), timeout=5000)
    assert text_of(table, "ledgerState") == ""
    looks = len(ledgers.looks)
    qtbot.wait(200)
    assert len(ledgers.looks) <= looks + 1
