"""Reducers made of other reducers (combined, repeated, grouped, renamed), and those with several inputs or outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..values import ComputeError, Records, ReducerOutput, ReducerValue
from . import regressions, statistics
from .conversions import is_number
from .elementwise import refuse
from .records import fold_output, fold_records
from .reducers import output_of
from .registry import Algorithm, algorithm

_MAX_INPUTS = 200


def _unused(stack: np.ndarray, valid: np.ndarray) -> statistics.Folded:
    """Stands where an output is collected from records and never folded by pixels."""
    raise ComputeError("this reducer gives no numbers")


def _distinct(outputs: Sequence[ReducerOutput]) -> tuple[ReducerOutput, ...]:
    if len({output.name for output in outputs}) != len(outputs):
        raise ComputeError("two outputs of the reducer have the same name; give a prefix")
    return tuple(outputs)


def _shifted(output: ReducerOutput, by: int) -> ReducerOutput:
    """The output reading inputs ``by`` further on."""
    return replace(output, positions=tuple(position + by for position in output.positions))


def _at_least_one(count: int, what: str) -> int:
    if not 1 <= count <= _MAX_INPUTS:
        raise ComputeError(f"{what} must be from 1 to {_MAX_INPUTS}, not {count}")
    return count


def _extreme(name: str) -> Algorithm:
    @algorithm(
        f"Reducer.{name}",
        "Integer numInputs = 1 -> Reducer",
        description=f"The {name}imum of the (first) input; further inputs are given as they stand beside it, named "
        f"{name}1, {name}2 and so on. Of pixels that a region cuts, only those whose centre is inside count.",
    )
    def make(inputs: int) -> ReducerValue:
        _at_least_one(inputs, "numInputs")
        if inputs == 1:
            return ReducerValue((output_of(name),))
        positions = tuple(range(inputs))
        outputs = [
            ReducerOutput(name if i == 0 else f"{name}{i}", statistics.companion(name, i), None, None, positions)
            for i in positions
        ]
        return ReducerValue(tuple(outputs), inputs)

    return make


EXTREMES = (_extreme("min"), _extreme("max"))


@algorithm("Reducer.minMax", "-> Reducer")
def min_max() -> ReducerValue:
    """The minimum and the maximum of the valid values, as ``min`` and ``max``."""
    return ReducerValue((output_of("min"), output_of("max")))


@algorithm(
    "Reducer.percentile",
    "List percentiles, List outputNames = null, Integer maxBuckets = null, Float minBucketWidth = null, "
    "Integer maxRaw = null -> Reducer",
)
def percentile(
    percentiles: list[Any], names: list[Any] | None, max_buckets: int | None, width: float | None, max_raw: int | None
) -> ReducerValue:
    """Percentiles (0-100) of the valid values, named p0, p50 and so on: 0 is the minimum, 50 the median, 100 the
    maximum; others lie on straight lines between ranks. Always from the values themselves, never from a histogram."""
    if not percentiles or not all(is_number(value) and 0 <= value <= 100 for value in percentiles):
        raise ComputeError("percentiles are numbers from 0 to 100")
    if names is None:
        if any(value != int(value) for value in percentiles):
            raise refuse("the name of a percentile with a fraction; give outputNames")
        names = [f"p{int(value)}" for value in percentiles]
    if len(names) != len(percentiles) or not all(isinstance(name, str) for name in names):
        raise ComputeError(f"{len(percentiles)} percentiles need as many names, {len(names)} were given")
    weighted = statistics.only_whole("percentile")
    outputs = [
        ReducerOutput(name, statistics.percentile(value / 100), np.dtype(np.float64), weighted=weighted)
        for name, value in zip(names, percentiles)
    ]
    return ReducerValue(_distinct(outputs))


@algorithm("Reducer.toList", "Integer tupleSize = null, Integer numOptional = 0 -> Reducer")
def to_list(tuple_size: int | None, optional: int) -> ReducerValue:
    """The values in order, as ``list``; with a size, lists of that many inputs. A record with a null is left out,
    unless the null is among the last ``numOptional`` inputs. Pixels that a region cuts count by their centre."""
    width = 1 if tuple_size is None else _at_least_one(tuple_size, "tupleSize")
    if not 0 <= optional <= width:
        raise ComputeError(f"numOptional must be from 0 to {width}, not {optional}")

    def collect(records: Records) -> list[Any]:
        columns = [statistics.listed(column) for column in statistics.whole_records(records).columns]
        needed = width - optional
        rows = [list(row) for row in zip(*columns) if all(value is not None for value in row[:needed])]
        return rows if tuple_size is not None else [row[0] for row in rows]

    return ReducerValue((ReducerOutput("list", _unused, positions=tuple(range(width)), collect=collect),), width)


@algorithm("Reducer.frequencyHistogram", "-> Reducer")
def frequency_histogram() -> ReducerValue:
    """How often each value occurs, as a dictionary keyed by the values' texts, named ``histogram``; pixels that a
    region cuts count by their covered part."""
    return ReducerValue((ReducerOutput("histogram", _unused, collect=statistics.histogram),))


@algorithm("Reducer.countDistinctNonNull", "-> Reducer")
def count_distinct() -> ReducerValue:
    """Number of different values, nulls left out, as ``count``."""

    def collect(records: Records) -> int:
        (column,) = statistics.whole_records(records).columns
        return len({value for value in statistics.listed(column) if value is not None})

    return ReducerValue((ReducerOutput("count", _unused, collect=collect),))


@algorithm("Reducer.linearFit", "-> Reducer")
def linear_fit() -> ReducerValue:
    """Least-squares line of y (second input) on x (first): ``scale`` is its slope, ``offset`` its value at x = 0; null
    where all x are the same. Pixels that a region cuts count by their covered part."""
    outputs = [
        ReducerOutput(
            name, statistics.linear_fit(part), np.dtype(np.float64), None, (0, 1), statistics.weighted_linear_fit(part)
        )
        for part, name in enumerate(("scale", "offset"))
    ]
    return ReducerValue(tuple(outputs), 2)


def _regression(number_x: int, number_y: int, name: str, margin: float | None) -> ReducerValue:
    inputs = _at_least_one(number_x, "numX") + _at_least_one(number_y, "numY")
    folds = regressions.record_folds(number_x, margin)
    in_images = (regressions.coefficient_pixels, regressions.residual_pixels)
    outputs = [
        ReducerOutput(
            output,
            fold,
            np.dtype(np.float64),
            positions=tuple(range(inputs)),
            weighted=statistics.only_whole(name),
            over_images=partial(pixels, number_x=number_x, margin=margin),
        )
        for output, fold, pixels in zip(("coefficients", "residuals"), folds, in_images)
    ]
    return ReducerValue(tuple(outputs), inputs)


@algorithm("Reducer.linearRegression", "Integer numX, Integer numY = 1 -> Reducer")
def linear_regression(number_x: int, number_y: int) -> ReducerValue:
    """Least squares of ``numY`` dependent inputs on the ``numX`` inputs before them: ``coefficients``, an array
    (numX, numY), and ``residuals``, the root mean square of what each dependent input leaves; null where there are not
    more records than unknowns or the system is singular. Over a collection of images, both are bands of arrays."""
    return _regression(number_x, number_y, "linearRegression", None)


@algorithm("Reducer.robustLinearRegression", "Integer numX, Integer numY = 1, Float beta = null -> Reducer")
def robust_linear_regression(number_x: int, number_y: int, beta: float | None) -> ReducerValue:
    """As linearRegression, without the records whose residuals (their root mean square) are above ``beta``: they are
    left out and the others fitted again until none changes sides. Without ``beta`` it is refused, since how the
    service chooses one is not documented."""
    if beta is None:
        raise refuse("a robust regression without beta")
    if beta <= 0:
        raise ComputeError(f"beta must be above 0, it is {beta}")
    return _regression(number_x, number_y, "robustLinearRegression", beta)


@algorithm(
    "Reducer.combine",
    'Reducer reducer1, Reducer reducer2, String outputPrefix = "", Boolean sharedInputs = false -> Reducer',
)
def combine(first: ReducerValue, second: ReducerValue, prefix: str, shared_inputs: bool) -> ReducerValue:
    """Two reducers at once: over the same inputs, or the second over inputs of its own behind the first's. Outputs of
    the second are named with the prefix."""
    if shared_inputs and first.inputs != second.inputs:
        raise ComputeError(f"reducers of {first.inputs} and {second.inputs} inputs cannot share them")
    by = 0 if shared_inputs else first.inputs
    added = [replace(_shifted(output, by), name=prefix + output.name) for output in second.outputs]
    return ReducerValue(_distinct([*first.outputs, *added]), first.inputs if shared_inputs else by + second.inputs)


@algorithm("Reducer.forEach", "Reducer reducer, List outputNames -> Reducer")
def for_each(reducer: ReducerValue, names: list[Any]) -> ReducerValue:
    """A copy of the reducer for each name, with inputs of its own: a single output takes the name, several are
    prefixed with it."""
    if not names or not all(isinstance(name, str) for name in names):
        raise ComputeError("outputNames is a list of one text or more")
    is_single = len(reducer.outputs) == 1
    outputs = [
        replace(_shifted(output, number * reducer.inputs), name=name if is_single else name + output.name)
        for number, name in enumerate(names)
        for output in reducer.outputs
    ]
    return ReducerValue(_distinct(outputs), len(names) * reducer.inputs)


@algorithm("Reducer.repeat", "Reducer reducer, Integer count -> Reducer")
def repeat(reducer: ReducerValue, count: int) -> ReducerValue:
    """As many copies of the reducer as said, with inputs of their own; each output is the list of the copies'."""
    _at_least_one(count, "count")
    inputs = count * reducer.inputs

    def repeated(output: ReducerOutput) -> ReducerOutput:
        copies = [_shifted(output, number * reducer.inputs) for number in range(count)]
        positions = tuple(range(inputs))
        return ReducerOutput(output.name, _unused, positions=positions, weighted=output.weighted, collect=_each(copies))

    return ReducerValue(tuple(repeated(output) for output in reducer.outputs), inputs)


def _each(outputs: Sequence[ReducerOutput]) -> Callable[[Records], list[Any]]:
    return lambda records: [fold_output(output, records) for output in outputs]


@algorithm("Reducer.group", 'Reducer reducer, Integer groupField = 0, String groupName = "group" -> Reducer')
def group(reducer: ReducerValue, field: int, name: str) -> ReducerValue:
    """Records parted by the value of one input and reduced apart by their other inputs: ``groups``, a list of
    dictionaries in ascending order of the group, which stands under ``groupName``. Records without a group are left
    out."""
    inputs = reducer.inputs + 1
    if not 0 <= field < inputs:
        raise ComputeError(f"groupField must be from 0 to {inputs - 1}, not {field}")
    is_weighted = any(output.weighted is not None for output in reducer.outputs)

    def collect(records: Records) -> list[dict[str, Any]]:
        keys = records.columns[field]
        others = replace(records, columns=records.columns[:field] + records.columns[field + 1 :])
        counted = keys.valid if is_weighted or records.inside is None else keys.valid & records.inside
        found = []
        for value in sorted(set(keys.values[counted].tolist())):
            chosen = others.at(counted & (keys.values == value))
            found.append({name: value, **fold_records(reducer, chosen)})
        return found

    return ReducerValue((ReducerOutput("groups", _unused, positions=tuple(range(inputs)), collect=collect),), inputs)


@algorithm("Reducer.setOutputs", "Reducer reducer, List outputs -> Reducer")
def set_outputs(reducer: ReducerValue, names: list[Any]) -> ReducerValue:
    """The reducer with its outputs renamed in order; a name that is null or empty drops the output."""
    if len(names) != len(reducer.outputs):
        raise ComputeError(f"{len(names)} names were given for {len(reducer.outputs)} outputs")
    if not all(name is None or isinstance(name, str) for name in names):
        raise ComputeError("names of outputs are texts")
    kept = [replace(output, name=name) for output, name in zip(reducer.outputs, names) if name]
    return replace(reducer, outputs=_distinct(kept))


@algorithm("Reducer.getOutputs", "Reducer reducer -> List")
def get_outputs(reducer: ReducerValue) -> list[str]:
    """Names of the outputs, in order."""
    return [output.name for output in reducer.outputs]


@algorithm("Reducer.unweighted", "Reducer reducer -> Reducer")
def unweighted(reducer: ReducerValue) -> ReducerValue:
    """The same reducer, for which pixels count whole where their centre is in the region, else not at all."""

    def whole(output: ReducerOutput) -> ReducerOutput:
        if output.collect is None:
            return replace(output, weighted=None)
        collect = output.collect
        return replace(output, weighted=None, collect=lambda records: collect(statistics.whole_records(records)))

    return replace(reducer, outputs=tuple(whole(output) for output in reducer.outputs))
