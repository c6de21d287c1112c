"""Reducers against numpy's functions that leave NaN out, and the names that their results get."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2mask_qgis.engines.local.algorithms.reducers import fold_sources
from s2mask_qgis.engines.local.raster.windows import Rectangle
from s2mask_qgis.engines.local.values import ComputeError
from s2mask_qgis.engines.local.vocabulary import VOCABULARY
from tests.engines.in_process import ArrayBand, Assets, as_masked, evaluate, grid_of, image_of, pixels_of, row

REFERENCES = {
    "median": np.nanmedian,
    "mean": np.nanmean,
    "sum": np.nansum,
    "min": np.nanmin,
    "max": np.nanmax,
    "stdDev": np.nanstd,
}
FEW = settings(max_examples=30)
KINDS = [np.uint8, np.uint16, np.int16, np.int64, np.float32, np.float64]


def stacks(largest: int = 9) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    """Values (n, 2, 3) and which of them are valid."""

    def made(count: int) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
        numbers = st.lists(st.integers(0, 120), min_size=count * 6, max_size=count * 6)
        flags = st.lists(st.booleans(), min_size=count * 6, max_size=count * 6)
        shape = (count, 2, 3)
        return st.tuples(numbers.map(lambda n: np.reshape(n, shape)), flags.map(lambda f: np.reshape(f, shape)))

    return st.integers(1, largest).flatmap(made)


def reduced(name: str, values: np.ndarray, valid: np.ndarray | None) -> np.ma.MaskedArray:
    """A stack reduced by the named reducer."""
    grid = grid_of(values.shape[1:])
    sources = [ArrayBand(layer, None if valid is None else valid[i], grid) for i, layer in enumerate(values)]
    (output,) = VOCABULARY[f"Reducer.{name}"].invoke({}, Assets()).outputs
    source = fold_sources(output, sources)
    return as_masked(source.compute(Rectangle(grid), lambda part, window: part.compute(window, lambda *_: None)))


def expected(name: str, values: np.ndarray, valid: np.ndarray) -> np.ma.MaskedArray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        result = REFERENCES[name](np.where(valid, values, np.nan), axis=0)
    return np.ma.MaskedArray(result, mask=~valid.any(axis=0))


def assert_same(found: np.ma.MaskedArray, wanted: np.ma.MaskedArray, **tolerance: float) -> None:
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(wanted))
    np.testing.assert_allclose(found.filled(0).astype(float), wanted.filled(0), **(tolerance or {"rtol": 1e-12}))


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
@pytest.mark.parametrize("name", REFERENCES)
@FEW
@given(stack=stacks())
def test_reducers_leave_masked_values_out(name: str, kind: Any, stack: tuple[np.ndarray, np.ndarray]):
    values, valid = stack
    found = reduced(name, values.astype(kind), valid)
    assert_same(found, expected(name, values, valid))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("count", [1, 2, 3, 20, 41, 130])
def test_reducers_of_whole_stacks(name: str, kind: Any, count: int):
    values = np.random.default_rng(count).integers(0, 120, (count, 4, 5))
    assert_same(reduced(name, values.astype(kind), None), expected(name, values, np.ones(values.shape, bool)))


def test_a_median_of_an_even_number_is_the_mean_of_the_middle_two():
    values = np.array([4, 1, 9, 2], np.uint16).reshape(4, 1, 1)
    assert reduced("median", values, None).tolist() == [[3.0]]
    assert reduced("median", values, np.array([1, 1, 1, 0], bool).reshape(4, 1, 1)).tolist() == [[4.0]]


def test_the_largest_numbers_of_a_type_are_not_taken_for_masked_ones():
    values = np.full((3, 1, 1), 65535, np.uint16)
    valid = np.array([1, 1, 0], bool).reshape(3, 1, 1)
    for name in ("median", "min", "max", "mean"):
        assert reduced(name, values, valid).tolist() == [[65535]]


def test_sums_do_not_wrap():
    assert reduced("sum", np.full((300, 1, 1), 255, np.uint8), None).tolist() == [[76500]]
    assert reduced("mean", np.full((3, 1, 1), 2**62), None).tolist() == [[2.0**62]]


def test_count_is_never_masked():
    values, valid = np.ones((3, 1, 2)), np.array([[1, 0], [1, 0], [0, 0]], bool).reshape(3, 1, 2)
    assert reduced("count", values, valid).tolist() == [[2, 0]]


def test_first_is_the_first_valid_one():
    values = np.array([7, 8, 9]).reshape(3, 1, 1)
    assert reduced("first", values, np.array([0, 1, 1], bool).reshape(3, 1, 1)).tolist() == [[8]]


def three() -> dict[str, Any]:
    images = [image_of({"a": [1, 10], "b": [2, 20]}), image_of({"a": [3, 30], "b": [4, 40]}, {"a": [1, 0]})]
    return {"all": [*images, image_of({"a": [8, 80], "b": [6, 60]})]}


def test_a_collection_reduced_names_its_bands_after_band_and_output(ee: ModuleType):
    image = ee.ImageCollection("all").reduce(ee.Reducer.max())
    assert row(image, 2, **three()) == {"a_max": [8, 80], "b_max": [6, 60]}


def test_the_shortcuts_of_a_collection_keep_the_names(ee: ModuleType):
    collection = ee.ImageCollection("all")
    assert row(collection.median(), 2, **three()) == {"a": [3.0, 45.0], "b": [4.0, 40.0]}
    assert row(collection.mean(), 2, **three()) == {"a": [4.0, 45.0], "b": [4.0, 40.0]}
    assert row(collection.min(), 2, **three()) == {"a": [1, 10], "b": [2, 20]}
    assert row(collection.max(), 2, **three()) == {"a": [8, 80], "b": [6, 60]}
    assert row(collection.sum(), 2, **three()) == {"a": [12, 90], "b": [12, 120]}


def test_an_image_reduced_has_its_outputs_as_bands(ee: ModuleType):
    one = image_of({"a": [1, 5], "b": [3, 7]}, {"b": [1, 0]})
    assert row(ee.Image("one").reduce(ee.Reducer.mean()), 2, one=one) == {"mean": [2.0, 5.0]}


def test_combined_reducers_share_their_input(ee: ModuleType):
    both = ee.Reducer.mean().combine(ee.Reducer.count(), "n_", True)
    one = image_of({"a": [1, 5], "b": [3, 7]}, {"b": [1, 0]})
    assert row(ee.Image("one").reduce(both), 2, one=one) == {"mean": [2.0, 5.0], "n_count": [2, 1]}
    image = ee.ImageCollection("all").select("a").reduce(both)
    assert row(image, 2, **three()) == {"a_mean": [4.0, 45.0], "a_n_count": [3, 2]}


def test_combinations_that_have_no_meaning_are_refused(ee: ModuleType):
    with pytest.raises(ComputeError, match=r"Reducer\.combine: .*same name"):
        evaluate(ee.Reducer.mean().combine(ee.Reducer.mean(), "", True))
    with pytest.raises(ComputeError, match=r"Reducer\.combine: reducers of 2 and 1 inputs cannot share them"):
        evaluate(ee.Reducer.min(2).combine(ee.Reducer.max(), "x", True))
    with pytest.raises(ComputeError, match=r"Reducer\.min: numInputs must be from 1"):
        evaluate(ee.Reducer.min(0))


def test_an_empty_collection_reduces_to_no_bands(ee: ModuleType):
    assert evaluate(ee.ImageCollection([]).median()).bands == ()


def test_a_region_reduced_gives_a_number_a_band(ee: ModuleType):
    one = image_of({"a": [[1, 2], [3, 4]], "b": [[1, 1], [1, 1]]}, {"a": [[1, 1], [1, 0]], "b": [[0, 0], [0, 0]]})
    assert evaluate(ee.Image("one").reduceRegion(ee.Reducer.mean()), one=one) == {"a": 2.0, "b": None}
    none, one = (
        one,
        image_of({"a": [[1, 2], [3, 4]], "b": [[1, 1], [1, 1]]}, {"a": [[1, 1], [1, 0]], "b": [[0, 0], [0, 1]]}),
    )
    both = ee.Reducer.sum().combine(ee.Reducer.count(), "", True)
    found = evaluate(ee.Image("one").reduceRegion(both), one=one)
    assert found == {"a_sum": 6, "a_count": 3, "b_sum": 1, "b_count": 1}
    with pytest.raises(ComputeError, match="the output 'sum' of no values is not implemented by the local engine"):
        evaluate(ee.Image("none").reduceRegion(both), none=none)


def test_grids_that_turn_and_regions_that_are_too_large_are_refused(ee: ModuleType):
    one = image_of({"a": [[1, 2], [3, 4]]})
    image, mean = ee.Image("one"), ee.Reducer.mean()
    for transform, sentence in (
        ([10, 0, 500000, 0, -20, 5000000], "not implemented"),
        ([10, 1, 500000, 0, -10, 5000000], "not implemented"),
        ([0, 0, 0, 0, 0, 0], "not implemented"),
        ([10, 0, 500000], "6 finite numbers"),
    ):
        with pytest.raises(ComputeError, match=sentence):
            evaluate(image.reduceRegion(mean, crsTransform=transform), one=one)
    with pytest.raises(ComputeError, match=r"Too many pixels in the region\. Found 4, but maxPixels allows only 3"):
        evaluate(image.reduceRegion(mean, maxPixels=3), one=one)


def test_a_reduction_in_blocks_is_that_of_the_whole(ee: ModuleType):
    values = np.random.default_rng(0).integers(0, 10_000, (600, 530)).astype(np.uint16)
    both = ee.Reducer.mean().combine(ee.Reducer.stdDev(), "", True)
    found = evaluate(ee.Image("one").reduceRegion(both), one=image_of({"a": values}))
    assert found["a_mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert found["a_stdDev"] == pytest.approx(values.std(), rel=1e-9)


@pytest.mark.parametrize("name", ["min", "max", "median"])
def test_a_region_of_many_pixels_is_reduced(ee: ModuleType, name: str):
    values = np.random.default_rng(1).integers(0, 10_000, (500, 400)).astype(np.uint16)
    found = evaluate(ee.Image("one").reduceRegion(getattr(ee.Reducer, name)()), one=image_of({"a": values}))
    assert found == {"a": getattr(np, name)(values)}


def test_reduced_pixels_do_not_depend_on_the_block_size(ee: ModuleType):
    rng = np.random.default_rng(3)
    images = [image_of({"a": rng.integers(0, 99, (13, 17))}, {"a": rng.random((13, 17)) > 0.4}) for _ in range(4)]
    image = evaluate(ee.ImageCollection("all").median(), all=images)
    whole, parts = (pixels_of(image, grid_of((13, 17)), size)["a"] for size in (64, 5))
    assert whole.tolist() == parts.tolist()
