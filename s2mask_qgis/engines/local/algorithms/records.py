"""Reducers over records (pixels of a region, features, elements of a list): columns of values in, plain values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from ..values import Column, ComputeError, Records, ReducerOutput, ReducerValue
from . import statistics
from .conversions import is_number, plain_number
from .elementwise import refuse
from .reducers import output_of
from .statistics import Fold, plain, whole_records

_TESTS = (statistics.all_nonzero, statistics.any_nonzero)
_OF_ANY_TYPE: Mapping[Fold, str] = MappingProxyType(
    {output_of(name).reduce: name for name in ("count", "min", "max", "first", "firstNonNull", "last", "lastNonNull")}
)
"""Folds that take values of any type (smallest and largest: texts as well), whatever their outputs are named."""


def column_of(values: Sequence[Any]) -> Column:
    """A column of Python values, None for null: an array of numbers where all are numbers, else of objects."""
    valid = np.array([value is not None for value in values], bool)
    given = [value for value in values if value is not None]
    if all(isinstance(value, (bool, int, float)) for value in given):
        array = np.array([0 if value is None else plain_number(value) for value in values])
        return Column(array.astype(np.int64) if array.dtype == bool else array, valid)
    array = np.empty(len(values), object)
    array[:] = list(values)
    return Column(array, valid)


def fold_records(reducer: ReducerValue, records: Records) -> dict[str, Any]:
    """The outputs of a reducer by name. ComputeError where the number of columns is not the reducer's."""
    if len(records.columns) != reducer.inputs:
        raise ComputeError(f"the reducer has {reducer.inputs} inputs, {len(records.columns)} were given")
    return {output.name: fold_output(output, records) for output in reducer.outputs}


def fold_output(output: ReducerOutput, records: Records) -> Any:
    """One output over records; None where it is not defined."""
    chosen = Records(tuple(records.columns[i] for i in output.positions), records.weights, records.inside)
    if output.collect is not None:
        return output.collect(chosen)
    if output.weighted is None or chosen.weights is None or _all_whole(chosen):
        return _fold(output, whole_records(chosen).columns)
    values, valid = _stacked(chosen.columns)
    _check_numbers(output, values)
    _check_open(output, valid)
    data, defined = output.weighted(values, valid, chosen.weights)
    return plain(data[()]) if bool(defined) else None


def _all_whole(records: Records) -> bool:
    return records.weights is None or bool((records.weights == 1.0).all())


def _stacked(columns: Sequence[Column]) -> tuple[np.ndarray, np.ndarray]:
    """One column as it is; several side by side, (n, columns), valid where all are."""
    if len(columns) == 1:
        return columns[0].values, columns[0].valid
    valid = np.logical_and.reduce([column.valid for column in columns])
    return np.stack([column.values for column in columns], axis=1), valid


def check_ends(reducer: ReducerValue, records: Records) -> None:
    """ComputeError where a list or table begins or ends with a null that its first or last value might be: the
    reference tells first from firstNonNull, but not what becomes of the null."""
    for output in reducer.outputs:
        end = 0 if output.reduce is statistics.first else -1 if output.reduce is statistics.last else None
        valid = records.columns[output.positions[0]].valid
        if end is not None and valid.any() and not valid[end]:
            raise refuse(f"the {output.name} of values with a null there; use Reducer.{output.name}NonNull,")


def _check_open(output: ReducerOutput, valid: np.ndarray) -> None:
    """ComputeError where no value is given to an output that the reference leaves open then."""
    if not valid.any() and output.reduce in (statistics.total, statistics.product, *_TESTS):
        raise refuse(f"the output {output.name!r} of no values")


def _fold(output: ReducerOutput, columns: Sequence[Column]) -> Any:
    values, valid = _stacked(columns)
    if output.reduce is statistics.count_every:
        return len(values)
    _check_open(output, valid)
    if values.dtype == object and len(columns) == 1 and output.reduce in _OF_ANY_TYPE:
        return _of_objects(_OF_ANY_TYPE[output.reduce], [value for value, is_there in zip(values, valid) if is_there])
    _check_numbers(output, values)
    if output.reduce is statistics.mode:
        data, defined = statistics.weighted_mode(values, valid, np.ones(len(values)))
        return plain(data[()]) if bool(defined) else None
    if not len(values):
        values, valid = np.zeros((1, *values.shape[1:]), values.dtype), np.zeros(1, bool)
    data, defined = output.reduce(values, valid)
    if not bool(defined):
        return None
    return plain(data[()]) if np.ndim(data) == 0 else data.tolist()


def _of_objects(name: str, values: list[Any]) -> Any:
    """The first, last, smallest or largest of values that are no numbers, or their number."""
    if name == "count":
        return len(values)
    if not values:
        return None
    if name in ("min", "max"):
        if not all(isinstance(value, str) for value in values):
            raise ComputeError("only numbers, or only texts, have a smallest and a largest")
        return min(values) if name == "min" else max(values)
    return values[0] if name.startswith("first") else values[-1]


def _check_numbers(output: ReducerOutput, values: np.ndarray) -> None:
    if values.dtype == object:
        wrong = next((value for value in values.ravel() if value is not None and not is_number(value)), None)
        raise ComputeError(f"the output {output.name!r} needs numbers, not {wrong!r}")
