"""The probability of cloud by a model, as an expression: a lookup in its table, or the sum of its terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .feature_maps import feature_map
from .measures import measure_map
from .models.model import Additive, Table, Term
from .plan import ImagePlan

if TYPE_CHECKING:
    import ee


def probability(plan: ImagePlan) -> ee.Image:
    """The probability of cloud (0-1) by the plan's model; masked where a feature is."""
    decision = plan.model.decision
    if isinstance(decision, Table):
        return looked_up([feature_map(plan, name) for name in decision.features], decision)
    return added_up([measure_map(plan, name) for name in decision.features], decision)


def looked_up(features: Sequence[ee.Image], table: Table) -> ee.Image:
    """The table's cell of the features of each pixel."""
    cell = features[0]
    for feature in features[1:]:
        cell = cell.multiply(2).add(feature)
    return cell.remap(list(range(len(table.probabilities))), list(table.probabilities))


def added_up(measures: Sequence[ee.Image], decision: Additive) -> ee.Image:
    """1 / (1 + exp(-log-odds)) of the sum of the terms of each pixel's measures."""
    log_odds = contribution(measures[0], decision.terms[0]).add(decision.intercept)
    for measure, term in zip(measures[1:], decision.terms[1:]):
        log_odds = log_odds.add(contribution(measure, term))
    return log_odds.multiply(-1).exp().add(1).pow(-1)


def contribution(measure: ee.Image, term: Term) -> ee.Image:
    """A piecewise linear function as the sum of its slopes, each over the part of the measure between two knots."""
    total: ee.Image | None = None
    start = term.values[0]
    for low, high, before, after in zip(term.knots, term.knots[1:], term.values, term.values[1:]):
        slope = (after - before) / (high - low)
        if slope == 0:
            continue
        part = measure.clamp(low, high).multiply(slope)
        start -= slope * low
        total = part if total is None else total.add(part)
    return measure.multiply(0).add(start) if total is None else total.add(start)
