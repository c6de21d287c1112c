"""How a vegetation curve is expected to run before anything was observed, as columns of a penalised regression.

A curve is a level, a part that returns every year (harmonics of orders 1-10 whose variance falls with the fourth power
of the order) and a part that is its own in each year. This is mostly smooth (a Matern process of smoothness 3/2, whose
variance falls with the fourth power of the frequency too) and a little rough (one of smoothness 1/2, falling with the
second power, under which the best guess between two observations is nearly the straight line). The covariance between
the dates of a series has few large eigenvalues; its eigenvectors are the columns, scaled so that one and the same
penalty on every coefficient gives the expected curve. Between the dates they are continued by the covariance. The
result is linear regression with one more observation of 0 per coefficient.

How many of the columns a pixel can pay for follows from where its observations lie, not only from how many there are:
a long gap leaves the columns that move within it to the penalty, so that the degrees of freedom, and with them the
order written as quality, fall with the longest gap.

Sources: Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, sections 4.2, 4.3 and 8.1 (processes,
eigenfunctions); Wahba (1990), Spline Models for Observational Data, chapter 1 (penalties as expectations).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .quality import HIGHEST_ORDER
from .timeline import DAYS_PER_YEAR

MEMORY_DAYS = 60.0
"""A longer memory carries a bend further into a gap; a shorter one falls back to the level sooner."""
ROUGH_SHARE = 0.05
"""How much of a year's own part is rough: sowing, mowing and harvest are faster than growth."""
COLUMNS_FIRST_YEAR = 22
"""As many as the unknowns of harmonics up to order 10 with a trend; more gain nothing on series of one year."""

COLUMNS_PER_YEAR = 12
HIGHEST_COLUMNS = 60
NEGLIGIBLE = 0.01
"""A column whose coefficient would be shrunk to less than this share even with every date clear is left out."""


@dataclass(frozen=True)
class Prior:
    """The columns of a series: ``knots`` (n,) days, ``mapping`` (n, k) from covariances with the knots to columns."""

    knots: np.ndarray
    mapping: np.ndarray
    annual_share: float

    def columns(self, days: np.ndarray) -> np.ndarray:
        """The columns (m, k) at ``days`` (m,), float64; the penalty on every coefficient is the strength."""
        return covariance(np.asarray(days, np.float64), self.knots, self.annual_share) @ self.mapping


def covariance(days: np.ndarray, others: np.ndarray, annual_share: float) -> np.ndarray:
    """The covariance (m, n) of the curve between two times, relative to the variance of its moving part.

    ``annual_share`` (0-1) of that variance returns every year. The level has the variance 1 as well.
    """
    apart = np.abs(days[:, None] - others[None, :])
    orders = np.arange(1, HIGHEST_ORDER + 1)
    weights = orders**-4.0 / (orders**-4.0).sum()
    annual = sum(weight * np.cos(2 * np.pi * k * apart / DAYS_PER_YEAR) for k, weight in zip(orders, weights))
    scaled = np.sqrt(3.0) * apart / MEMORY_DAYS
    smooth, rough = (1.0 + scaled) * np.exp(-scaled), np.exp(-apart / MEMORY_DAYS)
    own = (1.0 - ROUGH_SHARE) * smooth + ROUGH_SHARE * rough
    return 1.0 + annual_share * annual + (1.0 - annual_share) * own


def make_prior(days: np.ndarray, annual_share: float, strength: float) -> Prior:
    """The prior of a series observed on ``days``; ``strength`` is the variance of an observation's error relative to
    that of the curve's moving part."""
    values, vectors = np.linalg.eigh(covariance(days, days, annual_share))
    values, vectors = values[::-1], vectors[:, ::-1]
    years = max(1.0, (days[-1] - days[0]) / DAYS_PER_YEAR)
    most = min(HIGHEST_COLUMNS, round(COLUMNS_FIRST_YEAR + COLUMNS_PER_YEAR * (years - 1.0)))
    count = int(np.clip((values > NEGLIGIBLE * strength).sum(), 1, most))
    count = max(1, min(count, int((values > 1e-9 * values[0]).sum())))
    return Prior(days, vectors[:, :count] / np.sqrt(values[:count]), annual_share)
