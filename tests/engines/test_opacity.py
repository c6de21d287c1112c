"""Masks between 0 and 1: what the reference says of them, and a refusal where it says nothing."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from s2mask_qgis.engines.local.pictures import Visualization
from s2mask_qgis.engines.local.raster.sources import Pixels
from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.in_process import evaluate, image_of, row

VALUES = [10, 20, 30, 40]
SHARES = [0.25, 0.0, 1.0, 0.5]


@pytest.fixture
def assets() -> dict[str, Any]:
    return {
        "one": image_of({"a": np.array(VALUES, np.uint16)}),
        "share": image_of({"s": np.array(SHARES)}),
        "other": image_of({"b": [1, 2, 3, 4]}, {"b": [1, 1, 1, 0]}),
    }


def thinned(ee: ModuleType) -> Any:
    return ee.Image("one").updateMask(ee.Image("share"))


def only(found: dict[str, list[Any]]) -> list[Any]:
    (values,) = found.values()
    return values


def test_a_mask_is_given_back_as_it_was_set(ee: ModuleType, assets: dict[str, Any]):
    assert only(row(thinned(ee).mask(), 4, **assets)) == SHARES
    assert only(row(thinned(ee), 4, **assets)) == [10, None, 30, 40]
    assert only(row(ee.Image("one").mask(ee.Image("share")).mask(), 4, **assets)) == SHARES
    assert only(row(thinned(ee).mask(ee.Image(1)).mask(), 4, **assets)) == [1, 1, 1, 1]


def test_masks_are_held_within_0_and_1(ee: ModuleType):
    share = image_of({"s": np.array([-0.5, 0.5, 7.0, np.nan])})
    assert only(row(ee.Image(1).updateMask(ee.Image("share")).mask(), 4, share=share)) == [0, 0.5, 1, 0]
    assert only(row(ee.Image("share").selfMask().mask(), 4, share=share)) == [0, 0.5, 1, 0]


def test_what_was_masked_stays_masked_and_a_whole_mask_takes_another(ee: ModuleType, assets: dict[str, Any]):
    image = ee.Image("other").updateMask(ee.Image("share"))
    assert only(row(image.mask(), 4, **assets)) == [0.25, 0, 1, 0]
    whole = thinned(ee).updateMask(ee.Image("one").gt(10))
    assert only(row(whole.mask(), 4, **assets)) == [0, 0, 1, 0.5]


@pytest.mark.parametrize(
    "derived",
    [
        lambda image: image.add(1),
        lambda image: image.sqrt(),
        lambda image: image.toByte().rename("x"),
        lambda image: image.addBands(image).select(1),
    ],
)
def test_results_of_one_image_have_its_mask(ee: ModuleType, assets: dict[str, Any], derived: Callable[[Any], Any]):
    assert only(row(derived(thinned(ee)).mask(), 4, **assets)) == SHARES


def test_unmask_replaces_only_what_is_masked(ee: ModuleType, assets: dict[str, Any]):
    filled = thinned(ee).unmask(7)
    assert only(row(filled, 4, **assets)) == [10, 7, 30, 40]
    assert only(row(filled.mask(), 4, **assets)) == [0.25, 1, 1, 0.5]
    fraction = ee.Image("other").unmask(ee.Image(9).updateMask(0.5))
    assert only(row(fraction, 4, **assets)) == [1, 2, 3, 9]
    assert only(row(fraction.mask(), 4, **assets)) == [1, 1, 1, 0.5]


def test_blend_mixes_by_opacity(ee: ModuleType, assets: dict[str, Any]):
    blended = ee.Image("other").blend(thinned(ee))
    assert only(row(blended, 4, **assets)) == [0.25 * 10 + 0.75 * 1, 2, 30, 40]
    assert only(row(blended.mask(), 4, **assets)) == [1, 1, 1, 0.5]
    with pytest.raises(ComputeError, match="a mask between 0 and 1 here is not implemented"):
        row(thinned(ee).blend(ee.Image("other")), 4, **assets)


def test_masks_are_weights_of_a_region(ee: ModuleType, assets: dict[str, Any]):
    region = ee.Geometry.Rectangle([500000, 4999990, 500040, 5000000], "EPSG:32631", False)

    def reduced(reducer: Any) -> Any:
        return evaluate(thinned(ee).reduceRegion(reducer, region, 10, "EPSG:32631"), **assets)["a"]

    weight = sum(SHARES)
    assert reduced(ee.Reducer.sum()) == pytest.approx(np.dot(VALUES, SHARES))
    assert reduced(ee.Reducer.mean()) == pytest.approx(np.dot(VALUES, SHARES) / weight)
    assert reduced(ee.Reducer.mean().unweighted()) == pytest.approx((10 + 30 + 40) / 3)
    assert reduced(ee.Reducer.count()) == 3
    with pytest.raises(ComputeError, match="not implemented"):
        reduced(ee.Reducer.median())


@pytest.mark.parametrize(
    "unsettled",
    [
        lambda ee, image: image.updateMask(0.5),
        lambda ee, image: image.add(image),
        lambda ee, image: image.where(1, 2),
        lambda ee, image: image.focalMax(1),
        lambda ee, image: ee.ImageCollection([image]).mean(),
        lambda ee, image: ee.ImageCollection([image]).mosaic(),
        lambda ee, image: ee.Image(1).expression("a", {"a": image}),
    ],
)
def test_what_is_not_described_of_fractions_is_refused(
    ee: ModuleType, assets: dict[str, Any], unsettled: Callable[[Any, Any], Any]
):
    with pytest.raises(ComputeError, match=r"between 0 and 1 .*not implemented by the local engine|meet in is not"):
        row(unsettled(ee, thinned(ee)).mask(), 4, **assets)
    assets["share"] = image_of({"s": np.array([1.0, 0.0, 1.0, 1.0])})
    row(unsettled(ee, thinned(ee)), 4, **assets)


def test_pictures_show_masks_as_opacity():
    pixels = Pixels(np.array([[1.0, 1.0, 1.0]]), np.array([[True, True, False]]))
    colours = Visualization(opacity=0.5).colours([(pixels, np.dtype(float))], [np.array([[1.0, 0.4, 1.0]])])
    assert colours[3].tolist() == [[128, 51, 0]]
