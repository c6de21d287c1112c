"""`make model`: the published cells come out of the leaves, and what is not a tree's leaves is refused by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import model
import model_document
import model_published as published
from model_leaves import (
    MARGINAL,
    PROPORTIONAL,
    TESTED,
    Leaves,
    LeavesError,
    cell_weights,
    partition_problem,
    read_leaves,
    shares,
)
from model_ranking import decisions, fit, place
from s2mask_qgis.core.models.files import SHIPPED, read, text_of

NAN = np.nan
NAMES = tuple(published.ACCURACY)


def tree():
    """Four leaves over three features: 0??, 10?, 110, 111."""
    features = np.array([[0, NAN, NAN], [1, 0, NAN], [1, 1, 0], [1, 1, 1]])
    return Leaves(("tree1", "tree2", "tree3"), features, np.array([[60.0, 4], [8, 8], [3, 1], [0, 16]]))


@pytest.fixture(scope="session")
def leaves(shared_data):
    path = shared_data / "hollstein-feature-table" / "leaves.csv"
    if not path.is_file():
        pytest.skip(f"no leaves of the published tree: there is no {path}")
    return read_leaves(path, NAMES)


def test_leaves_that_test_a_subset_lie_in_one_cell_and_the_others_are_left_out():
    weights = cell_weights(tree(), ("tree1", "tree2"), TESTED)
    assert weights.tolist() == [[0, 0], [0, 0], [8, 8], [3, 17]]


def test_untested_features_are_divided_by_the_marginals():
    """tree2 is 1 in 20 of 36 where it is tested."""
    found = shares(tree(), ("tree1", "tree2"), MARGINAL)
    assert found[0] == pytest.approx([16 / 36, 20 / 36, 0, 0])
    assert found[1:].tolist() == [[0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1]]


def test_untested_features_are_divided_as_the_cells_that_fit():
    """Of tree2 and tree3, the leaf 0?? fits all four cells, of which 10 and 11 hold 4 and 16; 10? fits 00 and 01, of
    which nothing is known."""
    found = shares(tree(), ("tree2", "tree3"), PROPORTIONAL)
    assert found[0] == pytest.approx([0, 0, 0.2, 0.8])
    assert found[1].tolist() == [0.5, 0.5, 0, 0]


@pytest.mark.parametrize("rule", [MARGINAL, PROPORTIONAL])
def test_rules_that_divide_keep_all_weight(rule):
    for subset in (("tree2",), ("tree3", "tree1"), tree().names):
        assert cell_weights(tree(), subset, rule).sum(axis=0) == pytest.approx(tree().weights.sum(axis=0))


def test_leaves_that_overlap_or_leave_gaps_are_no_tree():
    assert partition_problem(tree()) is None
    lacking = Leaves(tree().names, tree().features[1:], tree().weights[1:])
    assert "4 of 8 combinations" in partition_problem(lacking)


def test_the_figures_of_a_subset_by_hand():
    """Cells 0, 1: 60, 4 and 11, 25 (clear, cloud); above their share of 29/100 lies cell 1 alone."""
    one = fit(tree(), ("tree1",), TESTED, 0.5)
    assert one.balanced_accuracy == pytest.approx((60 / 71 + 25 / 29) / 2)
    assert (one.covered, one.at_cutoff.matrix) == (1.0, ((60, 11), (4, 25)))
    assert place([one, fit(tree(), ("tree2",), TESTED, 0.5)], ["tree2"]) == 2


def test_a_probability_at_the_cutoff_is_clear():
    assert decisions(np.array([[1.0, 1.0]]), np.array([0.29]), 0.29).matrix == ((1, 0), (1, 0))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cannot be read"),
        ("a,b\n1,2\n", "must hold the columns"),
        (",".join([*NAMES, "clear", "cloud"]) + "\n", "must hold the columns"),
        (",".join([*NAMES, "clear", "cloud"]) + "\n0,1\n", "as many cells a line"),
        (",".join([*NAMES, "clear", "cloud"]) + "\n" + "2," + "0," * 12 + "1,1\n", "other than 0, 1 or blank"),
        (",".join([*NAMES, "clear", "cloud"]) + "\n" + "x," + "0," * 12 + "1,1\n", "no number"),
        (",".join([*NAMES, "clear", "cloud"]) + "\n" + "0," * 13 + "1,1\n", "not the leaves of a tree"),
    ],
)
def test_a_file_that_is_no_tree_gives_one_sentence_and_writes_nothing(tmp_path, capsys, text, told):
    path = tmp_path / "leaves.csv"
    path.write_text(text, encoding="utf-8")
    outputs = [f"--{name}={tmp_path / name}" for name in ("model", "single", "document", "report")]
    assert model.main([f"--leaves={path}", *outputs]) == 1
    printed = capsys.readouterr()
    assert "leaves.csv" in printed.err
    assert told in printed.err
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(LeavesError, match=r"nothing\.csv"):
        read_leaves(tmp_path / "nothing.csv", NAMES)


def test_the_leaves_are_those_of_a_tree(leaves):
    assert partition_problem(leaves) is None
    assert leaves.weights.sum() == 196_964


def test_the_16_published_cells_come_out(leaves):
    weights = cell_weights(leaves, published.FEATURES, TESTED)
    assert [tuple(pair) for pair in weights] == [(clear, cloud) for clear, cloud, _ in published.CELLS]
    probability = weights[:, 1] / weights.sum(axis=1)
    assert [round(value, 3) for value in probability] == [value for *_, value in published.CELLS]
    assert weights.sum() / leaves.weights.sum() == pytest.approx(published.COVERED, abs=5e-4)


def test_the_model_that_ships_is_the_one_that_is_rebuilt(leaves):
    path = SHIPPED / "published.json"
    rebuilt = model.rebuilt(leaves)
    assert read(path).digest == rebuilt.digest
    assert path.read_text(encoding="utf-8") == text_of(rebuilt)
    assert "held the same model" in model.compared(rebuilt, path)
    assert (SHIPPED / "single-image.json").read_text(encoding="utf-8") == text_of(model.of_single_image(leaves))


def test_features_tested_by_the_leaves_are_about_as_accurate_as_published(leaves):
    """Those that nearly all leaves test: in sample and out of it differ little for one bit."""
    for name in ("percentile5", "tree2", "tree3", "percentile1"):
        weights = cell_weights(leaves, [name], TESTED)
        assert np.trace(weights) / weights.sum() == pytest.approx(published.ACCURACY[name], abs=0.005)


@pytest.mark.parametrize("rule", [MARGINAL, PROPORTIONAL])
def test_more_features_never_fit_worse_in_sample(leaves, rule):
    four = fit(leaves, published.FEATURES, rule, 0.5)
    pairs = [fit(leaves, published.FEATURES[first : first + 2], rule, 0.5) for first in (0, 2)]
    assert max(pair.balanced_accuracy for pair in pairs) < four.balanced_accuracy


def test_a_table_that_differs_is_told_cell_by_cell(leaves, tmp_path):
    rebuilt = model.rebuilt(leaves)
    changed = replace(rebuilt.decision, probabilities=(0.5, *rebuilt.decision.probabilities[1:]))
    path = tmp_path / "published.json"
    assert "does not exist yet" in model.compared(rebuilt, path)
    path.write_text(text_of(replace(rebuilt, decision=changed, cutoff=0.3)), encoding="utf-8")
    told = model.compared(rebuilt, path)
    assert "1 cells differ, by up to 0.47" in told
    assert "0.3" in told


def test_the_document_has_the_figures_between_its_markers(tmp_path):
    path = tmp_path / "models.md"
    path.write_text(f"before\n{model.START}\nold\n{model.END}\nafter\n", encoding="utf-8")
    model.write_document(["| new |"], path)
    assert path.read_text(encoding="utf-8") == f"before\n{model.START}\n| new |\n{model.END}\nafter\n"


def test_the_document_holds_the_cells_as_they_come_out(leaves):
    text = (Path(model.__file__).parents[1] / "docs" / "models.md").read_text(encoding="utf-8")
    for line in (*model_document.cell_lines(leaves), *model_document.feature_lines(leaves)):
        assert line in text


def test_make_calls_the_script():
    makefile = (Path(model.__file__).parents[1] / "Makefile").read_text(encoding="utf-8")
    assert "scripts/model.py" in makefile.split("\nmodel:")[1].split("\n\n")[0]
