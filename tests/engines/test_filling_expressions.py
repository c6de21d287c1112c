"""Filling as expressions, evaluated on a real series: the pixels of the numpy kernel, and of plain least squares."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.core.filling.curves import MARGIN, fill, fit_curves
from s2mask_qgis.core.filling.expressions import METHODS, SUPPORT_BANDS, date_names, regular_series, series_images
from s2mask_qgis.core.filling.plan import FillPlan
from s2mask_qgis.core.filling.quality import NO_VALUE, OBSERVED
from s2mask_qgis.core.seasons.expressions import YEAR_BANDS, year_images, year_steps
from s2mask_qgis.core.seasons.years import year_figures
from tests.engines.filling_pixels import BLANK, FEW, LOW, SHAPE_YX, SINGLE, as_images, read_series
from tests.engines.in_process import encoded, evaluate, grid_of, pixels_of

CLOSE = 1e-5


@pytest.fixture(scope="module")
def series(shared_data: Path) -> tuple[np.ndarray, np.ndarray]:
    return read_series(shared_data / "eolearn-l1c")


@pytest.fixture(autouse=True)
def deep_graphs() -> Iterator[None]:
    """As deep as in a worker, which has the whole stack for one evaluation."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(limit)


def plan_of(series: tuple[np.ndarray, np.ndarray], method: str, robust: bool) -> FillPlan:
    return plan_for(series[0], method, robust)


def plan_for(days: np.ndarray, method: str, robust: bool) -> FillPlan:
    return FillPlan(
        method=method,
        days=tuple(days.tolist()),
        robust=robust,
        strength=0.03,
        annual_share=0.7,
        orders=(),
        noise=0.03,
        growth_per_day=1e-4,
    )


def pixels(ee: ModuleType, ndvi: np.ndarray, images: dict[str, Any], bands: int) -> dict[str, np.ma.MaskedArray]:
    """The bands of computed images, (bands, pixels), by the images' names; evaluated together."""
    numbers = {name: len(SUPPORT_BANDS) if name == "support" else bands for name in images}
    renamed = [images[name].rename([f"{name}/{i}" for i in range(number)]) for name, number in numbers.items()]
    found = pixels_of(evaluate(ee.Image.cat(renamed), **as_images(ndvi)), grid_of(SHAPE_YX))
    parts = {name: [found[f"{name}/{i}"] for i in range(number)] for name, number in numbers.items()}
    return {name: np.ma.stack(bands).reshape(len(bands), -1) for name, bands in parts.items()}


def check(found: np.ma.MaskedArray, expected: np.ndarray) -> None:
    """The same pixels masked, and the same values."""
    expected = expected.astype(np.float64)
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.isnan(expected))
    assert np.abs(found.astype(np.float64).filled(np.nan) - expected)[~np.isnan(expected)].max() < CLOSE


@pytest.mark.parametrize("robust", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_every_output_is_that_of_the_numpy_kernel(ee: ModuleType, series, method, robust):
    days, ndvi = series
    flat = ndvi.reshape(len(days), -1)
    plan = plan_of(series, method, robust)
    ids = [f"d{number}" for number in range(len(days))]
    images, expected, curves = series_images(ids, plan), fill(days, flat, plan), fit_curves(days, flat, days, plan)
    found = pixels(ee, ndvi, images.by_name(), len(days))
    for name, wanted in vars(expected).items():
        check(found[name], wanted)
    check(found["support"], np.array([curves.count, curves.rejected.sum(axis=0), curves.longest_gap_days]))
    assert curves.rejected.reshape(ndvi.shape)[:, :, LOW].any() == (robust and method != "linear")
    quality = expected.quality.reshape(ndvi.shape)
    assert (quality[:, :, BLANK] == NO_VALUE).all()
    assert set(np.unique(quality[:, :, FEW])) > {OBSERVED}
    if method == "published":
        assert (quality[:, :, SINGLE] <= NO_VALUE).all()
        assert set(np.unique(quality)) >= {OBSERVED, NO_VALUE, 1, 5, 10}


def test_the_penalised_fit_is_least_squares_with_more_observations(ee: ModuleType, series):
    days, ndvi = series
    plan = plan_of(series, "harmonic", robust=False)
    images = series_images([f"d{i}" for i in range(len(days))], plan)
    found = pixels(ee, ndvi, {"final": images.final}, len(days))["final"]
    columns = plan.prior.columns(days)
    extra = np.sqrt(plan.strength) * np.eye(columns.shape[1])
    for pixel, values in enumerate(ndvi.reshape(len(days), -1).astype(np.float64).T):
        clear = np.isfinite(values)
        if not clear.any():
            continue
        level = values[clear].mean()
        rows = np.vstack([columns[clear], extra])
        solution = np.linalg.lstsq(rows, np.append(values[clear] - level, np.zeros(len(extra))), rcond=None)[0]
        margin = MARGIN * (values[clear].max() - values[clear].min())
        curve = np.clip(columns @ solution + level, values[clear].min() - margin, values[clear].max() + margin)
        assert np.abs(found[:, pixel] - np.where(clear, values, curve)).max() < CLOSE


def test_the_published_fit_is_plain_least_squares(ee: ModuleType, series):
    days, ndvi = series
    plan = plan_of(series, "published", robust=False)
    images = series_images([f"d{i}" for i in range(len(days))], plan)
    final, quality = pixels(ee, ndvi, {"final": images.final, "quality": images.quality}, len(days)).values()
    t = 2 * np.pi * days / 365.25
    compared = 0
    for pixel, values in enumerate(ndvi.reshape(len(days), -1).astype(np.float64).T):
        clear = np.isfinite(values)
        for order in np.unique(quality[:, pixel][quality[:, pixel] > 0]):
            waves = [wave(k * t) for k in range(1, order + 1) for wave in (np.cos, np.sin)]
            columns = np.column_stack([np.ones_like(t), t - t.mean(), *waves])
            solution = np.linalg.lstsq(columns[clear], values[clear], rcond=None)[0]
            dates = np.flatnonzero(quality[:, pixel] == order)
            assert np.abs(final[dates, pixel] - np.clip(columns[dates] @ solution, -1, 1)).max() < CLOSE
            compared += len(dates)
    assert compared > 500


def test_a_regular_series_is_the_curve_between_the_images(ee: ModuleType, series):
    days, ndvi = series
    plan = plan_of(series, "harmonic", robust=True)
    targets = np.arange(days[0] - 20, days[-1] + 20, 41.5)
    curve = regular_series([f"d{number}" for number in range(len(days))], plan, targets)
    expected = fit_curves(days, ndvi.reshape(len(days), -1), targets, plan)
    found = pixels(ee, ndvi, vars(curve), len(targets))
    check(found["values"], expected.values)
    check(found["error"], expected.standard_error)
    check(found["quality"], expected.quality)


@pytest.mark.parametrize("method", ["harmonic", "linear"])
def test_the_figures_of_a_year_are_those_of_its_curve(ee: ModuleType, series, method):
    days, ndvi = series
    plan, steps = plan_of(series, method, robust=False), year_steps(2016)
    image = year_images([f"d{number}" for number in range(len(days))], plan, 2016)
    assert (np.diff(steps) <= 5).all()
    found = pixels(ee, ndvi, {"year": image}, 4)["year"]
    curve = fit_curves(days, ndvi.reshape(len(days), -1), steps, plan).values
    figures = year_figures(steps, curve, 2016)
    for name, values in zip(YEAR_BANDS, found.data):
        known = ~np.ma.getmaskarray(found)[0]
        np.testing.assert_array_equal(known, np.isfinite(figures["mean"]))
        day = (1 + steps - steps[0]).astype(np.float32)[np.argmax(curve[:-1], axis=0)]
        wanted = figures.get(name, day)
        assert np.abs(values - wanted)[known].max() < (2e-3 if name == "integral" else CLOSE)


def test_bands_are_named_by_date():
    assert date_names([16627.4, 16647.0]) == ["20150711", "20150731"]
    assert date_names([16627.25, 16627.5]) == ["20150711T060000", "20150711T120000"]


def test_what_does_not_exist_as_an_expression_is_refused(ee: ModuleType, series):
    with pytest.raises(ParameterError, match="'whittaker' does not exist on Earth Engine"):
        series_images(["a"], plan_of(series, "whittaker", robust=True))
    with pytest.raises(ParameterError, match="2 images and 67 dates"):
        series_images(["a", "b"], plan_of(series, "linear", robust=False))


def test_a_series_of_few_dates_is_filled_too(ee: ModuleType, series):
    days, ndvi = series[0][20:26], series[1][20:26]
    plan = plan_for(days, "harmonic", robust=True)
    images = series_images([f"d{number}" for number in range(6)], plan)
    found = pixels(ee, ndvi, {"final": images.final, "quality": images.quality}, 6)
    expected = fill(days, ndvi.reshape(6, -1), plan)
    check(found["final"], expected.final)
    check(found["quality"], expected.quality)


def test_graphs_grow_with_the_dates_and_no_faster(ee: ModuleType):
    """Between 40 and 80 dates of two years, which have the same columns."""
    for method in METHODS:
        sizes = {}
        for count in (40, 80):
            days = np.linspace(18_000.0, 18_729.0, count)
            plan = plan_for(days, method, robust=True)
            images = series_images([f"projects/some-project/assets/ndvi/image{i:03d}" for i in range(count)], plan)
            sizes[count] = {name: len(json.dumps(encoded(image))) for name, image in images.by_name().items()}
        for name, size in sizes[80].items():
            assert size < 2.1 * sizes[40][name]
            assert size < 400_000
