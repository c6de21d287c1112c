"""Arrays: numbers in any number of dimensions, operations on their elements, their shape, and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..values import ArrayValue, ComputeError, PixelTypeValue, ReducerValue
from . import matrices
from .array_building import (
    accumulated,
    array_from,
    at_axis,
    checked_axis,
    checked_shape,
    joined,
    padded,
    projected,
    reduced,
    repeated,
    resolved_lengths,
    slice_of,
)
from .elementwise import BINARY, CASTS, TYPES, UNARY, Operation, refuse
from .reducers import output_of
from .registry import Algorithm, algorithm


def _pixel_type(name: str) -> Algorithm:
    @algorithm(f"PixelType.{name}", "-> PixelType", description=f"The type {name}.")
    def make() -> PixelTypeValue:
        return PixelTypeValue(TYPES[name])

    return make


PIXEL_TYPES = tuple(_pixel_type(name) for name in TYPES)


@algorithm("PixelType.precision", "PixelType pixelType -> String")
def precision(pixel_type: PixelTypeValue) -> str:
    """``int``, ``float`` or ``double``."""
    if pixel_type.dtype.kind in "iu":
        return "int"
    return "float" if pixel_type.dtype.itemsize == 4 else "double"


@algorithm("PixelType.dimensions", "PixelType pixelType -> Integer")
def type_dimensions(pixel_type: PixelTypeValue) -> int:
    """Number of dimensions: 0, as types of arrays are not made here."""
    return 0


@algorithm("Array", "Object values, PixelType pixelType = null -> Array")
def array(values: Any, pixel_type: PixelTypeValue | None) -> ArrayValue:
    """An array of a number, nested lists of numbers or another array. Without a type, whole numbers have 64 bits and
    others are doubles; with one, values are cast to it. Empty lists need a type."""
    dtype = None if pixel_type is None else pixel_type.dtype
    if isinstance(values, ArrayValue):
        return values if dtype is None else array_from(values.data.tolist(), dtype)
    return array_from(values, dtype)


def _typed(values: list[float], dtype: np.dtype[Any], shape: tuple[int, ...]) -> ArrayValue:
    """Values in a type; whole numbers beyond its limits are refused: the reference does not say what they become."""
    if dtype.kind in "iu" and values:
        limits = np.iinfo(dtype)
        if min(values) < limits.min or max(values) > limits.max:
            raise refuse(f"a result beyond the limits of the type {dtype}")
    return ArrayValue(np.array(values, dtype).reshape(shape))


def _aliases(operation: Operation) -> tuple[str, ...]:
    return tuple(f"Array.{alias}" for alias in operation.aliases)


def _binary(name: str, operation: Operation) -> Algorithm:
    text = f"{operation.description} Element by element, of arrays of one shape, or an array and a number."

    @algorithm(f"Array.{name}", "Array left, Array right -> Array", _aliases(operation), description=text)
    def compute(left: ArrayValue, right: ArrayValue) -> ArrayValue:
        if left.data.shape != right.data.shape and left.data.ndim and right.data.ndim:
            raise refuse(f"an operation on arrays of the shapes {left.data.shape} and {right.data.shape}")
        one, other = np.broadcast_arrays(left.data, right.data)
        values = [operation.function(a, b) for a, b in zip(one.ravel().tolist(), other.ravel().tolist())]
        dtype = operation.dtype or np.result_type(left.data.dtype, right.data.dtype)
        return _typed(values, dtype, one.shape)

    return compute


def _unary(name: str, operation: Operation) -> Algorithm:
    text = f"{operation.description} Element by element."

    @algorithm(f"Array.{name}", "Array input -> Array", _aliases(operation), description=text)
    def compute(value: ArrayValue) -> ArrayValue:
        values = [operation.function(item) for item in value.data.ravel().tolist()]
        return _typed(values, operation.dtype or value.data.dtype, value.data.shape)

    return compute


ARRAY_BINARY = tuple(_binary(name, operation) for name, operation in BINARY.items())
ARRAY_UNARY = tuple(_unary(name, operation) for name, operation in {**UNARY, **CASTS}.items())


@algorithm("Array.identity", "Integer size -> Array")
def identity(size: int) -> ArrayValue:
    """The matrix of a size with ones on the diagonal, zeros elsewhere."""
    checked_shape([size, size])
    return ArrayValue(np.eye(size, dtype=np.int64))


@algorithm("Array.get", "Array array, List<Integer> position -> Number")
def get(value: ArrayValue, position: list[int]) -> float:
    """The number at a position, one index (from 0) an axis."""
    if len(position) != value.data.ndim:
        raise ComputeError(f"an array of {value.data.ndim} dimensions has no element at {position}")
    if not all(0 <= index < length for index, length in zip(position, value.data.shape)):
        raise ComputeError(f"there is no element at {position}; the lengths are {list(value.data.shape)}")
    return value.data[tuple(position)].item()


def whole_numbers(values: Any) -> list[int]:
    """A list of whole numbers. ComputeError for anything else."""
    items = values.data.ravel().tolist() if isinstance(values, ArrayValue) else values
    if not all(isinstance(item, (int, float)) and not isinstance(item, bool) and item == item // 1 for item in items):
        raise ComputeError(f"whole numbers are needed, not {items}")
    return [int(item) for item in items]


@algorithm("Array.length", "Array array -> Array")
def length(value: ArrayValue) -> ArrayValue:
    """The lengths of the axes, an array of one dimension."""
    return ArrayValue(np.array(value.data.shape, np.int64))


@algorithm("Array.toList", "Array array -> List")
def to_list(value: ArrayValue) -> list[Any]:
    """The numbers as nested lists."""
    if not value.data.ndim:
        raise refuse("the list of an array without dimensions")
    return value.data.tolist()


@algorithm(
    "Array.slice", "Array array, Integer axis = 0, Integer start = 0, Integer end = null, Integer step = 1 -> Array"
)
def slice_array(value: ArrayValue, axis: int, start: int, end: int | None, step: int) -> ArrayValue:
    """The positions on an axis from start (included) to end (excluded) by step, as far as they exist; negative ones
    count from the end. Dimensions stay, and the axis may become empty."""
    checked_axis(axis, value.data.ndim)
    return ArrayValue(at_axis(value.data, axis, slice_of(value.data.shape[axis], start, end, step)))


@algorithm("Array.cut", "Array array, List<Integer> position -> Array")
def cut(value: ArrayValue, position: list[int]) -> ArrayValue:
    """One position of each axis, or all of them where it is -1. Dimensions stay."""
    if len(position) != value.data.ndim:
        raise ComputeError(f"{len(position)} positions were given for {value.data.ndim} dimensions")
    if not all(-1 <= index < size for index, size in zip(position, value.data.shape)):
        raise ComputeError(f"the position {position} is outside the lengths {list(value.data.shape)}")
    return ArrayValue(value.data[tuple(slice(None) if i == -1 else slice(i, i + 1) for i in position)])


@algorithm("Array.cat", "List<Array> arrays, Integer axis = 0 -> Array")
def cat(arrays: list[Any], axis: int) -> ArrayValue:
    """Arrays one after the other along an axis, which may be the next one that they do not have yet. All have the
    same dimensions and, on the other axes, the same lengths."""
    if not arrays:
        raise refuse("the concatenation of no arrays")
    data = [item.data if isinstance(item, ArrayValue) else array_from(item, None).data for item in arrays]
    return ArrayValue(joined(data, axis, 0))


@algorithm("Array.repeat", "Array array, Integer axis = 0, Integer copies = 2 -> Array")
def repeat(value: ArrayValue, axis: int, copies: int) -> ArrayValue:
    """Copies of the array one after the other along an axis, which may be the next one that it does not have yet."""
    checked_axis(axis, value.data.ndim, may_be_next=True)
    return ArrayValue(repeated(value.data, axis, copies))


@algorithm("Array.reshape", "Array array, Array shape -> Array")
def reshape(value: ArrayValue, shape: ArrayValue) -> ArrayValue:
    """The same numbers in the same order in a shape of as many elements; one length may be -1 and follows."""
    return ArrayValue(value.data.reshape(resolved_lengths(whole_numbers(shape), value.data.size)))


@algorithm(
    "Array.transpose", "Array array, Integer axis1 = 0, Integer axis2 = 1 -> Array", aliases=("Array.matrixTranspose",)
)
def transpose(value: ArrayValue, axis1: int, axis2: int) -> ArrayValue:
    """Two axes exchanged."""
    if value.data.ndim < 2:
        raise refuse(f"transposing an array of {value.data.ndim} dimensions")
    axes = [checked_axis(axis, value.data.ndim) for axis in (axis1, axis2)]
    return ArrayValue(np.swapaxes(value.data, *axes))


@algorithm("Array.project", "Array array, List<Integer> axes -> Array")
def project(value: ArrayValue, axes: list[int]) -> ArrayValue:
    """Only the axes named; the others must have the length 1."""
    return ArrayValue(projected(value.data, axes, 0))


@algorithm("Array.pad", "Array array, List<Integer> lengths, Number pad = 0 -> Array")
def pad(value: ArrayValue, lengths: list[int], filler: float) -> ArrayValue:
    """Each axis filled up at its end to a length; longer ones stay."""
    return ArrayValue(padded(value.data, 0, lengths, filler))


@algorithm("Array.reduce", "Array array, Reducer reducer, List<Integer> axes, Integer fieldAxis = null -> Array")
def reduce(value: ArrayValue, reducer: ReducerValue, axes: list[int], field_axis: int | None) -> ArrayValue:
    """Axes reduced to the length 1, independently for each position of the others; a reducer of several inputs or
    outputs has them on the field axis."""
    return ArrayValue(reduced(value.data, reducer, axes, 0, field_axis))


@algorithm("Array.accum", "Array array, Integer axis, Reducer reducer = null -> Array")
def accum(value: ArrayValue, axis: int, reducer: ReducerValue | None) -> ArrayValue:
    """Each element replaced by the reduction (the sum, if none is given) of those on its axis up to it."""
    return ArrayValue(accumulated(value.data, reducer or ReducerValue((output_of("sum"),)), axis, 0))


@algorithm("Array.argmax", "Array array -> List")
def argmax(value: ArrayValue) -> list[int] | None:
    """The position of the largest number, the first of several; null for an empty array."""
    if not value.data.size:
        return None
    if np.isnan(value.data).any():
        raise refuse("the largest of numbers with NaN among them")
    return [int(index) for index in np.unravel_index(value.data.argmax(), value.data.shape)]


@algorithm("Array.sort", "Array array, Array keys = null -> Array")
def sort(value: ArrayValue, keys: ArrayValue | None) -> ArrayValue:
    """The positions on one axis in ascending order of keys (the array's own values, if none are given), which have
    more than one element on that axis only; equals keep their order."""
    keys = value if keys is None else keys
    axis, order = _long_axis(keys, value), np.argsort(keys.data, axis=None, kind="stable")
    if np.isnan(keys.data).any():
        raise refuse("the order of NaN")
    return ArrayValue(np.take(value.data, order, axis)) if value.data.size else value


def _long_axis(keys: ArrayValue, value: ArrayValue) -> int:
    """The axis on which keys have several elements; they must be as many as the array's there."""
    long = [axis for axis, size in enumerate(keys.data.shape) if size != 1] or [0]
    if keys.data.ndim != value.data.ndim or not value.data.ndim:
        raise ComputeError("the array and its keys must have the same number of dimensions, one at least")
    if len(long) > 1 or keys.data.shape[long[0]] != value.data.shape[long[0]]:
        raise ComputeError("keys may have several elements on one axis only, as many as the array has there")
    return long[0]


@algorithm("Array.mask", "Array input, Array mask -> Array")
def mask(value: ArrayValue, chosen: ArrayValue) -> ArrayValue:
    """The positions on one axis where the mask, which has several elements on that axis only, is not 0."""
    axis = _long_axis(chosen, value)
    return ArrayValue(np.compress(chosen.data.ravel() != 0, value.data, axis))


@algorithm("Array.dotProduct", "Array array1, Array array2 -> Number")
def dot_product(left: ArrayValue, right: ArrayValue) -> float:
    """The sum of the products of two arrays of one dimension and one length."""
    if left.data.ndim != 1 or left.data.shape != right.data.shape:
        raise ComputeError("the arrays must have one dimension and the same length")
    return matrices.multiplied(left.data[None], right.data[:, None]).item()


def _matrix(name: str, function: Any, returns: str) -> Algorithm:
    @algorithm(f"Array.{name}", f"Array input -> {returns}", description=function.__doc__.strip())
    def compute(value: ArrayValue) -> Any:
        if value.data.ndim != 2:
            raise ComputeError(f"a matrix has 2 dimensions, this array {value.data.ndim}")
        result = function(value.data)
        return ArrayValue(result) if returns == "Array" else result.item()

    return compute


MATRIX_ALGORITHMS = (
    *(_matrix(name, function, "Array") for name, function in matrices.TO_MATRIX.items()),
    *(_matrix(name, function, "Number") for name, function in matrices.TO_NUMBER.items()),
)


@algorithm("Array.matrixMultiply", "Array left, Array right -> Array")
def matrix_multiply(left: ArrayValue, right: ArrayValue) -> ArrayValue:
    """The product of two matrices."""
    return ArrayValue(matrices.multiplied(left.data, right.data))


@algorithm("Array.matrixSolve", "Array left, Array right -> Array")
def matrix_solve(left: ArrayValue, right: ArrayValue) -> ArrayValue:
    """x of left x = right, by least squares where there are more rows than unknowns."""
    return ArrayValue(matrices.solved(left.data, right.data))


@algorithm("Array.matrixCholeskyDecomposition", "Array array -> Dictionary")
def matrix_cholesky(value: ArrayValue) -> dict[str, ArrayValue]:
    """``L``, the lower triangular matrix with L L' equal to a symmetric positive-definite one."""
    if value.data.ndim != 2:
        raise ComputeError(f"a matrix has 2 dimensions, this array {value.data.ndim}")
    return {"L": ArrayValue(matrices.cholesky(value.data))}
