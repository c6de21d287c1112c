"""Splits by image: no image on both sides, both classes on both sides, the same split for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.core.training.samples import make_samples
from s2mask_qgis.core.training.splits import held_out, image_folds

pytestmark = pytest.mark.filterwarnings("error")


def labels(images, cloud, weights=None):
    classes = np.where(np.asarray(cloud, bool), "cloud", "clear")
    return make_samples(("tree1",), np.zeros((len(classes), 1)), classes, images, weights)


def mixed(images, per_image=10, seed=0):
    rng = np.random.default_rng(seed)
    names = np.repeat([f"image{number}" for number in range(images)], per_image)
    cloud = rng.random(len(names)) < np.repeat(rng.random(images), per_image)
    cloud[:2], cloud[-2:] = (True, False), (True, False)
    return labels(names, cloud)


@given(st.integers(5, 30), st.integers(2, 8), st.integers(0, 1000))
def test_an_image_is_in_one_fold_only(images, folds, seed):
    samples = mixed(images)
    parts = image_folds(samples, folds, seed)
    for image in np.unique(samples.images):
        assert len(set(parts[samples.images == image])) == 1
    assert set(parts) <= set(range(folds))


@given(st.integers(0, 1000))
def test_every_fold_has_about_its_share_of_both_classes(seed):
    samples = mixed(30)
    parts = image_folds(samples, 5, seed)
    for kind in (True, False):
        shares = np.bincount(parts[samples.cloud == kind], minlength=5) / (samples.cloud == kind).sum()
        assert shares == pytest.approx(np.full(5, 0.2), abs=0.06)


def test_the_same_seed_gives_the_same_split_and_another_one_another():
    samples = mixed(30)
    assert (image_folds(samples, 5, 3) == image_folds(samples, 5, 3)).all()
    assert any((image_folds(samples, 5, seed) != image_folds(samples, 5, 3)).any() for seed in range(5))
    assert (held_out(samples, 0.3, 3) == held_out(samples, 0.3, 3)).all()


def test_there_are_no_more_folds_than_images():
    assert image_folds(mixed(3), 10).max() == 2


@given(st.integers(4, 30), st.integers(0, 1000), st.sampled_from([0.2, 0.3, 0.5]))
def test_a_held_out_part_has_whole_images_and_both_classes_on_both_sides(images, seed, share):
    samples = mixed(images)
    judged = held_out(samples, share, seed)
    assert not set(samples.images[judged]) & set(samples.images[~judged])
    for side in (judged, ~judged):
        assert set(samples.cloud[side]) == {True, False}


def test_a_held_out_part_is_about_as_large_as_asked():
    samples = mixed(40)
    for share in (0.2, 0.3, 0.5):
        assert held_out(samples, share).mean() == pytest.approx(share, abs=0.05)


IMAGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).filter(any), min_size=2, max_size=7)


@given(IMAGES, st.integers(2, 5), st.sampled_from([0.1, 0.3, 0.7]), st.integers(0, 50))
def test_what_can_be_split_is_split(images, folds, share, seed):
    """Where two images have clear labels, and two have cloudy ones, every side can have both."""
    names = [f"image{number}" for number, pair in enumerate(images) for _ in range(sum(pair))]
    cloud = [kind for clear, cloudy in images for kind in [0] * clear + [1] * cloudy]
    samples = labels(names, cloud)
    if min(sum(bool(pair[kind]) for pair in images) for kind in (0, 1)) < 2:
        return
    parts = image_folds(samples, folds, seed)
    for fold in range(parts.max() + 1):
        assert set(samples.cloud[parts != fold]) == {True, False}
    judged = held_out(samples, share, seed)
    assert set(samples.cloud[judged]) == set(samples.cloud[~judged]) == {True, False}


def test_images_of_one_class_each_are_paired():
    samples = labels(np.repeat(list("abcd"), 5), np.repeat([0, 0, 1, 1], 5))
    judged = held_out(samples, 0.5)
    assert set(samples.cloud[judged]) == set(samples.cloud[~judged]) == {True, False}


@pytest.mark.parametrize("split", [image_folds, held_out])
def test_labels_of_one_image_are_refused(split):
    with pytest.raises(ParameterError, match="all are of one image"):
        split(labels(["a"] * 4, [0, 1, 0, 1]))


def test_folds_without_a_class_to_train_on_are_refused_by_its_name():
    with pytest.raises(ParameterError, match="all of cloud are in one image"):
        image_folds(labels(list("aabc"), [1, 0, 0, 0]))


def test_a_held_out_part_that_would_take_a_class_away_is_refused():
    with pytest.raises(ParameterError, match="label more images"):
        held_out(labels(list("ab"), [1, 0]))


@pytest.mark.parametrize("share", [0, 1, -0.5])
def test_shares_that_leave_a_side_empty_are_refused(share):
    with pytest.raises(ParameterError, match="between 0 and 1"):
        held_out(mixed(5), share)
