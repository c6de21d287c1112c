"""The figures of docs/models.md as lines of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

import model_published as published
from model_leaves import PROPORTIONAL, RULES, TESTED, Leaves, cell_weights
from model_ranking import Fit, fit, place
from s2mask_qgis.core.evaluation.confusion import Confusion

TOP = 20
MAIN_RULE = PROPORTIONAL
"""The rule by which subsets are ranked: all weight is used for each of them."""


def cell_lines(leaves: Leaves) -> list[str]:
    """The 16 cells as published and as they come out, and how many are equal."""
    weights = {rule: cell_weights(leaves, published.FEATURES, rule) for rule in RULES}
    lines = [
        f"| cell | published clear | cloud | p | {' | '.join(f'{rule}: clear | cloud | p' for rule in RULES)} |",
        "|---" * (4 + 3 * len(RULES)) + "|",
    ]
    for cell, (clear, cloud, probability) in enumerate(published.CELLS):
        ours = " | ".join(_cell(*weights[rule][cell]) for rule in RULES)
        lines.append(f"| {cell:04b} | {clear} | {cloud} | {probability:.3f} | {ours} |")
    tested = weights[TESTED]
    equal = sum(
        tuple(pair) == (clear, cloud) and round(pair[1] / pair.sum(), 3) == probability
        for pair, (clear, cloud, probability) in zip(tested, published.CELLS)
    )
    covered = tested.sum() / leaves.weights.sum()
    lines += [
        "",
        f"{equal} of {len(tested)} cells are equal in both weights and probability ({TESTED}). They hold {covered:.1%} "
        f"of the weight of {leaves.weights.sum():,.0f}; published: {published.COVERED:.1%}.",
        *(_decisions(rule, weights[rule], tested) for rule in RULES if rule != TESTED),
    ]
    return lines


def _decisions(rule: str, weights: np.ndarray, tested: np.ndarray) -> str:
    """Which cells a rule calls otherwise than the published table does."""
    ours, theirs = (one[:, 1] / one.sum(axis=1) for one in (weights, tested))
    changed = np.flatnonzero((ours > published.CUTOFF) != (theirs > published.CUTOFF))
    told = ", ".join(f"{cell:04b} ({theirs[cell]:.3f} becomes {ours[cell]:.3f})" for cell in changed) or "none"
    return f"Cells on the other side of the cutoff {published.CUTOFF} by the rule *{rule}*: {told}."


def _cell(clear: float, cloud: float) -> str:
    return f"{clear:.0f} | {cloud:.0f} | {cloud / (clear + cloud):.3f}"


def feature_lines(leaves: Leaves) -> list[str]:
    """The accuracy of each feature alone, published and on the leaves by each rule."""
    lines = [f"| feature | published | {' | '.join(RULES)} | weight tested |", "|---" * (3 + len(RULES)) + "|"]
    errors: dict[str, list[float]] = {rule: [] for rule in RULES}
    for name, accuracy in published.ACCURACY.items():
        found = {}
        for rule in RULES:
            weights = cell_weights(leaves, [name], rule)
            found[rule] = float(np.trace(weights) / weights.sum())
            errors[rule].append(abs(found[rule] - accuracy))
        tested = cell_weights(leaves, [name], TESTED).sum() / leaves.weights.sum()
        cells = " | ".join(f"{found[rule]:.4f}" for rule in RULES)
        lines.append(f"| {name} | {accuracy:.4f} | {cells} | {tested:.1%} |")
    means = " | ".join(f"{np.mean(errors[rule]):.4f}" for rule in RULES)
    return [*lines, f"| mean distance | | {means} | |"]


def model_lines(leaves: Leaves) -> list[str]:
    """The published four and all 13 features on the leaves, beside the published figures on test pixels."""
    lines = [
        "| model | judged on | balanced accuracy | accuracy | recall | false alarms | log loss |",
        "|---|---|---|---|---|---|---|",
    ]
    for features, name in ((published.FEATURES, "published four"), (leaves.names, "all 13")):
        for rule in RULES:
            for cutoff in (published.CUTOFF, 0.5):
                one = fit(leaves, features, rule, cutoff)
                title = f"table of {name}, cutoff {cutoff} | leaves in sample, {rule} ({one.covered:.1%})"
                lines.append(f"| {title} | {_scores(one.at_cutoff)} | {one.log_loss:.4f} |")
    judged = f"{published.TEST_PIXELS:,} test pixels, as published"
    lines.append(f"| published forest of all 13 | {judged} | {_scores(published.FOREST_COUNTS)} | – |")
    for name, accuracy in (("one tree", published.ONE_TREE), ("logistic regression", published.LOGISTIC)):
        lines.append(f"| published {name} of all 13 | {judged} | – | {accuracy:.4f} | – | – | – |")
    return lines


def _scores(counts: Confusion) -> str:
    shares = (counts.balanced_accuracy, counts.accuracy, counts.recall, counts.false_alarm_rate)
    return " | ".join("–" if share is None else f"{share:.4f}" for share in shares)


def ranking_lines(ranked: Mapping[tuple[int, str], Sequence[Fit]], size: int) -> list[str]:
    """The best subsets of a size by the main rule, with their places by the others."""
    others = [rule for rule in RULES if rule != MAIN_RULE]
    best = ranked[size, MAIN_RULE]
    lines = [
        f"| place | features | balanced accuracy | log loss | accuracy at {published.CUTOFF} "
        f"| {' | '.join(f'place, {rule}' for rule in others)} |",
        "|---" * (5 + len(others)) + "|",
    ]
    for number, one in enumerate(best, start=1):
        is_published = one.features == published.FEATURES
        if number <= TOP or is_published:
            places = " | ".join(str(place(ranked[size, rule], one.features)) for rule in others)
            names = " ".join(one.features) + (" **(published)**" if is_published else "")
            lines.append(
                f"| {number} of {len(best)} | {names} | {one.balanced_accuracy:.4f} | {one.log_loss:.4f} "
                f"| {one.at_cutoff.accuracy:.4f} | {places} |"
            )
    return lines


def forest_line(difference: float | None, rows: int, trees: int) -> str:
    """How far a forest is from the table of the same pixels."""
    if difference is None:
        return "A forest was not fitted: scikit-learn is not installed."
    return (
        f"A forest of {trees} trees on {rows:,} pixels drawn from the cells gives probabilities that differ by at most "
        f"{difference:.4f} from the table of the same pixels, in cells that hold at least 0.1 % of them."
    )
