"""Masking images from the toolbox: results, what is told on the way, cancelling, and every reason not to."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from osgeo import gdal
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsRectangle,
)

from s2mask_qgis.core.estimates import RunEstimate
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.gis.errors import UserError
from s2mask_qgis.jobs import run_estimate, runner
from s2mask_qgis.jobs.report import ImageOutcome, ImageState, RunReport, RunState
from s2mask_qgis.jobs.request import DRIVE, EarthEngineChoice, Throttle
from s2mask_qgis.processing import mask_images
from s2mask_qgis.processing.mask_images import MaskImages
from tests.processing.conftest import SMALL, KeptFeedback


@pytest.fixture
def values(sample, area, tmp_path):
    """A run on the sample, with what was prepared of it by earlier tests."""
    folders = {"SCENES": str(sample / "scenes"), "LIBRARY": str(sample / "library"), "OUTPUT": str(tmp_path / "out")}
    return {**folders, "AREA": area, **SMALL}


def problems_of(values, project) -> str:
    context = QgsProcessingContext()
    context.setProject(project)
    algorithm = MaskImages()
    algorithm.initAlgorithm({})
    is_fine, text = algorithm.checkParameterValues(values, context)
    assert is_fine is (text == "")
    return text


def test_every_image_gets_a_mask_and_an_ndvi(execute, values, tmp_path):
    more = {"LIBRARY": str(tmp_path / "library"), "SCALE_M": 60, "EVI2": True}  # nothing is prepared there yet
    ended = execute(MaskImages(), {**values, **more})
    assert ended.is_fine, ended.refusal
    assert (ended.results["IMAGES"], ended.results["FAILED"]) == (5, 0)
    assert ended.results["OUTPUT"] == str(tmp_path / "out")
    report = json.loads(Path(ended.results["REPORT"]).read_text())
    assert report["parameters"]["number_of_images"] == 2
    for kind in ("mask", "ndvi", "evi2"):
        assert len(list((tmp_path / "out" / kind).glob("*.tif"))) == 5
    mask = gdal.Open(str(next((tmp_path / "out" / "mask").glob("*.tif"))))
    assert mask.GetGeoTransform()[1] == 60
    assert "5 of 5 images masked" in ended.feedback.infos[-1]
    assert ended.feedback.stages == [
        "Looking through the scenes",
        "Listing the images",
        "Preparing scenes",
        "Masking images",
    ]
    assert ended.feedback.shares == sorted(ended.feedback.shares)
    assert ended.feedback.shares[-1] == 100


def test_a_cancelled_run_keeps_what_is_done_and_is_taken_up_again(execute, values):
    """Cancelled once an image is told."""
    first = execute(
        MaskImages(), values, KeptFeedback(lambda feedback: any("cloud" in line for line in feedback.infos))
    )
    assert first.is_fine
    assert 1 <= first.results["IMAGES"] <= 5
    assert first.feedback.warnings == ["Cancelled. What is done is kept; Run makes only what is missing."]
    again = execute(MaskImages(), values)
    assert again.results["IMAGES"] == 5
    kept = [line for line in again.feedback.infos if "kept as it was" in line]
    assert len(kept) >= first.results["IMAGES"]


def test_images_of_a_ledger_of_the_scripts_are_left_out_and_told(execute, values, sample, tmp_path):
    kept = execute(MaskImages(), values)
    first, *others = (path.stem for path in sorted((Path(kept.results["OUTPUT"]) / "mask").glob("*.tif")))
    ledger = tmp_path / "Metadata_mask.json"
    ledger.write_text(json.dumps({f"users/somebody/masks/{index}": {} for index in others}))
    ended = execute(MaskImages(), {**values, "DONE_FILE": str(ledger)})
    assert ended.is_fine, ended.refusal
    assert ended.results["IMAGES"] == 1
    assert any(first in line and "kept as it was" in line for line in ended.feedback.infos)
    assert "Metadata_mask.json lists 4 images of the area and the dates as done; left out." in ended.feedback.infos


def test_a_ledger_that_is_none_is_refused(execute, values, tmp_path):
    ended = execute(MaskImages(), {**values, "DONE_FILE": str(tmp_path / "gone.xlsx")})
    assert not ended.is_fine
    assert "gone.xlsx cannot be read" in ended.refusal


def test_broken_products_are_told_and_do_not_stop_the_others(execute, values, sample, tmp_path):
    scenes = tmp_path / "scenes"
    shutil.copytree(sample / "scenes", scenes)
    broken = sorted(scenes.glob("*.SAFE"))[0]
    band = next(path for path in broken.rglob("*_B03.*"))
    band.write_bytes(band.read_bytes()[: band.stat().st_size // 2])
    unusable = scenes / broken.name.replace("20221102", "20221202")
    unusable.mkdir()
    ended = execute(MaskImages(), {**values, "SCENES": str(scenes), "LIBRARY": str(tmp_path / "own")})
    assert ended.is_fine, ended.refusal
    assert (ended.results["IMAGES"], ended.results["FAILED"]) == (4, 1)
    [(text, is_fatal)] = ended.feedback.errors
    assert "20221102" in text
    assert not is_fatal
    assert "1 failed" in ended.feedback.warnings[-1]
    assert unusable.name in ended.feedback.warnings[0]


def test_only_the_selected_polygons_count_where_that_is_asked_for(execute, values, area, project):
    elsewhere = QgsFeature(area.fields())
    elsewhere.setGeometry(QgsGeometry.fromRect(QgsRectangle(3.0, 40.0, 3.1, 40.1)))
    area.startEditing()
    area.addFeature(elsewhere)
    area.select([feature.id() for feature in area.getFeatures() if feature.geometry().boundingBox().xMaximum() < 4])
    assert area.selectedFeatureCount() == 1
    source = QgsProcessingFeatureSourceDefinition(area.id(), selectedFeaturesOnly=True)
    ended = execute(MaskImages(), {**values, "AREA": source})
    area.rollBack()
    assert not ended.is_fine
    assert "does not meet any of the 5 scenes" in ended.refusal


def test_all_wrong_values_are_told_in_one_message(values, project):
    wrong = {"CUTOFF": 2.0, "SCALE_M": 7, "DATE_START": "2023-13-01", "SAMPLE_SIZE": 200.5, "MODEL": " "}
    text = problems_of({**values, **wrong}, project)
    assert text.splitlines() == [
        "date_start: '2023-13-01' is not a date; write YYYY-MM-DD, like 2023-05-31.",
        "scale_m: 7 is not offered; choose one of 10, 20, 30, 60.",
        "model: ' ' is not a name.",
        "cutoff: 2.0 cannot be used; allowed is a number from 0.0 to 0.999.",
        "sample_size: 200.5 cannot be used; allowed is a whole number from 100 to 50000 pixels.",
    ]


def test_values_that_contradict_each_other_are_told(values, project):
    text = problems_of({**values, "NUMBER_OF_IMAGES": 50, "NUMBER_PRESELECT": 40}, project)
    assert text.startswith("number_preselect: 40 images are fewer than number_of_images 50")


@pytest.mark.parametrize(
    "fine",
    [
        {},
        {"SCALE_M": 10},
        {"SCALE_M": "20"},
        {"DATE_START": "2022-11-01", "DATE_END": "2022-11-30T00:00:00"},
        {"SOURCE": "product mask", "UNION": True},
        {"LEVEL": "L2A", "MODEL": "one-of-another-folder"},
    ],
)
def test_what_people_write_in_scripts_is_understood(values, project, fine):
    assert problems_of({**values, **fine}, project) == ""


def test_what_cannot_be_read_at_all_is_named(values, project):
    assert "CUTOFF" in problems_of({**values, "CUTOFF": "a lot"}, project)
    assert "SCENES" in problems_of({**values, "SCENES": None}, project)


def test_the_defaults_are_those_of_the_core(values, project):
    algorithm = MaskImages()
    algorithm.initAlgorithm({})
    context = QgsProcessingContext()
    wanted = algorithm.snapshot({name: values[name] for name in ("SCENES", "AREA", "OUTPUT")}, context)
    assert wanted.request.parameters == RunParameters()
    assert (wanted.request.earth_engine, wanted.request.throttle, wanted.connection) == (None, Throttle(), None)
    dated = algorithm.snapshot({**values, "DATE_START": "2022-11-05"}, context).request.parameters
    assert dated.start == date(2022, 11, 5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"MODEL": "nobody"}, "There is no model called “nobody”; there are "),
        ({"DATE_START": "1999-01-01", "DATE_END": "1999-02-01"}, "No image of the area was taken"),
        ({"SCENES": "/nowhere/at/all"}, "/nowhere/at/all"),
        ({"CUTOFF": 7}, "cutoff: 7"),
        ({"AREA": "/nowhere.gpkg"}, "No area is chosen"),
    ],
)
def test_runs_that_cannot_be_carried_out_are_refused_with_a_sentence(execute, values, change, message):
    ended = execute(MaskImages(), {**values, **change})
    assert not ended.is_fine
    assert message in ended.refusal
    assert "Traceback" not in ended.refusal


def test_the_form_names_units_ranges_and_models():
    algorithm = MaskImages()
    algorithm.initAlgorithm({})
    cutoff = algorithm.parameterDefinition("CUTOFF")
    assert (cutoff.minimum(), cutoff.maximum(), cutoff.defaultValue()) == (0.0, 0.999, 0.0)
    titles = {name: algorithm.parameterDefinition(name).description() for name in ("SCALE_M", "KNDVI", "WATER_NIR")}
    assert titles == {"SCALE_M": "Scale [m]", "KNDVI": "kNDVI", "WATER_NIR": "Water NIR"}
    assert algorithm.parameterDefinition("SCALE_M").help().endswith("One of 10, 20, 30, 60.")
    assert "published" in algorithm.parameterDefinition("MODEL").options()
    advanced = [one.name() for one in algorithm.parameterDefinitions() if one.flags() & one.FlagAdvanced]
    assert "SEED" in advanced
    assert "DATE_START" not in advanced


CONNECTION = object()
ON_EARTH_ENGINE = {"SCENES": "", "PROJECT": "my-project"}


@pytest.fixture
def earth_engine(monkeypatch):
    """Somebody is signed in, and runs on Earth Engine are made up; gives the requests they came with."""
    asked = []

    def run(request, connection, orders, on_progress, on_image):
        asked.append((request, connection))
        on_image(
            ImageOutcome("image0", "33UVP", 0, ImageState.DONE, outputs={"mask": "projects/p/assets/s2mask/mask/i"})
        )
        return RunReport(RunState.FINISHED, "1 of 1 images masked.")

    monkeypatch.setattr(mask_images, "remembered_connection", lambda: CONNECTION)
    monkeypatch.setattr(runner, "run", run)
    monkeypatch.setattr(
        run_estimate, "estimate_run", lambda *_: RunEstimate(1, facts=("1 image.",), warnings=("Slow.",))
    )
    return asked


def test_a_project_sends_the_run_to_earth_engine(execute, values, earth_engine):
    more = {"DESTINATION": "drive", "DRIVE_FOLDER": "alps", "NB_TASK_MAX": 300}
    ended = execute(MaskImages(), {**values, **ON_EARTH_ENGINE, **more})
    assert ended.is_fine, ended.refusal
    [(request, connection)] = earth_engine
    choice = EarthEngineChoice("my-project", DRIVE, "projects/my-project/assets/s2mask", "alps")
    assert (request.earth_engine, request.throttle.nb_task_max, connection) == (choice, 300, CONNECTION)
    assert ended.results["IMAGES"] == 1
    assert "1 image." in ended.feedback.infos
    assert ended.feedback.warnings == ["Slow."]


def test_what_does_not_fit_on_earth_engine_is_refused(execute, values, earth_engine, monkeypatch):
    full = RunEstimate(problems=("The project is full. Send the results to Drive.",))
    monkeypatch.setattr(run_estimate, "estimate_run", lambda *_: full)
    ended = execute(MaskImages(), {**values, **ON_EARTH_ENGINE})
    assert not ended.is_fine
    assert "Send the results to Drive" in ended.refusal
    assert earth_engine == []


def test_nobody_signed_in_is_a_sentence(execute, values, monkeypatch):
    def refuse():
        raise UserError("Nobody is signed in to Earth Engine.")

    monkeypatch.setattr(mask_images, "remembered_connection", refuse)
    ended = execute(MaskImages(), {**values, **ON_EARTH_ENGINE})
    assert not ended.is_fine
    assert "Nobody is signed in" in ended.refusal


@pytest.mark.parametrize("wrong", [{"NB_TASK_MAX": 4000}, {"DESTINATION": "the moon"}])
def test_wrong_values_for_earth_engine_are_told(values, project, wrong):
    assert next(iter(wrong)).lower() in problems_of({**values, **ON_EARTH_ENGINE, **wrong}, project)
