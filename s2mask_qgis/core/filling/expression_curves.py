"""The curves of a series as Earth Engine expressions, each the counterpart of a numpy kernel of this folder.

Observations come as one image with a band a date, masked where there is none; so do the curves, a band a target.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from . import harmonics
from .curves import MARGIN
from .expression_neighbours import line_between, line_error, neighbours
from .expression_tables import (
    Table,
    as_bands,
    below,
    combined,
    identity,
    number_of_clear,
    over,
    prior_columns,
    regression,
    row_image,
    written,
    zeros,
)
from .penalised import NOISE_OBSERVATIONS
from .plan import FillPlan
from .quality import HIGHEST_ORDER, LINEAR, NO_VALUE

if TYPE_CHECKING:
    import ee


@dataclass(frozen=True)
class CurveImages:
    """``values`` and ``error``, masked where there is no curve, and ``quality``, NO_VALUE there; a band a target."""

    values: ee.Image
    error: ee.Image
    quality: ee.Image


def penalised(used: ee.Image, plan: FillPlan, targets: Sequence[float]) -> CurveImages:
    """The counterpart of :mod:`.penalised`: a regression with an observation of 0 more for each coefficient."""
    import ee

    at_days, at_targets = prior_columns(plan, plan.days), prior_columns(plan, targets)
    level = used.reduce(ee.Reducer.mean())
    values = used.subtract(level).addBands(ee.Image.constant([0] * at_days.columns))
    rows = below(at_days, identity(at_days.columns, math.sqrt(plan.strength)))
    coefficients = as_bands(regression(values, rows), at_days.columns)
    curve, at_images = (combined(coefficients, table).add(level) for table in (at_targets, at_days))
    degrees, error = _sureness(used, plan, at_targets, inverse_equations(values, rows, plan), at_images)
    order = degrees.subtract(1).divide(2).round().max(1).min(HIGHEST_ORDER).unmask(NO_VALUE, False)
    gap_error = line_error(neighbours(used, plan.days, targets), plan)
    error = error.multiply(error).add(gap_error.multiply(gap_error)).sqrt()
    return CurveImages(bounded(curve, used), error, ee.Image.constant([0] * len(targets)).add(order))


def inverse_equations(values: ee.Image, rows: Table, plan: FillPlan) -> ee.Image:
    """The inverse of the penalised normal equations, arrays (k, k).

    It is the coefficients of k more dependent values, which are 0 on every date and turn the observations of 0 into
    the columns of the identity.
    """
    dates = rows.rows - rows.columns
    others = below(zeros(dates, rows.columns), identity(rows.columns, 1 / math.sqrt(plan.strength)))
    return regression(values, rows, others).arraySlice(1, 0, rows.columns)


def _sureness(
    used: ee.Image, plan: FillPlan, at: Table, inverse: ee.Image, fitted: ee.Image
) -> tuple[ee.Image, ee.Image]:
    """Degrees of freedom, one band, and standard errors at the columns ``at``; see :func:`.penalised.sureness`."""
    import ee

    total, first = ee.Reducer.sum(), ee.Image.constant([0, 0])
    trace = inverse.matrixDiagonal().arrayReduce(total, [0]).arrayGet(first)
    count = number_of_clear(used)
    degrees = trace.multiply(-plan.strength).add(at.columns).max(0).min(count)
    left = used.subtract(fitted)
    square = left.multiply(left).reduce(total).add(NOISE_OBSERVATIONS * plan.noise**2)
    variance = square.divide(count.subtract(degrees).max(0).add(NOISE_OBSERVATIONS))
    row = row_image(at)

    def form(position: Any) -> ee.Image:
        column = row(position).toArray().toArray(1)
        return inverse.matrixMultiply(column).multiply(column).arrayReduce(total, [0]).arrayGet(first)

    return degrees, over(at.rows, form).max(0).multiply(variance).sqrt()


def published(used: ee.Image, plan: FillPlan, targets: Sequence[float]) -> CurveImages:
    """The counterpart of :mod:`.harmonics`: order 10, else 5, else 1, each where its rules allow it."""
    import ee

    days, at = np.array(plan.days), np.array(targets)
    middle = (days[0] + days[-1]) / 2
    nothing = ee.Image.constant([0] * len(targets)).updateMask(0)
    values, order_used = nothing, nothing
    for order in harmonics.ORDERS:
        rows = harmonics.columns(days, order, middle)
        coefficients = as_bands(regression(used, written(rows)), rows.shape[1])
        part = combined(coefficients, written(harmonics.columns(at, order, middle)))
        may = number_of_clear(used).gte(harmonics.least_observations(order)).And(is_regular(used, rows))
        part = part.updateMask(may.unmask(0, False))
        part = part if order == harmonics.ORDERS[-1] else part.updateMask(part.abs().lt(1))
        values = values.unmask(part.max(-1).min(1), False)
        order_used = order_used.unmask(part.multiply(0).add(order), False)
    around = neighbours(used, plan.days, targets)
    return CurveImages(values, line_error(around, plan).updateMask(values.mask()), order_used.unmask(NO_VALUE, False))


def linear(used: ee.Image, plan: FillPlan, targets: Sequence[float]) -> CurveImages:
    """The counterpart of :mod:`.linear`."""
    around = neighbours(used, plan.days, targets)
    values = line_between(around)
    quality = values.multiply(0).add(LINEAR).unmask(NO_VALUE, False)
    return CurveImages(values, line_error(around, plan), quality)


CURVES = MappingProxyType({"harmonic": penalised, "published": published, "linear": linear})
"""The methods that exist as expressions."""


def bounded(curve: ee.Image, used: ee.Image) -> ee.Image:
    """The curve within the range of the pixel's own observations and a margin."""
    import ee

    low, high = used.reduce(ee.Reducer.min()), used.reduce(ee.Reducer.max())
    margin = high.subtract(low).multiply(MARGIN)
    return curve.max(low.subtract(margin)).min(high.add(margin))


def is_regular(used: ee.Image, rows: np.ndarray) -> ee.Image:
    """1 where every pivot of the normal equations is more than SMALLEST_PIVOT of its diagonal: columns are eliminated
    one after the other, each by a product of arrays."""
    import ee

    columns = rows.shape[1]
    matrix, one = _normal_matrix(used, rows), ee.Image.constant(ee.Array([[1]]))
    diagonal = as_bands(matrix.matrixDiagonal(), columns)

    def eliminate(position: Any, state: Any) -> ee.Image:
        left, least = ee.Image(state).select("array"), ee.Image(state).select("least")
        first, behind = ee.Image.constant(position), ee.Image.constant(ee.Number(position).add(1))
        column = left.arraySlice(1, first, behind)
        pivot = column.arraySlice(0, first, behind)
        taken = column.matrixMultiply(one.divide(pivot)).matrixMultiply(column.matrixTranspose())
        share = pivot.arrayGet(ee.Image.constant([0, 0])).divide(diagonal.select([position]))
        return left.subtract(taken).addBands(least.min(share).rename("least"))

    start = matrix.addBands(ee.Image.constant(1).rename("least"))
    least = ee.Image(ee.List.sequence(0, columns - 1).iterate(eliminate, start)).select("least")
    return least.gt(harmonics.SMALLEST_PIVOT)


def _normal_matrix(used: ee.Image, rows: np.ndarray) -> ee.Image:
    """The sums of products of columns over the clear dates, arrays (k, k) called "array"."""
    import ee

    dates, columns = rows.shape
    turned = written(rows.T).values
    across = turned.reshape([columns, 1, dates]).repeat(1, columns)
    down = turned.reshape([1, columns, dates]).repeat(0, columns)
    products = across.multiply(down).reshape([columns * columns, dates])
    sums = combined(used.mask(), Table(products, columns * columns, dates)).toArray()
    return sums.arrayReshape(ee.Image.constant(ee.Array([columns, columns])), 2)
