"""The mask of a plan, pixel by pixel: which class wins, how far classes grow, what stays without decision."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from s2mask_qgis.core import mask
from s2mask_qgis.core.area import Area
from s2mask_qgis.core.models.model import Model, Table, Term
from s2mask_qgis.core.parameters import MODEL, PRODUCT
from s2mask_qgis.core.plan import ImagePlan
from s2mask_qgis.core.probability import contribution, looked_up
from tests.engines import conftest
from tests.engines.in_process import evaluate, grid_of, image_of, pixels_of, row

ee = conftest.ee

SHAPE_YX = (14, 16)
GRID = grid_of(SHAPE_YX)
EVERYWHERE = Area(((((2.9, 45.1), (3.1, 45.1), (3.1, 45.2), (2.9, 45.2), (2.9, 45.1)),),))
TREE = Model("tree", "Tree", Table(("tree2",), (0.1, 0.9)), 0.4)


def plan(**changes: Any) -> ImagePlan:
    plain: dict[str, Any] = {"image": "image", "grid": GRID, "bands": (), "quality_bands": (), "model": TREE}
    plain |= {"cutoff": 0.4, "source": MODEL, "union": False, "source_cutoff": 0.5}
    return ImagePlan(**plain | changes)


def grown(ones: np.ndarray, radius_m: float) -> np.ndarray:
    """Pixels of 10 m whose centre lies within a distance of that of a one."""
    rows, columns = np.indices(ones.shape)
    result = np.zeros(ones.shape, bool)
    for at_row, at_column in np.argwhere(ones):
        result |= np.hypot(rows - at_row, columns - at_column) * 10 <= radius_m
    return result


@pytest.fixture
def layers(ee: ModuleType, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Cloud, its probability and a shadow that lies partly below it, in the place of what a plan would find."""
    generator = np.random.default_rng(2)
    cloud, shade = generator.random((2, *SHAPE_YX)) < 0.06
    valid = generator.random(SHAPE_YX) > 0.1
    shade |= cloud & (generator.random(SHAPE_YX) < 0.5)
    images = {
        "cloud": image_of({"c": cloud.astype(np.uint8)}, {"c": valid}),
        "chance": image_of({"p": np.where(cloud, 0.75, 0.25)}, {"p": valid}),
        "shade": image_of({"s": shade.astype(np.uint8)}),
    }
    monkeypatch.setattr(mask, "clouds", lambda _: (ee.Image("cloud"), ee.Image("chance")))
    monkeypatch.setattr(mask, "shadows", lambda _plan, _cloud: [ee.Image("shade")])
    return {"images": images, "cloud": cloud, "shade": shade, "valid": valid}


@pytest.mark.parametrize(("cloud_m", "shadow_m"), [(0, 0), (20, 0), (0, 20), (25, 10)])
def test_cloud_wins_over_shadow_and_both_grow_by_their_buffers(layers, cloud_m: float, shadow_m: float):
    expression = mask.mask_image(plan(cloud_buffer_m=cloud_m, shadow_buffer_m=shadow_m), EVERYWHERE)
    found = pixels_of(evaluate(expression, **layers["images"]), GRID)
    valid = layers["valid"]
    expected = np.where(grown(layers["shade"], shadow_m), 2, 0)
    expected[grown(layers["cloud"] & valid, cloud_m)] = 1
    assert (np.ma.getmaskarray(found["mask"]) == ~valid).all()
    assert (found["mask"].data[valid] == expected[valid]).all()
    assert set(expected[valid]) == {0, 1, 2}
    assert (found["probability"].data[valid] == np.where(layers["cloud"], 0.75, 0.25)[valid]).all()


def test_outside_the_area_there_is_no_decision(layers):
    west = Area(((((2.9, 45.1), (3.001, 45.1), (3.001, 45.2), (2.9, 45.2), (2.9, 45.1)),),))
    found = pixels_of(evaluate(mask.mask_image(plan(), west), **layers["images"]), GRID)
    decided = ~np.ma.getmaskarray(found["mask"])
    columns = np.flatnonzero(decided.any(axis=0))
    assert 0 < len(columns) < SHAPE_YX[1]
    assert (decided[:, columns] == layers["valid"][:, columns]).all()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [0, 0, 1, 1]),
        ({"cutoff": 0.9}, [0, 0, 0, 0]),
        ({"source": PRODUCT}, [0, 1, 0, 1]),
        ({"source": PRODUCT, "union": True}, [0, 1, 1, 1]),
    ],
)
def test_clouds_are_those_of_the_model_of_the_source_or_of_both(
    ee: ModuleType, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], expected: list[int]
):
    monkeypatch.setattr(mask, "probability", lambda _: ee.Image("model"))
    images = {
        "model": image_of({"p": [0.1, 0.1, 0.9, 0.9]}),
        "image": image_of({"QA60": np.array([0, 1024, 0, 1024], np.uint16)}),
    }
    cloud, chance = mask.clouds(plan(quality_bands=("QA60",), **changes))
    (found,) = row(cloud, 4, **images).values()
    assert found == expected
    (likely,) = row(chance, 4, **images).values()
    by_model, by_source = [0.1, 0.1, 0.9, 0.9], [0, 1, 0, 1]
    if "source" not in changes:
        assert likely == by_model
    else:
        assert likely == ([max(pair) for pair in zip(by_model, by_source)] if "union" in changes else by_source)


def test_shadows_that_a_source_sees_count_without_a_search(ee: ModuleType):
    classes = np.array([3, 4, 8], np.uint8)
    of_product = plan(source=PRODUCT, quality_bands=("SCL",))
    (seen,) = mask.shadows(of_product, ee.Image("cloud"))
    assert row(seen, 3, image=image_of({"SCL": classes}))["shadow"] == [1, 0, 0]
    assert mask.shadows(plan(), ee.Image("cloud")) == []


@pytest.mark.parametrize(
    "term",
    [
        Term("white", (-0.5, 0.0, 0.25, 1.0), (2.0, -1.0, -1.0, 4.0)),
        Term("white", (0.0, 0.5), (1.5, 1.5)),
        Term("white", (0.125, 0.25), (0.0, -3.0)),
    ],
)
def test_a_term_is_linear_between_its_knots_and_constant_beyond(ee: ModuleType, term: Term):
    values = np.linspace(-1, 2, 97)
    (found,) = row(contribution(ee.Image("m"), term), 97, m=image_of({"m": values})).values()
    assert found == pytest.approx(np.interp(values, term.knots, term.values).tolist(), abs=1e-12)


def test_the_first_feature_is_the_highest_bit_of_a_cell(ee: ModuleType):
    table = Table(("tree1", "tree2", "tree3"), tuple(n / 10 for n in range(8)))
    bits = [np.array([n >> place & 1 for n in range(8)], np.uint8) for place in (2, 1, 0)]
    images = {name: image_of({"b": values}) for name, values in zip("abc", bits)}
    (found,) = row(looked_up([ee.Image(name) for name in "abc"], table), 8, **images).values()
    assert found == list(table.probabilities)
