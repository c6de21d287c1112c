"""The land limit of the toolbox: what may be given, and the request that comes of it."""

from __future__ import annotations

import pytest
from qgis.core import QgsGeometry, QgsProcessingContext, QgsProcessingFeatureSourceDefinition, QgsVectorLayer

from s2mask_qgis.core.land import Land
from s2mask_qgis.gis.errors import UserError
from s2mask_qgis.processing.land_inputs import land_given, land_problems
from s2mask_qgis.processing.mask_images import MaskImages
from tests.gis.test_land import AREA, wkt_box
from tests.gis.test_roi import layer_of

WEST, EAST = wkt_box(14.92, 46.92, 14.95, 46.95), wkt_box(15.02, 47.02, 15.05, 47.05)


@pytest.fixture
def layer(project) -> QgsVectorLayer:
    layer = layer_of(WEST, EAST, crs="EPSG:4326")
    project.addMapLayer(layer)
    return layer


def given(project, **parameters):
    context, algorithm = QgsProcessingContext(), MaskImages()
    context.setProject(project)
    algorithm.initAlgorithm({})
    return land_given(algorithm, parameters, context, AREA)


def problems(project, has_project: bool, **parameters) -> list[str]:
    context, algorithm = QgsProcessingContext(), MaskImages()
    context.setProject(project)
    algorithm.initAlgorithm({})
    return land_problems(algorithm, parameters, context, has_project)


def test_there_is_none_unless_it_is_given(project):
    assert given(project) == (None, ())
    assert problems(project, False) == []


def test_a_layer_gives_its_polygons_or_the_selected_ones(project, layer):
    land, notes = given(project, LAND=layer)
    assert len(land.area.polygons) == 2
    assert notes == ()
    layer.selectByRect(QgsGeometry.fromWkt(WEST).boundingBox())
    selected = QgsProcessingFeatureSourceDefinition(layer.id(), True)
    assert len(given(project, LAND=selected)[0].area.polygons) == 1


def test_an_asset_id_gives_a_table(project):
    assert given(project, LAND_ASSET=" projects/p/assets/land ")[0] == Land("projects/p/assets/land")
    with pytest.raises(UserError, match="“land” is no asset id"):
        given(project, LAND_ASSET="land")


def test_a_table_needs_earth_engine_and_no_layer_beside_it(project, layer):
    assert problems(project, True, LAND_ASSET="a/b") == []
    told = problems(project, False, LAND_ASSET="a/b", LAND=layer)
    assert told == [
        "LAND_ASSET: a table needs a project of Earth Engine; give LAND instead.",
        "LAND and LAND_ASSET: give one of the two.",
    ]
