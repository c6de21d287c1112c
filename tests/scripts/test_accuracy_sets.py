"""The sets that masks are judged on: the library takes their scenes, and what is known of them lies on their pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import accuracy_real
from accuracy import CIRRUS, CLEAR, CLOUD, OUTSIDE, SHADOW, read_raster
from accuracy_peers import same_pixels
from accuracy_sets import AbsentError, DataSet, all_sets, simulated, surfaces
from s2mask_qgis.core.footprints import meets
from s2mask_qgis.core.scenes import COLLECTION, COLLECTION_L2A
from s2mask_qgis.engines.local.library.library import SceneLibrary
from scene_stacks import NODATA, Place, area_around, scene_properties, write_bands, write_stack


def library_of(data: DataSet, folder: Path) -> SceneLibrary:
    library = SceneLibrary(data.scenes, folder / "library")
    library.refresh(lambda done, total: None, lambda: False)
    return library


def known(data: DataSet) -> dict[str, np.ndarray]:
    return {path.stem: read_raster(path).values for path in data.truth.glob("*.tif")}


@pytest.mark.parametrize("name", list(accuracy_real.REAL))
def test_every_scene_of_a_real_set_is_accepted_and_has_a_truth(name, shared_data, tmp_path):
    data = accuracy_real.REAL[name](tmp_path)
    library = library_of(data, tmp_path)
    records = library.scenes(COLLECTION_L2A if data.level == "L2A" else COLLECTION)
    assert not library.problems()
    assert {record.index for record in records} == set(known(data))
    assert all(meets(record.footprint, data.area) for record in records)


def test_proxies_are_what_the_data_say(shared_data, tmp_path):
    shares = {index[:8]: classes for index, classes in known(accuracy_real.eolearn(tmp_path)).items()}
    assert (shares["20150731"] == CLOUD).all()
    assert (shares["20150711"] == CLEAR).all()
    snow = shares["20170111"]
    assert (snow != OUTSIDE).mean() == pytest.approx(0.432, abs=0.001)
    assert set(np.unique(snow)) == {CLEAR, OUTSIDE}


def test_the_scene_classification_becomes_classes_of_a_truth(shared_data, tmp_path):
    data = accuracy_real.barbellino_l2a(tmp_path)
    cloudy, clear = (known(data)[index] for index in sorted(known(data)))
    assert {CLEAR, CLOUD} <= set(np.unique(cloudy)) <= {CLEAR, CLOUD, CIRRUS, SHADOW, OUTSIDE}
    assert CLOUD not in np.unique(clear)


def test_farms_know_clear_pixels_only_and_leave_wrong_dates_out(shared_data, tmp_path):
    data = accuracy_real.farms()["farm-strickhof"](tmp_path)
    assert not any(index.startswith("20220620") for index in known(data))
    assert set(np.unique(list(known(data).values()))) == {CLEAR, OUTSIDE}


def test_the_products_own_mask_at_labelled_points(shared_data):
    counts = accuracy_real.toulouse_points()
    assert (counts.cloud, counts.cloudless, counts.shadow) == (96, 153, 70)
    assert counts.recall == 1.0


def test_simulated_sets_have_truth_for_every_scene_and_one_has_surfaces(tmp_path):
    plain, changed = simulated(tmp_path, 60, 2), surfaces(tmp_path, 60, 2)
    assert plain.surfaces is None
    assert changed.surfaces is not None
    for data in (plain, changed):
        assert len(known(data)) == len(list(data.scenes.glob("*.SAFE"))) == 2
    assert {path.name for path in changed.surfaces.iterdir()} == {path.name for path in changed.truth.iterdir()}


def test_a_set_without_its_data_is_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(accuracy_real, "SHARED", tmp_path / "nowhere")
    (line,) = all_sets(tmp_path, {"eolearn": accuracy_real.eolearn})
    assert line.startswith("eolearn: left out, there is no eolearn-l1c")
    with pytest.raises(AbsentError):
        accuracy_real.toulouse_points()


def test_a_sample_that_cannot_be_written_is_a_line(tmp_path):
    (tmp_path / "simulated").write_text("")
    (line,) = all_sets(tmp_path, {"simulated": lambda folder: simulated(folder, 60, 1)})
    assert line.startswith("simulated: left out, ")


def test_a_finer_mask_takes_the_pixels_of_another_by_majority(tmp_path):
    fine = np.zeros((1, 6, 6), np.uint8)
    fine[0, :2, :3] = 1
    fine[0, 3:, 3:] = OUTSIDE
    place = Place(32633, 600_000.0, 5_300_040.0)
    write_bands(tmp_path / "fine.tif", fine, place, OUTSIDE)
    write_bands(
        tmp_path / "coarse.tif", np.zeros((1, 2, 2), np.uint8), Place(32633, place.x_m, place.y_m, 30.0), OUTSIDE
    )
    read = read_raster(same_pixels(tmp_path / "fine.tif", tmp_path / "coarse.tif", tmp_path / "new" / "own.tif"))
    assert read.transform == read_raster(tmp_path / "coarse.tif").transform
    assert read.values.tolist() == [[1, 0], [0, OUTSIDE]]
    assert read.valid.tolist() == [[True, True], [True, False]]


def test_a_stack_is_read_back_where_and_as_it_was_written(tmp_path):
    pixels = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5)
    pixels[0, 0, 0] = NODATA
    place = Place(32632, 500_000.0, 5_200_000.0)
    moment = accuracy_real._moment("20220305T102921", "%Y%m%dT%H%M%S")
    properties = scene_properties(moment, "32TMT", 12.5)
    write_stack(tmp_path, properties, pixels, ("B2", "B3", "B4"), place)
    read = read_raster(tmp_path / f"{properties['system:index']}.tif")
    assert properties["system:index"] == "20220305T102921_20220305T102921_T32TMT"
    assert read.transform == (500_000.0, 10.0, 0.0, 5_200_000.0, 0.0, -10.0)
    assert not read.valid[0, 0]
    assert read.valid.sum() == 19
    np.testing.assert_array_equal(read.values, pixels[0])
    ((ring,),) = area_around(place, (4, 5)).polygons
    assert ring[0] == ring[-1]
    assert min(x for x, _ in ring) < 9.0 < max(x for x, _ in ring)
