"""Clusters of the difference to the background, on samples whose clusters are known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from s2mask_qgis.core.clusters import Clusters, are_cloudy, find, multitemporal_score, reflectance_score
from s2mask_qgis.core.scenes import BANDS

VISIBLE = [BANDS.index(band) for band in ("B4", "B3", "B2")]


def sample(levels: dict[float, int], noise: float = 20.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Differences around each level in all bands, reflectance 1,000 above them, and the true group of each row."""
    random = np.random.default_rng(7)
    group = np.repeat(np.arange(len(levels)), list(levels.values()))
    difference = np.asarray(list(levels))[group][:, np.newaxis] + random.normal(0, noise, (len(group), len(BANDS)))
    return difference, difference[:, VISIBLE] + 1000.0, group


def nearest(clusters: Clusters, difference: np.ndarray) -> np.ndarray:
    scaled = (difference - np.array(clusters.mean)) / np.array(clusters.std)
    return ((scaled[:, None, :] - np.array(clusters.centres)[None]) ** 2).sum(axis=-1).argmin(axis=1)


def test_separate_groups_become_separate_clusters():
    difference, reflectance, group = sample({-800.0: 300, 0.0: 500, 3000.0: 12})
    clusters = find(difference, reflectance, BANDS, count=3, thresholds="as trained", seed=0)
    labels = nearest(clusters, difference)
    assert len(clusters.centres) == 3
    for number in range(3):
        assert len(set(labels[group == number])) == 1
    assert len(set(labels)) == 3


def test_the_brightened_cluster_is_cloudy():
    difference, reflectance, group = sample({-800.0: 300, -60.0: 500, 3000.0: 40})
    clusters = find(difference, reflectance, BANDS, count=3, thresholds="as trained", seed=0)
    cloudy = np.array(clusters.cloudy)[nearest(clusters, difference)]
    assert (cloudy == (group == 2)).all()


def test_only_the_visible_bands_are_judged():
    difference, _, group = sample({0.0: 200, 1000.0: 200})
    others = [number for number in range(len(BANDS)) if number not in VISIBLE]
    difference[:, others] *= -5.0
    clusters = find(difference - 100.0, np.zeros((400, 3)), BANDS, count=2, thresholds="as trained", seed=0)
    cloudy = np.array(clusters.cloudy)[nearest(clusters, difference - 100.0)]
    assert (cloudy == (group == 1)).all()


def test_the_closest_of_several_fits_is_taken(monkeypatch):
    difference, reflectance, _ = sample({0.0: 400, 500.0: 100}, noise=300.0)

    def misfit(seed: int) -> float:
        found = find(difference, reflectance, BANDS, count=10, thresholds="as trained", seed=seed)
        scaled = (difference - np.array(found.mean)) / np.array(found.std)
        return ((scaled - np.array(found.centres)[nearest(found, difference)]) ** 2).sum()

    several = [misfit(seed) for seed in range(8)]
    monkeypatch.setattr("s2mask_qgis.core.clusters.RESTARTS", 1)
    single = [misfit(seed) for seed in range(8)]
    assert all(best <= first for best, first in zip(several, single))
    assert sum(several) < sum(single)


def test_a_centre_that_k_means_leaves_without_pixels_is_dropped(monkeypatch):
    def with_a_far_centre_first(rows: np.ndarray, guess: np.ndarray) -> tuple[np.ndarray, float]:
        return np.vstack([np.full(len(BANDS), 1e6), guess]), 0.0

    monkeypatch.setattr("s2mask_qgis.core.clusters.kmeans", with_a_far_centre_first)
    difference, reflectance, group = sample({-800.0: 300, 3000.0: 40})
    clusters = find(difference, reflectance, BANDS, count=2, thresholds="as trained", seed=0)
    assert len(clusters.centres) == len(clusters.cloudy) == 2
    assert (np.array(clusters.cloudy)[nearest(clusters, difference)] == (group == 1)).all()


def test_scaling_is_by_the_samples_mean_and_standard_deviation():
    difference, reflectance, _ = sample({0.0: 50, 500.0: 70})
    clusters = find(difference, reflectance, BANDS, count=2, thresholds="as trained", seed=0)
    assert clusters.mean == pytest.approx(difference.mean(axis=0))
    assert clusters.std == pytest.approx(difference.std(axis=0))
    members = nearest(clusters, difference) == 0
    scaled = (difference - difference.mean(axis=0)) / difference.std(axis=0)
    assert clusters.centres[0] == pytest.approx(scaled[members].mean(axis=0))


def test_each_band_weighs_the_same_whatever_its_contrast():
    difference, reflectance, group = sample({0.0: 100, 400.0: 100}, noise=1.0)
    difference[:, 0] = np.tile([-90_000.0, 90_000.0], 100)  # B1: huge and unrelated
    clusters = find(difference, reflectance, BANDS, count=2, thresholds="as trained", seed=0)
    labels = nearest(clusters, difference)
    assert len(set(labels[group == 0])) == len(set(labels[group == 1])) == 1
    assert labels[0] != labels[-1]


def test_a_band_without_contrast_weighs_nothing():
    difference, reflectance, _ = sample({0.0: 50, 500.0: 70})
    difference[:, 12] = 77.0
    clusters = find(difference, reflectance, BANDS, count=2, thresholds="as trained", seed=0)
    assert clusters.std[12] == 1.0
    assert {centre[12] for centre in clusters.centres} == {0.0}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("distinct", [1, 2, 3])
def test_fewer_distinct_pixels_than_clusters_give_fewer_clusters(distinct):
    difference = np.repeat(100.0 * np.arange(distinct) - 50.0, 40)[:, np.newaxis].repeat(len(BANDS), axis=1)
    clusters = find(difference, difference[:, VISIBLE], BANDS, count=10, thresholds="as trained", seed=3)
    assert len(clusters.centres) == len(clusters.cloudy) == distinct
    cloudy = np.array(clusters.cloudy)[nearest(clusters, difference)]
    assert (cloudy == (difference[:, 0] > 0)).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(5))
def test_every_cluster_is_the_nearest_of_some_pixel(seed):
    difference, reflectance, _ = sample({0.0: 400, 500.0: 30}, noise=200.0)
    clusters = find(difference, reflectance, BANDS, count=50, thresholds="as trained", seed=seed)
    assert set(nearest(clusters, difference)) == set(range(len(clusters.centres)))


def test_the_seed_decides():
    difference, reflectance, _ = sample({0.0: 400, 500.0: 100}, noise=300.0)
    first, again, other = (
        find(difference, reflectance, BANDS, count=10, thresholds="as trained", seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_thresholds_in_reflectance_need_bright_and_brightened():
    difference, reflectance, group = sample({0.0: 200, 300.0: 200, 2000.0: 200})
    clusters = find(difference, reflectance, BANDS, count=3, thresholds="reflectance", seed=0)
    cloudy = np.array(clusters.cloudy)[nearest(clusters, difference)]
    assert (cloudy == (group == 2)).all()  # 0.03 brighter is below 0.04
    dark = find(difference, reflectance - 1500.0, BANDS, count=3, thresholds="reflectance", seed=0)
    assert not any(dark.cloudy)  # 0.20 brighter, yet at 0.15 below 0.175


@pytest.mark.parametrize(
    ("difference", "reflectance", "as_trained", "in_reflectance"),
    [
        ((1.0, 1.0, 1.0), (10.0, 10.0, 10.0), True, False),
        ((0.0, 0.0, 0.0), (9000.0, 9000.0, 9000.0), False, False),
        ((401.0, 401.0, 401.0), (1751.0, 1751.0, 1751.0), True, True),
        ((399.0, 399.0, 399.0), (1751.0, 1751.0, 1751.0), True, False),
        ((401.0, 401.0, 401.0), (1749.0, 1749.0, 1749.0), True, False),
        ((-5000.0, 1000.0, 1000.0), (5000.0, 5000.0, 5000.0), False, False),
        ((700.0, 0.0, 0.0), (3100.0, 0.0, 0.0), True, True),  # root mean squares of 404 and 1790
    ],
)
def test_judgement_of_a_cluster(difference, reflectance, as_trained, in_reflectance):
    means = np.array([difference]), np.array([reflectance])
    assert are_cloudy(*means, "as trained").tolist() == [as_trained]
    assert are_cloudy(*means, "reflectance").tolist() == [in_reflectance]


def test_scores_by_hand():
    means = np.array([[3.0, -3.0, 3.0], [-1.0, -2.0, -2.0], [0.0, 0.0, 0.0]])
    assert multitemporal_score(means) == pytest.approx([3.0, -np.sqrt(3.0), 0.0])
    assert reflectance_score(means) == pytest.approx([3.0, np.sqrt(3.0), 0.0])


def test_json_keeps_every_digit():
    difference, reflectance, _ = sample({0.0: 60, 500.0: 70})
    clusters = find(difference, reflectance, BANDS, count=4, thresholds="as trained", seed=0)
    assert Clusters.from_json(json.loads(json.dumps(clusters.to_json()))) == clusters


@pytest.mark.parametrize(
    ("difference", "reflectance", "text"),
    [
        (np.zeros((1, 13)), np.zeros((1, 3)), "at least 2 valid pixels, the sample holds 1"),
        (np.zeros((0, 13)), np.zeros((0, 3)), "the sample holds 0"),
        (np.full((9, 13), np.nan), np.zeros((9, 3)), "not finite"),
        (np.zeros((9, 13)), np.full((9, 3), np.inf), "not finite"),
        (np.zeros((9, 12)), np.zeros((9, 3)), r"13 differences .* \(9, 12\)"),
        (np.zeros((9, 13)), np.zeros((8, 3)), r"\(8, 3\)"),
    ],
)
def test_samples_that_cannot_be_used(difference, reflectance, text):
    with pytest.raises(ValueError, match=text):
        find(difference, reflectance, BANDS, count=10, thresholds="as trained", seed=0)


def test_unknown_thresholds_are_refused():
    with pytest.raises(ValueError, match="'trained' is not one of as trained, reflectance"):
        find(np.eye(13), np.zeros((13, 3)), BANDS, count=2, thresholds="trained", seed=0)
