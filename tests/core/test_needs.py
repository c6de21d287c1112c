"""What a run needs to know of its images follows from what decides, and from what is written beside it."""

from __future__ import annotations

import pytest

from s2mask_qgis.core.features import FEATURES
from s2mask_qgis.core.models.files import find
from s2mask_qgis.core.models.model import Additive, Model, Table, Term
from s2mask_qgis.core.needs import needs_of
from s2mask_qgis.core.parameters import CLOUD_SCORE, PRODUCT, S2CLOUDLESS, RunParameters

TREES = Model("trees", "Trees", Table(("tree2", "tree3"), (0.0, 0.5, 0.5, 1.0)), 0.4)
ALONE = Model("alone", "Alone", Additive(0.0, (Term("white", (0.0, 1.0), (0.0, 1.0)),)), 0.4)
PLAIN = RunParameters(shadow=False)


def parameters(**changes: object) -> RunParameters:
    return RunParameters.from_json(PLAIN.to_json() | changes)


def test_a_table_needs_its_features_and_their_backgrounds():
    needs = needs_of(PLAIN, find("published"))
    assert needs.decides == needs.features == ("percentile1", "percentile5", "tree2", "tree3")
    assert needs.methods == (1, 5)
    persistence = Model("mine", "Mine", Table(("persistence3",), (0.0, 1.0)), 0.5)
    assert needs_of(PLAIN, persistence).methods == (3,)


def test_trees_and_measures_of_the_image_alone_need_no_background():
    assert needs_of(PLAIN, TREES).methods == ()
    assert needs_of(PLAIN, ALONE).methods == ()


def test_measures_against_a_background_and_shadows_need_the_clearest():
    assert needs_of(PLAIN, find("multitemporal")).methods == (5,)
    assert needs_of(parameters(shadow=True), TREES).methods == (5,)
    assert needs_of(parameters(shadow=True), ALONE).methods == (5,)


@pytest.mark.parametrize("source", [PRODUCT, S2CLOUDLESS, CLOUD_SCORE])
def test_another_source_needs_nothing_of_the_model_unless_it_counts_too(source: str):
    needs = needs_of(parameters(source=source), find("published"))
    assert (needs.decides, needs.features, needs.methods) == ((), (), ())
    union = needs_of(parameters(source=source, union=True), find("published"))
    assert union == needs_of(PLAIN, find("published"))


def test_features_that_are_written_are_planned_and_do_not_decide():
    needs = needs_of(parameters(features=True), find("multitemporal"))
    assert needs.decides == find("multitemporal").features
    assert needs.features == tuple(FEATURES)
    assert needs.methods == (1, 2, 3, 4, 5)
