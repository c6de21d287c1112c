"""The evaluation of a model: whole, by image, land cover and class, with rows that have no probability left out."""

from __future__ import annotations

import json

import numpy as np
import pytest

from s2mask_qgis.core.evaluation.evaluation import evaluate
from s2mask_qgis.core.evaluation.prediction import model_probabilities
from s2mask_qgis.core.features import MEASURES
from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.core.models.model import Additive, Model, Table, Term
from s2mask_qgis.core.training.samples import make_samples

pytestmark = pytest.mark.filterwarnings("error")


def samples(**more):
    classes = ["clear", "cloud", "shadow", "cloud", "clear", "cloud"]
    features = np.array([[0, 0], [1, 1], [0, 1], [1, 0], [1, 1], [np.nan, 1]])
    return make_samples(("tree2", "tree3"), features, classes, ["b", "a", "a", "a", "b", "b"], **more)


def table():
    return Model("one", "One", Table(("tree3", "tree2"), (0.1, 0.6, 0.4, 0.9)), 0.5)


def test_a_table_reads_its_features_in_its_own_order():
    found = model_probabilities(table(), samples())
    assert found[:5].tolist() == [0.1, 0.9, 0.4, 0.6, 0.9]
    assert np.isnan(found[5])


def test_rows_without_a_probability_are_counted_and_left_out():
    found = evaluate(samples(), model_probabilities(table(), samples()), 0.5)
    assert (found.rows, found.left_out) == (5, 1)
    assert found.counts.matrix == ((2, 1), (0, 2))
    assert found.curves.roc_area == pytest.approx(4.5 / 6)


def test_parts_are_judged_for_themselves():
    found = evaluate(samples(land_cover=["x", "x", "x", "y", "y", "y"]), np.array([0.1, 0.9, 0.4, 0.6, 0.9, 0.0]), 0.5)
    assert [(part.name, part.rows, part.counts.matrix) for part in found.by_image] == [
        ("a", 3, ((1, 0), (0, 2))),
        ("b", 3, ((1, 1), (1, 0))),
    ]
    assert [(part.name, part.counts.accuracy) for part in found.by_land_cover] == [("x", 1.0), ("y", 1 / 3)]
    assert [part.name for part in found.by_class] == ["clear", "cloud", "shadow"]
    assert found.by_class[2].counts.matrix == ((1, 0), (0, 0))


def test_weights_count_in_all_parts():
    found = evaluate(samples(weights=[1, 2, 3, 4, 5, 6]), np.array([0.1, 0.9, 0.4, 0.6, 0.9, 0.0]), 0.5)
    assert found.counts.matrix == ((4, 5), (6, 6))
    assert found.by_image[0].counts.matrix == ((3, 0), (0, 6))


def test_one_class_has_no_curves_and_undefined_scores_are_none():
    only = samples().rows(np.array([0, 2, 4]))
    found = evaluate(only, np.array([0.1, 0.2, 0.3]), 0.5)
    assert found.curves is None
    scores = found.scores()
    assert scores["balanced_accuracy"] is None
    assert scores["roc_area"] is None
    assert (scores["accuracy"], scores["labels"], scores["images"]) == (1.0, 3, 2)


def test_the_figures_are_plain_json():
    found = evaluate(samples(land_cover=list("xyzxyz")), model_probabilities(table(), samples()), 0.5).to_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["confusion"] == [[2, 1], [0, 2]]
    assert found["by_image"][0]["name"] == "a"


def test_nothing_to_judge_gives_no_scores():
    found = evaluate(samples(), np.full(6, np.nan), 0.5)
    assert (found.rows, found.left_out, found.by_image) == (0, 6, ())
    assert found.scores()["accuracy"] is None


def test_a_sum_of_terms_is_read_between_and_beyond_its_knots(monkeypatch):
    first, second = "rise", "haze"
    for name in (first, second):
        monkeypatch.setitem(MEASURES, name, None)
    model = Model("sum", "Sum", Additive(-1.0, (Term(first, (0, 1), (0, 2)), Term(second, (0, 2, 3), (1, 0, 5)))), 0.5)
    values = np.array([[0.5, 1.0], [-9, 9], [9, 2.5]])
    found = model_probabilities(model, make_samples((second, first), values[:, ::-1], ["clear"] * 3, ["a"] * 3))
    odds = np.array([-1 + 1 + 0.5, -1 + 0 + 5, -1 + 2 + 2.5])
    assert found == pytest.approx(1 / (1 + np.exp(-odds)))


def test_samples_without_a_feature_of_the_model_are_refused_by_name():
    lacking = make_samples(("tree2",), np.zeros((2, 1)), ["clear", "cloud"], ["a", "b"])
    with pytest.raises(ParameterError, match="no feature tree3"):
        model_probabilities(table(), lacking)
