"""Curves of the penalised regression: level, coefficients, fitted values and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import normal_equations as equations
from .masking import zero_unless

NOISE_OBSERVATIONS = 5.0
"""The series' own noise counts like this many observations in the noise of a pixel."""

REFINED_BELOW = 0.02
"""Weaker penalties leave equations that single precision solves no better than 1e-5 in NDVI at once."""


@dataclass(frozen=True)
class Fit:
    """The fit of a block: the values ``centred`` (n, p) on the ``level`` (p,) of their pixel, 0 where not ``clear``
    (n, p), and what the equations gave."""

    level: np.ndarray
    centred: np.ndarray
    clear: np.ndarray
    solution: equations.Solution


def fit(columns: np.ndarray, values: np.ndarray, clear: np.ndarray, strength: float) -> Fit:
    """Fit the clear ones of ``values`` (n, p) with ``columns`` (n, k) of a prior, all in single precision; ``strength``
    is the penalty."""
    penalty = np.full(columns.shape[1], strength, np.float32)
    count = np.maximum(np.count_nonzero(clear, axis=0), 1).astype(np.float32)
    centred = zero_unless(clear, values)
    level = centred.sum(axis=0) / count
    np.subtract(centred, level, out=centred)
    np.multiply(centred, clear, out=centred)
    fitted = Fit(level, centred, clear, equations.solve(columns, clear, centred, penalty, least=0.0))
    if strength < REFINED_BELOW:
        equations.refine(fitted.solution, columns, residuals(fitted, columns), penalty)
    return fitted


def refit(fitted: Fit, columns: np.ndarray, values: np.ndarray, clear: np.ndarray, strength: float) -> Fit:
    """The fit without the ``values`` that are no longer ``clear``: only the pixels that lost some are solved again."""
    pixels = np.flatnonzero((fitted.clear & ~clear).any(axis=0))
    if not len(pixels):
        return fitted
    again = fit(columns, values[:, pixels], clear[:, pixels], strength)
    level, centred = fitted.level.copy(), fitted.centred.copy()
    level[pixels], centred[:, pixels] = again.level, again.centred
    return Fit(level, centred, clear, equations.replaced(fitted.solution, pixels, again.solution))


def residuals(fitted: Fit, columns: np.ndarray) -> np.ndarray:
    """The clear observations less the curve (n, p), 0 elsewhere."""
    left = columns @ fitted.solution.coefficients
    np.subtract(fitted.centred, left, out=left)
    return np.multiply(left, fitted.clear, out=left)


def curve(fitted: Fit, columns: np.ndarray) -> np.ndarray:
    """The fitted values (m, p) float32 where the columns are ``columns`` (m, k)."""
    values = columns @ fitted.solution.coefficients
    return np.add(values, fitted.level, out=values)


@dataclass(frozen=True)
class Sureness:
    """``standard_error`` (m, p) of the curve and ``degrees`` (p,) of freedom that the observations took up."""

    standard_error: np.ndarray
    degrees: np.ndarray


def sureness(fitted: Fit, columns: np.ndarray, at: np.ndarray, strength: float, noise: float) -> Sureness:
    """How sure the curve through observations with ``columns`` (n, k) is at the columns ``at`` (m, k).

    The variance is s^2 x' A^-1 x with A the penalised normal equations (Wahba 1983, JRSS B 45(1): the posterior
    variance, which holds the error of the penalty as well), s^2 the residual variance on count - degrees degrees of
    freedom, degrees = k - strength trace(A^-1), drawn towards the series' ``noise`` as if seen five times more.
    """
    solution, unknowns = fitted.solution, at.shape[1]
    inverse = equations.inverse_packed(solution.factor)
    forms = equations.quadratic_forms(at, inverse)
    np.sqrt(np.maximum(forms, 0, out=forms), out=forms)
    degrees = unknowns - strength * equations.trace(inverse, unknowns)
    if solution.pattern is not None:
        forms, degrees = forms.take(solution.pattern, axis=1), degrees[solution.pattern]
    count = np.count_nonzero(fitted.clear, axis=0)
    degrees = np.clip(degrees, 0, count)
    left = residuals(fitted, columns)
    square = np.einsum("np,np->p", left, left) + NOISE_OBSERVATIONS * noise**2
    deviation = np.sqrt(square / (np.maximum(count - degrees, 0) + NOISE_OBSERVATIONS)).astype(np.float32)
    return Sureness(np.multiply(forms, deviation, out=forms), degrees)
