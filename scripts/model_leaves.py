"""The leaves of the published decision tree, and the weights of clear and cloud in cells of its features."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2mask_qgis.core.training.tables import cell_bits

TESTED, MARGINAL, PROPORTIONAL = "tested only", "marginal", "proportional"
RULES = (TESTED, MARGINAL, PROPORTIONAL)
"""What becomes of a leaf that does not test a feature (see :func:`shares`)."""


class LeavesError(Exception):
    """The file of leaves cannot be used; the text is for the user."""


@dataclass(frozen=True, eq=False)
class Leaves:
    """``features`` (m, k) of 0, 1 or NaN where the leaf does not test them, ``weights`` (m, 2) of clear and cloud."""

    names: tuple[str, ...]
    features: np.ndarray
    weights: np.ndarray

    def of(self, subset: Sequence[str]) -> np.ndarray:
        """Some of the features, (m, len(subset))."""
        return self.features[:, [self.names.index(name) for name in subset]]


def read_leaves(path: Path, names: Sequence[str]) -> Leaves:
    """The leaves of a CSV with the columns ``names``, clear and cloud. LeavesError says what is wrong."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            head, *lines = list(csv.reader(file))
    except (OSError, ValueError) as error:
        raise LeavesError(f"The leaves cannot be read from {path}: {error}") from error
    if head != [*names, "clear", "cloud"] or any(len(line) != len(head) for line in lines) or not lines:
        raise LeavesError(f"{path} must hold the columns {', '.join(names)}, clear, cloud, and as many cells a line.")
    try:
        values = np.array([[float(cell) if cell else np.nan for cell in line] for line in lines])
    except ValueError as error:
        raise LeavesError(f"{path} holds a cell that is no number: {error}") from error
    features, weights = values[:, :-2], values[:, -2:]
    if not (np.isnan(features) | np.isin(features, (0, 1))).all() or not (weights >= 0).all():
        raise LeavesError(f"{path} holds a feature other than 0, 1 or blank, or a weight that is not 0 or more.")
    return Leaves(tuple(names), features, weights)


def partition_problem(leaves: Leaves) -> str | None:
    """A sentence where the leaves do not divide all combinations of features among them, as those of a tree do."""
    overlaps = _fits(leaves.features).sum(axis=0)
    wrong = int((overlaps != 1).sum())
    return f"{wrong} of {len(overlaps)} combinations of features lie in no leaf or in several." if wrong else None


def cell_weights(leaves: Leaves, subset: Sequence[str], rule: str) -> np.ndarray:
    """The weights of clear and cloud in each cell of a subset of features, (2**k, 2)."""
    return shares(leaves, subset, rule).T @ leaves.weights


def shares(leaves: Leaves, subset: Sequence[str], rule: str) -> np.ndarray:
    """The share of each leaf that lies in each cell of a subset, (m, 2**k).

    A leaf that tests all of the subset lies in one cell. Else it depends on ``rule``: ``tested only`` leaves it out;
    ``marginal`` takes each untested feature as 1 as often as it is in all leaves that test it; ``proportional``
    divides the leaf among the cells that it fits as the leaves that test all of the subset are divided (evenly where
    there are none).
    """
    features = leaves.of(subset)
    fits = _fits(features).astype(float)
    if rule == TESTED:
        return fits * ~np.isnan(features).any(axis=1, keepdims=True)
    if rule == MARGINAL:
        return _by_marginals(features, leaves.weights.sum(axis=1), fits)
    known = shares(leaves, subset, TESTED).T @ leaves.weights.sum(axis=1)
    divided = fits * known
    # A leaf that fits no cell of known weight is divided evenly.
    divided = np.where(divided.sum(axis=1, keepdims=True) > 0, divided, fits)
    return divided / divided.sum(axis=1, keepdims=True)


def _fits(features: np.ndarray) -> np.ndarray:
    """Whether each leaf (m, k) reaches each cell, (m, 2**k)."""
    bits = cell_bits(features.shape[1])
    reached = np.ones((len(features), len(bits)), bool)
    for column in range(features.shape[1]):
        value = features[:, [column]]
        reached &= np.isnan(value) | (value == bits[:, column])
    return reached


def _by_marginals(features: np.ndarray, weight: np.ndarray, fits: np.ndarray) -> np.ndarray:
    bits = cell_bits(features.shape[1])
    divided = fits
    for column in range(features.shape[1]):
        values = features[:, column]
        tested = ~np.isnan(values)
        rate = np.average(values[tested], weights=weight[tested])
        chance = np.where(bits[:, column] == 1, rate, 1 - rate)
        divided = np.where(tested[:, np.newaxis], divided, divided * chance)
    return divided
