"""Single pixels of a folder of dated rasters: observations, curves and seasons against the files of a whole run."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from s2mask_qgis.core.filling.observations import Reason
from s2mask_qgis.core.filling.parameters import FillParameters
from s2mask_qgis.core.seasons.parameters import SeasonParameters
from s2mask_qgis.engines.errors import CancelledError, NotFoundError, SceneError
from s2mask_qgis.jobs.pixel_curves import SeriesSource
from s2mask_qgis.jobs.pixel_series import curve_days, open_pixels
from s2mask_qgis.jobs.series import run_series
from s2mask_qgis.jobs.series_request import SeriesRequest
from tests.series.dated_rasters import read, season_values, write

EPOCH = date(1970, 1, 1)
FIRST_DAY = (date(2022, 1, 3) - EPOCH).days
DAYS = FIRST_DAY + 12.0 * np.arange(61)
HARMONIC = FillParameters(strength=0.1)  # a given strength, since choosing it takes seconds
ROW, COLUMN = 3, 5
MASKED_ROW, MASKED_COLUMN = 0, 0


def centre(row, column, x0=500_000.0, y0=5_100_000.0):
    return x0 + 10.0 * (column + 0.5), y0 - 10.0 * (row + 0.5)


HERE, MASKED = centre(ROW, COLUMN), centre(MASKED_ROW, MASKED_COLUMN)


def never():
    return False


def opened(source):
    return open_pixels(source, lambda done, total: None, never)


@pytest.fixture(scope="module")
def stack():
    """NDVI (61, 10, 12) over two years and masks: clouds every fourth date, shadows, some pixels never clear."""
    values = season_values(DAYS, 10, 12)
    masks = np.zeros(values.shape, np.uint8)
    masks[::4, 2:6] = 1
    masks[9, 2:6] = 2
    masks[:, 8:] = 2  # the coding of masks is told from a few of them
    masks[:, MASKED_ROW, MASKED_COLUMN] = 1
    values[masks == 1] -= 0.3
    values[14, ROW, COLUMN] = np.nan
    values[22, ROW, COLUMN] -= 0.4  # a cloud that the mask missed
    return values, masks


@pytest.fixture(scope="module")
def folder(stack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pixels")
    for day, values, masks in zip(DAYS, *stack):
        name = f"{(EPOCH + timedelta(days=day)):%Y%m%d}.tif"
        write(folder / "ndvi" / name, values)
        write(folder / "mask" / name, masks)
    return folder


@pytest.fixture(scope="module")
def pixels(folder):
    pixels = opened(SeriesSource(folder / "ndvi", folder / "mask", HARMONIC))
    yield pixels
    pixels.close()


@pytest.fixture(scope="module")
def filled(folder):
    """The report of a whole run over the same folders."""
    request = SeriesRequest(
        folder / "ndvi", folder / "out", HARMONIC, seasons=SeasonParameters(), masks_folder=folder / "mask"
    )
    report = run_series(request, lambda done, total: None, never)
    assert report.plan is not None, report.message
    return report


def test_what_there_is_is_told(pixels):
    assert pixels.summary == "61 dates, 2022-01-03 to 2023-12-24"
    assert (pixels.crs_texts, pixels.index) == (("EPSG:32633",), "NDVI")
    assert pixels.strength == HARMONIC.strength


def test_observations_keep_their_values_and_tell_what_became_of_them(pixels, stack):
    curves = pixels.curves([HERE], (), never)
    values, _ = stack
    expected = [Reason.CLOUD if at % 4 == 0 else Reason.CLEAR for at in range(len(DAYS))]
    expected[9], expected[14] = Reason.SHADOW, Reason.NO_DATA
    assert curves.days == tuple(DAYS)
    assert list(curves.reasons) == expected
    np.testing.assert_array_equal(curves.values, values[:, ROW, COLUMN])
    assert [at for at, is_out in enumerate(curves.rejected) if is_out] == [22]


def test_the_final_curve_is_that_of_a_whole_run(pixels, filled):
    curves = pixels.curves([HERE], (), never)
    days = list(curves.curve_days)
    compared = 0
    for output in filled.outputs:
        if output.kind.value != "filled":
            continue
        _, final, quality, uncertainty = read(output.path).values[:, ROW, COLUMN]
        at = days.index(float((date.fromisoformat(output.first_day) - EPOCH).days))
        if quality != -1:
            assert curves.final.values[at] == pytest.approx(final, abs=1e-5)
            assert curves.final.errors[at] == pytest.approx(uncertainty, abs=1e-5)
            compared += 1
    assert compared == 19  # 16 clouds, a shadow, a value that is missing, one that was left out


def test_the_seasons_are_those_of_the_maps(pixels, filled):
    curves = pixels.curves([HERE], (), never)
    assert [(season.year, season.number) for season in curves.seasons] == [(2022, 1), (2023, 1)]
    for season in curves.seasons:
        (output,) = [o for o in filled.outputs if o.kind.value == "productivity" and o.path.stem == str(season.year)]
        file = read(output.path)
        bands = dict(zip(file.names, file.values[:, ROW, COLUMN]))
        first = (date(season.year, 1, 1) - EPOCH).days
        for name, moment in (("SOS", season.start), ("MAX", season.maximum), ("EOS", season.end)):
            if moment is None:
                assert np.isnan(bands[f"{name}D_1"])
                continue
            assert moment.day == pytest.approx(first + bands[f"{name}D_1"] - 1, abs=1e-3)
            assert moment.value == pytest.approx(bands[f"{name}V_1"], abs=1e-5)
    peak = (date(2022, 1, 1) - EPOCH).days
    summit = 100.0 + 365.25 / 4 + 365.25 * np.floor(peak / 365.25)  # where the sine of the made values is highest
    assert min(abs(curves.seasons[0].maximum.day - summit - 365.25 * turn) for turn in (0, 1)) < 12


def test_methods_are_computed_when_they_are_asked_for(pixels):
    assert pixels.curves([HERE], (), never).others == ()
    curves = pixels.curves([HERE], ("linear", "harmonic", "savitzky-golay"), never)
    assert [curve.method for curve in curves.others] == ["linear", "savitzky-golay"]
    linear = curves.others[0].values
    clear = [at for at, reason in enumerate(curves.reasons) if reason == Reason.CLEAR]
    expected = np.interp(curves.curve_days, DAYS[clear], np.array(curves.values)[clear])
    np.testing.assert_allclose(linear, expected, atol=1e-5)


def test_a_pixel_that_is_always_masked_has_no_curve_and_says_why(pixels):
    curves = pixels.curves([MASKED], ("linear",), never)
    assert curves.note == "All 61 observations are masked or without value here: no curve."
    assert np.isnan(curves.final.values).all()
    assert np.isnan(curves.others[0].values).all()
    assert curves.seasons == ()
    assert set(curves.reasons) == {Reason.CLOUD}


@pytest.mark.parametrize("place", [(499_990.0, 5_099_950.0), (500_120.5, 5_099_950.0), None])
def test_a_place_outside_is_refused(pixels, place):
    with pytest.raises(NotFoundError, match="outside the images"):
        pixels.curves([place], (), never)


def test_a_pixel_that_is_not_wanted_any_more_is_given_up(pixels):
    with pytest.raises(CancelledError):
        pixels.curves([HERE], (), lambda: True)


def test_the_plan_of_a_run_is_taken_where_its_method_fits(folder, filled, monkeypatch):
    source = SeriesSource(folder / "ndvi", folder / "mask", HARMONIC, plan=filled.plan)
    monkeypatch.setattr("s2mask_qgis.jobs.pixel_series.make_plan", lambda *_: pytest.fail("a plan was made"))
    pixels = opened(source)
    assert pixels.curves([HERE], (), never).final.method == "harmonic"
    pixels.close()
    with pytest.raises(pytest.fail.Exception, match="a plan was made"):
        opened(replace(source, fill=FillParameters(method="linear")))


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SceneError, match="does not exist"):
        opened(SeriesSource(tmp_path / "gone"))


def test_files_that_vanish_are_named(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("s2mask_qgis.jobs.pixel_series.OPEN_FILES", 1)
    shutil.copytree(folder / "ndvi", tmp_path / "ndvi")
    pixels = opened(SeriesSource(tmp_path / "ndvi", fill=FillParameters(method="linear", robust=False)))
    shutil.rmtree(tmp_path / "ndvi")
    with pytest.raises(SceneError, match=r"ndvi/2022.*\.tif"):
        pixels.curves([HERE], (), never)
    pixels.close()


def test_a_folder_without_any_clear_value_is_refused(tmp_path):
    for day in DAYS[:4]:
        write(tmp_path / f"{(EPOCH + timedelta(days=day)):%Y%m%d}.tif", np.full((4, 4), np.nan, np.float32))
    with pytest.raises(SceneError, match="clear value"):
        opened(SeriesSource(tmp_path))


def test_of_several_grids_the_one_that_covers_the_place_answers(tmp_path):
    for offset, epsg in ((0.0, 32633), (0.3, 32632)):
        for day in DAYS[:30]:
            name = f"T{epsg - 32600}UVP_{(EPOCH + timedelta(days=day)):%Y%m%d}.tif"
            write(tmp_path / name, np.full((6, 6), 0.2 + offset, np.float32), epsg=epsg)
    pixels = opened(SeriesSource(tmp_path, fill=FillParameters(method="linear", robust=False)))
    places = [None, None]
    places[pixels.crs_texts.index("EPSG:32632")] = centre(2, 2)
    assert pixels.curves(places, (), never).final.values[40] == pytest.approx(0.5)
    pixels.close()


def test_one_image_gives_one_observation(tmp_path):
    write(tmp_path / "20230514.tif", np.full((4, 4), 0.5, np.float32))
    pixels = opened(SeriesSource(tmp_path, fill=FillParameters(method="linear", robust=False)))
    curves = pixels.curves([centre(1, 1)], (), never)
    assert (curves.values, curves.final.values, curves.seasons) == ((0.5,), (0.5,), ())
    pixels.close()


@pytest.mark.parametrize(("days", "step"), [([0.0, 1500.0], 1), ([0.0, 1501.0], 5)])
def test_long_series_have_curves_in_longer_steps(days, step):
    found = curve_days(days)
    assert set(np.diff(found)) == {step}
    assert 0 <= days[-1] - found[-1] < step
