"""The probabilities that a model gives labelled pixels, without an engine."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from ..models.model import Model, Table
from ..training.samples import LabelledSamples
from ..training.tables import cells


def model_probabilities(model: Model, samples: LabelledSamples) -> np.ndarray:
    """The probability of cloud of each row, (n,) float64; NaN where one of the model's features is unknown.

    ParameterError where the samples lack a feature, or a table meets a value that is neither 0 nor 1.
    """
    features = samples.columns(model.features)
    known = ~np.isnan(features).any(axis=1)
    found = np.full(len(samples), np.nan)
    decision = model.decision
    if isinstance(decision, Table):
        found[known] = np.asarray(decision.probabilities)[cells(features[known])]
        return found
    terms = zip(decision.terms, features[known].T.astype(np.float64), strict=True)
    odds = decision.intercept + sum(np.interp(values, term.knots, term.values) for term, values in terms)
    found[known] = expit(odds)
    return found
