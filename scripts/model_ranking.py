"""Tables over subsets of the 13 features, fitted on the leaves of the published tree and judged on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from model_leaves import RULES, Leaves, cell_weights
from s2mask_qgis.core.evaluation.confusion import Confusion
from s2mask_qgis.core.training.selection import scored
from s2mask_qgis.core.training.tables import smoothed

SIZES = (2, 3, 4, 5)


@dataclass(frozen=True)
class Fit:
    """A table of a subset by one rule for blank cells: scores in sample (0-1; log loss in nats), ``covered`` the share
    of the leaves' weight that was used, ``at_cutoff`` the counts at a given cutoff."""

    features: tuple[str, ...]
    balanced_accuracy: float
    log_loss: float
    covered: float
    at_cutoff: Confusion


def fit(leaves: Leaves, subset: Sequence[str], rule: str, cutoff: float) -> Fit:
    """The table of a subset and its scores on the weights that it was fitted on."""
    weights = cell_weights(leaves, subset, rule)
    scores = scored(subset, weights[np.newaxis], weights[np.newaxis])
    return Fit(
        tuple(subset),
        scores.balanced_accuracy,
        scores.log_loss,
        float(weights.sum() / leaves.weights.sum()),
        decisions(weights, smoothed(weights), cutoff),
    )


def decisions(weights: np.ndarray, probability: np.ndarray, cutoff: float) -> Confusion:
    """The counts of a table (cells,) on weights (cells, 2) of clear and cloud."""
    clear, called = (weights[mask].sum(axis=0) for mask in (probability <= cutoff, probability > cutoff))
    return Confusion(float(clear[0]), float(called[0]), float(clear[1]), float(called[1]))


def rankings(leaves: Leaves, cutoff: float) -> dict[tuple[int, str], list[Fit]]:
    """Every subset of SIZES by every rule, the best balanced accuracy first (then the least log loss)."""
    return {
        (size, rule): sorted(
            (fit(leaves, subset, rule, cutoff) for subset in combinations(leaves.names, size)),
            key=lambda one: (-one.balanced_accuracy, one.log_loss),
        )
        for size in SIZES
        for rule in RULES
    }


def place(ranked: Sequence[Fit], features: Sequence[str]) -> int:
    """The place of a subset, the best being 1."""
    return [one.features for one in ranked].index(tuple(features)) + 1
