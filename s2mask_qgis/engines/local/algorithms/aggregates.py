"""Aggregates: one property of a collection's elements as a single number or a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..values import CollectionValue, Records, ReducerOutput
from . import statistics
from .collections import key_of, property_values
from .records import column_of, fold_output
from .reducers import output_of
from .registry import Algorithm, algorithm

_SIGNATURE = "FeatureCollection collection, String property"


def _given(collection: CollectionValue, name: str) -> list[Any]:
    return [value for value in property_values(collection, name) if value is not None]


def _aggregate(name: str, description: str, compute: Callable[[list[Any]], Any], returns: str) -> Algorithm:
    @algorithm(
        f"AggregateFeatureCollection.{name}",
        f"{_SIGNATURE} -> {returns}",
        description=f"{description} of a property, elements without it left out.",
    )
    def aggregate(collection: CollectionValue, key: str) -> Any:
        return compute(_given(collection, key))

    return aggregate


def _folded(output: ReducerOutput) -> Callable[[list[Any]], Any]:
    return lambda values: fold_output(output, Records((column_of(values),)))


def _distinct(values: list[Any]) -> int:
    return len({key_of(value) for value in values})


@algorithm("AggregateFeatureCollection.first", f"{_SIGNATURE} -> Object")
def first(collection: CollectionValue, key: str) -> Any:
    """The property of the first element; null where it lacks it, or where there is no element."""
    return next(iter(property_values(collection, key)), None)


_FOLDED = (
    ("min", "Smallest value; null where there is none,", "Object", "min"),
    ("max", "Largest value; null where there is none,", "Object", "max"),
    ("count", "Number of values", "Number", "count"),
    ("mean", "Mean; null where there is no value,", "Number", "mean"),
    ("sum", "Sum; null where there is no value,", "Number", "sum"),
    ("product", "Product; null where there is no value,", "Number", "product"),
    ("sample_sd", "Sample standard deviation; null of fewer than two values,", "Number", "sampleStdDev"),
    ("sample_var", "Sample variance; null of fewer than two values,", "Number", "sampleVariance"),
    ("total_sd", "Population standard deviation; null where there is no value,", "Number", "stdDev"),
    ("total_var", "Population variance; null where there is no value,", "Number", "variance"),
)
AGGREGATES = (
    *(_aggregate(name, text, _folded(output_of(reducer)), kind) for name, text, kind, reducer in _FOLDED),
    _aggregate("array", "List of the values", list, "List"),
    _aggregate("count_distinct", "Number of different values", _distinct, "Number"),
    _aggregate(
        "histogram",
        "Number of times that each value occurs, keyed by its text,",
        lambda values: statistics.histogram(Records((column_of(values),))),
        "Dictionary",
    ),
)
