"""Labels: a balanced choice of them that does not depend on chance."""

from __future__ import annotations

from collections import Counter

from s2mask_qgis.core.labels import Label, balanced, by_image, capped


def many(image: str, kind: str, count: int) -> list[Label]:
    return [Label(16.0 + number / 1000, 48.0, image, kind) for number in range(count)]


def test_each_class_of_each_image_gives_at_most_so_many_labels():
    labels = [*many("a", "cloud", 50), *many("a", "clear", 5), *many("a", "shadow", 20), *many("b", "cloud", 11)]
    counts = Counter((label.image, label.kind) for label in balanced(labels, 10, seed=0))
    assert counts == {("a", "cloud"): 10, ("a", "clear"): 5, ("a", "shadow"): 10, ("b", "cloud"): 10}


def test_the_choice_does_not_depend_on_the_order_of_the_labels():
    labels = many("a", "cloud", 50)
    assert balanced(labels, 10, seed=3) == balanced(labels[::-1], 10, seed=3)


def test_another_seed_makes_another_choice():
    labels = many("a", "cloud", 50)
    assert balanced(labels, 10, seed=0) != balanced(labels, 10, seed=1)


def test_a_label_more_changes_one_label_of_the_choice_at_most():
    labels = many("a", "cloud", 50)
    before, after = (set(balanced(some, 10, seed=0)) for some in (labels[:-1], labels))
    assert len(before - after) == len(after - before) <= 1


def test_the_same_label_counts_once():
    assert len(balanced(many("a", "cloud", 5) * 3, 10, seed=0)) == 5


def test_the_choice_is_spread_over_the_places():
    chosen = balanced(many("a", "cloud", 1000), 100, seed=0)
    mean = sum(label.longitude for label in chosen) / len(chosen)
    assert abs(mean - 16.5) < 0.1


def test_labels_are_grouped_by_image_in_order_of_names():
    groups = by_image([*many("b", "cloud", 2), *many("a", "clear", 1)])
    assert {image: len(group) for image, group in groups.items()} == {"a": 1, "b": 2}
    assert list(groups) == ["a", "b"]


def test_long_lists_are_cut_and_counted():
    assert capped(["a", "b"]) == "a, b"
    assert capped(list("abcdefg")) == "a, b, c, d, e and 2 more"
