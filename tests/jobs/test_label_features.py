"""Features at labels: the right pixels, in batches, kept on disk, and a reason for every label that has none."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.core.backgrounds import choose
from s2mask_qgis.core.feature_values import model_of, value_image
from s2mask_qgis.core.features import MEASURES
from s2mask_qgis.core.grid import Grid
from s2mask_qgis.core.labels import Label
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.engines.base import AssetDestination, Export
from s2mask_qgis.engines.errors import CancelledError, QuotaError, StorageError
from s2mask_qgis.engines.local.engine import LocalEngine
from s2mask_qgis.jobs import label_features
from s2mask_qgis.jobs.label_features import LabelFeatures, LabelRow, features_at
from s2mask_qgis.jobs.planning import Planner
from tests.jobs.conftest import sample_area
from tests.jobs.labelled_sample import WatchedEngine, to_degrees, truth_labels

NAMES = ("percentile1", "persistence5", "tree2")
PARAMETERS = RunParameters(number_of_images=3, number_preselect=4, cluster_count=4, sample_size=300)


@pytest.fixture(scope="module")
def engine(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    with LocalEngine(sample_folder / "scenes", sample_folder / "library", tmp_path_factory.mktemp("store")) as engine:
        engine.refresh(lambda done, total: None)
        yield engine


@pytest.fixture(scope="module")
def labels(sample_folder: Path) -> list[Label]:
    return truth_labels(sample_folder / "scenes", per_code=8, images=3)


def sample(
    engine: LocalEngine | WatchedEngine,
    labels: Sequence[Label],
    folder: Path,
    parameters: RunParameters = PARAMETERS,
    names: Sequence[str] = NAMES,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> LabelFeatures:
    return features_at(engine, labels, names, parameters, folder, lambda done, total: None, is_cancelled)


@pytest.fixture(scope="module")
def sampled(engine: LocalEngine, labels: list[Label], tmp_path_factory: pytest.TempPathFactory) -> LabelFeatures:
    return sample(engine, labels, tmp_path_factory.mktemp("sampled"))


def exported(engine: LocalEngine, image: str, names: Sequence[str]) -> tuple[np.ndarray, Grid]:
    """Values of a whole image as an export gives them, a band each, and their grid."""
    scenes = engine.scenes()
    scene = next(one for one in scenes if one.index == image)
    backgrounds = choose(scene, scenes, PARAMETERS, (1, 5))
    parameters = replace(PARAMETERS, shadow=False, features=True)
    plan = Planner(engine, sample_area(), parameters, model_of(names)).plan(scene, backgrounds)
    grid = engine.grid(scene).at_scale(30)
    asset = engine.asset_id("values", image)
    operation = engine.start(
        Export(value_image(plan, names).toDouble(), AssetDestination(asset), grid, f"values-{len(names)}", "values")
    )
    while not engine.operations()[operation].state.is_final:
        time.sleep(0.02)
    return gdal.Open(str(engine.fetch(asset))).ReadAsArray(), grid


def check_pixels(rows: Sequence[LabelRow], pixels: np.ndarray, grid: Grid) -> None:
    """Every row holds the values, and the centre, of the pixel that its label lies in."""
    transform = to_degrees(grid.crs, back=True)
    for row in rows:
        x, y, _ = transform.TransformPoint(row.label.longitude, row.label.latitude)
        at = math.floor((grid.bounds[3] - y) / 30), math.floor((x - grid.bounds[0]) / 30)
        assert row.values == pytest.approx(tuple(pixels[:, at[0], at[1]]), abs=1e-12)
        centre = transform.TransformPoint(*row.centre)
        assert centre[0] == pytest.approx(grid.bounds[0] + (at[1] + 0.5) * 30, abs=0.02)
        assert centre[1] == pytest.approx(grid.bounds[3] - (at[0] + 0.5) * 30, abs=0.02)


def test_values_are_those_of_the_exported_pixel_that_holds_the_label(engine, labels, sampled):
    rows = [row for row in sampled.rows if row.label.image == labels[0].image]
    assert len(rows) > 15
    check_pixels(rows, *exported(engine, labels[0].image, NAMES))
    assert {value for row in rows for value in row.values} == {0, 1}


@pytest.mark.parametrize("names", [tuple(MEASURES), ("percentile5", "cirrus", "tree1", "brightening")])
def test_measures_are_sampled_like_features_and_beside_them(engine, labels, tmp_path, names):
    some = [label for label in labels if label.image == labels[0].image][::3]
    found = sample(engine, some, tmp_path, names=names)
    assert len(found.rows) == len(some)
    check_pixels(found.rows, *exported(engine, labels[0].image, names))
    assert len({row.values[1] for row in found.rows}) > 2


def test_every_label_has_its_row(labels, sampled):
    assert sampled.names == NAMES
    assert {row.label for row in sampled.rows} == set(labels)
    assert sampled.notes == ()
    assert set(sampled.days) == {label.image for label in labels}
    assert all(day == f"{image[:4]}-{image[4:6]}-{image[6:8]}" for image, day in sampled.days.items())


def test_requests_are_bounded(engine, labels, sampled, tmp_path, monkeypatch):
    monkeypatch.setattr(label_features, "BATCH", 10)
    watched = WatchedEngine(engine)
    assert sample(watched, labels, tmp_path).rows == sampled.rows
    assert max(watched.tables) == 10
    assert sum(watched.tables) == len(labels)


def test_a_second_call_takes_all_from_disk(engine, labels, sampled, tmp_path):
    sample(engine, labels, tmp_path)
    watched = WatchedEngine(engine)
    assert sample(watched, labels, tmp_path) == sampled
    assert watched.tables == []
    assert watched.prepared == set()


def test_what_is_kept_does_not_depend_on_what_labels_say(engine, labels, tmp_path):
    sample(engine, labels, tmp_path)
    watched = WatchedEngine(engine)
    said = [replace(label, kind="shadow", group="field") for label in labels]
    assert [row.label for row in sample(watched, said, tmp_path).rows] == sorted(said, key=lambda label: label.image)
    assert watched.tables == []


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"scale_m": 60}, {"opening_radius_px": 0}, {"number_of_images": 2}, {"do_clustering": False}],
)
def test_what_is_kept_is_not_taken_for_other_parameters(engine, labels, tmp_path, change):
    some = labels[:10]
    sample(engine, some, tmp_path)
    watched = WatchedEngine(engine)
    sample(watched, some, tmp_path, replace(PARAMETERS, **change))
    assert watched.tables == [10]


def test_after_an_interruption_only_what_is_missing_is_computed(engine, labels, sampled, tmp_path):
    asked = WatchedEngine(engine)
    with pytest.raises(CancelledError):
        sample(asked, labels, tmp_path, is_cancelled=lambda: len(asked.tables) == 2)
    assert len(list((tmp_path / "labels").glob("*.json"))) == 2
    assert not list((tmp_path / "labels").glob("*.partial"))
    resumed = WatchedEngine(engine)
    assert sample(resumed, labels, tmp_path) == sampled
    assert len(resumed.tables) == 1


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"key": 1}'])
def test_a_damaged_file_is_made_again(engine, labels, tmp_path, damage):
    some = labels[:10]
    first = sample(engine, some, tmp_path)
    (path,) = (tmp_path / "labels").glob("*.json")
    whole = path.read_text()
    path.write_text(damage or whole.replace('"pixels": [[', '"pixels": [5, ['))
    watched = WatchedEngine(engine)
    assert sample(watched, some, tmp_path) == first
    assert watched.tables == [10]
    assert json.loads(path.read_text()) == json.loads(whole)


def test_images_that_cannot_be_used_are_told_and_left_out(engine, labels, sampled, tmp_path):
    broken, weak, fine = sorted({label.image for label in labels})
    watched = WatchedEngine(engine, unusable=[broken], failing_values=[1])
    found = sample(watched, labels, tmp_path)
    assert {row.label.image for row in found.rows} == {fine}
    assert any(note.startswith(f"{broken} was left out with its ") and "is broken" in note for note in found.notes)
    assert any(note.startswith(f"{weak} was left out with its ") and "a bad moment" in note for note in found.notes)


def test_backgrounds_are_chosen_again_without_images_that_cannot_be_used(engine, labels, tmp_path):
    image = labels[0].image
    scenes = engine.scenes()
    scene = next(one for one in scenes if one.index == image)
    broken = choose(scene, scenes, PARAMETERS, (1,))[1][0].index
    found = sample(
        WatchedEngine(engine, unusable=[broken]), [label for label in labels if label.image == image], tmp_path
    )
    assert len(found.rows) > 15
    assert found.notes == ()


def test_labels_without_image_or_pixel_are_told_and_left_out(engine, labels, tmp_path):
    (first, *others), far = labels[:10], labels[0]
    odd = [
        replace(far, image="20200101T000000_20200101T000000_T33UXP"),
        replace(far, longitude=far.longitude + 0.03),
        replace(far, longitude=-100.0, latitude=-40.0),
        replace(far, longitude=math.nan),
    ]
    found = sample(engine, [first, *others, *odd], tmp_path)
    assert len(found.rows) == 10
    assert found.notes == (
        "There is no image for 1 labels, which were left out: 20200101T000000_20200101T000000_T33UXP (1). "
        "Check the folder of scenes.",
        f"{first.image}: 3 lie outside the image; these labels were left out.",
    )


def test_a_feature_without_background_is_unknown_and_the_others_are_there(engine, labels, tmp_path):
    parameters = replace(PARAMETERS, cloud_threshold=100.0)
    found = sample(engine, labels[:10], tmp_path, parameters, ("percentile2", "tree3"))
    assert {row.values[0] for row in found.rows} == {None}
    assert {row.values[1] for row in found.rows} <= {0, 1}


def test_errors_that_concern_all_images_end_the_call(engine, labels, tmp_path, monkeypatch):
    def used_up(self: object, computation: object) -> None:
        raise QuotaError("The quota is used up.")

    monkeypatch.setattr(WatchedEngine, "value", used_up)
    with pytest.raises(QuotaError):
        sample(WatchedEngine(engine), labels, tmp_path)


def test_a_folder_that_cannot_be_written_ends_the_call(engine, labels, tmp_path):
    (tmp_path / "labels").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot be written"):
        sample(engine, labels[:10], tmp_path)
