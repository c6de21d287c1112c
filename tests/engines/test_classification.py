"""Random forests: repeatable, right where the data leave no doubt, and the same for each pixel as for its values."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from s2mask_qgis.engines.local.algorithms.classification import votes
from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.in_process import evaluate, image_of, row

BITS = np.array([[a, b] for a in (0, 1) for b in (0, 1)])


def training(ee: ModuleType, rows: list[tuple[float, float, int]]) -> Any:
    return ee.FeatureCollection([ee.Feature(None, {"a": a, "b": b, "class": c}) for a, b, c in rows])


def logical_or(copies: int = 20) -> list[tuple[int, int, int]]:
    return [(int(a), int(b), int(a or b)) for a, b in BITS] * copies


def noise(random: np.random.Generator, count: int) -> list[tuple[float, float, int]]:
    """Rows whose class has nothing to do with their values."""
    return [(*random.random(2).tolist(), int(random.integers(0, 2))) for _ in range(count)]


def bits_image(dtype: Any = np.uint8) -> Any:
    return image_of({"a": [BITS[:, 0].astype(dtype)], "b": [BITS[:, 1].astype(dtype)]})


@pytest.mark.parametrize("name", ["smileRandomForest", "randomForest"])
def test_a_forest_learns_what_its_features_say(ee: ModuleType, name: str):
    forest = ee.apifunction.ApiFunction.call_(f"Classifier.{name}", numberOfTrees=25, variablesPerSplit=2)
    trained = ee.Classifier(forest).train(training(ee, logical_or()), "class", ["a", "b"])
    assert row(ee.Image("one").classify(trained), 4, one=bits_image()) == {"classification": [0, 1, 1, 1]}


def test_the_probability_is_the_share_of_votes_for_the_larger_class(ee: ModuleType):
    rows = [(0, 0, 3), (1, 1, 7)] * 40 + [(0, 1, 3), (0, 1, 7)] * 20
    trained = ee.Classifier.smileRandomForest(60, seed=4).train(training(ee, rows), "class", ["a", "b"])
    image = ee.Image("one").classify(trained.setOutputMode("PROBABILITY"), "p")
    low, middle, _, high = row(image, 4, one=bits_image())["p"]
    assert (low, high) == (0.0, 1.0)
    assert 0.0 < middle < 1.0
    shares = votes(evaluate(trained), BITS.astype(float))
    assert middle == shares[1, 1] / 60


def test_whole_and_floating_pixels_of_the_same_value_are_classified_alike(ee: ModuleType):
    random = np.random.default_rng(0)
    rows = [(float(x), float(y), int(x + y > 9)) for x, y in random.integers(0, 10, (200, 2))]
    trained = ee.Classifier.smileRandomForest(10).train(training(ee, rows), "class", ["a", "b"])
    values = random.integers(0, 10, (2, 50))
    images = [image_of({"a": [values[0].astype(kind)], "b": [values[1].astype(kind)]}) for kind in (np.uint8, float)]
    found = [row(ee.Image("one").classify(trained), 50, one=image)["classification"] for image in images]
    assert found[0] == found[1]
    assert np.mean(np.array(found[0]) == (values.sum(axis=0) > 9)) > 0.85


def test_the_same_seed_grows_the_same_forest(ee: ModuleType):
    random = np.random.default_rng(1)
    rows = noise(random, 80)
    forests = [
        evaluate(ee.Classifier.smileRandomForest(8, seed=seed).train(training(ee, rows), "class", ["a", "b"]))
        for seed in (1, 1, 2)
    ]
    points = random.random((50, 2))
    first, again, other = (votes(forest, points) for forest in forests)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_leaves_and_their_population_are_limited(ee: ModuleType):
    random = np.random.default_rng(2)
    rows = noise(random, 90)
    small = evaluate(ee.Classifier.smileRandomForest(3, maxNodes=4).train(training(ee, rows), "class", ["a", "b"]))
    assert all((tree.feature < 0).sum() <= 4 for tree in small.trees)
    plain = evaluate(ee.Classifier.smileRandomForest(3).train(training(ee, rows), "class", ["a", "b"]))
    coarse = ee.Classifier.smileRandomForest(3, minLeafPopulation=15).train(training(ee, rows), "class", ["a", "b"])
    assert all((tree.feature < 0).sum() <= 3 for tree in evaluate(coarse).trees)
    assert all((tree.feature < 0).sum() > 4 for tree in plain.trees)


def test_masked_inputs_mask_the_class(ee: ModuleType):
    trained = ee.Classifier.smileRandomForest(5).train(training(ee, logical_or()), "class", ["a", "b"])
    one = image_of({"a": [1, 1], "b": [1, 1]}, {"b": [1, 0]})
    assert row(ee.Image("one").classify(trained), 2, one=one) == {"classification": [1, None]}


def test_what_is_not_exact_or_not_possible_is_refused(ee: ModuleType):
    forest = ee.Classifier.smileRandomForest(5)
    with pytest.raises(ComputeError, match="REGRESSION is not implemented by the local engine"):
        evaluate(forest.setOutputMode("REGRESSION"))
    with pytest.raises(ComputeError, match="classes are whole numbers"):
        evaluate(forest.train(training(ee, [(0, 0, 0.5)]), "class", ["a", "b"]))
    with pytest.raises(ComputeError, match="the classifier is not trained"):
        evaluate(ee.Image("one").classify(forest), one=bits_image())
