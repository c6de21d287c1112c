"""Layers of Earth Engine stay alive: added as results come, renewed as they expire, downloaded when asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRasterLayer,
)
from qgis.PyQt.QtCore import QEventLoop, QSize
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QPushButton

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.engines.errors import CancelledError, TransientError
from s2mask_qgis.gis.result_layers import ResultLayers
from s2mask_qgis.gis.tile_layers import tile_layers, view_of
from s2mask_qgis.gui import tile_control
from s2mask_qgis.gui.messages import Messages
from s2mask_qgis.gui.tile_control import RETRY_S, TileControl
from s2mask_qgis.gui.tile_menu import TileMenu
from s2mask_qgis.gui.tile_services import Access, TileServices
from s2mask_qgis.jobs.ledger.rows import ImageRow, RowState
from s2mask_qgis.jobs.report import ImageOutcome, ImageState
from s2mask_qgis.jobs.request import EarthEngineChoice, RunRequest
from s2mask_qgis.jobs.tile_views import MAP_LIFETIME_S, TileAnswers, Tiles, TileView
from tests.gis.tile_server import TileService, serving
from tests.gui.fakes import DAY_MS, FIRST_MS, write_raster

BOX = (15.0, 48.0, 15.1, 48.1)
ACCESS = Access(connection=None, project="p-123456")


@dataclass
class FakeEarthEngine:
    """Makes maps at the tile server, a new colour each time it is asked."""

    tiles: TileService
    folder: Path
    colour: str = "#ff0000"
    now_s: float = 1_000_000.0
    error: Exception | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    access: Access | None = ACCESS
    by_hand: list[bool] = field(default_factory=list)

    def may_ask(self, by_hand: bool) -> Access | None:
        self.by_hand.append(by_hand)
        return self.access

    def ask(self, access, views, with_boxes, is_cancelled) -> TileAnswers:
        self.asked.append((access.project, len(views)))
        if self.error is not None:
            raise self.error
        boxed = BOX if with_boxes else None
        problems = {view: f"{view.asset} is gone." for view in views if view.asset in self.gone}
        there = [view for view in views if view not in problems]
        return TileAnswers(tuple(Tiles(view, self._publish(view), self.now_s, boxed) for view in there), problems)

    def _publish(self, view: TileView) -> str:
        return self.tiles.publish(f"{len(self.asked)}-{view.way}-{view.asset[-6:]}", self.colour)

    def fetch(self, access, folder, assets, is_cancelled) -> dict[str, Path]:
        if is_cancelled():
            raise CancelledError("stopped")
        self.fetched += assets
        names = ("mask", "probability")
        return {one: write_raster(folder / f"{one.rsplit('/', 1)[1]}.tif", 2, 1.0, names) for one in assets}


@pytest.fixture
def service() -> Iterator[TileService]:
    with serving() as service:
        yield service


@pytest.fixture
def earth_engine(service, tmp_path) -> FakeEarthEngine:
    return FakeEarthEngine(service, tmp_path)


@pytest.fixture
def control(project, earth_engine, qtbot) -> Iterator[TileControl]:
    services = TileServices(earth_engine.ask, earth_engine.fetch)
    control = TileControl(
        project, services, lambda by_hand: earth_engine.may_ask(by_hand), now=lambda: earth_engine.now_s
    )
    yield control
    control.stop()


@pytest.fixture
def layers(project) -> ResultLayers:
    return ResultLayers(project, "run")


def outcome_of(number: int, state: ImageState = ImageState.DONE) -> ImageOutcome:
    index = f"image{number:03d}"
    outputs = {kind: f"projects/p-123456/assets/{kind}/{index}" for kind in ("mask", "ndvi")}
    return ImageOutcome(index, "33UVP", FIRST_MS + number * DAY_MS, state, cloud_share=0.1, outputs=outputs)


def add(control: TileControl, layers: ResultLayers, qtbot, count: int = 1) -> None:
    for number in range(count):
        assert control.show(outcome_of(number), layers, "L1C")
    qtbot.waitUntil(lambda: len(layers.steps()) == count and not layer_queue_waits(control), timeout=10000)


def layer_queue_waits(control: TileControl) -> bool:
    return not control._queue.is_idle


def shown(layer: QgsRasterLayer) -> str:
    """The colour in the middle of a layer."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    settings.setExtent(layer.extent())
    settings.setOutputSize(QSize(100, 100))
    settings.setBackgroundColor(QColor(0, 0, 0))
    job, loop = QgsMapRendererParallelJob(settings), QEventLoop()
    job.finished.connect(loop.quit)
    job.start()
    loop.exec()
    return job.renderedImage().pixelColor(50, 50).name()


def one_of(project: QgsProject, way: str) -> QgsRasterLayer:
    return next(layer for layer in tile_layers(project) if view_of(layer).way == way)


def test_images_get_their_layers_in_few_tasks(control, layers, project, earth_engine, qtbot):
    add(control, layers, qtbot, 10)
    assert len(list(tile_layers(project))) == 10 * 5
    assert [count for _, count in earth_engine.asked] == [5, 40, 5]  # the first at once, then eight together
    assert shown(one_of(project, "ndvi")) == "#ff0000"


def test_results_that_are_files_have_no_layers_here(control, layers, earth_engine):
    files = replace(outcome_of(1), outputs={"mask": "s2mask_mask/image001.tif"})
    assert not control.show(files, layers, "L1C")
    assert earth_engine.asked == []


def test_a_large_run_has_so_many_layers_and_no_more_unless_asked(control, layers, qtbot, monkeypatch):
    monkeypatch.setattr(tile_control, "MOST_IMAGES", 2)
    assert [control.show(outcome_of(number), layers, "L1C") for number in range(4)] == [True, True, False, False]
    assert control.show(outcome_of(3), layers, "L1C", by_hand=True)
    qtbot.waitUntil(lambda: len(layers.steps()) == 3, timeout=10000)
    control.begin()
    assert control.show(outcome_of(4), layers, "L1C")
    qtbot.waitUntil(lambda: len(layers.steps()) == 4, timeout=10000)


@pytest.mark.parametrize("gone", [403, 404, 410])
def test_an_address_that_has_expired_is_renewed_when_its_tiles_fail(
    control, layers, project, service, earth_engine, qtbot, gone
):
    add(control, layers, qtbot)
    layer = one_of(project, "ndvi")
    service.expire()
    service.gone = gone
    earth_engine.colour = "#00ff00"
    earth_engine.now_s += RETRY_S
    assert shown(layer) == "#000000"
    qtbot.waitUntil(lambda: len(earth_engine.asked) == 2 and control._task is None, timeout=10000)
    assert earth_engine.asked[1] == ("p-123456", 1)
    assert shown(layer) == "#00ff00"


def test_an_address_that_goes_on_failing_is_not_asked_for_over_and_over(
    control, layers, project, service, earth_engine, qtbot
):
    add(control, layers, qtbot)
    layer = one_of(project, "ndvi")
    earth_engine.now_s += RETRY_S
    for _ in range(3):
        service.expire()
        shown(layer)
        qtbot.wait(tile_control.GATHER_MS + 200)
    assert len(earth_engine.asked) == 2
    earth_engine.now_s += RETRY_S
    service.expire()
    shown(layer)
    qtbot.waitUntil(lambda: len(earth_engine.asked) == 3, timeout=10000)


def test_a_server_in_trouble_is_no_reason_to_renew(control, layers, project, service, earth_engine, qtbot):
    add(control, layers, qtbot)
    service.expire()
    service.gone = 503
    earth_engine.now_s += RETRY_S
    shown(one_of(project, "ndvi"))
    qtbot.wait(tile_control.GATHER_MS + 200)
    assert len(earth_engine.asked) == 1


def test_layers_that_are_shown_are_renewed_before_they_fail(control, layers, project, earth_engine, qtbot):
    add(control, layers, qtbot)
    layers.show(set())
    hidden = {view_of(layer).way for layer in tile_layers(project)} - {"ndvi"}
    project.layerTreeRoot().findLayer(one_of(project, "ndvi").id()).setItemVisibilityCheckedParentRecursive(True)
    earth_engine.now_s += MAP_LIFETIME_S - 1
    control.look()
    qtbot.wait(tile_control.GATHER_MS + 200)
    assert len(earth_engine.asked) == 1
    earth_engine.now_s += 1
    control.look()
    qtbot.waitUntil(lambda: len(earth_engine.asked) == 2, timeout=10000)
    assert earth_engine.asked[1] == ("p-123456", 1)
    assert len(hidden) == 4


def test_an_opened_project_is_renewed_where_somebody_is_signed_in(
    control, layers, project, service, earth_engine, qtbot, tmp_path
):
    add(control, layers, qtbot)
    path = str(tmp_path / "project.qgs")
    assert project.write(path)
    project.clear()
    service.expire()
    earth_engine.colour = "#0000ff"
    earth_engine.now_s += MAP_LIFETIME_S
    assert project.read(path)
    qtbot.waitUntil(lambda: len(earth_engine.asked) == 2 and control._task is None, timeout=10000)
    assert shown(one_of(project, "true_colour")) == "#0000ff"
    assert one_of(project, "true_colour").extent().width() < 20000  # not the whole world


def test_without_a_sign_in_nothing_is_asked_until_the_user_reconnects(
    control, layers, project, service, earth_engine, qtbot
):
    add(control, layers, qtbot)
    service.expire()
    earth_engine.access = None
    earth_engine.now_s += MAP_LIFETIME_S
    with qtbot.waitSignal(control.expired, timeout=10000) as told:
        control.look()
    assert told.args == [2]  # outline and true colour are what is shown
    assert len(earth_engine.asked) == 1
    assert earth_engine.by_hand[-1] is False  # no password is asked for before the user wants anything
    earth_engine.access, earth_engine.colour = ACCESS, "#00ff00"
    control.reconnect()
    qtbot.waitUntil(lambda: len(earth_engine.asked) == 2 and control._task is None, timeout=10000)
    assert {shown(layer) for layer in tile_layers(project) if view_of(layer).way != "mask"} == {"#00ff00"}


def test_a_service_that_does_not_answer_is_told_and_the_layers_stay(control, layers, project, earth_engine, qtbot):
    add(control, layers, qtbot)
    earth_engine.error = TransientError("Earth Engine did not answer; try again.")
    earth_engine.now_s += RETRY_S
    with qtbot.waitSignal(control.told, timeout=10000) as told:
        control.reconnect()
    assert told.args == ["Earth Engine did not answer; try again."]
    assert len(list(tile_layers(project))) == 5


def test_a_deleted_result_does_not_keep_others_from_being_renewed(
    control, layers, project, service, earth_engine, qtbot
):
    add(control, layers, qtbot)
    earth_engine.gone.add(outcome_of(0).outputs["mask"])
    earth_engine.colour = "#00ff00"
    earth_engine.now_s += RETRY_S
    with qtbot.waitSignal(control.told, timeout=10000) as told:
        control.reconnect()
    assert told.args == [f"3 layers of Earth Engine cannot be shown: {outcome_of(0).outputs['mask']} is gone."]
    assert shown(one_of(project, "ndvi")) == "#00ff00"
    assert shown(one_of(project, "probability")) == "#ff0000"


def test_a_layer_that_was_removed_meanwhile_is_forgotten(control, layers, project, earth_engine, qtbot):
    add(control, layers, qtbot)
    earth_engine.now_s += RETRY_S
    control.reconnect()
    project.removeMapLayer(one_of(project, "mask").id())
    qtbot.waitUntil(lambda: len(earth_engine.asked) == 2 and control._task is None, timeout=10000)
    assert {view_of(layer).way for layer in tile_layers(project)} == {"true_colour", "outline", "probability", "ndvi"}


def test_a_download_replaces_all_layers_of_the_same_image(control, layers, project, earth_engine, qtbot, tmp_path):
    add(control, layers, qtbot)
    with qtbot.waitSignal(control.told, timeout=10000) as told:
        control.download([one_of(project, "mask")], tmp_path / "results")
    assert told.args == ["Downloaded: image000.tif."]
    assert earth_engine.fetched == ["projects/p-123456/assets/mask/image000"]
    assert {view_of(layer).way for layer in tile_layers(project)} == {"true_colour", "ndvi"}
    files = [layer for layer in project.mapLayers().values() if layer.providerType() == "gdal"]
    assert {layer.customProperty("s2mask_qgis/kind") for layer in files} == {"outline", "mask", "probability"}
    assert all(layer.isValid() for layer in files)
    with qtbot.waitSignal(control.told, timeout=10000) as told:
        control.download([], tmp_path)
    assert "None of the selected layers" in told.args[0]


def test_true_colours_are_not_downloaded(control, layers, project, earth_engine, qtbot, tmp_path):
    add(control, layers, qtbot)
    with qtbot.waitSignal(control.told, timeout=10000) as told:
        control.download([one_of(project, "true_colour")], tmp_path)
    assert "stay on Earth Engine" in told.args[0]
    assert earth_engine.fetched == []


def test_nobody_signed_in_is_told_when_something_is_asked_for(control, layers, earth_engine, qtbot):
    earth_engine.access = None
    with qtbot.waitSignal(control.told, timeout=10000) as told:
        control.show(outcome_of(1), layers, "L1C")
    assert "Sign in" in told.args[0]
    assert layers.steps() == []


@pytest.fixture
def menu(iface, project, earth_engine, qtbot, tmp_path) -> Iterator[TileMenu]:
    services = TileServices(earth_engine.ask, earth_engine.fetch)
    menu = TileMenu(
        iface,
        project,
        Messages(iface),
        services,
        lambda by_hand: earth_engine.may_ask(by_hand),
        lambda: tmp_path / "results",
    )
    menu.control._now = lambda: earth_engine.now_s
    yield menu
    menu.close()


def choose(iface, layer: QgsRasterLayer) -> None:
    iface.tree.setCurrentLayer(layer)
    assert iface.tree.selectedLayers() == [layer]


def test_layers_of_earth_engine_have_entries_in_their_menu_and_others_do_not(
    menu, iface, layers, project, qtbot, tmp_path
):
    add(menu.control, layers, qtbot)
    project.addMapLayer(QgsRasterLayer(str(write_raster(tmp_path / "other.tif", 1, 1.0)), "other"))
    for action in (menu.reconnectAction, menu.downloadAction):
        assert {layer for known, layer in iface.layer_actions if known is action} == {
            layer.id() for layer in tile_layers(project)
        }


def test_the_chosen_layer_is_downloaded_into_the_folder_of_results(
    menu, iface, layers, project, earth_engine, qtbot, tmp_path
):
    add(menu.control, layers, qtbot)
    choose(iface, one_of(project, "ndvi"))
    with qtbot.waitSignal(menu.control.told, timeout=10000):
        menu.downloadAction.trigger()
    assert earth_engine.fetched == ["projects/p-123456/assets/ndvi/image000"]
    assert (tmp_path / "results" / "image000.tif").is_file()


def test_expired_layers_are_offered_to_be_reconnected(menu, iface, layers, project, earth_engine, qtbot):
    add(menu.control, layers, qtbot)
    earth_engine.access = None
    earth_engine.now_s += MAP_LIFETIME_S
    with qtbot.waitSignal(menu.control.expired, timeout=10000):
        menu.control.look()
    (item,) = iface.bar.items()
    assert "2 layers of Earth Engine have expired" in item.text()
    earth_engine.access = ACCESS
    (button,) = [each for each in item.findChildren(QPushButton) if each.text() == "Reconnect"]
    button.click()
    qtbot.waitUntil(lambda: len(earth_engine.asked) == 2 and menu.control._task is None, timeout=10000)
    assert earth_engine.asked[1] == ("p-123456", 5)


def row_of(number: int, state: RowState = RowState.DONE) -> ImageRow:
    made = outcome_of(number)
    return ImageRow(
        made.index, "id", made.tile, made.time_start_ms, 5.0, (), state=state, kind="mask", outputs=made.outputs
    )


def test_images_chosen_in_the_table_are_put_on_the_map(menu, layers, project, qtbot):
    rows = [row_of(1), row_of(2), row_of(3, RowState.FAILED)]
    menu.show_rows(rows, layers, "L1C")
    qtbot.waitUntil(lambda: len(layers.steps()) == 2 and not layer_queue_waits(menu.control), timeout=10000)
    menu.show_rows(rows, layers, "L1C")  # they are there already
    menu.show_rows([row_of(number) for number in range(10, 40)], layers, "L1C")  # that many are not meant
    assert menu.control._task is None
    assert len(list(tile_layers(project))) == 10


def test_results_of_a_run_on_earth_engine_can_be_stepped_through_in_the_dock(
    make_dock, project, earth_engine, qtbot, tmp_path
):
    dock = make_dock()
    control = dock.tiles.control
    control._services, control._access = TileServices(earth_engine.ask, earth_engine.fetch), earth_engine.may_ask
    square = (((15.0, 48.0), (15.1, 48.0), (15.1, 48.1), (15.0, 48.0)),)
    choice = EarthEngineChoice("p-123456", asset_folder="projects/p-123456/assets/x")
    request = RunRequest(tmp_path, tmp_path, tmp_path / "out", Area((square,)), RunParameters(), earth_engine=choice)
    layers = dock.control.layers_of(request)
    for number in range(3):
        dock.control._on_image(outcome_of(number))
    qtbot.waitUntil(lambda: len(layers.steps()) == 3 and not layer_queue_waits(control), timeout=10000)
    qtbot.waitUntil(lambda: len(dock.results._stepper.steps) == 3, timeout=10000)
    assert [group.name() for group in project.layerTreeRoot().findGroups()] == ["Clouds · out"]
    assert dock.control.layers_of(request) is layers


def test_no_password_is_asked_for_before_the_account_was_used(make_dock):
    dock = make_dock()
    google = dock.form.google
    connected: list[bool] = []
    connection = object()

    def connect(choice):
        connected.append(True)
        return connection

    google._services = replace(google._services, connect=connect)
    google.restore({"account": {"kind": "key", "config_id": "abc1234", "title": "x"}, "project": "p-123456"})
    assert dock.form.access(by_hand=False) is None
    assert connected == []
    assert dock.form.access(by_hand=True) == Access(connection, "p-123456")
    assert dock.form.access(by_hand=False) == Access(connection, "p-123456")
    assert connected == [True]
