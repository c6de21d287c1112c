from __future__ import annotations

import json

import numpy as np
import pytest

from s2mask_qgis.core.filling.observations import Reason
from s2mask_qgis.engines.errors import SceneError
from s2mask_qgis.series.folder import find_series, merged_note
from s2mask_qgis.series.names import iso_day
from s2mask_qgis.series.pixels import read_pixel
from tests.series.dated_rasters import write

DATES = ("20230501", "20230511", "20230521")
VALUES = np.full((4, 5), 0.5, np.float32)
CENTRE = (500_025.0, 5_099_985.0)


def write_images(folder, values=VALUES, dates=DATES, suffix="", **more):
    for date in dates:
        write(folder / f"{date}{suffix}.tif", values, **more)
    return folder


def the_one(folder, masks=None):
    (series,) = find_series(folder, masks)
    return series


def noted(series, *words):
    return any(all(word in note for word in words) for note in series.notes)


def first_pixel(series):
    return read_pixel(series, 500_005.0, 5_099_995.0)


def test_dates_become_a_series_in_order_of_time(tmp_path):
    series = the_one(write_images(tmp_path / "in", dates=DATES[::-1]))
    assert [iso_day(day) for day in series.days] == ["2023-05-01", "2023-05-11", "2023-05-21"]
    assert series.grid.shape_yx == (4, 5)
    assert (series.name, series.index, series.notes) == ("", "NDVI", ())


@pytest.mark.parametrize(("folder", "index"), [("evi2", "EVI2"), ("kNDVI", "kNDVI"), ("other", "NDVI")])
def test_the_folder_names_the_index(tmp_path, folder, index):
    assert the_one(write_images(tmp_path / folder)).index == index


def test_only_files_of_the_index_are_taken_where_names_tell(tmp_path):
    write_images(tmp_path, suffix="_NDVI")
    write_images(tmp_path, suffix="_B04", values=VALUES / 10)
    series = the_one(tmp_path)
    assert [image.path.stem for image in series.images] == [f"{date}_NDVI" for date in DATES]


def test_the_output_of_a_run_is_understood_with_its_masks(tmp_path):
    names = ["20230501T095031_20230501T095126_T33UXP", "20230511T095031_20230511T095126_T33UXP"]
    about = {"system:time_start": 1684059359000, "s2mask:source": "COPERNICUS/S2_HARMONIZED/a"}
    properties = {"EARTH_ENGINE_PROPERTIES": json.dumps(about)}
    mask = np.zeros((4, 5), np.float32)
    mask[0, 0] = 1
    for name in names:
        write(tmp_path / "ndvi" / f"{name}.tif", VALUES, nodata=-9999.0, items=properties)
        write(tmp_path / "mask" / f"{name}.tif", mask, nodata=-9999.0, items=properties)
    series = the_one(tmp_path)
    assert [image.path.parent.name for image in series.images] == ["ndvi", "ndvi"]
    assert [iso_day(day) for day in series.days] == ["2023-05-01", "2023-05-11"]
    assert first_pixel(series).reasons.tolist() == [Reason.CLOUD] * 2
    assert read_pixel(series, 500_015.0, 5_099_995.0).reasons.tolist() == [Reason.CLEAR] * 2
    assert noted(series, "mask", "0 clear, 1 cloud, 2 shadow")


@pytest.mark.parametrize(
    ("values", "more", "expected"),
    [
        (np.full((4, 5), 5000, np.int16), {}, 0.5),
        (np.full((4, 5), 5000, np.int16), {"scale": 0.0001}, 0.5),
        (np.full((4, 5), 100, np.uint8), {"scale": 0.004}, 0.4),
        (np.full((4, 5), 5000.0, np.float32), {}, 0.5),
        (np.full((4, 5), 0.25, np.float32), {}, 0.25),
        (np.full((4, 5), -9999, np.int16), {}, np.nan),
        (np.full((4, 5), -3000, np.int16), {"nodata": -3000}, np.nan),
        (np.full((4, 5), np.inf, np.float32), {}, np.nan),
        (np.full((4, 5), 1.5, np.float32), {}, np.nan),
        (np.full((4, 5), -9999.0, np.float32), {"nodata": -9999.0}, np.nan),
        (VALUES, {"mask": np.zeros((4, 5))}, np.nan),
        (VALUES, {"mask": np.ones((4, 5))}, 0.5),
    ],
)
def test_stored_numbers_become_values(tmp_path, values, more, expected):
    found = first_pixel(the_one(write_images(tmp_path, values, **more)))
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)
    assert set(found.reasons) == {Reason.NO_DATA if np.isnan(expected) else Reason.CLEAR}


def test_whole_numbers_without_a_scale_are_noted(tmp_path):
    assert noted(the_one(write_images(tmp_path, np.full((4, 5), 5000, np.int16))), "value x 10000", "20230501.tif")


def test_bytes_without_a_scale_are_refused(tmp_path):
    with pytest.raises(SceneError, match="bytes without a scale"):
        find_series(write_images(tmp_path, np.full((4, 5), 100, np.uint8)))


SCL = np.array([[4, 5, 6, 7, 2], [3, 8, 9, 10, 11], [0, 1, 4, 4, 4], [4, 4, 4, 4, 4]], np.uint8)


def reasons_of_all(series, at=0):
    grid = [(500_005.0 + 10 * column, 5_099_995.0 - 10 * row) for row in range(4) for column in range(5)]
    return np.array([read_pixel(series, *point).reasons[at] for point in grid]).reshape(4, 5)


def test_scene_classifications_beside_the_images_are_found(tmp_path):
    write_images(tmp_path, suffix="_NDVI")
    write_images(tmp_path, SCL, suffix="_SCL")
    series = the_one(tmp_path)
    assert len(series.images) == 3
    reasons = reasons_of_all(series)
    assert reasons[1].tolist() == [Reason.SHADOW, Reason.CLOUD, Reason.CLOUD, Reason.CLOUD, Reason.SNOW]
    assert reasons[0].tolist() == [Reason.CLEAR] * 4 + [Reason.SHADOW]
    assert noted(series, "scene classification")


def test_masked_observations_keep_their_value(tmp_path):
    masks = write_images(tmp_path / "masks", np.ones((4, 5), np.uint8))
    found = first_pixel(the_one(write_images(tmp_path / "in"), masks))
    assert found.values.tolist() == [0.5] * 3
    assert found.reasons.tolist() == [Reason.OTHER] * 3


def test_a_date_without_a_mask_has_none_and_is_noted(tmp_path):
    masks = write_images(tmp_path / "masks", np.ones((4, 5), np.uint8), DATES[:2])
    series = the_one(write_images(tmp_path / "in"), masks)
    assert first_pixel(series).reasons.tolist() == [Reason.OTHER, Reason.OTHER, Reason.CLEAR]
    assert noted(series, "No mask on 2023-05-21")


def test_masks_named_valid_are_read_the_other_way_round(tmp_path):
    masks = write_images(tmp_path / "valid", np.ones((4, 5), np.uint8))
    assert set(first_pixel(the_one(write_images(tmp_path / "in"), masks)).reasons) == {Reason.CLEAR}


def test_a_mask_of_20_m_pixels_covers_two_by_two(tmp_path):
    mask = np.array([[4, 9, 4], [8, 4, 4]], np.uint8)
    masks = write_images(tmp_path / "scl", mask, pixel=20.0)
    series = the_one(write_images(tmp_path / "in"), masks)
    expected = np.kron(np.isin(mask, (8, 9)), np.ones((2, 2), bool))[:4, :5]
    np.testing.assert_array_equal(reasons_of_all(series) == Reason.CLOUD, expected)
    assert noted(series, "nearest neighbour")


def test_a_mask_in_another_coordinate_system_is_brought_to_the_images(tmp_path):
    masks = write_images(
        tmp_path / "masks", np.ones((40, 40), np.uint8), epsg=4326, origin=(14.999, 46.054), pixel=0.0001
    )
    series = the_one(write_images(tmp_path / "in"), masks)
    assert set(first_pixel(series).reasons) == {Reason.OTHER}


def test_a_mask_that_covers_a_part_leaves_no_data_outside(tmp_path):
    masks = write_images(tmp_path / "masks", np.zeros((2, 5), np.uint8))
    reasons = reasons_of_all(the_one(write_images(tmp_path / "in"), masks))
    assert (reasons[:2] == Reason.CLEAR).all()
    assert (reasons[2:] == Reason.NO_DATA).all()


@pytest.mark.parametrize("names", [("NDVI", "SCL"), ("", "")])
def test_a_second_band_is_the_mask(tmp_path, names):
    stacked = np.stack([np.full((4, 5), 5000, np.int16), SCL.astype(np.int16)])
    series = the_one(write_images(tmp_path, stacked, names=names))
    assert (reasons_of_all(series) == Reason.CLOUD).sum() == 3
    assert noted(series, "Band 2")


def test_a_second_band_of_other_values_is_no_mask(tmp_path):
    series = the_one(write_images(tmp_path, np.stack([VALUES, VALUES / 3])))
    assert set(first_pixel(series).reasons) == {Reason.CLEAR}


def test_extents_may_differ_by_whole_pixels(tmp_path):
    write(tmp_path / "20230501.tif", VALUES)
    write(tmp_path / "20230511.tif", VALUES + np.float32(0.1), origin=(500_020.0, 5_100_010.0))
    series = the_one(tmp_path)
    assert series.grid.shape_yx == (5, 7)
    assert series.grid.bounds == (500_000.0, 5_099_960.0, 500_070.0, 5_100_010.0)
    np.testing.assert_allclose(read_pixel(series, 500_065.0, 5_100_005.0).values, [np.nan, 0.6], rtol=1e-6)
    np.testing.assert_allclose(read_pixel(series, 500_025.0, 5_099_995.0).values, [0.5, 0.6], rtol=1e-6)
    np.testing.assert_allclose(first_pixel(series).values, [0.5, np.nan], rtol=1e-6)


def test_tiles_of_one_zone_are_series_of_their_own(tmp_path):
    for tile, origin in (("T33TVM", (500_000.0, 5_100_000.0)), ("T33TWM", (500_040.0, 5_100_000.0))):
        write_images(tmp_path, suffix=f"_{tile}", origin=origin)
    found = find_series(tmp_path)
    assert [series.name for series in found] == ["33TVM", "33TWM"]
    assert all(series.grid.shape_yx == (4, 5) and len(series.images) == 3 for series in found)
    assert noted(found[0], "33TVM, 33TWM")


def test_images_of_several_tiles_on_one_grid_are_one_series(tmp_path):
    write_images(tmp_path, suffix="_T33TVM", dates=DATES[:2])
    write_images(tmp_path, suffix="_T33TWM", dates=DATES[1:])
    series = the_one(tmp_path)
    assert len(series.images) == 4
    assert len(series.days) == 3


def test_other_coordinate_systems_and_distant_extents_are_series_of_their_own(tmp_path):
    write_images(tmp_path, suffix="_a")
    write_images(tmp_path, suffix="_b", epsg=32634)
    write_images(tmp_path, suffix="_c", origin=(600_000.0, 5_100_000.0))
    found = find_series(tmp_path)
    assert sorted(series.name for series in found) == ["EPSG32633-1", "EPSG32633-2", "EPSG32634"]


def test_images_of_one_day_are_one_by_the_mean_of_the_clear_ones(tmp_path):
    for name, value, masked in (("20230501_1", 0.2, 0), ("20230501_2", 0.6, 1), ("20230511_1", 0.2, 0)):
        write(tmp_path / "in" / f"{name}.tif", np.full((4, 5), value, np.float32))
        mask = np.zeros((4, 5), np.uint8)
        mask[0] = masked
        write(tmp_path / "masks" / f"{name}.tif", mask)
    series = the_one(tmp_path / "in", tmp_path / "masks")
    np.testing.assert_allclose(first_pixel(series).values, [0.2, 0.2], rtol=1e-6)
    np.testing.assert_allclose(read_pixel(series, 500_005.0, 5_099_985.0).values, [0.4, 0.2], rtol=1e-6)
    assert "2023-05-01" in merged_note(series)


def test_a_pixel_masked_in_all_images_of_a_day_is_masked(tmp_path):
    for name, code in (("20230501_1", 9), ("20230501_2", 3)):
        write(tmp_path / "in" / f"{name}.tif", VALUES)
        write(tmp_path / "scl" / f"{name}.tif", np.full((4, 5), code, np.uint8))
    assert first_pixel(the_one(tmp_path / "in", tmp_path / "scl")).reasons.tolist() == [Reason.CLOUD]


def test_masks_that_could_belong_to_several_images_are_refused(tmp_path):
    write_images(tmp_path / "in", dates=("20230501_a", "20230501_b", "20230501_c"))
    masks = write_images(tmp_path / "masks", np.ones((4, 5), np.uint8), ("20230501_x", "20230501_y"))
    with pytest.raises(SceneError, match="2023-05-01 has 3 images and 2 masks"):
        find_series(tmp_path / "in", masks)


def test_unusable_files_among_good_ones_are_left_out_by_name(tmp_path):
    write_images(tmp_path)
    write(tmp_path / "undated.tif", VALUES)
    (tmp_path / "20230605.tif").write_text("not a raster", encoding="utf-8")
    series = the_one(tmp_path)
    assert len(series.images) == 3
    assert noted(series, "Left out", "undated.tif", "date")
    assert noted(series, "Left out", "20230605.tif", "GeoTIFF")


def test_the_day_may_come_from_metadata(tmp_path):
    write(tmp_path / "a.tif", VALUES, items={"TIFFTAG_DATETIME": "2023:05:14 10:15:59"})
    assert [iso_day(day) for day in the_one(tmp_path).days] == ["2023-05-14"]


def test_files_without_a_coordinate_system_can_be_read(tmp_path):
    series = the_one(write_images(tmp_path, epsg=None))
    assert series.grid.crs == ""
    assert first_pixel(series).values.tolist() == [0.5] * 3


def fill_with_text(folder):
    folder.mkdir()
    (folder / "20230501.tif").write_text("text", encoding="utf-8")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda folder: None, "does not exist"),
        (lambda folder: folder.mkdir(), "no GeoTIFF"),
        (lambda folder: folder.write_text("x", encoding="utf-8"), "is a file"),
        (fill_with_text, "20230501.tif cannot be read"),
        (lambda folder: write(folder / "a.tif", VALUES), "tell a date: a.tif"),
        (lambda folder: write(folder / "20230501_mask.tif", VALUES), "only masks"),
    ],
)
def test_folders_that_cannot_be_used_are_refused_with_a_sentence(tmp_path, make, text):
    make(tmp_path / "in")
    with pytest.raises(SceneError, match=text):
        find_series(tmp_path / "in")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda folder: None, "no folder"),
        (lambda folder: folder.mkdir(), "no mask"),
        (fill_with_text, "20230501.tif cannot be read"),
        (lambda folder: write(folder / "20230601.tif", VALUES), "No mask in .* has the date"),
        (lambda folder: write(folder / "20230501.tif", VALUES), "cannot be read as a mask: the value 0.5"),
    ],
)
def test_masks_that_cannot_be_used_are_refused_with_a_sentence(tmp_path, make, text):
    write_images(tmp_path / "in")
    make(tmp_path / "masks")
    with pytest.raises(SceneError, match=text):
        find_series(tmp_path / "in", tmp_path / "masks")


def test_a_point_outside_is_refused(tmp_path):
    with pytest.raises(SceneError, match="outside"):
        read_pixel(the_one(write_images(tmp_path)), 400_000.0, 5_100_000.0)
