"""The strength of the penalty, by cross-validation: dates are held out, singly and in blocks, on a sample of pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from . import calibration, harmonics, linear
from .curves import fitted_values
from .parameters import FillParameters
from .plan import FillPlan, Score
from .timeline import clear_of, neighbours

SAMPLE_PX = 120
"""Pixels of a date share much of its error: more folds tell more than more pixels do."""
FOLD_SHARE = 0.2
BLOCK_DAYS = (0.0, 0.0, 15.0, 30.0, 45.0, 60.0)
ROUNDS = 5
CALIBRATED = 3
"""Every third pixel of the sample calibrates the errors."""
SEED = 5
STRENGTHS = tuple(float(f"{10.0**-power:.3g}") for power in np.arange(0, 4.1, 0.5))
ANNUAL_SHARES = (0.0, 0.3, 0.7, 0.95)
USUAL_STRENGTH, USUAL_SHARE = 0.00316, 0.7
WHITTAKER_STRENGTHS = tuple(float(10.0**power) for power in range(-1, 6))
USUAL_WHITTAKER = 10.0
PULL_DATES = 1.0
"""A strength ten times away from the usual one must do better by this share of the RMSE, divided by the dates."""


def choose(
    days: np.ndarray, values: np.ndarray, parameters: FillParameters, on_count: Callable[[int, int], None]
) -> FillPlan:
    """The plan with the choice that does best on held-out dates; the usual one where nothing can be held out."""
    sample = _sample(values)
    plan = FillPlan(
        method=parameters.method,
        days=tuple(float(day) for day in days),
        robust=parameters.robust and parameters.method != "linear",
        strength=parameters.strength or {"whittaker": USUAL_WHITTAKER}.get(parameters.method, USUAL_STRENGTH),
        annual_share=USUAL_SHARE,
        orders={"published": harmonics.ORDERS, "harmonic": (10,)}.get(parameters.method, ()),
        noise=_noise(days, sample),
        growth_per_day=_growth_per_day(days, sample),
    )
    folds = held_out(days, np.random.default_rng(SEED))
    if not sample.shape[1] or not folds:
        return plan
    candidates = _candidates(plan, fixed=parameters.strength > 0)
    if len(candidates) > 1:
        plan = _best(candidates, days, sample, folds, on_count) or plan
    growth = calibration.growth_per_day(plan, days, sample[:, ::CALIBRATED], folds)
    return dataclasses.replace(plan, growth_per_day=growth)


def _best(
    candidates: list[FillPlan],
    days: np.ndarray,
    sample: np.ndarray,
    folds: list[np.ndarray],
    on_count: Callable[[int, int], None],
) -> FillPlan | None:
    """The candidate of the lowest cost, with the scores of all; None where nothing could be compared."""
    tried = []
    for number, candidate in enumerate(candidates):
        on_count(number, len(candidates))
        tried.append(_fold_errors(candidate, days, sample, folds))
    errors = np.array(tried)
    errors = errors[:, np.isfinite(errors).all(axis=0)]
    if not errors.size:
        return None
    best = candidates[int(np.argmin(_costs(errors, candidates, PULL_DATES / len(days))))]
    rmse = np.sqrt(errors.mean(axis=1))
    scores = tuple(Score(plan.strength, plan.annual_share, float(value)) for plan, value in zip(candidates, rmse))
    return dataclasses.replace(best, scores=scores)


def held_out(days: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Folds: which dates (n,) each holds out, about FOLD_SHARE of them, singly or in blocks of BLOCK_DAYS."""
    if len(days) < 4:
        return []
    folds = [_fold(days, length, rng) for _ in range(ROUNDS) for length in BLOCK_DAYS]
    return [out for out in folds if out.any() and not out.all()]


def _fold(days: np.ndarray, length_days: float, rng: np.random.Generator) -> np.ndarray:
    wanted = max(1, round(FOLD_SHARE * len(days)))
    out = np.zeros(len(days), bool)
    if not length_days:
        out[rng.choice(len(days), wanted, replace=False)] = True
        return out
    for _ in range(30):
        start = rng.uniform(days[0] - length_days / 2, days[-1] - length_days / 2)
        block = out | ((days >= start) & (days < start + length_days))
        if block.sum() <= max(1.5 * wanted, 1):
            out = block
        if out.sum() >= wanted:
            break
    return out


def _sample(values: np.ndarray) -> np.ndarray:
    """At most SAMPLE_PX pixels, evenly over those with at least four clear observations."""
    usable = np.flatnonzero(clear_of(values).sum(axis=0) >= 4)
    places = np.unique(np.linspace(0, len(usable) - 1, SAMPLE_PX).round().astype(int)) if len(usable) else []
    return np.ascontiguousarray(values[:, usable[places]], np.float32) if len(usable) else values[:, :0]


def _candidates(plan: FillPlan, fixed: bool) -> list[FillPlan]:
    if plan.method == "harmonic":
        strengths = (plan.strength,) if fixed else STRENGTHS
        return [dataclasses.replace(plan, strength=s, annual_share=a) for s in strengths for a in ANNUAL_SHARES]
    if plan.method == "whittaker" and not fixed:
        return [dataclasses.replace(plan, strength=strength) for strength in WHITTAKER_STRENGTHS]
    return [plan]


def _fold_errors(plan: FillPlan, days: np.ndarray, sample: np.ndarray, folds: list[np.ndarray]) -> np.ndarray:
    """The mean squared error (f,) at what each fold holds out; NaN where nothing could be compared.

    The folds stand side by side as pixels of one block, each without the dates that it holds out.
    """
    missing = np.float32(np.nan)
    without = np.concatenate([np.where(out[:, None], missing, sample) for out in folds], axis=1)
    found = fitted_values(days, without, days, plan).reshape(len(days), len(folds), sample.shape[1])
    errors = np.full(len(folds), np.nan)
    for fold, out in enumerate(folds):
        difference = (found[:, fold] - sample)[out]
        known = np.isfinite(difference)
        if known.any():
            errors[fold] = np.square(difference[known], dtype=np.float64).mean()
    return errors


def _costs(errors: np.ndarray, candidates: list[FillPlan], pull: float) -> np.ndarray:
    """What is minimised (c,): the logarithm of the error and the pull to the usual strength.

    The ``errors`` (c, f) of each fold count relative to their mean over candidates, so that one hard block does not
    decide alone.
    """
    usual = USUAL_WHITTAKER if candidates[0].method == "whittaker" else USUAL_STRENGTH
    relative = errors / np.maximum(errors.mean(axis=0), 1e-12)
    strengths = np.array([candidate.strength for candidate in candidates])
    return 0.5 * np.log(np.maximum(relative.mean(axis=1), 1e-12)) + pull * np.log10(strengths / usual) ** 2


def _straight_errors(days: np.ndarray, sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every inner observation less the straight line between its neighbours, and the days between those."""
    errors, spans = [], []
    for date in range(1, len(days) - 1):
        others = np.arange(len(days)) != date
        around = neighbours(days[others], clear_of(sample[others]), days[[date]])
        error = (sample[[date]] - linear.fit(sample[others], around))[0]
        before, after = around.days_before[0], around.days_after[0]
        known = np.isfinite(error) & np.isfinite(before + after)
        errors.append(error[known])
        spans.append((before * after)[known] / (before + after)[known])
    return (np.concatenate(errors), np.concatenate(spans)) if errors else (np.zeros(0), np.zeros(0))


def _noise(days: np.ndarray, sample: np.ndarray) -> float:
    """The standard deviation of an observation, from the median distance to the line between close neighbours."""
    errors, spans = _straight_errors(days, sample)
    if not len(errors):
        return 0.02
    close = errors[spans <= np.quantile(spans, 0.5)]
    return float(max(1.4826 * np.median(np.abs(close)) / np.sqrt(1.5), 1e-4))


def _growth_per_day(days: np.ndarray, sample: np.ndarray) -> float:
    """The variance that the line between neighbours gains a day of gap, from what noise does not explain."""
    errors, spans = _straight_errors(days, sample)
    if not len(errors) or not spans.sum():
        return 1e-4
    excess = np.square(errors).sum() - 1.5 * len(errors) * _noise(days, sample) ** 2
    return float(max(excess / spans.sum(), 1e-6))
