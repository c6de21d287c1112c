"""Land stored as a table from the dock: when it is offered, what is sent, what is told, and how it ends."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from s2mask_qgis.core.land import Land
from s2mask_qgis.engines.errors import BadRequestError, CancelledError
from s2mask_qgis.gis import land as gis_land
from s2mask_qgis.gis.errors import UserError
from s2mask_qgis.gui.area_section import AreaSection
from s2mask_qgis.gui.land_store import proposed_name
from s2mask_qgis.gui.tile_services import Access
from tests.gui.fakes import FAR_SQUARE, SQUARE, add_area

LAND = "POLYGON((15.0 48.0, 15.05 48.0, 15.05 48.1, 15.0 48.1, 15.0 48.0))"
ASSET = "projects/p/assets/s2mask/coast_2020"


@dataclass
class Service:
    """Stores what it is given once ``release`` is set, or fails."""

    error: Exception | None = None
    release: threading.Event = field(default_factory=threading.Event)
    asked: list = field(default_factory=list)
    names: list = field(default_factory=list)
    orders: list = field(default_factory=list)

    def store(self, access, area, name, orders, on_state):
        self.asked.append((access, area, name))
        self.orders.append(orders)
        on_state("Waiting for Earth Engine to begin")
        while not self.release.wait(0.02):
            if orders.is_stopped():
                raise CancelledError("Stopped on request.")
        if self.error is not None:
            raise self.error
        return name

    def ask_name(self, _parent, proposed):
        self.names.append(proposed)
        return ASSET


@pytest.fixture
def service():
    service = Service()
    yield service
    service.release.set()


@pytest.fixture
def section(iface, project, qtbot, service):
    section = AreaSection(iface, project)
    qtbot.addWidget(section)
    section.areaLayer.setLayer(add_area(project, SQUARE))
    section.landLayer.setLayer(add_area(project, LAND, name="coast 2020"))
    section.store.store, section.store.ask_name = service.store, service.ask_name
    section.store.access = lambda: Access("connection", "p")
    section.limit.follow_engine(True)
    section.store.follow(True)
    section.show()
    yield section
    section.close_tool()


def test_it_is_offered_for_a_layer_where_somebody_is_signed_in(section, project):
    assert section.landStore.isVisible()
    section.store.follow(False)
    assert not section.landStore.isVisible()
    section.store.follow(True)
    section.landLayer.setCurrentIndex(0)
    assert not section.landStore.isVisible()
    section.landLayer.setCurrentIndex(section.landLayer.count() - 1)  # a table already
    assert not section.landStore.isVisible()


def test_the_table_takes_the_place_of_the_layer_once_it_is_there(section, service, qtbot):
    section.landStore.click()
    assert service.names == [ASSET]
    qtbot.waitUntil(lambda: section.landState.text() == "Waiting for Earth Engine to begin")
    assert section.landStore.text() == "Stop storing"
    assert not section.landLayer.isEnabled()
    service.release.set()
    qtbot.waitUntil(lambda: section.landAsset.text() == ASSET)
    assert section.land() == Land(ASSET)
    assert section.landLayer.isEnabled()
    assert not section.landStore.isVisible()
    ((access, area, name),) = service.asked
    assert (access.project, name, len(area.polygons)) == ("p", ASSET, 1)


def test_what_is_simplified_for_requests_is_stored_as_it_is(section, service, qtbot, monkeypatch):
    corners = ", ".join(f"{15.0 + number * 1e-4:.4f} {48.05 + number % 2 * 1e-4:.4f}" for number in range(400))
    layer = add_area(section._project, f"POLYGON((15.0 48.0, {corners}, 15.04 48.0, 15.0 48.0))", name="fine")
    monkeypatch.setattr("s2mask_qgis.gui.land_limit.MOST_BYTES", 2000)
    section.landLayer.setLayer(layer)
    assert "it was simplified to" in (section.land() and section.landState.text())
    service.release.set()
    section.landStore.click()
    qtbot.waitUntil(lambda: section.landAsset.text() == ASSET)
    assert len(service.asked[0][1].polygons[0][0]) > 400
    assert gis_land.TABLE_BYTES > 2000


def test_a_failure_is_told_and_the_layer_stays(section, service, qtbot):
    service.error = BadRequestError("It is there already.")
    service.release.set()
    section.landStore.click()
    qtbot.waitUntil(lambda: section.landState.text() == "It is there already.")
    assert section.landState.has_problem
    assert section.landStore.text() == "Store as table…"
    assert section.land().area is not None


def test_stopping_cancels_it_at_earth_engine_too(section, service, qtbot):
    section.landStore.click()
    qtbot.waitUntil(lambda: bool(service.orders))
    section.landStore.click()
    qtbot.waitUntil(lambda: section.landState.text() == "Storing was stopped.")
    assert service.orders[0].is_cancelled
    assert section.landStore.isEnabled()
    assert section.landLayer.isEnabled()


def test_closing_the_dock_leaves_the_task_at_earth_engine(section, service, qtbot):
    section.landStore.click()
    qtbot.waitUntil(lambda: bool(service.orders))
    section.store.close()
    qtbot.waitUntil(lambda: service.orders[0].is_paused)


def test_nothing_is_sent_without_a_name_an_account_or_land(section, service, project):
    section.store.ask_name = lambda _parent, _proposed: ""
    section.landStore.click()
    section.store.access = lambda: None
    section.landStore.click()

    def locked():
        raise UserError("The key cannot be read.")

    section.store.access = locked
    section.landStore.click()
    assert section.landState.text() == "The key cannot be read."
    section.store.access = lambda: Access("connection", "p")
    section.landLayer.setLayer(add_area(project, FAR_SQUARE, name="far"))
    section.landStore.click()
    assert "“far” has no polygon near the area" in section.landState.text()
    assert service.asked == []
    assert service.names == []


@pytest.mark.parametrize(
    ("layer", "name"), [("coast 2020", "coast_2020"), ("Küste / West", "K_ste_West"), ("陸", "land")]
)
def test_names_have_only_letters_that_are_allowed(layer, name):
    assert proposed_name("p", layer) == f"projects/p/assets/s2mask/{name}"
