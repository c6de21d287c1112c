"""Figures of a year as Earth Engine expressions: mean, maximum, its day and integral of the fitted curve.

The seasons themselves are found on this computer: their walks along the curve from each maximum have no lean
counterpart as expressions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..filling.expression_tables import combined, written
from ..filling.expressions import regular_series
from ..filling.plan import FillPlan
from ..indices import NDVI_BAND
from .calendar import year_bounds

if TYPE_CHECKING:
    import ee

YEAR_BANDS = ("mean", "maximum", "integral", "maximum_day")
STEP_DAYS = 5.0


def year_steps(year: int) -> np.ndarray:
    """Days since 1970-01-01 from the first of the year to the first of the next, in equal steps of at most 5 days."""
    first, end = year_bounds(year)
    return np.linspace(first, end, math.ceil((end - first) / STEP_DAYS) + 1)


def year_images(images: Sequence[str], plan: FillPlan, year: int, band: str = NDVI_BAND) -> ee.Image:
    """The figures of :func:`.years.year_figures` over a calendar year (UTC), bands YEAR_BANDS, float.

    ``maximum_day`` is the day of the year (from 1) of the highest step. Masked where there is no curve. The curve has
    to be known all year: use it for years that the plan's days cover. ParameterError where the plan's method does not
    exist as an expression.
    """
    import ee

    days = year_steps(year)
    curve = regular_series(images, plan, days.tolist(), band).values
    width = float(days[1] - days[0])
    weights = np.full(len(days), 1.0 / (len(days) - 1))
    weights[[0, -1]] /= 2
    mean = combined(curve, written(weights[None])).updateMask(curve.select([0]).mask())
    within = curve.select(list(range(len(days) - 1)))
    place = within.toArray().arrayArgmax().arrayGet(ee.Image.constant([0]))
    day = place.multiply(width).add(1)
    figures = [mean, within.reduce(ee.Reducer.max()), mean.multiply(float(days[-1] - days[0])), day]
    return ee.Image.cat(figures).rename(list(YEAR_BANDS)).toFloat()
