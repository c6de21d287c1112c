"""K-means: repeatable, at a local optimum, and applied to pixels by nearest centre."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.in_process import evaluate, image_of, row

POINTS = np.vstack(
    [np.random.default_rng(5).normal(centre, 0.5, (30, 2)) for centre in ((0, 0), (10, 0), (0, 10))]
).round(3)


def features(ee: ModuleType, table: np.ndarray, names: tuple[str, ...] = ("x", "y")) -> Any:
    return ee.FeatureCollection([ee.Feature(None, dict(zip(names, map(float, values)))) for values in table])


def points_image() -> Any:
    return image_of({"x": [POINTS[:, 0]], "y": [POINTS[:, 1]]})


@pytest.mark.parametrize("options", [{"init": 1}, {"init": 1, "distanceFunction": "Manhattan"}])
def test_separate_heaps_become_clusters(ee: ModuleType, options: dict[str, Any]):
    clusterer = ee.Clusterer.wekaKMeans(3, **options).train(features(ee, POINTS), ["x", "y"])
    found = np.array(row(ee.Image("one").cluster(clusterer), 90, one=points_image())["cluster"])
    assert [len(set(found[i : i + 30])) for i in (0, 30, 60)] == [1, 1, 1]
    assert set(found) == {0, 1, 2}


def test_centres_are_the_means_of_their_pixels(ee: ModuleType):
    trained = evaluate(ee.Clusterer.wekaKMeans(5).train(features(ee, POINTS), ["x", "y"]))
    scaled = (POINTS - POINTS.min(axis=0)) / np.ptp(POINTS, axis=0)
    nearest = cdist(scaled, trained.centres).argmin(axis=1)
    for number, centre in enumerate(trained.centres):
        np.testing.assert_allclose(centre, scaled[nearest == number].mean(axis=0))


def test_the_same_seed_gives_the_same_clusters(ee: ModuleType):
    first, again, other = (
        evaluate(ee.Clusterer.wekaKMeans(6, seed=seed).train(features(ee, POINTS), ["x", "y"])) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.centres, again.centres)
    assert first.centres.shape != other.centres.shape or (first.centres != other.centres).any()


def test_there_are_no_more_clusters_than_different_rows(ee: ModuleType):
    trained = evaluate(ee.Clusterer.wekaKMeans(10).train(features(ee, np.array([[1, 1], [1, 1], [2, 2]])), ["x", "y"]))
    assert len(trained.centres) == 2


def test_pixels_with_a_masked_input_are_masked(ee: ModuleType):
    clusterer = ee.Clusterer.wekaKMeans(2, init=1).train(features(ee, np.array([[0, 0], [9, 9]])), ["x", "y"])
    one = image_of({"x": [0, 9, 9], "y": [0, 9, 9]}, {"y": [1, 1, 0]})
    low, high, none = row(ee.Image("one").cluster(clusterer, "k"), 3, one=one)["k"]
    assert (none, {low, high}) == (None, {0, 1})


def test_the_sampled_bands_are_the_inputs_where_none_are_named(ee: ModuleType):
    image = ee.Image("one")
    clusterer = ee.Clusterer.wekaKMeans(3, init=1).train(image.sample())
    assert len(set(row(image.cluster(clusterer), 90, one=points_image())["cluster"])) == 3
    with pytest.raises(ComputeError, match=r"Clusterer\.train: inputProperties is needed"):
        evaluate(ee.Clusterer.wekaKMeans(3).train(features(ee, POINTS)))


def test_what_cannot_be_trained_or_applied_is_refused(ee: ModuleType):
    with pytest.raises(ComputeError, match="no feature to train on"):
        evaluate(ee.Clusterer.wekaKMeans(3).train(features(ee, POINTS), ["z"]))
    with pytest.raises(ComputeError, match=r"canopies .*not implemented by the local engine"):
        evaluate(ee.Clusterer.wekaKMeans(3, init=2))
    with pytest.raises(ComputeError, match=r"Image\.cluster: the clusterer is not trained"):
        evaluate(ee.Image("one").cluster(ee.Clusterer.wekaKMeans(3)), one=points_image())
    trained = ee.Clusterer.wekaKMeans(3).train(features(ee, POINTS), ["x", "y"])
    with pytest.raises(ComputeError, match="the image has no band 'y'"):
        evaluate(ee.Image("one").select("x").cluster(trained), one=points_image())
