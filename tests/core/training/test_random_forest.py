"""The forest: the same for the same seed, a table where its features are binary, a sentence where it is missing."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.core.training.random_forest import fit_forest, forest_table
from s2mask_qgis.core.training.samples import make_samples
from s2mask_qgis.core.training.tables import fit_table

NAMES = ("percentile1", "tree2", "tree3")


def labels(binary=True):
    rng = np.random.default_rng(2)
    features = rng.integers(0, 2, (800, 3)) if binary else rng.normal(size=(800, 3))
    cloud = rng.random(800) < 0.1 + 0.7 * (features[:, 0] > 0) * (features[:, 2] > 0)
    return make_samples(NAMES, features, np.where(cloud, "cloud", "clear"), ["one"] * 800)


def test_a_forest_over_binary_features_is_nearly_the_table_of_its_labels():
    pytest.importorskip("sklearn")
    samples = labels()
    forest = fit_forest(samples, NAMES, trees=100)
    table = forest_table(forest, samples)
    assert table.shape == (8,)
    assert table == pytest.approx(fit_table(samples, NAMES, laplace=0), abs=0.02)


def test_its_table_gives_the_very_probabilities_of_the_forest():
    pytest.importorskip("sklearn")
    samples = labels()
    forest = fit_forest(samples, ("tree3", "percentile1"), trees=20)
    rows = samples.columns(forest.names).astype(int)
    table = forest_table(forest, samples)
    assert (table[2 * rows[:, 0] + rows[:, 1]] == forest.probabilities(rows)).all()


def test_the_same_seed_gives_the_same_forest():
    pytest.importorskip("sklearn")
    samples = labels(binary=False)
    first, second, other = (fit_forest(samples, NAMES, 10, seed).probabilities(samples.features) for seed in (1, 1, 2))
    assert (first == second).all()
    assert (first != other).any()


def test_a_forest_over_measures_is_no_table():
    pytest.importorskip("sklearn")
    samples = labels(binary=False)
    with pytest.raises(ParameterError, match="neither 0 nor 1"):
        forest_table(fit_forest(samples, NAMES, 2), samples)


def test_without_scikit_learn_a_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(ParameterError, match="pip install scikit-learn"):
        fit_forest(labels(), NAMES)


def test_labels_that_cannot_teach_are_refused_first():
    samples = labels()
    with pytest.raises(ParameterError, match="all say cloud"):
        fit_forest(samples.rows(samples.cloud), NAMES)
