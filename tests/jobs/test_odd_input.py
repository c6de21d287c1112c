"""Runs over folders with all that can be odd about images: a sentence for each, and masks without a NaN."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.models.files import find
from s2mask_qgis.core.parameters import PRODUCT, RunParameters
from s2mask_qgis.core.scenes import BANDS, COLLECTION_OF
from s2mask_qgis.engines.local.engine import LocalEngine
from s2mask_qgis.jobs import outputs, runner
from s2mask_qgis.jobs.opening import Interrupt
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.report import ImageState, RunReport, RunState
from s2mask_qgis.jobs.request import RunRequest
from scene_stacks import NODATA, Place, area_around, scene_properties, write_stack
from tests.jobs.rasters import read_result

SHAPE_YX = (24, 24)
FIRST = datetime(2020, 6, 1, 10, tzinfo=timezone.utc)
FOUR_BANDS = ("B2", "B3", "B4", "B8")
WITHOUT_CIRRUS = tuple(band for band in BANDS if band != "B10")

EUROPE = Place(3035, 4_700_000.0, 2_500_000.0)
PAIR, ALONE, BLIND, EMPTY, FEW, BOTH, SWATH = (
    Place(32633, 300_000.0 + 50_000.0 * number, 5_000_000.0) for number in range(7)
)
TILES = {
    place: f"33TA{letter}" for place, letter in zip((PAIR, ALONE, BLIND, EMPTY, FEW, BOTH, SWATH, EUROPE), "ABCDEFGH")
}


def pixels_of(day: int, bands: tuple[str, ...]) -> np.ndarray:
    """Ground with a bright square on the days that can be divided by three."""
    ground = np.random.default_rng(day).integers(300, 1500, (len(bands), *SHAPE_YX))
    if day % 3 == 0:
        ground[:, 4:16, 4:16] += 4000
    return ground.astype(np.uint16)


def write_images(
    folder: Path, place: Place, days: int, bands: tuple[str, ...] = BANDS, empty: tuple[int, ...] = (), **more: Any
) -> None:
    """Images of a place five days apart, those of the days ``empty`` without a valid pixel."""
    for day in range(days):
        pixels = np.full((len(bands), *SHAPE_YX), NODATA) if day in empty else pixels_of(day, bands)
        if place is SWATH:
            pixels[:, :, : 5 * day] = NODATA
        properties = scene_properties(FIRST + timedelta(days=5 * day), TILES[place], 50.0 if day % 3 == 0 else 0.0)
        write_stack(folder, properties | more, pixels, bands, place)


def write_ground(folder: Path, place: Place, days: int) -> None:
    """Level-2A images of a place under the names that those of Level-1C have."""
    write_images(folder, place, days, WITHOUT_CIRRUS, PROCESSING_LEVEL="Level-2A")


@dataclass
class Ready:
    """An engine over a folder, what its processes printed, and the request for the images of a place."""

    request: RunRequest
    engine: LocalEngine
    log: list[str] = field(default_factory=list)

    def run(self, place: Place, **changes: Any) -> RunReport:
        """The run over a place."""
        parameters = replace(self.request.parameters, **changes)
        request = replace(self.request, area=area_around(place, SHAPE_YX), parameters=parameters)
        nothing = lambda *_: None  # noqa: E731
        try:
            model = find(parameters.model, request.models_folder)
            orders = Orders()
            return runner.run_on(self.engine, request, model, orders, Interrupt(orders), nothing, nothing)
        except runner.EngineError as error:
            return RunReport(RunState.REFUSED, str(error))


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    root = tmp_path_factory.mktemp("odd")
    scenes = root / "scenes"
    write_images(scenes, PAIR, 2)
    write_images(scenes, ALONE, 1)
    write_images(scenes, BLIND, 3, empty=(1, 2))
    write_images(scenes, EMPTY, 4, empty=(1,))
    write_images(scenes, SWATH, 4)
    write_images(scenes, EUROPE, 4)
    write_images(scenes, FEW, 4, FOUR_BANDS)
    write_images(scenes, BOTH, 4)
    write_ground(root / "ground", BOTH, 4)
    for path in (root / "ground").iterdir():
        path.rename(scenes / f"ground_{path.name}")
    parameters = RunParameters(
        scale_m=10, cluster_count=3, sample_size=300, number_of_images=2, number_preselect=3, model="multitemporal"
    )
    request = RunRequest(
        scenes, root / "library", root / "out", Area(((((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)),),)), parameters
    )
    log: list[str] = []
    outputs.check_writable(request.output_folder)
    with LocalEngine(scenes, request.library_folder, request.output_folder, on_log=log.append) as engine:
        assert engine.refresh(lambda done, total: None) == ()
        yield Ready(request, engine, log)
    assert not [line for line in log if "Warning" in line or "Traceback" in line]


def check_masks(report: RunReport) -> None:
    """Masks hold 0, 1 and 2 and probabilities from 0 to 1, nothing else."""
    for image in report.images:
        if image.mask_path is None:
            continue
        (mask, probability), valid, _, _ = read_result(image.mask_path)
        assert set(np.unique(mask[valid[0]])) <= {0.0, 1.0, 2.0}
        assert np.isfinite(probability).all()
        assert ((probability[valid[1]] >= 0) & (probability[valid[1]] <= 1)).all()
        assert (valid[0] == valid[1]).all()


@pytest.mark.parametrize("model", ["published", "magnitude", "multitemporal"])
def test_two_images_are_compared_with_each_other(ready: Ready, model: str):
    report = ready.run(PAIR, model=model, number_of_images=1, number_preselect=1)
    assert report.state is RunState.FINISHED, report
    plans = [image.plan for image in report.images]
    for plan, other in zip(plans, reversed(plans)):
        used = {identity for background in plan["backgrounds"].values() for identity in background["images"]}
        assert used | set(plan["clearest"]) == {other["image"]}
    assert [plan["shadow"]["cloudy_beyond"] for plan in plans] == [True, False]
    check_masks(report)


def test_an_image_alone_is_told_what_it_lacks(ready: Ready):
    report = ready.run(ALONE)
    assert report.message == "0 of 1 images masked, 1 failed."
    assert report.images[0].reason.startswith("There is no other image of tile 33TAB to compare 20200601T100000")
    assert "Add scenes of other dates" in report.images[0].reason


@pytest.mark.parametrize("model", ["published", "multitemporal"])
def test_an_image_whose_background_has_no_pixel_is_told_or_left_without_decision(ready: Ready, model: str):
    report = ready.run(BLIND, model=model)
    first = report.images[0]
    if model == "published":
        assert first.state is ImageState.FAILED
        assert "shares too few valid pixels with its background images" in first.reason
    else:
        assert first.state is ImageState.DONE
        assert (first.cloud_share, first.ndvi_share) == (None, 0.0)
        assert not read_result(first.mask_path)[1].any()
    check_masks(report)


def test_an_image_without_a_pixel_fails_alone(ready: Ready):
    report = ready.run(EMPTY, model="published", shadow=False)
    states = [image.state for image in report.images]
    assert states == [ImageState.DONE, ImageState.FAILED, ImageState.DONE, ImageState.DONE]
    assert "shares too few valid pixels" in report.images[1].reason
    assert not (ready.request.output_folder / "mask" / f"{report.images[1].index}.tif").exists()
    assert all(0 <= image.cloud_share <= 1 for image in report.images if image.state is ImageState.DONE)
    check_masks(report)


def test_features_that_are_only_written_fail_no_image_and_change_no_mask(ready: Ready):
    alone = ready.run(SWATH, model="published", number_of_images=1)
    masks = [read_result(image.mask_path)[0] for image in alone.images]
    beside = ready.run(SWATH, model="published", number_of_images=1, features=True)
    assert [image.state for image in beside.images] == [ImageState.DONE] * 4
    for before, after in zip(alone.images, beside.images):
        assert set(before.plan["backgrounds"]) == {"percentile1", "percentile5"}
        for name, background in before.plan["backgrounds"].items():
            assert after.plan["backgrounds"][name] == background
    assert all((read_result(image.mask_path)[0] == mask).all() for image, mask in zip(beside.images, masks))
    without_pixels = ready.run(EMPTY, features=True).images[1]
    assert without_pixels.state is ImageState.DONE
    assert not read_result(without_pixels.features_path)[1].any()


def test_without_utm_there_are_masks_but_no_shadows_and_a_sentence_says_so(ready: Ready):
    report = ready.run(EUROPE, cloud_buffer_m=40.0)
    assert report.state is RunState.FINISHED
    assert report.notes == ("4 images without shadows: shadows need a grid in UTM, this one is in EPSG:3035.",)
    assert all(image.plan["shadow"] is None for image in report.images)
    check_masks(report)


def test_models_that_need_bands_which_no_image_has_refuse_the_run(ready: Ready):
    report = ready.run(FEW)
    assert report.state is RunState.REFUSED
    assert "has no B11, which the model “multitemporal” needs. Choose a model that does without." in report.message


@pytest.mark.parametrize("union", [False, True])
def test_the_mask_of_a_product_that_has_none_refuses_the_run(ready: Ready, union: bool):
    report = ready.run(PAIR, source=PRODUCT, union=union)
    assert report.state is RunState.REFUSED
    assert "has no cloud mask of its own" in report.message


def test_results_of_the_other_level_are_not_taken_for_ones_own(ready: Ready):
    above = ready.run(BOTH)
    assert above.message == "4 of 4 images masked."
    before = [image.mask_path.read_bytes() for image in above.images]
    request = replace(ready.request, area=area_around(BOTH, SHAPE_YX))
    scenes = [*ready.engine.scenes(), *ready.engine.scenes(collection=COLLECTION_OF["L2A"])]
    of_tile = [scene for scene in scenes if scene.tile == TILES[BOTH]]
    assert len(of_tile) == 8
    assert outputs.kept(request, of_tile) == 4
    assert outputs.kept(replace(request, parameters=replace(request.parameters, level="L2A")), of_tile) == 0
    ground = ready.run(BOTH, level="L2A")
    assert [image.index for image in ground.images] == [image.index for image in above.images]
    assert [image.state for image in ground.images] == [ImageState.DONE] * 4
    assert all("S2_SR_HARMONIZED" in image.plan["image"] for image in ground.images)
    again = ready.run(BOTH)
    assert [image.state for image in again.images] == [ImageState.DONE] * 4
    assert [image.mask_path.read_bytes() for image in again.images] == before


def test_an_area_beside_all_images_refuses_the_run(ready: Ready):
    report = ready.run(Place(32633, 700_000.0, 5_300_000.0))
    assert report.state is RunState.REFUSED
    assert "does not meet any of the" in report.message


def test_models_that_cannot_be_used_refuse_the_run_before_anything_is_written(ready: Ready, tmp_path: Path):
    own = tmp_path / "models"
    own.mkdir()
    content = json.loads((Path(find.__code__.co_filename).parent / "shipped" / "published.json").read_text())
    (own / "mine.json").write_text(json.dumps(content | {"name": "mine"}))
    (own / "next.json").write_text(json.dumps(content | {"format": 2}))
    (tmp_path / "file").write_text("")
    told = {
        ("mine", own): "was changed after it was written",
        ("next", own): "is of format 2, this version reads 1",
        ("../published", own): "There is no model called “../published”; there are magnitude, multitemporal, published",
        ("mine", tmp_path / "file"): "There is no model called “mine”",
        ("mine", None): "There is no model called “mine”",
    }
    for (name, folder), words in told.items():
        parameters = replace(ready.request.parameters, model=name)
        request = replace(ready.request, parameters=parameters, models_folder=folder, output_folder=tmp_path / "out")
        report = runner.run(request, None, Orders(), lambda _: None, lambda _: None)
        assert report.state is RunState.REFUSED
        assert words in report.message
        assert list((tmp_path / "out").iterdir()) == []
