"""Models as values: what makes one, what is refused, and the way to JSON and back."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.core.features import FEATURES, MEASURES, missing_bands
from s2mask_qgis.core.models.model import Additive, Model, ModelError, Table, Term

FOUR = Table(("tree2", "percentile1"), (0.1, 0.2, 0.3, 0.9))


def model(decision=FOUR, **changes) -> Model:
    return Model(**{"name": "mine", "title": "My model", "decision": decision, "cutoff": 0.4, **changes})


@given(st.lists(st.sampled_from(sorted(FEATURES)), min_size=1, max_size=5, unique=True), st.data())
def test_json_gives_a_table_back(features, data):
    count = 2 ** len(features)
    chances = data.draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))
    made = model(Table(tuple(features), tuple(chances)), provenance={"labels": 20}, scores={"recall": 0.9})
    assert Model.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_json_gives_a_sum_back():
    name = next(iter(MEASURES))
    made = model(Additive(-1.5, (Term(name, (0.0, 0.1, 0.2), (0.0, 1.0, 4.0)),)))
    assert Model.from_json(json.loads(json.dumps(made.to_json()))) == made


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Table(("tree9",), (0.0, 1.0)), "no feature called 'tree9'; known are percentile1"),
        (lambda: Table((), (1.0,)), "1 to 13 features, not 0"),
        (lambda: Table(("tree1", "tree1"), (0.0,) * 4), "named twice"),
        (lambda: Table(("tree1", "tree2"), (0.0,) * 3), "has 3 cells; 2 features need 4"),
        (lambda: Table(("tree1",), (0.0, 1.1)), "not a number from 0 to 1"),
        (lambda: Table(("tree1",), (0.0, math.nan)), "not a number from 0 to 1"),
        (lambda: Additive(0.0, ()), "at least one term"),
        (lambda: Additive(0.0, (Term("greenness", (0.0, 1.0), (0.0, 1.0)),)), "no measure called 'greenness'"),
        (lambda: Term("any", (0.0,), (0.0,)), "two knots or more"),
        (lambda: Term("any", (0.0, 0.0), (0.0, 1.0)), "do not ascend"),
        (lambda: Term("any", (0.0, math.inf), (0.0, 1.0)), "not finite"),
        (lambda: model(cutoff=1.0), "from 0 to below 1, not 1.0"),
        (lambda: model(cutoff=True), "cutoff must be a number"),
        (lambda: model(name="Über"), "small letters, digits"),
        (lambda: model(name="../x"), "small letters, digits"),
        (lambda: model(name=3), "small letters, digits"),
        (lambda: model(title=3), "title is a text, not 3"),
        (lambda: model(cutoff=10**400), "cutoff must be a number"),
        (lambda: Term("any", (0.0, 1.0), (0.0, 1e300)), "not finite"),
    ],
)
def test_what_is_no_model_is_said(make, words):
    with pytest.raises(ModelError, match=words):
        make()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "forest"}, "kind 'forest' is neither"),
        ({"features": None}, "not of the kind"),
        ({"provenance": ["abc"]}, "not of the kind"),
        ({"scores": 3}, "not of the kind"),
        ({"features": [["tree1"]], "table": [0, 1]}, "not of the kind"),
        ({"table": ["much", 1, 1, 1]}, "not a number from 0 to 1"),
        ({"kind": "additive", "intercept": 0.0, "terms": []}, "2 measures and 0 terms"),
    ],
)
def test_json_of_another_kind_is_refused(changes, words):
    with pytest.raises(ModelError, match=words):
        Model.from_json(model().to_json() | changes)


@pytest.mark.parametrize("name", ["name", "title", "kind", "features", "table", "cutoff", "provenance", "scores"])
def test_a_missing_entry_is_named(name):
    values = model().to_json()
    del values[name]
    with pytest.raises(ModelError, match=f"no entry '{name}'"):
        Model.from_json(values)


def test_the_digest_tells_what_would_give_other_masks():
    same = model(title="Another title", provenance={"labels": 3}, scores={"recall": 1.0})
    assert same.digest == model().digest
    others = [model(cutoff=0.5), model(Table(FOUR.features, (0.1, 0.2, 0.3, 0.8))), model(name="other")]
    assert len({model().digest, *(other.digest for other in others)}) == 4


def test_bands_that_a_model_needs():
    assert model().missing_bands(("B2", "B3", "B4", "B8A", "B8", "B11", "B12")) == ("B6", "B10")
    assert missing_bands(("percentile1",), ("B2", "B3")) == ("B4",)
