"""How fast a series leaves its curve in a gap, from what cross-validation held out: it makes the stated errors true."""

from __future__ import annotations

import dataclasses

import numpy as np

from . import linear
from .curves import fit_curves
from .plan import FillPlan
from .timeline import clear_of, neighbours

COVERED = 0.95
"""The share of held-out observations that lie within two standard errors."""


def growth_per_day(plan: FillPlan, days: np.ndarray, sample: np.ndarray, folds: list[np.ndarray]) -> float:
    """The variance that the error of the plan's curves gains per day of gap, at least that of the plan.

    The error of a curve is that of the fit, of the observations next to the gap, and of a random walk pinned down at
    either end of the gap. The walk is as fast as it takes for COVERED of what the ``folds`` hold out of the ``sample``
    (n, p) to lie within two standard errors, each fold counting alike.
    """
    parts = _needed(dataclasses.replace(plan, growth_per_day=0.0), days, sample, folds)
    needed = np.concatenate(parts)
    if not len(needed):
        return plan.growth_per_day
    weights = np.concatenate([np.full(len(part), 1 / max(len(part), 1)) for part in parts])
    order = np.argsort(needed, kind="stable")
    reached = np.searchsorted(np.cumsum(weights[order]), COVERED * weights.sum())
    return max(float(needed[order][min(reached, len(needed) - 1)]), plan.growth_per_day)


def _needed(still: FillPlan, days: np.ndarray, sample: np.ndarray, folds: list[np.ndarray]) -> list[np.ndarray]:
    """Of each fold the growths at which what it holds out lies two standard errors away; 0 where none is needed.

    ``still`` is the plan without growth. The folds stand side by side as pixels of one block.
    """
    out = np.repeat(np.column_stack(folds), sample.shape[1], axis=1)
    values = np.tile(sample, len(folds))
    without = np.where(out, np.float32(np.nan), values)
    curves = fit_curves(days, without, days, still)
    gaps = np.square(linear.standard_error(neighbours(days, clear_of(without), days), noise=0.0, growth_per_day=1.0))
    missed = np.square((curves.values - values) / 2) - np.square(curves.standard_error)
    known = out & np.isfinite(missed) & (gaps > 0)
    needed = np.maximum(missed, 0) / np.where(known, gaps, 1)
    fold_of = np.repeat(np.arange(len(folds)), sample.shape[1])
    return [needed[:, fold_of == fold][known[:, fold_of == fold]] for fold in range(len(folds))]
