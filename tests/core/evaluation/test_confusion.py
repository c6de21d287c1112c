"""Counts and scores by hand, and undefined scores as None."""

from __future__ import annotations

import numpy as np
import pytest

from s2mask_qgis.core.evaluation.confusion import Confusion, confusion

SCORES = ("accuracy", "balanced_accuracy", "recall", "false_alarm_rate", "precision", "f1")


def test_counts_have_the_truth_in_rows():
    truth = np.array([0, 0, 0, 1, 1, 1, 1], bool)
    called = np.array([0, 0, 1, 0, 1, 1, 1], bool)
    counts = confusion(truth, called)
    assert counts.matrix == ((2, 1), (1, 3))
    assert (counts.clear, counts.cloud, counts.labels) == (3, 4, 7)


def test_weights_count_instead_of_rows():
    counts = confusion(np.array([True, False, True]), np.array([True, True, False]), np.array([0.5, 2.0, 1.5]))
    assert counts.matrix == ((0, 2.0), (1.5, 0.5))


def test_scores_of_the_published_forest_by_hand():
    counts = Confusion(28289, 1322, 741, 28724)
    assert counts.accuracy == pytest.approx(57013 / 59076)
    assert counts.recall == pytest.approx(28724 / 29465)
    assert counts.false_alarm_rate == pytest.approx(1322 / 29611)
    assert counts.precision == pytest.approx(28724 / 30046)
    assert counts.f1 == pytest.approx(2 * 28724 / (30046 + 29465))
    assert counts.balanced_accuracy == pytest.approx((28724 / 29465 + 28289 / 29611) / 2)


@pytest.mark.parametrize(
    ("counts", "undefined"),
    [
        (Confusion(), set(SCORES)),
        (Confusion(5, 0, 0, 0), {"balanced_accuracy", "recall", "precision", "f1"}),
        (Confusion(3, 2, 0, 0), {"balanced_accuracy", "recall"}),
        (Confusion(0, 0, 5, 0), {"balanced_accuracy", "false_alarm_rate", "precision"}),
        (Confusion(0, 0, 0, 5), {"balanced_accuracy", "false_alarm_rate"}),
    ],
)
def test_scores_without_a_class_to_divide_by_are_none(counts, undefined):
    assert {name for name in SCORES if getattr(counts, name) is None} == undefined


def test_scores_equal_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    truth, called, weights = rng.random(500) < 0.3, rng.random(500) < 0.4, rng.uniform(0.1, 3, 500)
    counts = confusion(truth, called, weights)
    expected = {
        "accuracy": metrics.accuracy_score,
        "balanced_accuracy": metrics.balanced_accuracy_score,
        "recall": metrics.recall_score,
        "precision": metrics.precision_score,
        "f1": metrics.f1_score,
    }
    for name, score in expected.items():
        assert getattr(counts, name) == pytest.approx(score(truth, called, sample_weight=weights), abs=1e-12)
    assert np.array(counts.matrix) == pytest.approx(metrics.confusion_matrix(truth, called, sample_weight=weights))
