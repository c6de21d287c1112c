from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.series import reading, sampling
from s2mask_qgis.series.area_mask import AreaMask, cut
from s2mask_qgis.series.folder import find_series
from s2mask_qgis.series.rasters import UnreadableError
from s2mask_qgis.series.reading import SeriesReader, Window
from tests.series.dated_rasters import season_values, write

DAYS = np.arange(19_000.0, 19_100.0, 20.0)


@pytest.fixture
def folder(tmp_path):
    for day, values in zip(DAYS, season_values(DAYS, 40, 70)):
        write(tmp_path / f"{np.datetime64('1970-01-01') + int(day)}.tif", values)
    return tmp_path


@pytest.fixture
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def read_all(folder, threads, release):
    (series,) = find_series(folder)
    with SeriesReader(series) as reader:
        return reader.stack(Window(0, 0, *series.grid.shape_yx), threads, release)


@pytest.mark.parametrize("release", [False, True])
def test_a_stack_holds_every_date(folder, threads, release):
    np.testing.assert_array_equal(read_all(folder, threads, release), season_values(DAYS, 40, 70))


def test_a_bounded_number_of_files_is_open(folder, threads, monkeypatch):
    monkeypatch.setattr(reading, "OPEN_FILES", 2)
    np.testing.assert_array_equal(read_all(folder, threads, True), season_values(DAYS, 40, 70))


def test_a_file_that_is_cut_off_is_named(folder, threads):
    path = sorted(folder.iterdir())[2]
    path.write_bytes(path.read_bytes()[:6000])
    (series,) = find_series(folder)
    with SeriesReader(series) as reader, pytest.raises(UnreadableError, match=path.name) as caught:
        reader.stack(Window(0, 0, 40, 70), threads)
    assert caught.value.path == path


def test_a_sample_holds_pixels_with_values_only(tmp_path, threads):
    values = season_values(DAYS, 60, 80)
    values[:, :, 10:] = np.nan
    for day, image in zip(DAYS, values):
        write(tmp_path / f"{np.datetime64('1970-01-01') + int(day)}.tif", image)
    (series,) = find_series(tmp_path)
    with SeriesReader(series) as reader:
        found = sampling.sample_pixels(reader, None, threads)
    assert found.shape == (len(DAYS), 600)
    assert set(found[0]) <= set(values[0, :, :10].ravel())


def test_a_large_raster_is_sampled_in_few_windows_and_searched_where_they_are_empty(folder, threads, monkeypatch):
    monkeypatch.setattr(sampling, "_STRIP_VALUES", 2000)
    (series,) = find_series(folder)
    with SeriesReader(series) as reader:
        assert sampling.sample_pixels(reader, None, threads).shape == (len(DAYS), sampling.SAMPLE_PIXELS)
        tiny = AreaMask(square(15.0006, 46.0531, 0.00005), series.grid.crs)
        assert 0 < sampling.sample_pixels(reader, tiny, threads).shape[1] < 5


def test_a_raster_narrower_than_a_window_is_sampled(tmp_path, threads, monkeypatch):
    monkeypatch.setattr(sampling, "_STRIP_VALUES", 1000)
    for day, image in zip(DAYS, season_values(DAYS, 3, 900)):
        write(tmp_path / f"{np.datetime64('1970-01-01') + int(day)}.tif", image)
    (series,) = find_series(tmp_path)
    with SeriesReader(series) as reader:
        assert sampling.sample_pixels(reader, None, threads).shape[1] > 200


def square(x, y, half):
    ring = (
        (x - half, y - half),
        (x + half, y - half),
        (x + half, y + half),
        (x - half, y + half),
        (x - half, y - half),
    )
    return Area(((ring,),))


def test_an_area_takes_the_pixels_whose_centre_it_holds(folder):
    (series,) = find_series(folder)
    mask = AreaMask(square(15.003, 46.0525, 0.001), series.grid.crs)
    part = cut(series, mask)
    inside = mask.inside(part.grid)
    # 0.002 degrees at 46 degrees north are 154 m from west to east and 222 m from south to north.
    assert abs(inside.sum() - 15.5 * 22.2) < 20
    assert part.grid.shape_yx[0] < series.grid.shape_yx[0]
    whole = mask.inside(series.grid)
    assert whole.sum() == inside.sum()


def test_an_area_elsewhere_meets_nothing(folder):
    (series,) = find_series(folder)
    assert cut(series, AreaMask(square(20.0, 46.0, 0.1), series.grid.crs)) is None
