"""Choice of binary features for a table: the scores of subsets over images, and the greedy forward choice by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .samples import LabelledSamples, check_trainable
from .tables import LAPLACE, cells, smoothed

LEAST_GAIN = 0.001
"""Balanced accuracy (0-1) that a further feature must gain."""

_SMALLEST = 1e-6
"""Probabilities are kept this far from 0 and 1 in logarithms."""


@dataclass(frozen=True, eq=False)
class Counts:
    """Labelled pixels summed up: ``bits`` (u, k) the distinct rows of features ``names``, ``weights`` (u, folds, 2)
    the weight of clear and cloudy labels in each fold. Tables of any subset follow without the pixels."""

    names: tuple[str, ...]
    bits: np.ndarray
    weights: np.ndarray

    def of(self, subset: Sequence[str]) -> np.ndarray:
        """The weights of the cells of a subset, (folds, 2**len(subset), 2)."""
        rows = cells(self.bits[:, [self.names.index(name) for name in subset]])
        count, (_, folds, kinds) = 2 ** len(subset), self.weights.shape
        offsets = count * np.arange(folds * kinds)
        places = rows[:, np.newaxis] + offsets
        summed = np.bincount(places.ravel(), self.weights.reshape(len(rows), -1).ravel(), count * folds * kinds)
        return summed.reshape(folds, kinds, count).transpose(0, 2, 1)


@dataclass(frozen=True)
class Scored:
    """A subset with its scores (0-1; log loss in nats, less is better)."""

    features: tuple[str, ...]
    balanced_accuracy: float
    log_loss: float


def count_by_fold(samples: LabelledSamples, names: Sequence[str], folds: np.ndarray) -> Counts:
    """The counts of the samples for these features, with ``folds`` (n,) from core/training/splits.py.

    ParameterError where the samples cannot be trained on, or a feature is not binary.
    """
    check_trainable(samples, names)
    codes, rows = np.unique(cells(samples.columns(names)), return_inverse=True)
    count = int(folds.max()) + 1
    places = (rows * count + folds) * 2 + samples.cloud
    weights = np.bincount(places, samples.weights, len(codes) * count * 2).reshape(len(codes), count, 2)
    bits = (codes[:, np.newaxis] >> np.arange(len(names))[::-1]) & 1
    return Counts(tuple(names), bits.astype(np.uint8), weights)


def score(counts: Counts, subset: Sequence[str], laplace: float = LAPLACE) -> Scored:
    """The scores of a subset's tables over the folds: each fold is judged by the table of all others."""
    judged = counts.of(subset)
    return scored(subset, judged, judged.sum(axis=0) - judged, laplace)


def scored(subset: Sequence[str], judged: np.ndarray, training: np.ndarray, laplace: float = LAPLACE) -> Scored:
    """The scores of the tables fitted on ``training`` weights, on ``judged`` ones, both (folds, 2**k, 2); pooled.

    A cell counts as cloudy where its probability is above the share of cloud among the training labels, which is the
    best cutoff for balanced accuracy there.
    """
    probability = smoothed(training, laplace)
    by_class = training.sum(axis=1)
    rate = by_class[:, 1:] / by_class.sum(axis=1, keepdims=True)
    # Empty cells have the rate itself, up to rounding: no evidence, no cloud.
    flagged = probability > rate * (1 + 1e-9)
    labels = judged.sum(axis=(0, 1))
    recalls = judged[~flagged][:, 0].sum() / labels[0], judged[flagged][:, 1].sum() / labels[1]
    likely = np.clip(probability, _SMALLEST, 1 - _SMALLEST)
    loss = -(judged[..., 1] * np.log(likely) + judged[..., 0] * np.log1p(-likely)).sum() / labels.sum()
    return Scored(tuple(subset), float(np.mean(recalls)), float(loss))


def forward_choice(
    counts: Counts, most: int, least_gain: float = LEAST_GAIN, laplace: float = LAPLACE
) -> tuple[Scored, ...]:
    """The steps of the greedy choice: each adds the feature that gains most; the last step is what is chosen.

    It ends with ``most`` features, or where the best further one gains less balanced accuracy than ``least_gain``. Of
    features that gain the same the one named first is taken.
    """
    steps: list[Scored] = []
    while len(steps) < min(most, len(counts.names)):
        chosen = steps[-1].features if steps else ()
        further = [score(counts, (*chosen, name), laplace) for name in counts.names if name not in chosen]
        best = max(further, key=lambda one: one.balanced_accuracy)
        if steps and best.balanced_accuracy - steps[-1].balanced_accuracy < least_gain:
            break
        steps.append(best)
    return tuple(steps)
