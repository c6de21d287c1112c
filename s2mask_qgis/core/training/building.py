"""From labelled samples to a decision: images are held out, features chosen, a table fitted, a cutoff found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..evaluation.curves import curves, cutoff_for_balanced_accuracy, cutoff_for_recall
from ..models.model import MOST_FEATURES, Table
from .parameters import FOREST, RECALL, TrainingParameters
from .random_forest import fit_forest, forest_table
from .samples import LabelledSamples, check_trainable, refusal
from .selection import Scored, count_by_fold, forward_choice
from .splits import FOLDS, held_out, image_folds
from .tables import cells, fit_table

IMAGES_TO_CHOOSE = 3
"""Images with labels that choosing features needs at least: two to compare on, one to judge on."""


@dataclass(frozen=True, eq=False)
class Built:
    """A table and its cutoff, the samples of the images that it learnt from and of those held out, and the steps of the
    choice of its features (none where they were given)."""

    table: Table
    cutoff: float
    training: LabelledSamples
    judged: LabelledSamples
    steps: tuple[Scored, ...]


def build(
    samples: LabelledSamples,
    names: Sequence[str],
    parameters: TrainingParameters,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Built | None:
    """Fit a table of features out of ``names``; None where it was cancelled.

    Whole images are held out first and decide nothing. In training cloud weighs as much as all else, whatever share of
    the labels it has. ParameterError (sentences) where the samples cannot be trained on, or too few images have labels.
    """
    check_trainable(samples, names)
    _check_images(samples, parameters)
    is_judged = held_out(samples, parameters.held_out_share, parameters.seed)
    training = evenly_weighted(samples.rows(~is_judged))
    steps = _choice(training, names, parameters)
    chosen = steps[-1].features if steps else tuple(names)
    if is_cancelled():
        return None
    table = Table(chosen, tuple(_probabilities(training, chosen, parameters).tolist()))
    if is_cancelled():
        return None
    return Built(table, _cutoff(training, table, parameters), training, samples.rows(is_judged), steps)


def evenly_weighted(samples: LabelledSamples) -> LabelledSamples:
    """The samples with weights such that cloud and all else weigh the same, one a row on average."""
    cloud = samples.cloud
    share = samples.weights[cloud].sum() / samples.weights.sum()
    return replace(samples, weights=samples.weights * np.where(cloud, 0.5 / share, 0.5 / (1 - share)))


def _check_images(samples: LabelledSamples, parameters: TrainingParameters) -> None:
    images = len(np.unique(samples.images))
    if parameters.choose_features and images < IMAGES_TO_CHOOSE:
        raise refusal(
            f"they are of {images} {'image' if images == 1 else 'images'}; choosing features takes at least "
            f"{IMAGES_TO_CHOOSE}, since one judges the model and the others are compared. Label more images, or do not "
            "have features chosen."
        )


def _choice(training: LabelledSamples, names: Sequence[str], parameters: TrainingParameters) -> tuple[Scored, ...]:
    """The steps of the greedy choice over the images of training; none where the features are given."""
    if not parameters.choose_features:
        if len(names) > MOST_FEATURES:
            raise refusal(f"a table takes at most {MOST_FEATURES} features, not {len(names)}; choose fewer.")
        return ()
    counts = count_by_fold(training, names, image_folds(training, FOLDS, parameters.seed))
    return forward_choice(counts, most=parameters.most_features, laplace=parameters.laplace)


def _probabilities(training: LabelledSamples, names: Sequence[str], parameters: TrainingParameters) -> np.ndarray:
    """The table of a fit, (2**k,)."""
    if parameters.fit == FOREST:
        return forest_table(fit_forest(training, names, seed=parameters.seed), training)
    return fit_table(training, names, parameters.laplace)


def _cutoff(training: LabelledSamples, table: Table, parameters: TrainingParameters) -> float:
    """The cutoff by the rule of the parameters, on the images of training."""
    probability = np.asarray(table.probabilities)[cells(training.columns(table.features))]
    found = curves(training.cloud, probability, training.weights)
    if found is None:
        raise refusal("the images to train on have labels of one class only; label both in more images.")
    if parameters.cutoff_by == RECALL:
        return cutoff_for_recall(found, parameters.target_recall)
    return cutoff_for_balanced_accuracy(found)
