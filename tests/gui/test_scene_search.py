"""The window that finds scenes, by real clicks: what is listed, what is downloaded, what is told and remembered."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
from qgis.PyQt.QtCore import QDate

from s2mask_qgis.catalogues.products import Offer, parse_name
from s2mask_qgis.catalogues.tokens import Account
from s2mask_qgis.core.area import Area
from s2mask_qgis.engines.errors import CancelledError, StorageError, TransientError
from s2mask_qgis.gis.errors import UserError
from s2mask_qgis.gui.scene_search import ACCOUNT_SETTING, FormFacts, SceneSearch
from s2mask_qgis.gui.scene_services import SceneServices
from s2mask_qgis.gui.scene_wording import size_text
from s2mask_qgis.jobs.scene_request import COPERNICUS, GOOGLE, DownloadReport, FoundScene
from tests.catalogues.stand_in import product
from tests.gui.fakes import add_area, choose_scenes, click, text_of

AREA = Area(((((15.0, 48.0), (15.1, 48.0), (15.1, 48.1), (15.0, 48.0)),),))


def scene(day: str, clouds: float | None, size: int | None, is_there: bool = False) -> FoundScene:
    return FoundScene(Offer(parse_name(product(day)), clouds, size, (), day), is_there)


SCENES = (
    scene("20230105", 23.5, 800_000_000),
    scene("20230110", 91.0, 700_000_000),
    scene("20230115", 2.0, 750_000_000, is_there=True),
    scene("20230120", None, 900_000_000),
)


@dataclass
class FakeCatalogue:
    """Services whose behaviour a test chooses, and what they were asked."""

    found: tuple[FoundScene, ...] = SCENES
    find_error: Exception | None = None
    error: Exception | None = None
    account_error: Exception | None = None
    report: DownloadReport | None = None
    waits: bool = False
    release: threading.Event = field(default_factory=threading.Event)
    wishes: list = field(default_factory=list)
    downloads: list = field(default_factory=list)

    def services(self) -> SceneServices:
        return SceneServices(self.account, self.find, self.download)

    def account(self, config_id):
        if self.account_error:
            raise self.account_error
        return Account("ann", "planted-secret")

    def find(self, source, wish, folder, on_count, is_cancelled):
        self.wishes.append((source, wish, folder))
        if self.find_error:
            raise self.find_error
        on_count(3, 0)
        self._wait(is_cancelled)
        return self.found

    def download(self, source, account, offers, folder, on_count, is_cancelled):
        self.downloads.append((source, account, tuple(offer.key for offer in offers), folder))
        if self.error:
            raise self.error
        on_count(250, 1700)
        self._wait(is_cancelled)
        return self.report or DownloadReport(tuple(offer.name.text for offer in offers))

    def _wait(self, is_cancelled):
        while self.waits and not self.release.wait(0.02):
            if is_cancelled():
                raise CancelledError("Stopped.")


@pytest.fixture
def catalogue():
    return FakeCatalogue()


@pytest.fixture
def facts(tmp_path):
    return FormFacts(AREA, "12.4 km²", "2023-01-01", "2023-12-31", "L1C", tmp_path)


@pytest.fixture
def make_window(iface, qtbot, settings, catalogue, facts):
    windows = []

    def make(form_facts=facts):
        window = SceneSearch(catalogue.services(), settings, lambda: form_facts, iface.window)
        qtbot.addWidget(window)
        window.open_beside()
        windows.append(window)
        return window

    yield make
    for window in windows:
        window.close_down()


def find(qtbot, window):
    click(window, "findButton")
    qtbot.waitUntil(lambda: not window.is_busy, timeout=5000)


def download(qtbot, window):
    click(window, "downloadButton")
    qtbot.waitUntil(lambda: not window.is_busy, timeout=5000)


def rows(window):
    tree = window.foundTree
    items = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return [tuple(item.text(column) for column in range(5)) for item in items]


def test_the_window_begins_with_the_area_and_the_days_of_the_form(make_window):
    window = make_window()
    assert not window.isModal()
    assert window.searchStart.date() == QDate(2023, 1, 1)
    assert window.searchEnd.date() == QDate(2023, 12, 31)
    assert window.searchLevel.currentData() == "L1C"
    assert text_of(window, "searchState") == "12.4 km²"
    assert not window.downloadButton.isEnabled()
    assert not window.stopButton.isVisible()


def test_what_is_found_is_listed_and_what_is_missing_has_a_tick(qtbot, make_window, catalogue, tmp_path):
    window = make_window()
    window.searchEnd.setDate(QDate(2023, 6, 30))
    window.searchLevel.setCurrentIndex(1)
    find(qtbot, window)
    ((source, wish, folder),) = catalogue.wishes
    assert (source, folder) == (COPERNICUS, tmp_path)
    assert (wish.area, wish.start, wish.end, wish.level) == (AREA, date(2023, 1, 1), date(2023, 6, 30), "L2A")
    assert text_of(window, "searchState") == "4 scenes found, 3 missing in the folder"
    assert rows(window) == [
        ("2023-01-05", "33UVP", "24 %", "800 MB", "missing"),
        ("2023-01-10", "33UVP", "91 %", "700 MB", "missing"),
        ("2023-01-20", "33UVP", "?", "900 MB", "missing"),
    ]
    assert window.downloadButton.text() == "&Download 3 scenes (2.4 GB)"


def test_filters_and_ticks_choose_what_is_downloaded(qtbot, make_window, catalogue, tmp_path):
    window = make_window()
    find(qtbot, window)
    window.cloudLimit.setValue(50)
    assert [row[0] for row in rows(window)] == ["2023-01-05", "2023-01-20"]
    window.onlyMissing.click()
    assert [row[0] for row in rows(window)] == ["2023-01-05", "2023-01-15", "2023-01-20"]
    assert rows(window)[1][4] == "in the folder"
    click(window, "untickButton")
    assert not window.downloadButton.isEnabled()
    click(window, "tickButton")
    assert [found.offer.key for found in window.foundTree.ticked()] == ["20230105", "20230120"]
    download(qtbot, window)
    (asked,) = catalogue.downloads
    assert (asked[0], asked[1].user, asked[2], asked[3]) == (COPERNICUS, "ann", ("20230105", "20230120"), tmp_path)


def test_a_download_tells_what_came_and_lists_it_as_there(qtbot, make_window):
    window = make_window()
    find(qtbot, window)
    with qtbot.waitSignal(window.downloaded, timeout=5000):
        click(window, "downloadButton")
    assert text_of(window, "downloadState") == "3 scenes downloaded."
    assert rows(window) == []
    assert not window.downloadState.has_problem


def test_a_download_that_was_not_complete_says_why(qtbot, make_window, catalogue):
    name = product("20230105")
    catalogue.report = DownloadReport((product("20230110"),), (), ((name, "It is gone."),), "The disk is full.")
    window = make_window()
    find(qtbot, window)
    download(qtbot, window)
    assert text_of(window, "downloadState") == f"1 scene downloaded, 1 failed.\nThe disk is full.\n{name}: It is gone."
    assert window.downloadState.has_problem
    assert [row[0] for row in rows(window)] == ["2023-01-05", "2023-01-20"]


def test_progress_is_shown_and_a_download_can_be_stopped(qtbot, make_window, catalogue):
    window = make_window()
    find(qtbot, window)
    catalogue.waits = True
    click(window, "downloadButton")
    qtbot.waitUntil(lambda: text_of(window, "downloadState") == "Downloading: 250 MB of 1.7 GB", timeout=5000)
    assert (window.downloadProgress.value(), window.downloadProgress.maximum()) == (250, 1700)
    assert not window.findButton.isEnabled()
    with qtbot.waitSignal(window.downloaded, timeout=5000):
        click(window, "stopButton")
    assert "What came is kept" in text_of(window, "downloadState")
    assert window.findButton.isEnabled()


def test_a_search_can_be_stopped(qtbot, make_window, catalogue):
    catalogue.waits = True
    window = make_window()
    click(window, "findButton")
    qtbot.waitUntil(lambda: text_of(window, "searchState") == "Looking for scenes: 3 products so far", timeout=5000)
    click(window, "stopButton")
    qtbot.waitUntil(lambda: text_of(window, "searchState") == "Stopped.", timeout=5000)


def test_a_search_that_fails_or_finds_nothing_says_so(qtbot, make_window, catalogue):
    window = make_window()
    catalogue.find_error = TransientError("catalogue.example does not answer. Check the connection.")
    find(qtbot, window)
    assert text_of(window, "searchState") == "catalogue.example does not answer. Check the connection."
    catalogue.find_error, catalogue.found = None, ()
    find(qtbot, window)
    assert "no scenes of this area" in text_of(window, "searchState")


def test_a_download_that_cannot_begin_says_so(qtbot, make_window, catalogue):
    window = make_window()
    find(qtbot, window)
    catalogue.error = StorageError("The scenes take 2.4 GB. Choose fewer.")
    download(qtbot, window)
    assert text_of(window, "downloadState") == "The scenes take 2.4 GB. Choose fewer."
    catalogue.account_error = UserError("Choose an account.")
    click(window, "downloadButton")
    assert text_of(window, "downloadState") == "Choose an account."
    assert len(catalogue.downloads) == 1


@pytest.mark.parametrize("missing", ["area", "folder"])
def test_without_area_or_folder_nothing_is_asked(qtbot, make_window, catalogue, missing, tmp_path):
    area = None if missing == "area" else AREA
    folder = None if missing == "folder" else tmp_path
    window = make_window(FormFacts(area, "Choose an area.", "2023-01-01", "2023-12-31", "L1C", folder))
    click(window, "findButton")
    expected = "Choose an area." if missing == "area" else "First choose the folder of the scenes in the dock"
    assert text_of(window, "searchState").startswith(expected)
    assert not catalogue.wishes


def test_the_bucket_needs_no_account_and_the_source_is_remembered(qtbot, make_window, catalogue):
    window = make_window()
    assert window.account.isVisible()
    find(qtbot, window)
    window.sourceChoice.setCurrentIndex(window.sourceChoice.findData(GOOGLE))
    assert rows(window) == []
    assert not window.account.isVisible()
    catalogue.account_error = UserError("never asked")
    find(qtbot, window)
    download(qtbot, window)
    assert catalogue.downloads[0][:2] == (GOOGLE, None)
    again = make_window()
    assert again.sourceChoice.currentData() == GOOGLE


def test_the_account_is_remembered_by_its_entry_alone(qtbot, make_window, settings):
    window = make_window()
    window.account.selectedConfigIdChanged.emit("abc1234")
    find(qtbot, window)
    download(qtbot, window)
    settings.sync()
    assert settings.value(ACCOUNT_SETTING) == "abc1234"
    assert "planted-secret" not in Path(settings.fileName()).read_text()


def test_closing_lets_a_download_go_on_and_opening_shows_it_again(qtbot, make_window, catalogue):
    window = make_window()
    find(qtbot, window)
    catalogue.waits = True
    click(window, "downloadButton")
    qtbot.waitUntil(lambda: bool(catalogue.downloads), timeout=5000)
    click(window, "closeButton")
    assert not window.isVisible()
    assert window.is_busy
    window.open_beside()
    assert window.stopButton.isVisible()
    catalogue.release.set()
    qtbot.waitUntil(lambda: not window.is_busy, timeout=5000)
    assert text_of(window, "downloadState") == "3 scenes downloaded."


def test_the_dock_opens_the_window_with_what_its_form_says(qtbot, make_dock, project, tmp_path):
    layer = add_area(project)
    dock = make_dock()
    dock.area.areaLayer.setLayer(layer)
    choose_scenes(qtbot, dock, tmp_path / "scenes")
    click(dock, "findButton")
    window = dock.search
    assert window.isVisible()
    assert "km²" in text_of(window, "searchState")
    assert window.searchStart.date() == dock.images.dateStart.date()
    with qtbot.waitSignal(dock.scenes_ready, timeout=5000):
        window.downloaded.emit()


def test_scenes_are_looked_through_after_a_run_that_reads_them(qtbot, make_dock, project, tmp_path):
    dock = make_dock()
    choose_scenes(qtbot, dock, tmp_path / "scenes")
    dock.scenes.setEnabled(False)
    dock.scenes.look_again()
    assert not dock.scenes.is_busy
    with qtbot.waitSignal(dock.scenes_ready, timeout=5000):
        dock.scenes.setEnabled(True)


def test_an_area_that_is_missing_is_told_in_the_window(make_dock, project):
    dock = make_dock()
    click(dock, "findButton")
    click(dock.search, "findButton")
    assert text_of(dock.search, "searchState")
    assert dock.search.searchState.has_problem


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, "?"), (0, "0 MB"), (450_000, "0.5 MB"), (812_000_000, "812 MB"), (9_700_000_000, "9.7 GB")],
)
def test_sizes_are_short(size, text):
    assert size_text(size) == text
