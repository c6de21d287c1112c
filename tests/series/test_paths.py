from __future__ import annotations

import numpy as np
import pytest

from s2mask_qgis.core.filling.observations import Reason
from s2mask_qgis.engines.errors import SceneError
from s2mask_qgis.series import rasters
from s2mask_qgis.series.folder import find_series
from s2mask_qgis.series.names import iso_day
from s2mask_qgis.series.pixels import read_pixel
from tests.series.dated_rasters import write

DATES = ("2019-01-27", "2019-02-06", "2019-02-16")
SHAPE = (4, 5)
X, Y = 500_005.0, 5_099_995.0


def image(number):
    return np.full(SHAPE, 0.1 * (number + 1), np.float32)


def found(folder, masks=None):
    (series,) = find_series(folder, masks)
    return series, read_pixel(series, X, Y)


@pytest.mark.parametrize(
    "pattern",
    [
        "NDVI_{}.tif",
        "{c}T110321.tif",
        "S2A_MSIL2A_{c}T110321_N0211_R094_T30TXM_20190527T120000_NDVI.tif",
        "{u}_ndvi.tiff",
        "t30TXM_{c}_ndvi.tif",
        "NDVI_{c}.TIF",
        "2019/{c}.tif",
        "2019/01/NDVI_{}.tif",
        "S2A_MSIL2A_{c}T110321_T30TXM.SAFE/NDVI.tif",
        "T30TXM/{c}/ndvi.tif",
    ],
)
def test_files_may_be_named_and_laid_out_in_many_ways(tmp_path, pattern):
    for number, date in enumerate(DATES):
        path = tmp_path / pattern.format(date, c=date.replace("-", ""), u=date.replace("-", "_"))
        write(path, image(number))
        path.with_name(f"{path.name}.aux.xml").write_text("<PAMDataset/>", encoding="utf-8")
        path.with_suffix(".json").write_text("{}", encoding="utf-8")
    series, pixel = found(tmp_path)
    assert [iso_day(day) for day in series.days] == list(DATES)
    assert series.index == "NDVI"
    np.testing.assert_allclose(pixel.values, [0.1, 0.2, 0.3], rtol=1e-6)


def test_sub_folders_are_left_alone_where_the_folder_has_images_itself(tmp_path):
    write(tmp_path / "20190127.tif", image(0))
    write(tmp_path / "filled" / "20190206.tif", image(1))
    series, _ = found(tmp_path)
    assert [iso_day(day) for day in series.days] == ["2019-01-27"]


def test_masks_in_sub_folders_belong_to_the_images_in_them(tmp_path):
    for number, date in enumerate(DATES):
        write(tmp_path / "in" / date / "NDVI.tif", image(number))
        write(tmp_path / "in" / date / "cloudmask.tif", np.full(SHAPE, number, np.uint8))
    _, pixel = found(tmp_path / "in")
    assert pixel.reasons.tolist() == [Reason.CLEAR, Reason.CLOUD, Reason.SHADOW]
    write(tmp_path / "masks" / "a" / "20190127.tif", np.ones(SHAPE, np.uint8))
    _, pixel = found(tmp_path / "in", tmp_path / "masks")
    assert pixel.reasons.tolist() == [Reason.OTHER, Reason.CLEAR, Reason.CLEAR]


def test_a_file_with_a_band_a_date_is_a_series(tmp_path):
    write(tmp_path / "in" / "stack.tif", np.stack([image(number) for number in range(3)]), names=DATES)
    masks = np.stack([np.full(SHAPE, number == 1, np.uint8) for number in range(3)])
    write(tmp_path / "masks" / "cloudmask.tif", masks, names=DATES)
    series, pixel = found(tmp_path / "in", tmp_path / "masks")
    assert [iso_day(day) for day in series.days] == list(DATES)
    assert [one.band for one in series.images] == [1, 2, 3]
    np.testing.assert_allclose(pixel.values, [0.1, 0.2, 0.3], rtol=1e-6)
    assert pixel.reasons.tolist() == [Reason.CLEAR, Reason.CLOUD, Reason.CLEAR]


def test_a_folder_without_any_raster_below_it_is_refused(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(SceneError, match="no GeoTIFF"):
        find_series(tmp_path)


# Masks with a rare value


def write_masks(folder, side, shadow_file):
    """Forty masks with clouds, one of which has a single pixel of shadow in a place that no sample meets."""
    for number in range(40):
        name = f"20190{1 + number // 20}{1 + number % 20:02d}.tif"
        write(folder / "in" / name, np.full((side, side), 0.5, np.float32))
        mask = np.zeros((side, side), np.uint8)
        mask[0, 0] = 1
        mask[side // 4, side // 4] = 2 * (number == shadow_file)
        write(folder / "masks" / name, mask)
    return folder / "in", folder / "masks"


@pytest.mark.parametrize("shadow_file", [1, 38])
def test_a_single_pixel_of_shadow_in_one_mask_tells_the_coding(tmp_path, shadow_file):
    series, pixel = found(*write_masks(tmp_path, 300, shadow_file))
    assert any("0 clear, 1 cloud, 2 shadow" in note for note in series.notes)
    assert set(pixel.reasons.tolist()) == {Reason.CLOUD}


def test_a_shadow_that_no_sample_meets_is_a_shadow(tmp_path, monkeypatch):
    monkeypatch.setattr(rasters, "_WHOLE_PX", 1)
    (series,) = find_series(*write_masks(tmp_path, 300, 3))
    pixel = read_pixel(series, 500_000.0 + 10 * 75 + 5, 5_100_000.0 - 10 * 75 - 5)
    assert pixel.reasons[3] == Reason.SHADOW
    assert set(np.delete(pixel.reasons, 3)) == {Reason.CLEAR}
