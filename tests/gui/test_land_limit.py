"""The land limit of the area section: what may be chosen, what comes of it, what is told and remembered."""

from __future__ import annotations

import pytest

from s2mask_qgis.core.land import Land
from s2mask_qgis.gis.polygons import AreaError
from s2mask_qgis.gui.area_section import AreaSection
from tests.gui.fakes import FAR_SQUARE, SQUARE, add_area

LAND = "POLYGON((15.0 48.0, 15.05 48.0, 15.05 48.1, 15.0 48.1, 15.0 48.0))"
ASSET = "projects/p/assets/land"


@pytest.fixture
def section(iface, project, qtbot):
    section = AreaSection(iface, project)
    qtbot.addWidget(section)
    section.areaLayer.setLayer(add_area(project, SQUARE))
    section.show()
    yield section
    section.close_tool()


def choose_asset(section: AreaSection, text: str) -> None:
    section.limit.follow_engine(True)
    section.landLayer.setCurrentIndex(section.landLayer.count() - 1)
    section.landAsset.setText(text)


def test_there_is_none_unless_it_is_chosen(section, project):
    assert section.landLayer.currentText() == "none"
    add_area(project, LAND, name="land")
    assert section.landLayer.currentText() == "none"
    assert section.land() is None
    assert not section.landAsset.isVisible()
    assert not section.landState.isVisible()


def test_a_layer_gives_its_polygons_near_the_area(section, project, qtbot):
    layer = add_area(project, LAND, FAR_SQUARE, name="land")
    with qtbot.waitSignal(section.changed):
        section.landLayer.setLayer(layer)
    land = section.land()
    assert len(land.area.polygons) == 1
    assert {x for x, _ in land.area.polygons[0][0]} == {15.0, 15.05}


def test_a_layer_beside_the_area_is_told_beside_the_form(section, project):
    section.landLayer.setLayer(add_area(project, FAR_SQUARE, name="far"))
    with pytest.raises(AreaError, match="“far” has no polygon near the area"):
        section.land()
    assert "“far” has no polygon near the area" in section.landState.text()


def test_without_an_area_only_the_area_is_to_blame(section, project):
    section.landLayer.setLayer(add_area(project, FAR_SQUARE, name="far"))
    section.areaLayer.setLayer(None)
    assert section.land() is None


def test_edits_of_the_layer_count(section, project, qtbot):
    layer = add_area(project, LAND, name="land")
    section.landLayer.setLayer(layer)
    before = section.land()
    assert section.land() is before  # read once
    with qtbot.waitSignal(section.changed):
        layer.dataProvider().truncate()
        layer.dataChanged.emit()
    with pytest.raises(AreaError):
        section.land()


def test_no_other_layer_takes_the_place_of_one_that_goes(section, project):
    layers = [add_area(project, LAND, name=name) for name in "abc"]
    section.landLayer.setLayer(layers[1])
    project.removeMapLayer(layers[1].id())
    assert section.landLayer.currentText() == "none"
    assert section.land() is None


def test_tables_are_offered_on_earth_engine_only(section):
    assert section.landLayer.count() == 2  # none, and the area's own layer
    choose_asset(section, ASSET)
    assert section.landAsset.isVisible()
    assert section.land() == Land(ASSET)
    section.limit.follow_engine(False)
    assert section.land() is None
    assert not section.landAsset.isVisible()
    section.limit.follow_engine(True)
    assert section.land() == Land(ASSET)


@pytest.mark.parametrize(("text", "told"), [("", "Give the asset id"), ("a b", "“a b” is no asset id")])
def test_an_asset_id_that_is_none_is_refused(section, text, told):
    choose_asset(section, text)
    with pytest.raises(AreaError, match=told):
        section.land()


def test_an_asset_is_remembered_and_a_layer_is_not(section, project):
    choose_asset(section, f" {ASSET} ")
    entries = section.limit.remembered()
    assert entries == {"asset": ASSET, "is_asset": True}
    section.landLayer.setLayer(add_area(project, LAND, name="land"))
    assert section.limit.remembered() == {"asset": ASSET, "is_asset": False}
    section.limit.restore(entries)
    assert section.land() == Land(ASSET)


def test_a_remembered_asset_waits_for_earth_engine(section):
    section.limit.restore({"asset": ASSET, "is_asset": True})
    assert section.land() is None
    section.limit.follow_engine(True)
    assert section.land() == Land(ASSET)


def test_damaged_entries_leave_no_land(section):
    section.limit.restore({})
    assert section.limit.remembered() == {"asset": "", "is_asset": False}
