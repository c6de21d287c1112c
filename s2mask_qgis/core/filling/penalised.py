"""Curves of the penalised regression: level, coefficients, fitted values and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import normal_equations as equations
from .prior import Prior

NOISE_OBSERVATIONS = 5.0
"""The series' own noise counts like this many observations in the noise of a pixel."""


REFINED_BELOW = 0.02
"""Weaker penalties leave equations that single precision solves no better than 1e-5 in NDVI at once."""


@dataclass(frozen=True)
class Fit:
    """The fit of a block: ``level`` (p,) subtracted before it, and what the equations gave."""

    level: np.ndarray
    solution: equations.Solution


def fit(columns: np.ndarray, values: np.ndarray, clear: np.ndarray, strength: float) -> Fit:
    """Fit the clear ones of ``values`` (n, p) with ``columns`` (n, k) of a prior; ``strength`` is the penalty."""
    count = np.maximum(np.count_nonzero(clear, axis=0), 1).astype(np.float32)
    level = np.where(clear, values, np.float32(0)).sum(axis=0) / count
    centred = np.where(clear, values - level, np.float32(0))
    penalty = np.full(columns.shape[1], strength, np.float32)
    single = columns.astype(np.float32)
    solution = equations.solve(single, clear, centred, penalty, least=0.0)
    if strength < REFINED_BELOW:
        equations.refine(solution, single, clear, centred, penalty)
    return Fit(level, solution)


def refit(fitted: Fit, columns: np.ndarray, values: np.ndarray, clear: np.ndarray, strength: float) -> None:
    """Fit again, in place, the pixels of which some of ``values`` are no longer ``clear``."""
    pixels = np.flatnonzero((np.isfinite(values) & ~clear).any(axis=0))
    if not len(pixels):
        return
    again = fit(columns, values[:, pixels], clear[:, pixels], strength)
    fitted.level[pixels] = again.level
    fitted.solution.coefficients[:, pixels] = again.solution.coefficients
    fitted.solution.factor[:, :, pixels] = again.solution.factor


def curve(fitted: Fit, columns: np.ndarray) -> np.ndarray:
    """The fitted values (m, p) float32 where the columns are ``columns`` (m, k)."""
    return columns.astype(np.float32) @ fitted.solution.coefficients + fitted.level


@dataclass(frozen=True)
class Sureness:
    """``standard_error`` (m, p) of the curve and ``degrees`` (p,) of freedom that the observations took up."""

    standard_error: np.ndarray
    degrees: np.ndarray


def sureness(
    fitted: Fit, prior: Prior, at: np.ndarray, residuals: np.ndarray, count: np.ndarray, strength: float, noise: float
) -> Sureness:
    """How sure the curve is at the columns ``at`` (m, k).

    The variance is s^2 x' A^-1 x with A the penalised normal equations (Wahba 1983, JRSS B 45(1): the posterior
    variance, which holds the error of the penalty as well), s^2 the residual variance on count - degrees degrees of
    freedom, degrees = k - strength trace(A^-1), drawn towards the series' ``noise`` as if seen five times more.
    """
    columns = prior.mapping.shape[1]
    inverse = equations.inverse_packed(fitted.solution.factor)
    degrees = np.clip(columns - strength * equations.trace(inverse, columns), 0, count)
    square = np.einsum("np,np->p", residuals, residuals) + NOISE_OBSERVATIONS * noise**2
    variance = square / (np.maximum(count - degrees, 0) + NOISE_OBSERVATIONS)
    forms = equations.quadratic_forms(at.astype(np.float32), inverse)
    return Sureness(np.sqrt(np.maximum(forms, 0) * variance).astype(np.float32), degrees)
