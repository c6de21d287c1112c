"""Land stored from the toolbox: what reaches the job, what comes of it, what is refused."""

from __future__ import annotations

import pytest
from qgis.core import QgsGeometry, QgsProcessingContext, QgsProcessingFeatureSourceDefinition

from s2mask_qgis.engines.errors import BadRequestError
from s2mask_qgis.jobs import land_table
from s2mask_qgis.processing import store_land as module
from s2mask_qgis.processing.store_land import StoreLand
from tests.gis.test_land import wkt_box
from tests.gis.test_roi import layer_of
from tests.processing.conftest import KeptFeedback

WEST, EAST = wkt_box(14.92, 46.92, 14.95, 46.95), wkt_box(15.52, 47.02, 15.55, 47.05)
NAMES = {"PROJECT": "my-project", "TABLE": "land/coast"}


class Job:
    """The job, replaced: what it was asked, and what it answers."""

    def __init__(self):
        self.asked = []
        self.error = None

    def store(self, connection, project, area, asset, orders, on_state):
        self.asked.append((connection, project, area, asset, orders))
        on_state("Waiting for Earth Engine to begin")
        if self.error is not None:
            raise self.error
        return f"projects/{project}/assets/{asset}"


@pytest.fixture
def job(monkeypatch):
    job = Job()
    monkeypatch.setattr(land_table, "store_on_earth_engine", job.store)
    monkeypatch.setattr(module, "remembered_connection", lambda: "connection")
    return job


@pytest.fixture
def layer(project):
    layer = layer_of(WEST, EAST, crs="EPSG:4326")
    project.addMapLayer(layer)
    return layer


def test_all_of_a_layer_is_stored_unless_an_area_is_given(execute, job, layer, project):
    ended = execute(StoreLand(), {**NAMES, "LAND": layer})
    assert ended.is_fine, ended.refusal
    assert ended.results == {"TABLE": "projects/my-project/assets/land/coast"}
    assert ended.feedback.stages == ["Waiting for Earth Engine to begin"]
    connection, name, area, asset, _ = job.asked[0]
    assert (connection, name, asset, len(area.polygons)) == ("connection", "my-project", "land/coast", 2)
    around = layer_of(WEST, crs="EPSG:4326")
    project.addMapLayer(around)
    assert execute(StoreLand(), {**NAMES, "LAND": layer, "AREA": around}).is_fine
    assert len(job.asked[1][2].polygons) == 1


def test_selected_polygons_alone_can_be_stored(execute, job, layer):
    layer.selectByRect(QgsGeometry.fromWkt(EAST).boundingBox())
    selected = QgsProcessingFeatureSourceDefinition(layer.id(), True)
    assert execute(StoreLand(), {**NAMES, "LAND": selected}).is_fine
    assert len(job.asked[0][2].polygons) == 1


def test_a_layer_in_metres_is_stored_in_degrees(execute, job, project):
    layer = layer_of("POLYGON((500000 5200000, 501000 5200000, 501000 5201000, 500000 5200000))", crs="EPSG:32633")
    project.addMapLayer(layer)
    assert execute(StoreLand(), {**NAMES, "LAND": layer}).is_fine
    assert job.asked[0][2].polygons[0][0][0][0] == pytest.approx(15.0, abs=0.02)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"PROJECT": " ", "TABLE": "land"}, "project: give one."),
        ({"PROJECT": "p", "TABLE": "la nd"}, "cannot be the name of a table"),
        ({"PROJECT": "p", "TABLE": ""}, "cannot be the name of a table"),
    ],
)
def test_names_that_cannot_be_are_told_before_anything_starts(qgis_app, layer, values, told):
    algorithm = StoreLand()
    algorithm.initAlgorithm({})
    assert told in algorithm.checkParameterValues({**values, "LAND": layer}, QgsProcessingContext())[1]


def test_a_refusal_is_told_as_it_is(execute, job, layer):
    job.error = BadRequestError("coast is there already.")
    ended = execute(StoreLand(), {**NAMES, "LAND": layer})
    assert not ended.is_fine
    assert "coast is there already." in ended.refusal


def test_cancelling_reaches_the_job(execute, job, layer):
    feedback = KeptFeedback()
    feedback.cancel()
    execute(StoreLand(), {**NAMES, "LAND": layer}, feedback)
    assert job.asked[0][4].is_cancelled
