"""Dictionaries: values by key, made from lists, joined, chosen and renamed; keys are in the order of their codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..values import ArrayValue, ComputeError, FunctionValue, ImageValue
from .array_building import array_from
from .conversions import constant_image, is_number, of_type, to_string
from .elementwise import refuse
from .registry import Algorithm, algorithm
from .strings import matches_whole


@algorithm("Dictionary", "Object input = null -> Dictionary")
def dictionary(value: Any) -> dict[str, Any]:
    """A dictionary from another one, or from a list of keys and values by turns; empty without an input."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    if not isinstance(value, list) or len(value) % 2:
        raise ComputeError("a dictionary is made of a dictionary or of a list of keys and values by turns")
    return from_lists.function([to_string(key) for key in value[::2]], value[1::2])


@algorithm("Dictionary.fromLists", "List<String> keys, List values -> Dictionary")
def from_lists(keys: list[str], values: list[Any]) -> dict[str, Any]:
    """A dictionary of a list of keys (texts, each once) and a list of as many values."""
    if len(keys) != len(values):
        raise ComputeError(f"{len(keys)} keys were given for {len(values)} values")
    if len(set(keys)) != len(keys):
        raise refuse("a key that is given twice")
    return dict(zip(keys, values))


@algorithm("Dictionary.get", "Dictionary dictionary, String key, Object defaultValue = null -> Object")
def get(values: dict[str, Any], key: str, default: Any) -> Any:
    """The value of a key; the default where there is none; an error where neither exists."""
    if key in values:
        return values[key]
    if default is None:
        raise ComputeError(f"Dictionary does not contain key: '{key}'.")
    return default


def _typed_get(name: str) -> Algorithm:
    @algorithm(
        f"Dictionary.get{name}",
        f"Dictionary dictionary, String key -> {name}",
        description=f"The value of a key, which must exist and be of the type {name}.",
    )
    def compute(values: dict[str, Any], key: str) -> Any:
        return of_type(get.function(values, key, None), name, f"the value of {key!r}")

    return compute


TYPED_GETS = tuple(_typed_get(name) for name in ("Number", "String", "Array", "Geometry"))


@algorithm("Dictionary.set", "Dictionary dictionary, String key, Object value -> Dictionary")
def set_value(values: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """The dictionary with one value set."""
    return {**values, key: value}


@algorithm("Dictionary.keys", "Dictionary dictionary -> List")
def keys_of(values: dict[str, Any]) -> list[str]:
    """The keys, in ascending order."""
    return sorted(values)


@algorithm("Dictionary.values", "Dictionary dictionary, List<String> keys = null -> List")
def values_of(values: dict[str, Any], keys: list[str] | None) -> list[Any]:
    """The values of the keys given, in their order; of all keys in ascending order, if none are given."""
    return [get.function(values, key, None) for key in (sorted(values) if keys is None else keys)]


@algorithm("Dictionary.size", "Dictionary dictionary -> Integer")
def size(values: dict[str, Any]) -> int:
    """Number of entries."""
    return len(values)


@algorithm("Dictionary.contains", "Dictionary dictionary, String key -> Boolean")
def contains(values: dict[str, Any], key: str) -> bool:
    """True where there is such a key."""
    return key in values


@algorithm("Dictionary.combine", "Dictionary first, Dictionary second, Boolean overwrite = true -> Dictionary")
def combine(first: dict[str, Any], second: dict[str, Any], overwrite: bool) -> dict[str, Any]:
    """The entries of both; of a key in both, the second's value, or the first's without ``overwrite``. Nulls are left
    out."""
    kept, added = ({key: item for key, item in part.items() if item is not None} for part in (first, second))
    return {**kept, **added} if overwrite else {**added, **kept}


@algorithm("Dictionary.map", "Dictionary dictionary, Algorithm baseAlgorithm -> Dictionary")
def map_values(values: dict[str, Any], function: FunctionValue) -> dict[str, Any]:
    """Each value replaced by a function of its key and itself; keys for which it gives null are left out."""
    results = {key: function(key, value) for key, value in values.items()}
    return {key: result for key, result in results.items() if result is not None}


def _chosen(values: dict[str, Any], selectors: Sequence[str], ignore_missing: bool) -> list[str]:
    """The keys that names or regular expressions for whole names choose, in the order of the selectors."""
    found: list[str] = []
    for selector in selectors:
        matching = [selector] if selector in values else [key for key in sorted(values) if matches_whole(selector, key)]
        if not matching and not ignore_missing:
            raise ComputeError(f"no key matches {selector!r}; there are {sorted(values)}")
        found.extend(key for key in matching if key not in found)
    return found


_SELECTION = "Dictionary dictionary, List<String> selectors, Boolean ignoreMissing = false -> Dictionary"


@algorithm("Dictionary.select", _SELECTION)
def select(values: dict[str, Any], selectors: list[str], ignore_missing: bool) -> dict[str, Any]:
    """Only the keys that names or regular expressions choose; one that chooses none is an error, or ignored."""
    return {key: values[key] for key in _chosen(values, selectors, ignore_missing)}


@algorithm("Dictionary.remove", _SELECTION)
def remove(values: dict[str, Any], selectors: list[str], ignore_missing: bool) -> dict[str, Any]:
    """All but the keys that names or regular expressions choose; one that chooses none is an error, or ignored."""
    gone = set(_chosen(values, selectors, ignore_missing))
    return {key: item for key, item in values.items() if key not in gone}


@algorithm(
    "Dictionary.rename",
    "Dictionary dictionary, List<String> from, List<String> to, Boolean overwrite = false -> Dictionary",
)
def rename(values: dict[str, Any], old: list[str], new: list[str], overwrite: bool) -> dict[str, Any]:
    """Keys replaced by others, one each. A new key that exists is an error, or takes the place with ``overwrite``."""
    if len(old) != len(new):
        raise ComputeError(f"{len(new)} new keys were given for {len(old)} old ones")
    renamed = {to: get.function(values, key, None) for key, to in zip(old, new)}
    kept = {key: item for key, item in values.items() if key not in old}
    if not overwrite and (len(renamed) < len(new) or renamed.keys() & kept.keys()):
        raise ComputeError("a new key exists already; set overwrite to replace it")
    return {**kept, **renamed}


@algorithm("Dictionary.toArray", "Dictionary dictionary, List<String> keys = null, Integer axis = 0 -> Array")
def to_array_of_values(values: dict[str, Any], keys: list[str] | None, axis: int) -> ArrayValue:
    """The numbers of the keys given, in their order, as an array of one dimension; of all keys in ascending order, if
    none are given."""
    numbers = values_of.function(values, keys)
    if axis != 0 or not numbers or not all(is_number(number) for number in numbers):
        raise refuse("an array along another axis than 0, or of values that are no numbers,")
    return array_from(numbers, None)


@algorithm("Dictionary.toImage", "Dictionary dictionary, List<String> names = null -> Image")
def to_image(values: dict[str, Any], names: list[str] | None) -> ImageValue:
    """An image of constants, a band for each name in that order; for all keys in ascending order, if none are given."""
    keys = sorted(values) if names is None else names
    if not keys:
        return ImageValue(())
    image = constant_image([get.function(values, key, None) for key in keys])
    return image.with_bands([replace(band, name=key) for band, key in zip(image.bands, keys)])
