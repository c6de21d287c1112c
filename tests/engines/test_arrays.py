"""Arrays: types, operations on elements, shapes, reductions and matrices, against plain numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.calls import answer, array, call, is_refused

SHAPES = arrays_of.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)
WHOLE = arrays_of.arrays(np.int64, SHAPES, elements=st.integers(-1000, 1000))
FRACTIONS = arrays_of.arrays(np.float64, SHAPES, elements=st.floats(-1e3, 1e3))


def two(elements: st.SearchStrategy[Any], dtype: Any) -> st.SearchStrategy[Any]:
    """Two arrays of one shape."""
    return SHAPES.flatmap(lambda shape: st.tuples(*[arrays_of.arrays(dtype, shape, elements=elements)] * 2))


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("add", np.add),
        ("subtract", np.subtract),
        ("multiply", np.multiply),
        ("min", np.minimum),
        ("max", np.maximum),
        ("gt", np.greater),
        ("gte", np.greater_equal),
        ("lt", np.less),
        ("lte", np.less_equal),
        ("eq", np.equal),
        ("neq", np.not_equal),
        ("and", np.logical_and),
        ("or", np.logical_or),
        ("bitwiseAnd", np.bitwise_and),
        ("bitwise_or", np.bitwise_or),
        ("bitwiseXor", np.bitwise_xor),
    ],
)
@given(pair=two(st.integers(-50, 50), np.int64))
def test_operations_on_whole_numbers_are_those_of_numpy(name: str, function: Any, pair: Any):
    left, right = pair
    found = answer(f"Array.{name}", left=array(left.tolist()), right=array(right.tolist()))
    assert found == function(left, right).astype(int).tolist()


@given(pair=two(st.integers(-20, 20), np.int64))
def test_a_division_has_fractions_and_is_0_by_0(pair: Any):
    left, right = pair
    found = np.array(answer("Array.divide", left=array(left.tolist()), right=array(right.tolist())))
    expected = np.divide(left, right, out=np.zeros(left.shape), where=right != 0)
    assert np.array_equal(found, expected)


@given(values=FRACTIONS)
def test_operations_on_one_array_keep_its_shape(values: np.ndarray):
    for name, function in (
        ("abs", np.abs),
        ("floor", np.floor),
        ("ceil", np.ceil),
        ("signum", np.sign),
        ("cbrt", np.cbrt),
    ):
        assert np.array_equal(answer(f"Array.{name}", input=array(values.tolist())), function(values))


def test_a_number_meets_each_element():
    assert answer("Array.add", left=array([[0, 1], [2, 3]]), right=array(1)) == [[1, 2], [3, 4]]
    assert answer("Array.subtract", left=10, right=array([1, 2])) == [9, 8]


def test_arrays_of_different_shapes_are_refused():
    assert is_refused("Array.add", left=array([1, 2]), right=array([1, 2, 3]))
    assert is_refused("Array.add", left=array([1]), right=array([1, 2, 3]))


def test_an_empty_array_needs_a_type():
    assert answer("Array", values=[], pixelType=call("PixelType.int8")) == []
    with pytest.raises(ComputeError, match="needs a pixelType"):
        answer("Array", values=[[], []])


def test_lists_of_different_lengths_are_no_array():
    with pytest.raises(ComputeError, match="same length"):
        answer("Array", values=[[1, 2], [3]])


@pytest.mark.parametrize("value", ["a", None, True, [None], {"a": 1}])
def test_what_is_no_number_is_no_array(value: Any):
    with pytest.raises(ComputeError):
        answer("Array", values=[value])


def test_a_cast_cuts_fractions_off_and_stops_at_the_limits():
    assert answer("Array.byte", input=array([-1, 1.7, 300])) == [0, 1, 255]
    assert answer("Array.toInt8", input=array([-1000, -1.7, 127.9])) == [-128, -1, 127]
    assert answer("Array", values=[1.9, -3], pixelType=call("PixelType.uint16")) == [1, 0]


def test_single_precision_is_kept():
    assert answer("Array.float", input=array([1.1])) == [float(np.float32(1.1))]
    assert answer("Array.eq", left=array([1.1], "float"), right=array([1.1])) == [0]


def test_results_beyond_the_type_are_refused():
    assert answer("Array.add", left=array([200], "uint8"), right=array([55], "uint8")) == [255]
    assert is_refused("Array.add", left=array([200], "uint8"), right=array([56], "uint8"))
    assert is_refused("Array.multiply", left=array([2**62]), right=array([2]))


@given(
    values=arrays_of.arrays(np.int64, st.integers(0, 8), elements=st.integers(0, 9)),
    start=st.integers(-12, 12),
    end=st.one_of(st.none(), st.integers(-12, 12)),
    step=st.integers(1, 4),
)
def test_a_slice_has_the_positions_in_range(values: np.ndarray, start: int, end: int | None, step: int):
    length = len(values)
    first = start + length if start < 0 else start
    stop = length if end is None else end + length if end < 0 else end
    expected = [int(values[i]) for i in range(first, stop, step) if 0 <= i < length]
    found = answer("Array.slice", array=array(values.tolist(), "int32"), start=start, end=end, step=step)
    assert found == expected


@given(values=WHOLE, data=st.data())
def test_reductions_keep_the_dimensions(values: np.ndarray, data: Any):
    axes = data.draw(st.lists(st.integers(0, values.ndim - 1), min_size=1, unique=True))
    for name, function in (("sum", np.sum), ("max", np.max), ("mean", np.mean)):
        found = answer("Array.reduce", array=array(values.tolist()), reducer=call(f"Reducer.{name}"), axes=axes)
        assert np.allclose(found, function(values, axis=tuple(axes), keepdims=True), rtol=1e-12)


@given(values=WHOLE, data=st.data())
def test_accumulation_without_a_reducer_sums(values: np.ndarray, data: Any):
    axis = data.draw(st.integers(0, values.ndim - 1))
    assert answer("Array.accum", array=array(values.tolist()), axis=axis) == np.cumsum(values, axis).tolist()


def test_several_outputs_stand_on_the_field_axis():
    both = call("Reducer.combine", reducer1=call("Reducer.min"), reducer2=call("Reducer.max"), sharedInputs=True)
    found = answer("Array.reduce", array=array([[1], [5], [3]]), reducer=both, axes=[0], fieldAxis=1)
    assert found == [[1, 5]]
    with pytest.raises(ComputeError, match="fieldAxis"):
        answer("Array.reduce", array=array([1, 5, 3]), reducer=both, axes=[0])


@given(values=WHOLE)
def test_the_largest_element_is_found_at_its_first_place(values: np.ndarray):
    expected = [int(i) for i in np.unravel_index(values.argmax(), values.shape)]
    assert answer("Array.argmax", array=array(values.tolist())) == expected
    assert answer("Array.get", array=array(values.tolist()), position=expected) == values.max()


def test_the_largest_of_an_empty_array_is_null():
    assert answer("Array.argmax", array=array([], "int8")) is None


def test_shapes_change_without_losing_numbers():
    matrix = array([[1, 2, 3], [4, 5, 6]])
    assert answer("Array.length", array=matrix) == [2, 3]
    assert answer("Array.transpose", array=matrix) == [[1, 4], [2, 5], [3, 6]]
    assert answer("Array.reshape", array=matrix, shape=array([3, -1])) == [[1, 2], [3, 4], [5, 6]]
    assert answer("Array.repeat", array=array([1, 2]), axis=1, copies=2) == [[1, 1], [2, 2]]
    assert answer("Array.pad", array=array([[1]]), lengths=[2, 2], pad=9) == [[1, 9], [9, 9]]
    assert answer("Array.project", array=array([[1], [2]]), axes=[0]) == [1, 2]
    assert answer("Array.cut", array=matrix, position=[-1, 1]) == [[2], [5]]
    assert answer("Array.mask", input=matrix, mask=array([[1, 0, 1]])) == [[1, 3], [4, 6]]
    assert answer("Array.cat", arrays=[array([1, 2]), array([3.5, 4])], axis=1) == [[1, 3.5], [2, 4]]


def test_elements_are_sorted_by_keys_and_equals_keep_their_order():
    assert answer("Array.sort", array=array([3, 1, 2])) == [1, 2, 3]
    assert answer("Array.sort", array=array([10, 20, 30, 40]), keys=array([2, 1, 2, 1])) == [20, 40, 10, 30]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Array.get", {"array": array([1, 2]), "position": [2]}),
        ("Array.get", {"array": array([1, 2]), "position": [0, 0]}),
        ("Array.reshape", {"array": array([1, 2, 3]), "shape": array([2, 2])}),
        ("Array.project", {"array": array([[1, 2]]), "axes": [0]}),
        ("Array.transpose", {"array": array([1, 2])}),
        ("Array.identity", {"size": -1}),
        ("Array.identity", {"size": 1_000_000}),
        ("Array.slice", {"array": array([1]), "step": 0}),
        ("Array.cat", {"arrays": [array([1]), array([[1]])]}),
        ("Array.matrixInverse", {"input": array([[1, 2], [2, 4]])}),
        ("Array.matrixCholeskyDecomposition", {"array": array([[1, 2], [2, 1]])}),
        ("Array.matrixMultiply", {"left": array([[1, 2]]), "right": array([[1, 2]])}),
        ("Array.dotProduct", {"array1": array([1, 2]), "array2": array([1])}),
    ],
)
def test_what_has_no_result_is_an_error_with_the_algorithms_name(name: str, arguments: dict[str, Any]):
    with pytest.raises(ComputeError, match=f"^{name}: "):
        answer(name, **arguments)


def test_matrices_of_whole_numbers_are_exact():
    matrix = array([[1, 2], [3, 4]])
    assert answer("Array.matrixDeterminant", input=matrix) == -2
    assert answer("Array.matrixInverse", input=matrix) == [[-2, 1], [1.5, -0.5]]
    assert answer("Array.matrixTrace", input=matrix) == 5
    assert answer("Array.matrixFnorm", input=array([[3, 0], [0, 4]])) == 5
    assert answer("Array.matrixMultiply", left=matrix, right=matrix) == [[7, 10], [15, 22]]
    assert answer("Array.matrixDiagonal", input=matrix) == [[1], [4]]
    assert answer("Array.matrixToDiag", input=array([[1], [2]])) == [[1, 0], [0, 2]]
    assert answer("Array.matrixCholeskyDecomposition", array=array([[4, 2], [2, 2]])) == {"L": [[2, 0], [1, 1]]}
    assert answer("Array.dotProduct", array1=array([1, 2, 3]), array2=array([4, 5, 6])) == 32


@given(arrays_of.arrays(np.float64, st.integers(1, 6).map(lambda n: (n, n)), elements=st.floats(-4, 4)))
def test_a_solution_solves_its_system(noise: np.ndarray):
    matrix = noise + 40 * np.eye(len(noise))
    right = np.arange(float(len(noise)))[:, None]
    found = np.array(answer("Array.matrixSolve", left=array(matrix.tolist()), right=array(right.tolist())))
    assert np.allclose(matrix @ found, right, atol=1e-9)
    inverse = np.array(answer("Array.matrixInverse", input=array(matrix.tolist())))
    assert np.allclose(matrix @ inverse, np.eye(len(noise)), atol=1e-9)


def test_functions_of_the_library_meet_their_definitions():
    assert answer("Array.erf", input=array([0.5]))[0] == pytest.approx(math.erf(0.5), rel=1e-15)
    assert answer("Array.gammainc", left=array([2.0]), right=array([1])) == [pytest.approx(1 - math.exp(-2))]
    assert answer("Array.atan2", left=array([0]), right=array([1])) == [pytest.approx(math.pi / 2)]


def test_eigenvectors_of_large_symmetric_matrices():
    random = np.random.default_rng(6)
    half = random.normal(size=(12, 12))
    matrix = half @ half.T
    found = np.array(answer("Array.eigen", input=array(matrix.tolist())))
    assert found.shape == (12, 13)
    assert (np.diff(found[:, 0]) < 0).all()
    assert np.allclose(matrix @ found[:, 1:].T, found[:, 1:].T * found[:, 0])
    assert np.allclose(found[:, 1:] @ found[:, 1:].T, np.eye(12))


def test_eigenvectors_whose_signs_would_show_are_refused():
    assert is_refused("Array.eigen", input=array([[2.0, 1.0], [1.0, 2.0]]))
    assert is_refused("Array.eigen", input=array(np.arange(100.0).reshape(10, 10).tolist()))
