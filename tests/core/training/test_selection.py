"""Choice of features: scores equal a slow computation pixel by pixel, and what carries no information is not chosen."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from s2mask_qgis.core.features import FEATURES
from s2mask_qgis.core.training.samples import make_samples
from s2mask_qgis.core.training.selection import count_by_fold, forward_choice, score
from s2mask_qgis.core.training.splits import image_folds

pytestmark = pytest.mark.filterwarnings("error")

NAMES = tuple(FEATURES)[:6]


@pytest.fixture(scope="module")
def samples():
    """Cloud follows the features 1 and 4 together, 2 a little; the others are chance."""
    rng = np.random.default_rng(5)
    features = rng.integers(0, 2, (1500, len(NAMES)))
    chance = 0.05 + 0.85 * (features[:, 1] & features[:, 4]) + 0.05 * features[:, 2]
    classes = np.where(rng.random(len(features)) < chance, "cloud", "clear")
    images = [f"image{number}" for number in rng.integers(0, 12, len(features))]
    return make_samples(NAMES, features, classes, images, rng.uniform(0.5, 2, len(features)))


@pytest.fixture(scope="module")
def folds(samples):
    return image_folds(samples, 4)


@pytest.fixture(scope="module")
def counts(samples, folds):
    return count_by_fold(samples, NAMES, folds)


def slow_scores(samples, folds, subset, laplace=1.0):
    """Balanced accuracy and log loss, a pixel at a time, from dictionaries of the other folds' pixels."""
    rows = [tuple(row) for row in samples.columns(subset).astype(int).tolist()]
    right, whole, loss = {True: 0.0, False: 0.0}, {True: 0.0, False: 0.0}, 0.0
    for fold in sorted(set(folds.tolist())):
        seen = {}
        for row, is_cloud, weight, own in zip(rows, samples.cloud, samples.weights, folds):
            if own != fold:
                seen.setdefault(row, [0.0, 0.0])[int(is_cloud)] += weight
        total = [sum(pair[kind] for pair in seen.values()) for kind in (0, 1)]
        rate = total[1] / sum(total)
        for row, is_cloud, weight, own in zip(rows, samples.cloud, samples.weights, folds):
            if own == fold:
                clear, cloud = seen.get(row, (0.0, 0.0))
                chance = (cloud + 2 * laplace * rate) / (clear + cloud + 2 * laplace)
                right[bool(is_cloud)] += weight * ((chance > rate) == is_cloud)
                whole[bool(is_cloud)] += weight
                loss -= weight * math.log(chance if is_cloud else 1 - chance)
    return sum(right[kind] / whole[kind] for kind in right) / 2, loss / sum(whole.values())


@pytest.mark.parametrize("subset", [NAMES[1:2], (NAMES[4], NAMES[1]), NAMES[:4]])
def test_scores_equal_a_slow_computation(samples, folds, counts, subset):
    found = score(counts, subset)
    assert (found.balanced_accuracy, found.log_loss) == pytest.approx(slow_scores(samples, folds, subset), abs=1e-12)


def test_cells_that_training_never_saw_count_as_clear():
    """The cell 1 occurs in one image only: judged without it, it tells nothing."""
    cloud = np.array([True, False] * 12)
    features = np.zeros((24, 1))
    images = np.array(["a"] * 8 + ["b"] * 8 + ["c"] * 8)
    features[:4] = 1
    samples = make_samples(NAMES[:1], features, np.where(cloud, "cloud", "clear"), images)
    found = score(count_by_fold(samples, NAMES[:1], np.repeat([0, 1, 2], 8)), NAMES[:1])
    assert found.balanced_accuracy == 0.5


def test_the_forward_choice_takes_what_informs_and_stops(counts):
    steps = forward_choice(counts, most=6)
    assert set(steps[-1].features) == {NAMES[1], NAMES[4]}
    assert steps[0].features == steps[1].features[:1]


def test_no_more_features_are_chosen_than_asked_for(counts):
    assert [len(forward_choice(counts, most, least_gain=-1.0)) for most in (1, 3, 6, 9)] == [1, 3, 6, 6]


def test_every_step_takes_the_best_and_gains_what_is_asked_for(counts):
    steps = forward_choice(counts, most=6, least_gain=0.0)
    assert len(steps) >= 2
    for before, after in pairwise(steps):
        rivals = [score(counts, (*before.features, name)) for name in NAMES if name not in before.features]
        assert after.balanced_accuracy == max(rival.balanced_accuracy for rival in rivals)
        assert after.balanced_accuracy >= before.balanced_accuracy
    gain = steps[1].balanced_accuracy - steps[0].balanced_accuracy
    assert len(forward_choice(counts, most=6, least_gain=gain * 1.01)) == 1
    assert len(forward_choice(counts, most=2, least_gain=gain * 0.99)) == 2
