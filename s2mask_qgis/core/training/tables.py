"""Tables: the probability of cloud in each cell of binary features, from weighted counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..models.model import MOST_FEATURES
from .samples import LabelledSamples, check_trainable, refusal

LAPLACE = 1.0
"""Default smoothing: labels added to each class of a cell, on average over the two."""


def cells(features: np.ndarray) -> np.ndarray:
    """The cell of each row of binary features (n, k), the first feature its highest bit: (n,) whole numbers.

    ParameterError where a value is neither 0 nor 1, or there are more features than a table has.
    """
    count = features.shape[1]
    if not 1 <= count <= MOST_FEATURES:
        raise refusal(f"a table takes 1 to {MOST_FEATURES} features, not {count}; choose fewer, or a forest.")
    if not np.isin(features, (0, 1)).all():
        raise refusal("a table takes binary features, but a value is neither 0 nor 1; choose others, or a forest.")
    return features.astype(np.int64) @ (1 << np.arange(count)[::-1])


def cell_bits(count: int) -> np.ndarray:
    """The features of every cell of a table of ``count`` features, (2**count, count) of 0 and 1."""
    return (np.arange(2**count)[:, np.newaxis] >> np.arange(count)[::-1]) & 1


def cell_weights(samples: LabelledSamples, names: Sequence[str]) -> np.ndarray:
    """The weight of clear and of cloudy rows in each cell of these features, (2**k, 2)."""
    rows, count = cells(samples.columns(names)), 2 ** len(names)
    return np.stack(
        [
            np.bincount(rows, np.where(samples.cloud == is_cloud, samples.weights, 0.0), count)
            for is_cloud in (False, True)
        ],
        axis=1,
    )


def smoothed(weights: np.ndarray, laplace: float = LAPLACE) -> np.ndarray:
    """The probability of cloud of each cell from its weights of clear and cloudy rows (..., cells, 2): (..., cells).

    ``(cloud + 2 * laplace * rate) / (clear + cloud + 2 * laplace)``, where ``rate`` is the share of cloud in all
    cells: towards the overall rate, which is Laplace's rule of succession where both classes weigh the same. Empty
    cells get the overall rate. ``laplace`` is in the unit of the weights; with 0 nothing is smoothed.
    Source: m-estimates, Cestnik 1990 (ECAI), which generalise Laplace's rule.
    """
    cloud, both = weights[..., 1], weights.sum(axis=-1)
    whole = both.sum(axis=-1, keepdims=True)
    rate = np.divide(cloud.sum(axis=-1, keepdims=True), whole, out=np.full_like(whole, 0.5), where=whole > 0)
    total = both + 2 * laplace
    return np.divide(cloud + 2 * laplace * rate, total, out=np.broadcast_to(rate, total.shape).copy(), where=total > 0)


def fit_table(samples: LabelledSamples, names: Sequence[str], laplace: float = LAPLACE) -> np.ndarray:
    """The table of these features, (2**k,) probabilities of cloud; see :func:`smoothed`.

    ParameterError where the samples cannot be trained on, or a feature is not binary.
    """
    check_trainable(samples, names)
    if laplace < 0:
        raise refusal(f"smoothing by {laplace} labels is not possible; choose 0 or more.")
    return smoothed(cell_weights(samples, names), laplace)
