"""Arrays from nested lists of numbers, and the numpy steps that arrays and images of arrays have in common.

Steps take the axes of numpy; ``lead`` is the number of axes in front of the arrays' own: an axis of pixels, or none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..values import ArrayValue, ComputeError, ReducerOutput, ReducerValue
from .elementwise import cast, refuse

MAX_ELEMENTS = 10_000_000


def array_from(values: Any, dtype: np.dtype[Any] | None) -> ArrayValue:
    """An array from a number or nested lists of numbers; without a type, 64-bit whole numbers or doubles."""
    numbers: list[float] = []
    shape = _shape_of(values, numbers)
    if dtype is None:
        if not numbers:
            raise ComputeError("an array without numbers needs a pixelType")
        is_whole = all(isinstance(number, int) for number in numbers)
        dtype = np.dtype(np.int64 if is_whole else np.float64)
    with np.errstate(over="ignore"):
        return ArrayValue(np.array([cast(number, dtype) for number in numbers], dtype).reshape(shape))


def _shape_of(values: Any, numbers: list[float]) -> tuple[int, ...]:
    """The shape of nested lists, whose numbers are appended in order. ComputeError where they are no array."""
    if isinstance(values, (int, float)) and not isinstance(values, bool):
        if isinstance(values, int) and not -(2**63) <= values < 2**63:
            raise refuse("a whole number of more than 64 bits")
        numbers.append(values)
        return ()
    if not isinstance(values, list):
        raise ComputeError(f"an array is made of numbers, not of a {type(values).__name__}")
    shapes = {_shape_of(item, numbers) for item in values}
    if len(shapes) > 1:
        raise ComputeError("the lists of an array must be of the same length in each dimension")
    return (len(values), *shapes.pop()) if shapes else (0,)


def checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape as it is. ComputeError where it has a negative length or more than MAX_ELEMENTS elements."""
    size = 1
    for length in shape:
        if length < 0:
            raise ComputeError(f"an array has no axis of the length {length}")
        size *= length
    if size > MAX_ELEMENTS:
        raise ComputeError(f"the array would have {size} elements, the most is {MAX_ELEMENTS}")
    return tuple(shape)


def checked_axis(axis: int, dimensions: int, may_be_next: bool = False) -> int:
    """An axis as it is. ComputeError where an array of so many dimensions has none such (nor, if allowed, next)."""
    highest = dimensions if may_be_next else dimensions - 1
    if not 0 <= axis <= highest:
        raise ComputeError(f"an array of {dimensions} dimensions has no axis {axis}")
    return axis


def slice_of(length: int, start: int, end: int | None, step: int) -> slice:
    """The positions on an axis from start to end (excluded) by step that exist; negative ones count from the end."""
    if step < 1:
        raise ComputeError(f"step must be positive, not {step}")
    first = start + length if start < 0 else start
    stop = length if end is None else end + length if end < 0 else end
    if first < 0:
        first += -(first // step) * step
    return slice(first, max(0, min(stop, length)), step)


def at_axis(data: np.ndarray, axis: int, part: slice) -> np.ndarray:
    """A part of one axis, all of the others."""
    return data[(slice(None),) * axis + (part,)]


def with_axis(data: np.ndarray, axis: int) -> np.ndarray:
    """The data with one more axis at the end where ``axis`` is the next one."""
    return data[..., None] if axis == data.ndim else data


def repeated(data: np.ndarray, axis: int, copies: int) -> np.ndarray:
    """Copies of the data one after the other along an axis, which may be a new one at the end."""
    if copies < 0:
        raise ComputeError(f"copies must not be negative, they are {copies}")
    data = with_axis(data, axis)
    checked_shape([length * (copies if number == axis else 1) for number, length in enumerate(data.shape)])
    return np.concatenate([data] * copies, axis) if copies else at_axis(data, axis, slice(0))


def resolved_lengths(lengths: Sequence[int], size: int) -> tuple[int, ...]:
    """A shape of ``size`` elements, in which one length may be -1 and follows from the others."""
    known = 1
    for length in lengths:
        known *= 1 if length == -1 else length
    if list(lengths).count(-1) > 1 or any(length < -1 for length in lengths):
        raise ComputeError(f"at most one length may be -1, and none less: {list(lengths)}")
    if -1 in lengths:
        if not known or size % known:
            raise ComputeError(f"{size} elements do not fill the shape {list(lengths)}")
        return tuple(size // known if length == -1 else length for length in lengths)
    if known != size:
        raise ComputeError(f"{size} elements do not fill the shape {list(lengths)}")
    return tuple(lengths)


def padded(data: np.ndarray, lead: int, lengths: Sequence[int], value: float) -> np.ndarray:
    """Each axis behind the first ``lead`` ones filled up at its end to a length; longer ones stay."""
    if len(lengths) != data.ndim - lead:
        raise ComputeError(f"{len(lengths)} lengths were given for {data.ndim - lead} dimensions")
    missing = [max(0, wanted - length) for wanted, length in zip(lengths, data.shape[lead:])]
    checked_shape([length + more for length, more in zip(data.shape[lead:], missing)])
    if not any(missing):
        return data
    filler = np.asarray(cast(value, data.dtype), data.dtype)
    return np.pad(data, [(0, 0)] * lead + [(0, more) for more in missing], constant_values=filler)


def reduced(
    data: np.ndarray, reducer: ReducerValue, axes: Sequence[int], lead: int, field_axis: int | None
) -> np.ndarray:
    """Arrays with their axes reduced to the length 1, and the inputs on the field axis replaced by the outputs."""
    dimensions = data.ndim - lead
    folded_axes = sorted({lead + checked_axis(axis, dimensions) for axis in axes})
    if not folded_axes:
        raise refuse("a reduction over no axis")
    if field_axis is None:
        if reducer.inputs != 1 or len(reducer.outputs) != 1:
            raise ComputeError("a reducer of several inputs or outputs needs a fieldAxis")
        return _folded(reducer.outputs[0], [data], folded_axes)
    field = lead + checked_axis(field_axis, dimensions)
    if field in folded_axes or data.shape[field] != reducer.inputs:
        raise ComputeError(
            f"the fieldAxis {field_axis} must not be reduced and must have the length {reducer.inputs}, one an input"
        )
    inputs = [at_axis(data, field, slice(i, i + 1)) for i in range(reducer.inputs)]
    outputs = [_folded(output, [inputs[i] for i in output.positions], folded_axes) for output in reducer.outputs]
    return np.concatenate(outputs, field)


def _folded(output: ReducerOutput, inputs: Sequence[np.ndarray], axes: Sequence[int]) -> np.ndarray:
    if output.collect is not None:
        raise refuse(f"the reducer's output {output.name!r} in arrays")
    stacks = [np.moveaxis(data, axes, range(len(axes))) for data in inputs]
    rest = stacks[0].shape[len(axes) :]
    count = math.prod(stacks[0].shape[: len(axes)])
    stacks = [stack.reshape(count, *rest) for stack in stacks]
    if not count:
        raise refuse("the reduction of an empty axis")
    stack = stacks[0] if len(stacks) == 1 else np.stack(stacks, axis=1)
    values, defined = output.reduce(stack, np.ones((len(stack), *rest), bool))
    if np.shape(values) != rest or not np.all(defined):
        raise refuse(f"an array of the reducer's output {output.name!r}")
    return np.expand_dims(values, axes)


def accumulated(data: np.ndarray, reducer: ReducerValue, axis: int, lead: int) -> np.ndarray:
    """Each element replaced by the reduction of those on its axis up to it."""
    if reducer.inputs != 1 or len(reducer.outputs) != 1:
        raise ComputeError("the reducer must have one input and one output")
    at = lead + checked_axis(axis, data.ndim - lead)
    if not data.shape[at]:
        return data
    running = reducer.outputs[0].running
    if running is not None:
        return running.accumulate(data, at)
    parts = [at_axis(data, at, slice(0, end)) for end in range(1, data.shape[at] + 1)]
    return np.concatenate([_folded(reducer.outputs[0], [part], [at]) for part in parts], at)


def projected(data: np.ndarray, axes: Sequence[int], lead: int) -> np.ndarray:
    """Only the axes named, in that order; ComputeError where one of the others is longer than 1."""
    dimensions = data.ndim - lead
    kept = [lead + checked_axis(axis, dimensions) for axis in axes]
    dropped = [axis for axis in range(lead, data.ndim) if axis not in kept]
    if len(set(kept)) != len(kept):
        raise ComputeError(f"an axis is named twice: {list(axes)}")
    if any(data.shape[axis] != 1 for axis in dropped):
        raise ComputeError("the axes that are dropped must have the length 1")
    shape = (*data.shape[:lead], *(data.shape[axis] for axis in kept))
    return np.transpose(data, [*range(lead), *kept, *dropped]).reshape(shape)


def joined(arrays: Sequence[np.ndarray], axis: int, lead: int) -> np.ndarray:
    """Arrays one after the other along an axis, which may be a new one at the end; types are united."""
    checked_axis(axis, arrays[0].ndim - lead, may_be_next=True)
    widened = [with_axis(data, lead + axis) for data in arrays]
    shapes = {data.shape[: lead + axis] + data.shape[lead + axis + 1 :] for data in widened}
    if len(shapes) > 1 or len({data.ndim for data in widened}) > 1:
        raise ComputeError("the arrays must have the same length on all axes but the one they are joined along")
    return np.concatenate(widened, lead + axis, dtype=np.result_type(*(data.dtype for data in arrays)))
