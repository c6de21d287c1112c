"""From labelled samples to a decision: what is held out, chosen, fitted, and where the cutoff comes to lie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.core.training.building import build, evenly_weighted
from s2mask_qgis.core.training.parameters import FOREST, RECALL, TrainingParameters
from s2mask_qgis.core.training.samples import LabelledSamples, make_samples

NOISE, GOOD, FAIR = NAMES = ("percentile1", "tree2", "tree3")
PARAMETERS = TrainingParameters()


def make(images: int = 6, rows: int = 60, cloudy: float = 0.5, seed: int = 0) -> LabelledSamples:
    """Labels of which GOOD tells 95 %, FAIR 80 %, NOISE nothing."""
    generator = np.random.default_rng(seed)
    count = images * rows
    cloud = generator.random(count) < cloudy
    wrong = generator.random((count, 3)) < (0.5, 0.05, 0.2)
    names = [f"image{number % images}" for number in range(count)]
    return make_samples(NAMES, cloud[:, np.newaxis] ^ wrong, np.where(cloud, "cloud", "clear"), names)


def test_the_feature_that_tells_most_is_chosen_first_and_noise_never():
    built = build(make(), NAMES, PARAMETERS)
    assert built.table.features[0] == GOOD
    assert NOISE not in built.table.features
    assert built.steps[-1].features == built.table.features


def test_images_that_judge_teach_nothing():
    built = build(make(), NAMES, PARAMETERS)
    learnt, judged = set(built.training.images), set(built.judged.images)
    assert learnt
    assert judged
    assert not learnt & judged
    assert len(built.training) + len(built.judged) == 360
    spoilt = make()
    spoilt.features[np.isin(spoilt.images, list(judged))] = 0
    again = build(spoilt, NAMES, PARAMETERS)
    assert again.table == built.table
    assert again.cutoff == built.cutoff


def test_given_features_are_kept_in_their_order():
    built = build(make(), (FAIR, NOISE), replace(PARAMETERS, choose_features=False))
    assert built.table.features == (FAIR, NOISE)
    assert built.steps == ()


def test_no_more_features_than_asked_for():
    assert len(build(make(), NAMES, replace(PARAMETERS, most_features=1)).table.features) == 1


@pytest.mark.parametrize("cloudy", [0.1, 0.5, 0.9])
def test_the_table_does_not_depend_on_the_share_of_cloud_among_the_labels(cloudy):
    built = build(make(images=8, rows=3000, cloudy=cloudy), (GOOD,), replace(PARAMETERS, choose_features=False))
    assert built.table.probabilities == pytest.approx((0.05, 0.95), abs=0.03)
    assert built.table.probabilities[0] < built.cutoff < built.table.probabilities[1]


def test_even_weights_make_both_sides_weigh_the_same_and_keep_the_sum():
    samples = evenly_weighted(make(cloudy=0.2))
    assert samples.weights[samples.cloud].sum() == pytest.approx(samples.weights[~samples.cloud].sum())
    assert samples.weights.sum() == pytest.approx(len(samples))


def test_shadow_is_learnt_as_no_cloud():
    samples = make()
    shaded = replace(samples, classes=np.where(samples.cloud, "cloud", "shadow"))
    assert build(shaded, NAMES, PARAMETERS).table == build(samples, NAMES, PARAMETERS).table


def test_the_cutoff_finds_the_share_of_cloud_that_is_asked_for():
    parameters = replace(PARAMETERS, choose_features=False, cutoff_by=RECALL, target_recall=0.99)
    built = build(make(rows=400), (GOOD, FAIR), parameters)
    cells = built.training.columns((GOOD, FAIR)) @ (2, 1)
    called = np.array(built.table.probabilities)[cells.astype(int)] > built.cutoff
    assert called[built.training.cloud].mean() >= 0.99
    strict = build(make(rows=400), (GOOD, FAIR), replace(parameters, target_recall=0.5))
    assert strict.cutoff > built.cutoff


def test_a_forest_gives_a_table_that_tells_the_same():
    pytest.importorskip("sklearn")
    parameters = replace(PARAMETERS, choose_features=False)
    table = build(make(rows=400), (GOOD, FAIR), parameters).table
    forest = build(make(rows=400), (GOOD, FAIR), replace(parameters, fit=FOREST)).table
    assert forest.probabilities == pytest.approx(table.probabilities, abs=0.03)


def test_the_same_seed_builds_the_same():
    first, second = (build(make(), NAMES, PARAMETERS) for _ in range(2))
    assert (first.table, first.cutoff) == (second.table, second.cutoff)


def test_a_cancelled_build_gives_nothing():
    assert build(make(), NAMES, PARAMETERS, lambda: True) is None


@pytest.mark.parametrize(
    ("samples", "parameters", "message"),
    [
        (make(images=2), PARAMETERS, "they are of 2 images; choosing features takes at least 3"),
        (make(images=1), replace(PARAMETERS, choose_features=False), "all are of one image"),
        (make(images=3, rows=6), PARAMETERS, "18 are too few"),
        (make(cloudy=1.0), PARAMETERS, "a model needs labels of clear as well"),
        (make(cloudy=0.0), PARAMETERS, "a model needs labels of cloud as well"),
    ],
)
def test_what_cannot_be_built_is_refused_with_a_reason(samples, parameters, message):
    with pytest.raises(ParameterError, match=message):
        build(samples, NAMES, parameters)


def test_unknown_features_are_refused():
    samples = make()
    samples.features[3, 1] = np.nan
    with pytest.raises(ParameterError, match="1 of 360 rows have unknown features"):
        build(samples, NAMES, PARAMETERS)
