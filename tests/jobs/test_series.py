"""The series job on real NDVI and on small made ones, against direct calls of the science."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.filling.curves import fill, fit_curves
from s2mask_qgis.core.filling.parameters import METHODS, FillParameters
from s2mask_qgis.core.filling.plan import FillPlan
from s2mask_qgis.core.seasons.maps import season_bands, season_maps
from s2mask_qgis.core.seasons.parameters import SeasonParameters
from s2mask_qgis.core.seasons.years import between_years, year_figures
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.series import run_series
from s2mask_qgis.jobs.series_report import OutputKind
from s2mask_qgis.jobs.series_request import SeriesRequest
from s2mask_qgis.series import schedule
from tests.series.dated_rasters import EOLEARN, EOLEARN_SCL, read, season_values, write

LINEAR = FillParameters(method="linear", robust=False)
HARMONIC = FillParameters(strength=0.1)  # a given strength, since choosing it takes seconds
EPOCH = date(1970, 1, 1).toordinal()


def run(request, is_cancelled=lambda: False):
    return run_series(request, lambda done, total: None, is_cancelled)


def day_of(name):
    return float(date.fromisoformat(f"{name[:4]}-{name[4:6]}-{name[6:8]}").toordinal() - EPOCH)


def name_of(day):
    return date.fromordinal(EPOCH + int(day)).isoformat().replace("-", "")


@pytest.fixture(scope="module")
def eolearn(shared_data):
    """Real NDVI (68, 15, 20), masks and names by date; one date is there twice."""
    path = shared_data / EOLEARN
    if not path.is_file():
        pytest.skip("the series of eolearn-l1c is not in ../shared/data")
    stored = np.load(path)
    names = [time[:10].replace("-", "") for time in stored["times"]]
    names = [f"{name}_{names[:at].count(name) + 1}" for at, name in enumerate(names)]
    part = (slice(None), slice(20, 35), slice(30, 50))
    return names, stored["ndvi"][part], stored["clm"][part].astype(np.uint8)


def by_day(names, values):
    """Days and values with the mean of the clear ones of each day, worked out date by date."""
    days = sorted({day_of(name) for name in names})
    merged = []
    for day in days:
        same = np.stack([value for name, value in zip(names, values) if day_of(name) == day]).astype(np.float64)
        count = (~np.isnan(same)).sum(axis=0)
        merged.append(np.where(count > 0, np.nansum(same, axis=0) / np.maximum(count, 1), np.nan))
    return np.array(days), np.stack(merged).astype(np.float32)


@pytest.fixture(scope="module")
def filled(eolearn, tmp_path_factory):
    """A run over the real series with seasons: the request, the report, and the clear values that went in."""
    names, ndvi, masks = eolearn
    folder = tmp_path_factory.mktemp("series of eolearn")
    for name, values, mask in zip(names, ndvi, masks):
        write(folder / "ndvi" / f"{name}.tif", values)
        write(folder / "clouds" / f"{name}.tif", mask)
    request = SeriesRequest(
        folder / "ndvi", folder / "out", FillParameters(), SeasonParameters(), masks_folder=folder / "clouds"
    )
    report = run(request)
    days, clear = by_day(names, np.where(masks == 0, ndvi, np.nan))
    return request, report, days, clear


def test_every_date_has_its_file_with_the_values_of_the_science(filled):
    request, report, days, clear = filled
    assert report.state is RunState.FINISHED
    assert sorted(path.name for path in request.output_folder.glob("*.tif")) == [f"{name_of(day)}.tif" for day in days]
    expected = fill(days, clear.reshape(len(days), -1), FillPlan.from_json(report.plan))
    for at, day in enumerate(days):
        found = read(request.output_folder / f"{name_of(day)}.tif")
        assert found.names == ("NDVI", "NDVI_final", "quality", "uncertainty")
        bands = found.values.reshape(4, -1)
        np.testing.assert_allclose(bands[0], expected.observed[at], rtol=0, atol=1e-6)
        np.testing.assert_allclose(bands[1], expected.final[at], rtol=0, atol=1e-5)
        has_value = ~np.isnan(expected.final[at])
        np.testing.assert_array_equal(bands[2][has_value], expected.quality[at][has_value])
        np.testing.assert_allclose(bands[3], expected.uncertainty[at], rtol=0, atol=1e-5)


def test_support_counts_observations_and_gaps(filled):
    request, report, days, clear = filled
    found = read(request.output_folder / "support" / "observations.tif")
    assert found.names == ("observations", "rejected", "longest_gap_days")
    values = clear.reshape(len(days), -1)
    expected = fit_curves(days, values, days, FillPlan.from_json(report.plan))
    bands = found.values.reshape(3, -1)
    np.testing.assert_array_equal(bands[0], expected.count)
    np.testing.assert_array_equal(bands[0] + bands[1], (~np.isnan(values)).sum(axis=0))
    np.testing.assert_array_equal(bands[2], expected.longest_gap_days)


def test_productivity_is_that_of_the_curve_every_five_days(filled):
    request, report, days, clear = filled
    curve_days = np.arange(days[0], days[-1] + 1e-9, 5.0)
    plan = FillPlan.from_json(report.plan)
    curve = fit_curves(days, clear.reshape(len(days), -1), curve_days, plan).values
    parameters = SeasonParameters()
    years = (2015, 2016, 2017)
    for year in years:
        found = read(request.output_folder / "productivity" / f"{year}.tif")
        assert found.names == (*season_bands(parameters), "mean", "maximum", "integral")
        expected = season_maps(curve_days, curve, year, parameters) | year_figures(curve_days, curve, year)
        for name, band in zip(found.names, found.values):
            np.testing.assert_allclose(band.ravel(), expected[name], rtol=1e-4, atol=1e-4, err_msg=f"{year} {name}")
    found = read(request.output_folder / "productivity" / "between_years.tif")
    full = years[1:]  # the images begin in the middle of 2015
    assert found.names == tuple(f"{figure}_anomaly_{year}" for figure in ("mean", "integral") for year in full)
    expected = between_years(full, np.stack([year_figures(curve_days, curve, year)["mean"] for year in full]))
    at = found.names.index("mean_anomaly_2016")
    np.testing.assert_allclose(found.values[at].ravel(), expected.anomaly[0], atol=1e-5)


def test_the_report_names_everything_that_was_written(filled):
    _, report, days, _ = filled
    kinds = [output.kind for output in report.outputs]
    assert kinds.count(OutputKind.FILLED) == len(days) == 67
    assert kinds[67:] == [OutputKind.SUPPORT, *[OutputKind.PRODUCTIVITY] * 3, OutputKind.BETWEEN_YEARS]
    assert all(output.path.is_file() for output in report.outputs)
    assert report.outputs[0].first_day == "2015-07-11"
    assert (report.outputs[68].first_day, report.outputs[68].last_day) == ("2015-01-01", "2015-12-31")
    assert any("2015-12-08" in note and "mean of the clear" in note for note in report.notes)
    assert "67 dates" in report.message


def test_the_catalogue_describes_every_file(filled):
    request, report, _, _ = filled
    described = json.loads((request.output_folder / "series.json").read_text(encoding="utf-8"))
    assert described["type"] == "FeatureCollection"
    assert len(described["features"]) == len(report.outputs)
    item = described["features"][0]
    assert item["properties"]["datetime"] == "2015-07-11T00:00:00Z"
    assert item["properties"]["proj:epsg"] == 32633
    assert item["bbox"][0] < item["bbox"][2]
    assert abs(item["bbox"][0] - 15.0) < 0.01
    assert (request.output_folder / item["assets"]["data"]["href"]).is_file()
    assert [band["name"] for band in item["assets"]["data"]["raster:bands"]][1] == "NDVI_final"
    assert described["s2mask:plan"] == json.loads(json.dumps(report.plan))
    assert len(described["s2mask:inputs"][0]["images"]) == 68


def test_a_second_run_keeps_what_is_there_and_makes_what_is_missing(filled):
    request, first, _, _ = filled
    gone, kept = request.output_folder / "20150711.tif", request.output_folder / "20150731.tif"
    before, stamp = read(gone).values, kept.stat().st_mtime_ns
    gone.unlink()
    report = run(request)
    assert f"{len(first.outputs) - 1} of them were there already" in report.message
    assert kept.stat().st_mtime_ns == stamp
    np.testing.assert_array_equal(read(gone).values, before)


KEPT_CLASSES = (4, 5, 6, 7)


def test_whole_numbers_with_scene_classifications_on_some_dates_give_the_values_of_the_science(
    eolearn, shared_data, tmp_path
):
    names, ndvi, _ = eolearn
    stored = np.load(shared_data / EOLEARN_SCL)
    classes = {time[:10].replace("-", ""): scl[20:35, 30:50] for time, scl in zip(stored["times"], stored["scl"])}
    whole = np.rint(ndvi * 10000).astype(np.int16)
    for name, values in zip(names, whole):
        write(tmp_path / "in" / f"S2A_{name}_NDVI.tif", values, nodata=-32768)
        if name.endswith("_1") and name[:8] in classes:
            write(tmp_path / "in" / f"S2A_{name}_SCL.tif", classes[name[:8]])
    report = run(SeriesRequest(tmp_path / "in", tmp_path / "out", FillParameters("whittaker", strength=100.0)))
    assert report.state is RunState.FINISHED, report.message
    assert any("scene classification" in note for note in report.notes)
    assert any("No mask on" in note for note in report.notes)
    clear = (whole * 1e-4).astype(np.float32)
    for at, name in enumerate(names):
        if name[:8] in classes:
            clear[at][~np.isin(classes[name[:8]], KEPT_CLASSES)] = np.nan
    days, values = by_day(names, clear)
    expected = fill(days, values.reshape(len(days), -1), FillPlan.from_json(report.plan))
    found = np.stack([read(tmp_path / "out" / f"{name_of(day)}.tif").values.reshape(4, -1) for day in days], axis=1)
    np.testing.assert_allclose(found[0], expected.observed, atol=1e-6)
    np.testing.assert_allclose(found[1], expected.final, atol=1e-5)
    np.testing.assert_allclose(found[3], expected.uncertainty, atol=1e-5)


# Small made series.

DAYS = np.arange(day_of("20220105"), day_of("20231220"), 16.0)
SHAPE = (9, 11)


def make(folder, values=None, days=DAYS, **more):
    values = season_values(days, *SHAPE) if values is None else values
    for day, image in zip(days, values):
        write(folder / f"{name_of(day)}.tif", image, **more)
    return folder


def request_for(folder, **fill):
    return SeriesRequest(make(folder / "in"), folder / "out", replace(LINEAR, **fill))


def gappy():
    values = season_values(DAYS, *SHAPE)
    values[np.random.default_rng(3).random(values.shape) < 0.4] = np.nan
    return values


@pytest.mark.parametrize("method", METHODS)
def test_every_method_fills_every_date(tmp_path, method):
    make(tmp_path / "in", gappy())
    report = run(SeriesRequest(tmp_path / "in", tmp_path / "out", FillParameters(method=method)))
    assert report.state is RunState.FINISHED, report.message
    assert report.plan["method"] == method
    final = np.stack([read(tmp_path / "out" / f"{name_of(day)}.tif").values[1] for day in DAYS])
    assert np.isfinite(final).mean() > 0.95
    assert np.abs(final - season_values(DAYS, *SHAPE))[np.isfinite(final)].mean() < 0.05


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("5 days", [day for day in range(int(DAYS[0]), int(DAYS[-1]) + 1) if day % 5 == 0]),
        ("10 days", [day for day in range(int(DAYS[0]), int(DAYS[-1]) + 1) if day % 10 == 0]),
        ("monthly", [day_of(f"{year}{month:02}01") for year in (2022, 2023) for month in range(1, 13)][1:]),
    ],
)
def test_a_regular_series_holds_the_curve_and_the_observations_on_its_days(tmp_path, step, expected):
    request = request_for(tmp_path, step=step)
    report = run(request)
    written = sorted(request.output_folder.glob("*.tif"))
    assert [day_of(path.stem) for path in written] == expected
    values = season_values(DAYS, *SHAPE).reshape(len(DAYS), -1)
    curves = fit_curves(DAYS, values, np.array(expected, float), FillPlan.from_json(report.plan))
    for at, path in enumerate(written):
        bands = read(path).values.reshape(4, -1)
        np.testing.assert_allclose(bands[1], curves.values[at], atol=1e-6)
        is_image = day_of(path.stem) in DAYS
        assert np.isfinite(bands[0]).all() if is_image else np.isnan(bands[0]).all()


def test_one_file_has_a_band_a_date_and_is_cloud_optimised(tmp_path):
    request = request_for(tmp_path, layout="one file", number_type="int16 x 10000")
    report = run(request)
    names = [output.path.name for output in report.outputs]
    assert names == ["NDVI_final.tif", "quality.tif", "uncertainty.tif", "NDVI.tif", "observations.tif"]
    found = read(request.output_folder / "NDVI_final.tif")
    assert found.names == tuple(date.fromordinal(EPOCH + int(day)).isoformat() for day in DAYS)
    assert found.values.dtype == np.int16
    assert set(found.scales) == {1e-4}
    np.testing.assert_allclose(found.values * 1e-4, season_values(DAYS, *SHAPE), atol=0.6e-4)
    assert read(request.output_folder / "quality.tif").values.max() == -1


def test_the_bands_are_named_like_the_index(tmp_path):
    make(tmp_path / "evi2")
    report = run(SeriesRequest(tmp_path / "evi2", tmp_path / "out", LINEAR))
    assert report.outputs[0].bands == ("EVI2", "EVI2_final", "quality", "uncertainty")


def test_days_limit_what_is_written_and_not_what_is_fitted(tmp_path):
    make(tmp_path / "in", gappy())
    whole = run(SeriesRequest(tmp_path / "in", tmp_path / "whole", LINEAR))
    part = run(SeriesRequest(tmp_path / "in", tmp_path / "part", LINEAR, first_day="2022-06-01", last_day="2022-08-31"))
    paths = sorted((tmp_path / "part").glob("*.tif"))
    assert [path.name for path in paths] == [f"{name_of(day)}.tif" for day in DAYS if 19144 <= day <= 19235]
    assert part.plan == whole.plan
    for path in paths:
        np.testing.assert_array_equal(read(path).values, read(tmp_path / "whole" / path.name).values)


def test_an_area_cuts_grid_and_pixels(tmp_path):
    make(tmp_path / "in", season_values(DAYS, 60, 80))
    ring = ((15.0021, 46.0512), (15.0060, 46.0512), (15.0021, 46.0530), (15.0021, 46.0512))
    report = run(SeriesRequest(tmp_path / "in", tmp_path / "out", LINEAR, area=Area(((ring,),))))
    found = read(report.outputs[0].path)
    assert found.values.shape[1:] < (60, 80)
    share = np.isfinite(found.values[1]).mean()
    assert 0.4 < share < 0.6
    whole = read(tmp_path / "in" / report.outputs[0].path.name)
    row = round((whole.transform[3] - found.transform[3]) / 10)
    column = round((found.transform[0] - whole.transform[0]) / 10)
    same = whole.values[0][row : row + found.values.shape[1], column : column + found.values.shape[2]]
    kept = np.isfinite(found.values[0])
    np.testing.assert_array_equal(found.values[0][kept], same[kept])


def test_blocks_and_tiles_do_not_change_pixels(tmp_path, monkeypatch):
    make(tmp_path / "in", season_values(DAYS, 70, 90))
    run(SeriesRequest(tmp_path / "in", tmp_path / "whole", LINEAR))
    monkeypatch.setattr(schedule, "TILE_COLUMNS", 32)
    monkeypatch.setattr(schedule, "BLOCK_BYTES", 200_000)
    run(SeriesRequest(tmp_path / "in", tmp_path / "parts", LINEAR))
    for path in sorted((tmp_path / "whole").rglob("*.tif")):
        other = tmp_path / "parts" / path.relative_to(tmp_path / "whole")
        np.testing.assert_array_equal(read(other).values, read(path).values)


def test_tiles_are_filled_apart_in_folders_of_their_own(tmp_path):
    for tile, easting in (("T33TVM", 500_000.0), ("T33TWM", 600_000.0)):
        for day, image in zip(DAYS, season_values(DAYS, *SHAPE)):
            write(tmp_path / "in" / f"{name_of(day)}_{tile}.tif", image, origin=(easting, 5_100_000.0))
    counts = []
    request = SeriesRequest(tmp_path / "in", tmp_path / "out", LINEAR)
    report = run_series(request, lambda done, total: counts.append(done / total), lambda: False)
    assert report.state is RunState.FINISHED
    assert {path.parent.name for path in (tmp_path / "out").glob("*/*.tif")} == {"33TVM", "33TWM"}
    assert set(report.plan["series"]) == {"33TVM", "33TWM"}
    assert counts == sorted(counts)
    assert counts[-1] == 1.0


def test_one_of_several_tiles_without_any_value_is_left_out_and_the_others_are_filled(tmp_path):
    for tile, easting, height in (("T33TVM", 500_000.0, 1.0), ("T33TWM", 600_000.0, np.nan)):
        for day, image in zip(DAYS, season_values(DAYS, *SHAPE)):
            values = (height * image).astype(np.float32)
            write(tmp_path / "in" / f"{name_of(day)}_{tile}.tif", values, origin=(easting, 5_100_000.0))
    report = run(SeriesRequest(tmp_path / "in", tmp_path / "out", LINEAR))
    assert report.state is RunState.FINISHED_WITH_FAILURES
    assert any("33TWM" in note and "no pixel has a clear observation" in note for note in report.notes)
    assert {path.parent.name for path in (tmp_path / "out").glob("*/*.tif")} == {"33TVM"}


def test_two_hundred_dates_are_filled(tmp_path):
    days = np.arange(DAYS[0], DAYS[0] + 600.0, 3.0)
    make(tmp_path / "in", season_values(days, *SHAPE), days)
    report = run(SeriesRequest(tmp_path / "in", tmp_path / "out", LINEAR))
    assert report.state is RunState.FINISHED
    assert len(list((tmp_path / "out").glob("*.tif"))) == 200


@pytest.mark.parametrize(
    ("first", "last", "mapped", "left_out", "compared"),
    [
        ("20220105", "20231220", (2022, 2023), "", ("anomaly_2022", "anomaly_2023")),
        ("20221001", "20231220", (2023,), "2022", ()),
        ("20220601", "20230601", (2022, 2023), "", ()),
        ("20181225", "20230105", (2019, 2020, 2021, 2022), "2018, 2023", ("anomaly_2019", "slope", "p_value")),
    ],
)
def test_years_that_are_hardly_known_have_no_maps(tmp_path, first, last, mapped, left_out, compared):
    days = np.arange(day_of(first), day_of(last) + 1.0, 16.0)
    make(tmp_path / "in", season_values(days, *SHAPE), days)
    report = run(SeriesRequest(tmp_path / "in", tmp_path / "out", LINEAR, SeasonParameters()))
    years = [output.first_day[:4] for output in report.outputs if output.kind is OutputKind.PRODUCTIVITY]
    assert years == [str(year) for year in mapped]
    note = next((note for note in report.notes if "No map of productivity" in note), "")
    assert (f"for {left_out}: " in note) if left_out else note == ""
    bands = [band for output in report.outputs if output.kind is OutputKind.BETWEEN_YEARS for band in output.bands]
    assert {f"mean_{name}" for name in compared} <= set(bands)
    assert bool(bands) == bool(compared)
    assert ("mean_slope" in bands) == ("slope" in compared)


# Bad input and interruptions.


def test_a_cancelled_run_leaves_nothing_unfinished(tmp_path):
    request = request_for(tmp_path)
    answers = iter([False] * 1)
    report = run(request, lambda: next(answers, True))
    assert report.state is RunState.CANCELLED
    assert not list(request.output_folder.rglob("*.tif"))
    assert not list(request.output_folder.rglob("*.partial"))
    assert run(request).state is RunState.FINISHED


def test_leftovers_of_a_killed_run_are_removed(tmp_path):
    request = request_for(tmp_path)
    (request.output_folder / ".partial").mkdir(parents=True)
    (request.output_folder / ".partial" / "7.tif").write_bytes(b"unfinished")
    assert run(request).state is RunState.FINISHED
    assert not (request.output_folder / ".partial").exists()


def test_other_parameters_replace_results_and_files_of_others_are_never_replaced(tmp_path):
    request = request_for(tmp_path)
    run(request)
    first = read(request.output_folder / f"{name_of(DAYS[0])}.tif").items["S2MASK_METHOD"]
    again = run(replace(request, fill=FillParameters(method="whittaker", strength=10.0)))
    assert (first, again.state) == ("linear", RunState.FINISHED)
    assert read(request.output_folder / f"{name_of(DAYS[0])}.tif").items["S2MASK_METHOD"] == "whittaker"
    write(request.output_folder / f"{name_of(DAYS[0])}.tif", np.zeros((2, 2), np.float32))
    refused = run(request)
    assert refused.state is RunState.REFUSED
    assert "was not made by this program" in refused.message


def test_one_image_keeps_its_observations(tmp_path):
    make(tmp_path / "in", days=DAYS[:1])
    report = run(SeriesRequest(tmp_path / "in", tmp_path / "out", FillParameters(), SeasonParameters()))
    assert report.state is RunState.FINISHED, report.message
    found = read(tmp_path / "out" / f"{name_of(DAYS[0])}.tif").values
    np.testing.assert_array_equal(found[1], season_values(DAYS[:1], *SHAPE)[0])
    assert (found[2] == -1).all()
    assert not (tmp_path / "out" / "productivity").exists()
    assert any("No map of productivity for 2022" in note for note in report.notes)


def test_pixels_without_any_observation_are_no_data(tmp_path):
    values = season_values(DAYS, *SHAPE)
    values[:, 0, 0] = np.nan
    make(tmp_path / "in", values)
    run(SeriesRequest(tmp_path / "in", tmp_path / "out", HARMONIC))
    found = read(tmp_path / "out" / f"{name_of(DAYS[3])}.tif").values
    assert np.isnan(found[:, 0, 0]).all()
    assert np.isfinite(found[:, 1:, 1:]).all()


def test_a_file_that_is_cut_off_is_left_out_and_the_rest_is_filled(tmp_path):
    make(tmp_path / "in", season_values(DAYS, 40, 50))
    broken = tmp_path / "in" / f"{name_of(DAYS[20])}.tif"
    broken.write_bytes(broken.read_bytes()[:5000])
    report = run(SeriesRequest(tmp_path / "in", tmp_path / "out", LINEAR))
    assert report.state is RunState.FINISHED_WITH_FAILURES
    assert any("Left out" in note and broken.name in note for note in report.notes)
    assert len(list((tmp_path / "out").glob("*.tif"))) == len(DAYS) - 1


def not_there(folder):
    return SeriesRequest(folder / "nowhere", folder / "out", LINEAR)


def all_masked(folder):
    make(folder / "in")
    make(folder / "masks", np.ones((len(DAYS), *SHAPE), np.uint8))
    return SeriesRequest(folder / "in", folder / "out", LINEAR, masks_folder=folder / "masks")


def all_missing(folder):
    make(folder / "in", np.full((len(DAYS), *SHAPE), np.nan, np.float32))
    return SeriesRequest(folder / "in", folder / "out", LINEAR)


def into_the_images(folder):
    make(folder / "in")
    return SeriesRequest(folder / "in", folder / "out" / ".." / "in", LINEAR)


def into_the_masks(folder):
    make(folder / "in")
    make(folder / "masks", np.zeros((len(DAYS), *SHAPE), np.uint8))
    return SeriesRequest(folder / "in", folder / "masks", LINEAR, masks_folder=folder / "masks")


def into_the_sub_folders(folder):
    make(folder / "in" / "2022")
    return SeriesRequest(folder / "in", folder / "in" / "filled", LINEAR)


def into_a_file(folder):
    make(folder / "in")
    (folder / "out").write_text("x", encoding="utf-8")
    return SeriesRequest(folder / "in", folder / "out", LINEAR)


def no_month_begins(folder):
    make(folder / "in", days=DAYS[:1] + 3.0)
    return SeriesRequest(folder / "in", folder / "out", replace(LINEAR, step="monthly"))


def days_before_the_images(folder):
    make(folder / "in")
    return SeriesRequest(folder / "in", folder / "out", LINEAR, last_day="2019-01-01")


def days_the_wrong_way_round(folder):
    make(folder / "in")
    return SeriesRequest(folder / "in", folder / "out", LINEAR, first_day="2022-05-01", last_day="2022-04-01")


def no_dates(folder):
    make(folder / "in")
    return SeriesRequest(folder / "in", folder / "out", LINEAR, first_day="yesterday")


def area_elsewhere(folder):
    make(folder / "in")
    ring = ((1.0, 1.0), (2.0, 1.0), (2.0, 2.0), (1.0, 1.0))
    return SeriesRequest(folder / "in", folder / "out", LINEAR, area=Area(((ring,),)))


def area_without_a_coordinate_system(folder):
    make(folder / "in", epsg=None)
    return replace(area_elsewhere(folder / "other"), ndvi_folder=folder / "in", output_folder=folder / "out")


@pytest.mark.parametrize(
    ("make_request", "text"),
    [
        (not_there, "nowhere does not exist"),
        (all_masked, "no pixel has a clear observation"),
        (all_missing, "no pixel has a clear observation"),
        (into_the_images, "is the folder of the images"),
        (into_the_masks, "is the folder of the masks"),
        (into_the_sub_folders, "lies among the sub-folders of the images"),
        (into_a_file, "cannot be written"),
        (no_month_begins, "nothing to write"),
        (days_before_the_images, "nothing to write"),
        (days_the_wrong_way_round, "comes after"),
        (no_dates, "YYYY-MM-DD"),
        (area_elsewhere, "does not meet the images"),
        (area_without_a_coordinate_system, "no coordinate system"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(tmp_path, make_request, text):
    report = run(make_request(tmp_path))
    assert report.state is RunState.REFUSED
    assert text in report.message
    assert report.outputs == ()


@pytest.mark.filterwarnings("error")
def test_division_by_zero_in_the_input_is_missing_and_warns_nobody(tmp_path):
    values = season_values(DAYS, *SHAPE)
    values[4, 2] = np.inf
    values[5, 3] = -np.inf
    values[6, 4] = 7.0
    make(tmp_path / "in", values)
    report = run(SeriesRequest(tmp_path / "in", tmp_path / "out", HARMONIC, SeasonParameters()))
    assert report.state is RunState.FINISHED
    for at, row in ((4, 2), (5, 3), (6, 4)):
        found = read(tmp_path / "out" / f"{name_of(DAYS[at])}.tif").values
        assert np.isnan(found[0, row]).all()
        assert (np.abs(found[1, row]) < 1).all()


def test_inputs_are_never_changed(tmp_path):
    request = request_for(tmp_path)
    before = {path.name: path.read_bytes() for path in Path(request.ndvi_folder).iterdir()}
    run(request)
    assert {path.name: path.read_bytes() for path in Path(request.ndvi_folder).iterdir()} == before
