"""Tables of numbers in Earth Engine expressions, and what is made of them with the bands of an image.

The columns of a penalised series are computed from its days by the service itself, with the same covariance and the
same decomposition as in :mod:`.prior`: an expression then holds its days, not a number for each day and column.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .plan import FillPlan
from .prior import MEMORY_DAYS, ROUGH_SHARE
from .quality import HIGHEST_ORDER
from .timeline import DAYS_PER_YEAR

if TYPE_CHECKING:
    import ee

DIGITS = 12
"""Significant digits of numbers that are written out; coefficients then agree with those of doubles to 1e-9."""


FEW_DATES = 10
"""With fewer the columns are written out: the local engine decomposes large matrices only."""


@dataclass(frozen=True)
class Table:
    """Numbers as an array of the service, ``rows`` x ``columns``."""

    values: ee.Array
    rows: int
    columns: int


def written(matrix: np.ndarray) -> Table:
    """A table of the numbers of a matrix, written out; whole ones without a point."""
    import ee

    rounded = [[float(f"{value:.{DIGITS}g}") for value in row] for row in matrix.tolist()]
    numbers = [[int(value) if value == int(value) else value for value in row] for row in rounded]
    return Table(ee.Array(numbers), *matrix.shape)


def identity(size: int, factor: float) -> Table:
    """``factor`` on the diagonal, zeros elsewhere."""
    import ee

    return Table(ee.Array.identity(size).multiply(factor), size, size)


def zeros(rows: int, columns: int) -> Table:
    """Zeros everywhere."""
    import ee

    return Table(ee.Array([[0]]).repeat(0, rows).repeat(1, columns), rows, columns)


def below(upper: Table, lower: Table) -> Table:
    """One table below another."""
    import ee

    return Table(ee.Array.cat([upper.values, lower.values], 0), upper.rows + lower.rows, upper.columns)


def beside(left: Table, right: Table) -> Table:
    """One table beside another."""
    import ee

    return Table(ee.Array.cat([left.values, right.values], 1), left.rows, left.columns + right.columns)


def prior_columns(plan: FillPlan, days: Sequence[float]) -> Table:
    """The columns of the plan's prior at ``days``; see :class:`.prior.Prior`."""
    count = plan.prior.mapping.shape[1]
    if len(plan.days) < FEW_DATES:
        return written(plan.prior.columns(np.array(days)))
    parts = _covariance(plan.days, plan.days, plan.annual_share).eigen().slice(0, 0, count)
    sizes = parts.slice(1, 0, 1).sqrt().repeat(1, len(plan.days))
    mapping = parts.slice(1, 1).divide(sizes).transpose()
    return Table(_covariance(days, plan.days, plan.annual_share).matrixMultiply(mapping), len(days), count)


def _covariance(days: Sequence[float], others: Sequence[float], annual_share: float) -> ee.Array:
    """See :func:`.prior.covariance`."""
    import ee

    rows = ee.Array([[float(day)] for day in days]).repeat(1, len(others))
    columns = ee.Array([[float(day) for day in others]]).repeat(0, len(days))
    apart = rows.subtract(columns).abs()
    weights = np.arange(1, HIGHEST_ORDER + 1) ** -4.0
    weights *= annual_share / weights.sum()
    scaled = apart.multiply(math.sqrt(3.0) / MEMORY_DAYS)
    smooth = scaled.add(1).multiply(scaled.multiply(-1).exp()).multiply((1 - annual_share) * (1 - ROUGH_SHARE))
    rough = apart.multiply(-1 / MEMORY_DAYS).exp().multiply((1 - annual_share) * ROUGH_SHARE)
    total = smooth.add(rough).add(1)
    for order, weight in enumerate(weights.tolist(), start=1):
        total = total.add(apart.multiply(2 * math.pi * order / DAYS_PER_YEAR).cos().multiply(weight))
    return total


def over(count: int, function: Callable[[Any], ee.Image]) -> ee.Image:
    """The images of one function of the positions 0 to ``count`` - 1, as the bands of one image."""
    import ee

    return ee.ImageCollection(ee.List.sequence(0, count - 1).map(function)).toBands()


def row_image(table: Table) -> Callable[[Any], ee.Image]:
    """A function of a position: the numbers of that row of the table as the bands of a constant image."""
    import ee

    rows = table.values.toList()
    return lambda position: ee.Image.constant(ee.List(rows.get(position)))


def combined(bands: ee.Image, table: Table) -> ee.Image:
    """The sums of bands times each row of a table, a band a row; masked bands count as 0."""
    import ee

    row = row_image(table)
    return over(table.rows, lambda position: bands.multiply(row(position)).reduce(ee.Reducer.sum()))


def regression(values: ee.Image, rows: Table, others: Table | None = None) -> ee.Image:
    """The coefficients, arrays (k, 1), of a regression of the bands of ``values`` on the rows of a table of k columns.

    ``others`` are further dependent values, l a row and the same in every pixel, whose coefficients are columns in
    front: arrays (k, l + 1). A band counts where it is valid.
    """
    import ee

    known = rows if others is None else beside(rows, others)
    names, row = [f"x{number}" for number in range(known.columns)], row_image(known)

    def observation(position: Any) -> ee.Image:
        return row(position).rename(names).addBands(values.select([position]).rename(["y"]))

    observations = ee.ImageCollection(ee.List.sequence(0, known.rows - 1).map(observation))
    reducer = ee.Reducer.linearRegression(rows.columns, known.columns - rows.columns + 1)
    return observations.reduce(reducer).select("coefficients")


def number_of_clear(used: ee.Image) -> ee.Image:
    """How many bands are valid, 0 where none is."""
    import ee

    return used.mask().reduce(ee.Reducer.sum())


def as_bands(coefficients: ee.Image, count: int) -> ee.Image:
    """Arrays (count, 1) as bands."""
    return coefficients.arrayProject([0]).arrayFlatten([[f"x{number}" for number in range(count)]])
