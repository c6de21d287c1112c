"""A random forest to compare tables with, or to learn from features that no table takes (scikit-learn, optional)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..fields import ParameterError, Problem
from ..models.model import MOST_FEATURES
from .samples import LabelledSamples, check_trainable, refusal
from .tables import cell_bits, cells

TREES = 500
"""Trees of the published forest."""

INSTALL = (
    "A random forest needs scikit-learn, which this Python does not have. Install it for the Python of QGIS "
    "(python3 -m pip install scikit-learn in the OSGeo4W shell or a terminal; python3-sklearn on Debian), "
    "then start QGIS again; or choose a table."
)


@dataclass(frozen=True, eq=False)
class Forest:
    """A fitted forest over features ``names``; ``classifier`` is scikit-learn's."""

    names: tuple[str, ...]
    classifier: Any

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """The probability of cloud of each row of features (n, k) in order of ``names``: (n,) float64."""
        return self.classifier.predict_proba(features.astype(np.float32))[:, 1]


def fit_forest(samples: LabelledSamples, names: Sequence[str], trees: int = TREES, seed: int = 0) -> Forest:
    """A forest of these features: unpruned trees on bootstrap samples, the same for the same seed.

    ParameterError where the samples cannot be trained on, or scikit-learn is missing. Source: Breiman 2001,
    https://doi.org/10.1023/A:1010933404324.
    """
    check_trainable(samples, names)
    try:
        from sklearn.ensemble import RandomForestClassifier
    except ImportError:
        raise ParameterError((Problem("method", INSTALL),)) from None
    classifier = RandomForestClassifier(n_estimators=trees, random_state=seed, n_jobs=-1)
    classifier.fit(samples.columns(names), samples.cloud, sample_weight=samples.weights)
    # Threads add up the trees in any order, and so round differently each time.
    classifier.set_params(n_jobs=1)
    return Forest(tuple(names), classifier)


def forest_table(forest: Forest, samples: LabelledSamples) -> np.ndarray:
    """The forest as the table that it is where its features are binary: (2**k,) probabilities.

    ``samples`` are those it was fitted on. ParameterError where their features are not binary or too many; then the
    forest cannot be used as a model.
    """
    count = len(forest.names)
    if count > MOST_FEATURES:
        raise refusal(f"a forest of {count} features is no table; choose at most {MOST_FEATURES}.")
    cells(samples.columns(forest.names))
    return forest.probabilities(cell_bits(count))
