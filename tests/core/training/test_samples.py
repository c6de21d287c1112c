"""Labelled pixels: what cannot be trained on is refused with a sentence, all problems at once."""

from __future__ import annotations

import numpy as np
import pytest

from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.core.training.samples import check_trainable, make_samples

NAMES = ("tree1", "tree2")


def labels(classes, features=None, **more):
    values = np.zeros((len(classes), 2)) if features is None else features
    return make_samples(NAMES, values, classes, [f"image{row % 3}" for row in range(len(classes))], **more)


def test_shadow_is_not_cloud():
    assert labels(["clear", "cloud", "shadow"]).cloud.tolist() == [False, True, False]


def test_rows_keep_their_parts_together():
    features = np.arange(8).reshape(4, 2)
    samples = labels(["clear", "cloud", "shadow", "cloud"], features, weights=[1, 2, 3, 4], land_cover=list("abcd"))
    chosen = samples.rows(samples.cloud)
    assert chosen.features.tolist() == [[2, 3], [6, 7]]
    assert (chosen.weights.tolist(), chosen.land_cover.tolist()) == ([2, 4], ["b", "d"])
    assert (chosen.images.tolist(), len(chosen)) == (["image1", "image0"], 2)


def test_columns_come_in_the_order_asked_for_and_unknown_ones_are_named():
    samples = labels(["clear"], np.array([[1, 2]]))
    assert samples.columns(["tree2", "tree1"]).tolist() == [[2, 1]]
    with pytest.raises(ParameterError, match="no feature tree3; they have tree1, tree2"):
        samples.columns(["tree3"])


@pytest.mark.parametrize(
    ("classes", "more", "text"),
    [
        (["clear", "haze"], {}, "unknown class “haze”; a label is one of clear, cloud, shadow"),
        (["clear", "cloud"], {"weights": [1, 0]}, "a weight is not a number above 0"),
        (["clear", "cloud"], {"weights": [1, np.nan]}, "a weight is not a number above 0"),
        (["clear", "cloud"], {"weights": [1]}, "2 rows of features but 1 weights"),
        (["clear", "cloud"], {"land_cover": ["a"]}, "2 rows of features but 1 land cover"),
        (["clear"], {"features": np.full((1, 2), np.inf)}, "1 rows hold infinite features"),
        (["clear"], {"features": np.zeros((1, 3))}, "do not fit 2 names"),
    ],
)
def test_parts_that_do_not_fit_are_refused(classes, more, text):
    with pytest.raises(ParameterError, match=text):
        labels(classes, **more)


def test_every_problem_is_told_at_once():
    with pytest.raises(ParameterError) as caught:
        labels(["mist", "cloud"], weights=[-1, 1])
    assert len(caught.value.problems) == 2
    assert all(problem.text.startswith("labels: ") for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("classes", "text"),
    [
        (["clear", "cloud"] * 9, "18 are too few to train on; give at least 20"),
        (["cloud"] * 20, "all say cloud; a model needs labels of clear as well"),
        (["clear", "shadow"] * 10, "all say no cloud; a model needs labels of cloud as well"),
    ],
)
def test_labels_that_cannot_teach_are_refused(classes, text):
    with pytest.raises(ParameterError, match=text):
        check_trainable(labels(classes))


def test_unknown_features_are_counted_where_they_are_among_the_chosen():
    features = np.zeros((22, 2))
    features[:2, 1] = np.nan
    samples = labels(["clear", "cloud"] * 11, features)
    with pytest.raises(ParameterError, match="2 of 22 rows have unknown features"):
        check_trainable(samples)
    check_trainable(samples, ["tree1"])
    check_trainable(samples.rows(np.arange(2, 22)))


def test_no_labels_at_all_are_too_few():
    with pytest.raises(ParameterError, match="0 are too few"):
        check_trainable(labels([]))
