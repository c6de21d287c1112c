from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr

from accuracy import Accuracy, coarse_classes, compare, read_rasters, total
from scene_stacks import Place, write_bands

UPPER_LEFT = (600_000.0, 5_300_040.0)


def write_raster(path: Path, pixels: np.ndarray, scale_m: float, nodata: int, corner=UPPER_LEFT, epsg=32633) -> Path:
    gdal.UseExceptions()
    rows, columns = pixels.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, 1, gdal.GDT_Byte)
    dataset.SetGeoTransform((corner[0], scale_m, 0, corner[1], 0, -scale_m))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(epsg)
    dataset.SetSpatialRef(crs)
    dataset.GetRasterBand(1).WriteArray(pixels)
    dataset.GetRasterBand(1).SetNoDataValue(nodata)
    dataset.FlushCache()
    return path


def blown_up(classes: list[list[int]]) -> np.ndarray:
    return np.kron(np.array(classes, np.uint8), np.ones((3, 3), np.uint8))


def test_each_kind_of_pixel_is_counted_once(tmp_path):
    truth = blown_up([[1, 1, 0, 0], [2, 2, 3, 255]])
    mask = np.array([[1, 0, 1, 0], [1, 0, 1, 1]], np.uint8)
    result = compare(
        write_raster(tmp_path / "mask.tif", mask, 30, nodata=255),
        write_raster(tmp_path / "truth.tif", truth, 10, nodata=255),
    )
    assert result == Accuracy(
        hits=1, misses=1, false_alarms=2, correct_clears=1, cirrus=2, cirrus_flagged=1, shadow_misses=1
    )
    assert result.recall == 0.5
    assert result.false_alarm_rate == pytest.approx(2 / 3)
    assert result.balanced_accuracy == pytest.approx((0.5 + 1 / 3) / 2)


def test_mixed_truth_pixels_do_not_count(tmp_path):
    truth = blown_up([[1, 0]])
    truth[0, 0] = 0
    mask = np.array([[1, 0]], np.uint8)
    result = compare(
        write_raster(tmp_path / "mask.tif", mask, 30, nodata=255),
        write_raster(tmp_path / "truth.tif", truth, 10, nodata=255),
    )
    assert result == Accuracy(correct_clears=1)
    assert result.recall is None
    assert result.balanced_accuracy is None


def test_masked_pixels_do_not_count(tmp_path):
    mask = np.array([[255, 1]], np.uint8)
    result = compare(
        write_raster(tmp_path / "mask.tif", mask, 30, nodata=255),
        write_raster(tmp_path / "truth.tif", blown_up([[1, 1]]), 10, nodata=255),
    )
    assert result == Accuracy(hits=1)


def test_a_mask_of_part_of_the_tile_is_laid_on_the_right_truth_pixels(tmp_path):
    truth = blown_up([[0, 0, 0], [0, 0, 1]])
    corner = (UPPER_LEFT[0] + 60, UPPER_LEFT[1] - 30)
    result = compare(
        write_raster(tmp_path / "mask.tif", np.array([[1]], np.uint8), 30, nodata=255, corner=corner),
        write_raster(tmp_path / "truth.tif", truth, 10, nodata=255),
    )
    assert result == Accuracy(hits=1)


@pytest.mark.parametrize(
    ("offset_yx", "expected"),
    [((0, 0), [[True, True]]), ((0, 3), [[True, False]]), ((0, -3), [[False, True]]), ((-3, 0), [[False, False]])],
)
def test_coarse_pixels_outside_the_truth_do_not_count(offset_yx, expected):
    _, agree = coarse_classes(np.zeros((3, 6), np.uint8), (1, 2), offset_yx, 3)
    assert agree.tolist() == expected


def test_rasters_that_do_not_fit_are_refused(tmp_path):
    truth = write_raster(tmp_path / "truth.tif", blown_up([[0]]), 10, nodata=255)
    one = np.zeros((1, 1), np.uint8)
    shifted = write_raster(tmp_path / "shifted.tif", one, 30, nodata=255, corner=(UPPER_LEFT[0] + 5, UPPER_LEFT[1]))
    with pytest.raises(ValueError, match=r"shifted\.tif do not lie on"):
        compare(shifted, truth)
    other = write_raster(tmp_path / "other.tif", one, 30, nodata=255, epsg=32634)
    with pytest.raises(ValueError, match="different coordinate systems"):
        compare(other, truth)


def test_totals_add_counts_and_not_shares():
    summed = total([Accuracy(hits=1, misses=1), Accuracy(hits=98, correct_clears=5)])
    assert summed.recall == pytest.approx(0.99)
    assert summed.false_alarm_rate == 0


def test_shadows_are_counted_apart_from_clouds(tmp_path):
    truth = blown_up([[3, 3, 3, 0, 1, 2]])
    mask = np.array([[2, 0, 1, 2, 2, 2]], np.uint8)
    result = compare(
        write_raster(tmp_path / "mask.tif", mask, 30, nodata=255),
        write_raster(tmp_path / "truth.tif", truth, 10, nodata=255),
    )
    assert (result.shadow_hits, result.shadow_misses) == (1, 2)
    assert (result.shadow_false_alarms, result.shadow_on_clear) == (2, 1)
    assert (result.hits, result.misses, result.false_alarms, result.correct_clears) == (0, 1, 1, 3)
    assert result.shadow_precision == pytest.approx(1 / 3)
    assert result.shadow_recall == pytest.approx(1 / 3)
    assert result.shadow_f1 == pytest.approx(1 / 3)
    assert (result.cirrus, result.cirrus_flagged) == (1, 0)


def test_scores_of_what_does_not_occur_are_undefined():
    nothing = Accuracy(false_alarms=3, correct_clears=7, shadow_false_alarms=2)
    assert nothing.false_alarm_rate == pytest.approx(0.3)
    assert (nothing.recall, nothing.f1, nothing.shadow_recall, nothing.shadow_f1) == (None,) * 4


def test_f1_is_the_harmonic_mean_of_precision_and_recall():
    result = Accuracy(hits=6, misses=2, false_alarms=4, correct_clears=8)
    precision, recall = 6 / 10, 6 / 8
    assert result.f1 == pytest.approx(2 * precision * recall / (precision + recall))


def test_bands_of_a_file_are_read_each_with_its_own_valid_pixels(tmp_path):
    pixels = np.array([[[1, 0]], [[255, 1]]], np.uint8)
    write_bands(tmp_path / "features.tif", pixels, Place(32633, *UPPER_LEFT, 30.0), 255)
    first, second = read_rasters(tmp_path / "features.tif")
    assert first.valid.tolist() == [[True, True]]
    assert second.valid.tolist() == [[False, True]]
    assert second.values[0, 1] == 1
    assert len(read_rasters(tmp_path / "features.tif", 1)) == 1
