"""Plans as JSON: all that decides a mask comes back, and another version of the algorithm is refused."""

from __future__ import annotations

import dataclasses
import json

import pytest

from s2mask_qgis.core.clusters import Clusters
from s2mask_qgis.core.grid import Grid
from s2mask_qgis.core.models.files import find
from s2mask_qgis.core.parameters import PRODUCT, ShadowParameters
from s2mask_qgis.core.plan import Background, ImagePlan, ShadowPlan
from s2mask_qgis.core.shadow import Usual
from s2mask_qgis.core.sun import Sun

CLUSTERS = Clusters((1.0, 2.0), (3.0, 4.0), ((0.5, -0.5), (1.5, 2.5)), (True, False))
PLAN = ImagePlan(
    image="image",
    grid=Grid("EPSG:32633", (30.0, 0.0, 600_000.0, 0.0, -30.0, 5_400_000.0), (20, 30)),
    bands=("B2", "B3", "B4"),
    quality_bands=("QA60",),
    model=find("published"),
    cutoff=0.3,
    source=PRODUCT,
    union=True,
    source_cutoff=0.6,
    backgrounds={"percentile1": Background(("a", "b"), CLUSTERS), "persistence2": Background(("a",), None)},
    clearest=("b", "c"),
    thresholds="reflectance",
    opening_radius_px=3,
    shadow=ShadowPlan(Sun(150.0, 40.0), Usual(), ShadowParameters(swir_darkening=0.3), True),
    without_shadow="nobody asked",
    cloud_buffer_m=60.0,
    shadow_buffer_m=90.0,
)


def test_every_field_comes_back():
    defaults = {item.name: item.default for item in dataclasses.fields(ImagePlan)}
    assert all(getattr(PLAN, name) != default for name, default in defaults.items())
    assert ImagePlan.from_json(json.loads(json.dumps(PLAN.to_json()))) == PLAN


def test_a_plan_without_shadow_comes_back():
    plan = dataclasses.replace(PLAN, shadow=None, backgrounds={})
    assert ImagePlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_a_plan_of_another_version_is_refused():
    with pytest.raises(ValueError, match="the plan is for algorithm 1, this is"):
        ImagePlan.from_json(PLAN.to_json() | {"algorithm": 1})
