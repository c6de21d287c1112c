"""Every method against the pixel-by-pixel reference, on the real series."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import ndvi_series
from s2mask_qgis.core.filling import penalised
from s2mask_qgis.core.filling.curves import MARGIN, fit_curves
from s2mask_qgis.core.filling.parameters import FillParameters
from s2mask_qgis.core.filling.plan import FillPlan, make_plan
from s2mask_qgis.core.filling.prior import MEMORY_DAYS
from tests.reference import filling as reference

NDVI_TOLERANCE = 1e-5
SERIES = {
    "eolearn": ndvi_series.eolearn,
    "fusets": lambda: ndvi_series.fusets("bids_demo"),
    "swiss": lambda: ndvi_series.farm("swissfuturefarm"),
}
PIXELS = 40


@pytest.fixture(scope="module", params=SERIES)
def series(request, shared_data) -> tuple[np.ndarray, np.ndarray]:
    """Days (n,) and values (n, p) of pixels spread over a real series."""
    found = SERIES[request.param]()
    chosen = np.linspace(0, found.values.shape[1] - 1, PIXELS).astype(int)
    return found.days, found.values[:, chosen]


def plan_of(days: np.ndarray, values: np.ndarray, method: str, strength: float = 0.0) -> FillPlan:
    return make_plan(days, values, FillParameters(method=method, robust=False, strength=strength))


def targets_of(days: np.ndarray) -> np.ndarray:
    return np.sort(np.concatenate([days, np.linspace(days[0], days[-1], 30)]))


def expected(values: np.ndarray, of_pixel) -> np.ndarray:
    return np.column_stack([of_pixel(pixel.astype(float)) for pixel in values.T])


def test_coefficients_curves_and_errors_of_the_default(series):
    days, values = series
    plan, targets = plan_of(days, values, "harmonic"), targets_of(days)
    count = plan.prior.mapping.shape[1]
    seen, asked = (reference.columns(days, at, plan.annual_share, MEMORY_DAYS, count) for at in (days, targets))
    curves = fit_curves(days, values, targets, plan)

    def curve(pixel: np.ndarray) -> np.ndarray:
        return reference.bounded(reference.penalised(seen, asked, pixel, plan.strength)[1], pixel, MARGIN)

    def error(pixel: np.ndarray) -> np.ndarray:
        extra = penalised.NOISE_OBSERVATIONS
        own = reference.standard_error(seen, asked, pixel, plan.strength, plan.noise, extra)
        return reference.beside_gaps(own, days, targets, pixel, plan.noise, plan.growth_per_day)

    np.testing.assert_allclose(curves.values, expected(values, curve), atol=NDVI_TOLERANCE, rtol=0)
    np.testing.assert_allclose(curves.standard_error, expected(values, error), atol=2 * NDVI_TOLERANCE, rtol=1e-3)
    clear = np.isfinite(values)
    ours = penalised.fit(
        plan.prior.columns(days).astype(np.float32), values, clear, plan.strength
    ).solution.coefficients
    theirs = expected(values, lambda p: reference.penalised(plan.prior.columns(days), asked, p, plan.strength)[0])
    np.testing.assert_allclose(ours, theirs, atol=2e-4 * np.abs(theirs).max(), rtol=0)


@pytest.mark.parametrize("method", ["linear", "savitzky-golay", "whittaker"])
def test_curves_of_the_other_methods(series, method):
    days, values = series
    plan, targets = plan_of(days, values, method, strength=20.0), targets_of(days)
    of_pixel = {
        "linear": reference.straight_lines,
        "savitzky-golay": reference.savitzky_golay,
        "whittaker": lambda *given: reference.whittaker(*given, 20.0),
    }[method]
    found = fit_curves(days, values, targets, plan).values
    wanted = expected(values, lambda pixel: reference.bounded(of_pixel(days, pixel, targets), pixel, MARGIN))
    np.testing.assert_allclose(found, wanted, atol=NDVI_TOLERANCE, rtol=0)


def test_values_and_orders_of_the_published_method(series):
    days, values = series
    curves = fit_curves(days, values, days, plan_of(days, values, "published"))
    np.testing.assert_allclose(
        curves.values,
        expected(values, lambda pixel: reference.published(days, pixel, days)[0]),
        atol=NDVI_TOLERANCE,
        rtol=0,
    )
    assert np.array_equal(curves.quality, expected(values, lambda pixel: reference.published(days, pixel, days)[1]))


def test_the_default_beats_straight_lines_on_blocks_that_are_held_out(series):
    days, values = series
    squares = []
    for start in np.linspace(days[0], days[-1] - 40, 8):
        out = (days >= start) & (days < start + 30)
        if not out.any():
            continue
        plan = plan_of(days[~out], values[~out], "harmonic")
        lines = dataclasses.replace(plan, method="linear")
        asked = np.isfinite(values[out])
        squares.append(
            [
                np.square(fit_curves(days[~out], values[~out], days[out], each).values - values[out])[asked].mean()
                for each in (plan, lines)
            ]
        )
    ours, straight = np.sqrt(np.mean(squares, axis=0))
    assert ours < 0.95 * straight
