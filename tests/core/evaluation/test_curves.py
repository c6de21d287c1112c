"""Curves equal scikit-learn's and a count by hand; every cutoff gives the very decisions that its point promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.core.evaluation.confusion import confusion
from s2mask_qgis.core.evaluation.curves import curves, cutoff_for_balanced_accuracy, cutoff_for_recall
from s2mask_qgis.core.fields import ParameterError

pytestmark = pytest.mark.filterwarnings("error")

ROWS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.1 + 2**-56, 0.25, 0.5, np.nextafter(0.5, 1), 0.9, 1.0])),
    min_size=2,
    max_size=30,
).filter(lambda rows: len({truth for truth, _ in rows}) == 2)


def arrays(rows):
    truth, probability = zip(*rows)
    return np.array(truth), np.array(probability)


def test_a_curve_by_hand():
    found = curves(np.array([1, 1, 0, 1, 0], bool), np.array([0.9, 0.8, 0.8, 0.4, 0.2]))
    assert found.recall.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1, 1])
    assert found.false_alarm_rate.tolist() == [0, 0, 0.5, 0.5, 1]
    assert found.precision.tolist() == pytest.approx([1, 1, 2 / 3, 3 / 4, 3 / 5])
    assert found.cutoffs.tolist() == pytest.approx([0.9, 0.85, 0.6, 0.3, 0.1])
    assert found.roc_area == pytest.approx(0.5 * (1 / 3 + 2 / 3) / 2 + 0.5 * 1)
    assert found.average_precision == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


@given(ROWS)
def test_a_cutoff_gives_the_decisions_of_its_point(rows):
    truth, probability = arrays(rows)
    found = curves(truth, probability)
    for place, cutoff in enumerate(found.cutoffs):
        counts = confusion(truth, probability > cutoff)
        assert (counts.recall, counts.false_alarm_rate) == (found.recall[place], found.false_alarm_rate[place])
        assert counts.precision in (None, found.precision[place])
        assert counts.balanced_accuracy == pytest.approx(found.balanced_accuracy[place])


@given(ROWS)
def test_curves_equal_scikit_learn(rows):
    metrics = pytest.importorskip("sklearn.metrics")
    truth, probability = arrays(rows)
    weights = np.linspace(1, 2, len(truth))
    found = curves(truth, probability, weights)
    assert found.roc_area == pytest.approx(metrics.roc_auc_score(truth, probability, sample_weight=weights))
    average = metrics.average_precision_score(truth, probability, sample_weight=weights)
    assert found.average_precision == pytest.approx(average)
    rates, recalls, _ = metrics.roc_curve(truth, probability, sample_weight=weights, drop_intermediate=False)
    assert found.recall == pytest.approx(recalls)
    assert found.false_alarm_rate == pytest.approx(rates)


@pytest.mark.parametrize("truth", [True, False])
def test_there_is_no_curve_of_one_class(truth):
    assert curves(np.full(3, truth), np.array([0.1, 0.2, 0.3])) is None
    assert curves(np.array([], bool), np.array([])) is None


@given(ROWS, st.floats(0.05, 1))
def test_a_cutoff_for_a_recall_reaches_it_and_a_higher_one_does_not(rows, target):
    truth, probability = arrays(rows)
    found = curves(truth, probability)
    if (probability[truth] > 0).mean() < target:
        with pytest.raises(ParameterError, match="no cutoff finds"):
            cutoff_for_recall(found, target)
        return
    cutoff = cutoff_for_recall(found, target)
    assert 0 < cutoff < 1
    assert confusion(truth, probability > cutoff).recall >= target
    higher = found.cutoffs[found.cutoffs > cutoff]
    assert all(confusion(truth, probability > other).recall < target for other in higher)


@given(ROWS.filter(lambda rows: any(probability > 0 for _, probability in rows)))
def test_no_cutoff_has_a_better_balanced_accuracy(rows):
    truth, probability = arrays(rows)
    cutoff = cutoff_for_balanced_accuracy(curves(truth, probability))
    best = confusion(truth, probability > cutoff).balanced_accuracy
    assert 0 < cutoff < 1
    for other in np.linspace(0.001, 0.999, 50):
        assert confusion(truth, probability > other).balanced_accuracy <= best + 1e-12


def test_of_equally_good_cutoffs_the_higher_is_taken():
    truth = np.array([1, 1, 0, 0], bool)
    found = curves(truth, np.array([0.9, 0.3, 0.3, 0.1]))
    assert cutoff_for_balanced_accuracy(found) == pytest.approx(0.6)


def test_probabilities_of_0_only_give_no_cutoff():
    found = curves(np.array([True, False]), np.zeros(2))
    with pytest.raises(ParameterError, match="no cutoff tells cloud from clear"):
        cutoff_for_balanced_accuracy(found)


@pytest.mark.parametrize("target", [0, 1.1, -1])
def test_a_recall_that_makes_no_sense_is_refused(target):
    with pytest.raises(ParameterError, match="above 0, up to 1"):
        cutoff_for_recall(curves(np.array([True, False]), np.array([0.5, 0.2])), target)


@given(ROWS)
def test_decisions_change_at_the_lower_ends_alone(rows):
    truth, probability = arrays(rows)
    found = curves(truth, probability)
    for place in range(len(found.cutoffs) - 1):
        end = found.lower_ends[place]
        assert end <= found.cutoffs[place]
        for cutoff, expected in ((end, place), (np.nextafter(end, -1), place + 1)):
            assert confusion(truth, probability > cutoff).recall == found.recall[expected]
            assert confusion(truth, probability > cutoff).false_alarm_rate == found.false_alarm_rate[expected]
