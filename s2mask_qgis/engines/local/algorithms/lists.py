"""Lists: elements and parts, search by equality, order, sequences, mapping and reduction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..values import (
    ComputeError,
    FeatureValue,
    FilterValue,
    FunctionValue,
    ImageValue,
    Records,
    ReducerValue,
)
from .conversions import is_number, of_type
from .elementwise import refuse
from .equality import are_equal, position_of
from .records import check_ends, column_of, fold_records
from .registry import Algorithm, algorithm
from .strings import text_of

_LONGEST = 1_000_000
"""Elements of a list that sequence and repeat may make."""


def _place(items: Sequence[Any], index: int) -> int:
    """A position from 0 on; a negative index counts from the end. ComputeError where there is no such element."""
    if not -len(items) <= index < len(items):
        raise ComputeError(f"List index must be between 0 and {len(items) - 1}, or -{len(items)} and -1: {index}")
    return index % len(items)


@algorithm("List.get", "List list, Integer index -> Object")
def get(items: list[Any], index: int) -> Any:
    """One element; a negative index counts from the end."""
    return items[_place(items, index)]


def _typed_get(name: str) -> Algorithm:
    @algorithm(
        f"List.get{name}",
        f"List list, Integer index -> {name}",
        description=f"One element, which must be of the type {name}; a negative index counts from the end.",
    )
    def compute(items: list[Any], index: int) -> Any:
        return of_type(items[_place(items, index)], name, f"the element {index}")

    return compute


TYPED_GETS = tuple(_typed_get(name) for name in ("Number", "String", "Array", "Geometry"))


@algorithm("List.size", "List list -> Integer", aliases=("List.length",))
def size(items: list[Any]) -> int:
    """Number of elements."""
    return len(items)


@algorithm("List.add", "List list, Object element -> List")
def add(items: list[Any], element: Any) -> list[Any]:
    """The list with one more element at its end."""
    return [*items, element]


@algorithm("List.cat", "List list, List other -> List")
def cat(items: list[Any], other: list[Any]) -> list[Any]:
    """The elements of both lists."""
    return items + other


@algorithm("List.set", "List list, Integer index, Object element -> List")
def set_element(items: list[Any], index: int, element: Any) -> list[Any]:
    """The list with the element at a position replaced; a negative index counts from the end."""
    place = _place(items, index)
    return [*items[:place], element, *items[place + 1 :]]


@algorithm("List.insert", "List list, Integer index, Object element -> List")
def insert(items: list[Any], index: int, element: Any) -> list[Any]:
    """The list with an element more before the position, or at the end where the position is the length."""
    if index < 0:
        raise refuse("inserting at a position counted from the end")
    if index > len(items):
        raise ComputeError(f"the list of {len(items)} elements has no position {index}")
    return [*items[:index], element, *items[index:]]


@algorithm("List.slice", "List list, Integer start, Integer end = null, Integer step = null -> List")
def slice_list(items: list[Any], start: int, end: int | None, step: int | None) -> list[Any]:
    """The elements from start (included) to end (excluded), every ``step``-th; negative positions count from the end,
    positions beyond the list stand for its ends."""
    if step is not None and step < 1:
        raise refuse(f"a step of {step}")
    return items[start:end:step]


@algorithm("List.splice", "List list, Integer start, Integer count, List other = null -> List")
def splice(items: list[Any], start: int, count: int, other: list[Any] | None) -> list[Any]:
    """The list with ``count`` elements from start on replaced by those of another list."""
    place = len(items) if start == len(items) else _place(items, start)
    if not 0 <= count <= len(items) - place:
        raise refuse(f"removing {count} elements of a list that has {len(items) - place} there")
    return [*items[:place], *(other or []), *items[place + count :]]


@algorithm("List.swap", "List list, Integer pos1, Integer pos2 -> List")
def swap(items: list[Any], first: int, second: int) -> list[Any]:
    """The list with two elements exchanged; negative positions count from the end."""
    one, other = _place(items, first), _place(items, second)
    swapped = list(items)
    swapped[one], swapped[other] = items[other], items[one]
    return swapped


@algorithm("List.reverse", "List list -> List")
def reverse(items: list[Any]) -> list[Any]:
    """The elements in the opposite order."""
    return items[::-1]


@algorithm("List.flatten", "List list -> List")
def flatten(items: list[Any]) -> list[Any]:
    """The elements of the list and of the lists in it, at any depth, as one list."""
    return _flat(items)


def _flat(items: list[Any]) -> list[Any]:
    return [part for item in items for part in (_flat(item) if isinstance(item, list) else [item])]


@algorithm("List.zip", "List list, List other -> List")
def zip_lists(items: list[Any], other: list[Any]) -> list[Any]:
    """Pairs of the elements of two lists, as many as the shorter one has."""
    return [list(pair) for pair in zip(items, other)]


@algorithm("List.unzip", "List list -> List")
def unzip(items: list[Any]) -> list[Any]:
    """A list of lists transposed: the first elements of all, the second ones, and so on, as far as the shortest."""
    if not all(isinstance(item, list) for item in items):
        raise ComputeError("the list must hold lists only")
    return [list(column) for column in zip(*items)]


@algorithm("List.contains", "List list, Object element -> Boolean")
def contains(items: list[Any], element: Any) -> bool:
    """True where an element equals the value."""
    return position_of(items, element) >= 0


@algorithm("List.containsAll", "List list, List other -> Boolean")
def contains_all(items: list[Any], other: list[Any]) -> bool:
    """True where each element of the other list equals one of the list."""
    return all(position_of(items, element) >= 0 for element in other)


@algorithm("List.equals", "List list, List other -> Boolean")
def equals(items: list[Any], other: list[Any]) -> bool:
    """True where both lists have equal elements in the same order."""
    return are_equal(items, other)


@algorithm("List.indexOf", "List list, Object element -> Integer")
def index_of(items: list[Any], element: Any) -> int:
    """The position of the first element that equals the value, -1 where there is none."""
    return position_of(items, element)


def _sublists(items: list[Any], target: list[Any]) -> list[int]:
    if not target:
        raise refuse("the position of an empty list")
    return [i for i in range(len(items) - len(target) + 1) if are_equal(items[i : i + len(target)], target)]


@algorithm("List.indexOfSublist", "List list, List target -> Integer")
def index_of_sublist(items: list[Any], target: list[Any]) -> int:
    """Where the elements of another list first stand one after the other, -1 where they do not."""
    return next(iter(_sublists(items, target)), -1)


@algorithm("List.lastIndexOfSubList", "List list, List target -> Integer")
def last_index_of_sublist(items: list[Any], target: list[Any]) -> int:
    """Where the elements of another list last stand one after the other, -1 where they do not."""
    return ([-1, *_sublists(items, target)])[-1]


@algorithm("List.frequency", "List list, Object element -> Integer")
def frequency(items: list[Any], element: Any) -> int:
    """Number of elements that equal the value."""
    return sum(are_equal(item, element) for item in items)


@algorithm("List.distinct", "List list -> List")
def distinct(items: list[Any]) -> list[Any]:
    """The elements without those that equal an earlier one."""
    found: list[Any] = []
    for item in items:
        if position_of(found, item) < 0:
            found.append(item)
    return found


@algorithm("List.remove", "List list, Object element -> List")
def remove(items: list[Any], element: Any) -> list[Any]:
    """The list without the first element that equals the value."""
    place = position_of(items, element)
    return list(items) if place < 0 else [*items[:place], *items[place + 1 :]]


@algorithm("List.removeAll", "List list, List other -> List")
def remove_all(items: list[Any], other: list[Any]) -> list[Any]:
    """The list without the elements that equal one of the other list."""
    return [item for item in items if position_of(other, item) < 0]


@algorithm("List.replace", "List list, Object oldval, Object newval -> List")
def replace(items: list[Any], old: Any, new: Any) -> list[Any]:
    """The list with the first element that equals the old value replaced."""
    place = position_of(items, old)
    return list(items) if place < 0 else [*items[:place], new, *items[place + 1 :]]


@algorithm("List.replaceAll", "List list, Object oldval, Object newval -> List")
def replace_all(items: list[Any], old: Any, new: Any) -> list[Any]:
    """The list with all elements that equal the old value replaced."""
    return [new if are_equal(item, old) else item for item in items]


@algorithm("List.sort", "List list, List keys = null -> List")
def sort(items: list[Any], keys: list[Any] | None) -> list[Any]:
    """The elements in ascending order, or in that of keys, one an element; equals keep their order. Numbers are
    ordered by value, texts by their characters' codes; other elements have no order."""
    keys = items if keys is None else keys
    if len(keys) != len(items):
        raise ComputeError(f"{len(keys)} keys were given for {len(items)} elements")
    kinds = {"number" if is_number(key) and key == key else type(key).__name__ for key in keys}
    if len(kinds) > 1 or not kinds <= {"number", "str"}:
        raise refuse(f"an order of {' and '.join(sorted(kinds))}")
    return [items[place] for place in sorted(range(len(items)), key=lambda place: keys[place])]


@algorithm("List.join", 'List list, String separator = "" -> String')
def join(items: list[Any], separator: str) -> str:
    """The texts of the elements, which are texts, numbers or Booleans, with the separator between them."""
    return separator.join(text_of(item) for item in items)


@algorithm("List.repeat", "Object value, Integer count -> List")
def repeat(value: Any, count: int) -> list[Any]:
    """The value as many times as said."""
    return [value] * _checked_count(count)


def _checked_count(count: int) -> int:
    if not 0 <= count <= _LONGEST:
        raise ComputeError(f"count must be from 0 to {_LONGEST}, not {count}")
    return count


@algorithm("List.sequence", "Number start, Number end = null, Number step = 1, Integer count = null -> List")
def sequence(start: float, end: float | None, step: float, count: int | None) -> list[Any]:
    """Numbers from start to end (included) by step; with a count, so many at equal distances from start to end, or
    from start by step where there is no end."""
    if not all(math.isfinite(number) for number in (start, step, 0 if end is None else end)):
        raise ComputeError(f"a sequence from {start} to {end} has no step of {step}")
    if end is None:
        if count is None:
            raise ComputeError("at least one of end and count must be given")
        return [start + step * number for number in range(_checked_count(count))]
    if count is not None:
        if count < 2 or step != 1:
            raise refuse(f"a sequence of {count} numbers to an end by a step of {step}")
        distance = (end - start) / (_checked_count(count) - 1)
        distance = int(distance) if distance == int(distance) and isinstance(start, int) else distance
        return [start + distance * number for number in range(count)]
    return [start + step * number for number in range(_checked_count(_steps(start, end, step) + 1))]


def _steps(start: float, end: float, step: float) -> int:
    """How many steps lead to the end or to less than a step before it; refused where rounding decides."""
    if step == 0:
        raise ComputeError(f"a sequence from {start} to {end} has no step of {step}")
    steps = (end - start) / step
    if steps < 0:
        raise refuse(f"a sequence from {start} to {end} by {step}")
    if steps != round(steps) and abs(steps - round(steps)) < 1e-9 * max(1.0, steps):
        raise refuse(f"a sequence whose end {end} is met up to rounding")
    return math.floor(steps)


@algorithm("List.map", "List list, Algorithm baseAlgorithm, Boolean dropNulls = false -> List")
def map_list(items: list[Any], function: FunctionValue, drop_nulls: bool) -> list[Any]:
    """The results of a function of each element, in order; nulls are dropped where that is asked for."""
    results = [function(item) for item in items]
    return [result for result in results if result is not None] if drop_nulls else results


@algorithm("List.iterate", "List list, Algorithm function, Object first -> Object")
def iterate(items: list[Any], function: FunctionValue, first: Any) -> Any:
    """A function of each element, in order, and of its own previous result; ``first`` goes before the first element."""
    result = first
    for item in items:
        result = function(item, result)
    return result


@algorithm("List.filter", "List list, Filter filter -> List")
def filter_list(items: list[Any], test: FilterValue) -> list[Any]:
    """The elements that pass a filter; elements without properties of their own have the property ``item``."""

    def element(item: Any) -> ImageValue | FeatureValue:
        return item if isinstance(item, (ImageValue, FeatureValue)) else FeatureValue(None, {"item": item})

    return [item for item in items if test.matches(element(item))]


@algorithm("List.reduce", "List list, Reducer reducer -> Object")
def reduce(items: list[Any], reducer: ReducerValue) -> Any:
    """The reducer's output, or a dictionary of several. Nulls are left out. With several inputs each element is a list
    of them."""
    rows = [[item] for item in items] if reducer.inputs == 1 else items
    if not all(isinstance(row, list) and len(row) == reducer.inputs for row in rows):
        raise ComputeError(f"each element must be a list of {reducer.inputs}, one an input of the reducer")
    columns = tuple(column_of([row[i] for row in rows]) for i in range(reducer.inputs))
    check_ends(reducer, Records(columns))
    outputs = fold_records(reducer, Records(columns))
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs
