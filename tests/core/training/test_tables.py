"""Tables from counts: cells by their bits, smoothing towards the overall rate, any number of features up to 13."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.core.features import FEATURES
from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.core.training.samples import make_samples
from s2mask_qgis.core.training.tables import cell_bits, cell_weights, cells, fit_table, smoothed

pytestmark = pytest.mark.filterwarnings("error")


def samples_of(features, cloud, weights=None):
    names = tuple(FEATURES)[: features.shape[1]]
    return make_samples(names, features, np.where(cloud, "cloud", "clear"), ["one"] * len(cloud), weights)


def test_the_first_feature_is_the_highest_bit():
    assert cells(np.array([[1, 0, 0], [0, 1, 1]])).tolist() == [4, 3]
    assert cell_bits(3)[4].tolist() == [1, 0, 0]


@given(st.integers(1, 13))
def test_cells_and_their_bits_are_inverse(count):
    assert (cells(cell_bits(count)) == np.arange(2**count)).all()


@pytest.mark.parametrize(("value", "text"), [(0.5, "neither 0 nor 1"), (2, "neither 0 nor 1"), (np.nan, "neither")])
def test_features_that_are_not_binary_are_refused(value, text):
    with pytest.raises(ParameterError, match=text):
        cells(np.array([[0, value]]))


def test_more_features_than_a_table_takes_are_refused():
    with pytest.raises(ParameterError, match="1 to 13 features, not 14"):
        cells(np.zeros((1, 14)))


def test_weights_are_summed_by_cell_and_class():
    features = np.array([[0, 0], [0, 0], [1, 0], [1, 0], [1, 1]])
    samples = samples_of(features, np.array([0, 1, 1, 1, 0], bool), [1, 2, 3, 4, 5])
    assert cell_weights(samples, samples.names).tolist() == [[1, 2], [0, 0], [0, 7], [5, 0]]


def test_smoothing_by_hand():
    """Rate 6/10; cell 0 has (3 + 2 * 6/10) / (4 + 2), cell 1 (3 + 1.2) / (6 + 2)."""
    weights = np.array([[1.0, 3.0], [3.0, 3.0], [0.0, 0.0]])
    expected = [Fraction(42, 60), Fraction(42, 80), Fraction(6, 10)]
    assert smoothed(weights) == pytest.approx([float(value) for value in expected], abs=1e-15)


def test_smoothing_is_laplace_s_rule_where_both_classes_weigh_the_same():
    weights = np.array([[1.0, 3.0], [3.0, 1.0]])
    assert smoothed(weights) == pytest.approx([(3 + 1) / (4 + 2), (1 + 1) / (4 + 2)])


def test_without_smoothing_cells_are_shares_and_empty_ones_have_the_overall_rate():
    assert smoothed(np.array([[1.0, 3.0], [0.0, 0.0], [4.0, 0.0]]), laplace=0).tolist() == [0.75, 0.375, 0.0]


def test_tables_of_no_weight_are_one_half():
    assert smoothed(np.zeros((4, 2)), laplace=0).tolist() == [0.5] * 4


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=16), st.floats(0.01, 100))
def test_smoothing_moves_every_cell_towards_the_rate_and_never_past_it(pairs, laplace):
    weights = np.array(pairs, float)
    plain, soft = smoothed(weights, 0.0), smoothed(weights, laplace)
    rate = weights[:, 1].sum() / weights.sum() if weights.sum() else 0.5
    assert (np.abs(soft - rate) <= np.abs(plain - rate) + 1e-12).all()
    assert ((soft - rate) * (plain - rate) >= -1e-12).all()


def test_all_13_features_make_a_table_of_8192_cells():
    rng = np.random.default_rng(1)
    features = rng.integers(0, 2, (3000, 13))
    cloud = (features[:, 0] & features[:, 12]).astype(bool)
    table = fit_table(samples_of(features, cloud), tuple(FEATURES), laplace=0.5)
    assert table.shape == (8192,)
    seen = np.unique(cells(features))
    expected = (cell_bits(13)[seen, 0] & cell_bits(13)[seen, 12]).astype(bool)
    assert ((table[seen] > 0.5) == expected).all()


def test_negative_smoothing_is_refused():
    features = np.tile([[0], [1]], (10, 1))
    with pytest.raises(ParameterError, match="choose 0 or more"):
        fit_table(samples_of(features, features[:, 0] == 1), ["percentile1"], laplace=-1)
