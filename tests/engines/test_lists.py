"""Lists and dictionaries: equality, parts, order, sequences, mapping and reduction."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.engines.local.conformance import answer_to
from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.calls import answer, array, call, is_refused

ITEMS = st.lists(st.one_of(st.integers(-3, 3), st.sampled_from(["a", "b"]), st.none()), max_size=8)


@given(ITEMS, ITEMS)
def test_search_is_by_equality(items: list[Any], other: list[Any]):
    assert answer("List.removeAll", list=items, other=other) == [item for item in items if item not in other]
    assert answer("List.containsAll", list=items, other=other) is (set(other) <= set(items))
    assert answer("List.distinct", list=items) == list(dict.fromkeys(items))
    assert answer("List.equals", list=items, other=other) is (items == other)
    assert answer("List.cat", list=items, other=other) == items + other
    assert answer("List.zip", list=items, other=other) == [list(pair) for pair in zip(items, other)]


@given(st.lists(st.integers(-9, 9), max_size=8))
def test_numbers_are_sorted(items: list[int]):
    assert answer("List.sort", list=items) == sorted(items)
    assert answer("List.sort", list=items, keys=[-item for item in items]) == sorted(items, reverse=True)


def test_a_boolean_is_no_number():
    assert answer("List.contains", list=[1, 2], element=True) is False
    assert answer("IsEqual", left=1, right=1.0) is True
    assert answer("IsEqual", left=True, right=1) is False
    assert answer("IsEqual", left={"a": [1, True]}, right={"a": [1, 1]}) is False
    assert answer("IsEqual", left=array([1, 2]), right=array([1, 2])) is True


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("get", {"list": [1, 2, 3], "index": -1}, 3),
        ("set", {"list": [1, 2, 3], "index": -3, "element": 9}, [9, 2, 3]),
        ("insert", {"list": [1, 2], "index": 2, "element": 9}, [1, 2, 9]),
        ("slice", {"list": [0, 1, 2, 3, 4], "start": 1, "end": -1, "step": 2}, [1, 3]),
        ("splice", {"list": [0, 1, 2, 3], "start": 1, "count": 2, "other": ["x"]}, [0, "x", 3]),
        ("swap", {"list": [0, 1, 2], "pos1": 0, "pos2": -1}, [2, 1, 0]),
        ("reverse", {"list": [1, 2]}, [2, 1]),
        ("flatten", {"list": [1, [2, [3, []]], [[4]]]}, [1, 2, 3, 4]),
        ("unzip", {"list": [[1, "a", 0], [2, "b"]]}, [[1, 2], ["a", "b"]]),
        ("indexOf", {"list": ["a", "b", "a"], "element": "a"}, 0),
        ("indexOfSublist", {"list": [1, 2, 1, 2], "target": [2, 1]}, 1),
        ("lastIndexOfSubList", {"list": [1, 2, 1, 2], "target": [1, 2]}, 2),
        ("frequency", {"list": [1, 1.0, "1"], "element": 1}, 2),
        ("remove", {"list": [1, 2, 1], "element": 1}, [2, 1]),
        ("replace", {"list": [1, 2, 1], "oldval": 1, "newval": 0}, [0, 2, 1]),
        ("replaceAll", {"list": [1, 2, 1], "oldval": 1, "newval": 0}, [0, 2, 0]),
        ("join", {"list": ["a", 1, 2.5], "separator": "-"}, "a-1-2.5"),
        ("repeat", {"value": [1], "count": 2}, [[1], [1]]),
        ("sequence", {"start": 1, "end": 4}, [1, 2, 3, 4]),
        ("sequence", {"start": 0, "end": 1, "count": 5}, [0, 0.25, 0.5, 0.75, 1]),
        ("sequence", {"start": 5, "end": 1, "step": -2}, [5, 3, 1]),
        ("sort", {"list": ["b", "A", "a"]}, ["A", "a", "b"]),
        ("getNumber", {"list": ["a", 2], "index": 1}, 2),
        ("reduce", {"list": [1, None, 3], "reducer": call("Reducer.mean")}, 2),
    ],
)
def test_lists_follow_the_reference(name: str, arguments: dict[str, Any], expected: Any):
    assert answer(f"List.{name}", **arguments) == expected


def test_several_outputs_of_a_reducer_are_a_dictionary():
    both = call("Reducer.combine", reducer1=call("Reducer.min"), reducer2=call("Reducer.max"), sharedInputs=True)
    assert answer("List.reduce", list=[3, 1, 2], reducer=both) == {"min": 1, "max": 3}


def test_elements_are_filtered_by_item():
    above = call("Filter.greaterThan", leftField="item", rightValue=2)
    assert answer("List.filter", list=[1, 2, 3, 4], filter=above) == [3, 4]


def test_a_function_goes_through_a_list_with_its_previous_result():
    add = {"functionInvocationValue": {"functionName": "Number.add", "arguments": {
        "left": {"argumentReference": "item"}, "right": {"argumentReference": "sum"}}}}  # fmt: skip
    function = {"functionDefinitionValue": {"argumentNames": ["item", "sum"], "body": "1"}}
    arguments = {"list": {"constantValue": [1, 2, 3]}, "function": function, "first": {"constantValue": 10}}
    invoked = {"functionInvocationValue": {"functionName": "List.iterate", "arguments": arguments}}
    assert answer_to({"result": "0", "values": {"0": invoked, "1": add}}) == 16


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("sort", {"list": [1, "a"]}),
        ("sort", {"list": [1, None]}),
        ("sequence", {"start": 5, "end": 1}),
        ("sequence", {"start": 0, "end": 0.3, "step": 0.1}),
        ("join", {"list": [[1]]}),
        ("insert", {"list": [1], "index": -1, "element": 0}),
    ],
)
def test_what_the_reference_leaves_open_is_refused(name: str, arguments: dict[str, Any]):
    assert is_refused(f"List.{name}", **arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get", {"list": [1], "index": 1}),
        ("sequence", {"start": 1}),
        ("sequence", {"start": 0, "end": 1e12}),
        ("sequence", {"start": 0, "end": 1, "step": 0}),
        ("repeat", {"value": 1, "count": -1}),
        ("getString", {"list": [1], "index": 0}),
    ],
)
def test_what_has_no_result_is_an_error(name: str, arguments: dict[str, Any]):
    with pytest.raises(ComputeError, match=rf"^List.{name}: "):
        answer(f"List.{name}", **arguments)


@pytest.mark.parametrize("condition", [None, 0, 0.0, False, "", [], {}, call("Number.sqrt", input=-1)])
def test_empty_values_choose_the_second_case(condition: Any):
    assert answer("If", condition=condition, trueCase="a", falseCase="b") == "b"


@pytest.mark.parametrize("condition", [1, -0.5, True, "0", [0], {"a": 0}, array([0]), call("Date", value=0)])
def test_other_values_choose_the_first_case(condition: Any):
    assert answer("If", condition=condition, trueCase="a", falseCase="b") == "a"


TABLE = {"b": 2, "a": 1, "c": None}


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("keys", {"dictionary": TABLE}, ["a", "b", "c"]),
        ("values", {"dictionary": TABLE}, [1, 2, None]),
        ("values", {"dictionary": TABLE, "keys": ["b"]}, [2]),
        ("size", {"dictionary": TABLE}, 3),
        ("contains", {"dictionary": TABLE, "key": "c"}, True),
        ("get", {"dictionary": TABLE, "key": "x", "defaultValue": 0}, 0),
        ("getNumber", {"dictionary": TABLE, "key": "a"}, 1),
        ("set", {"dictionary": {"a": 1}, "key": "a", "value": 5}, {"a": 5}),
        ("fromLists", {"keys": ["x", "y"], "values": [1, 2]}, {"x": 1, "y": 2}),
        ("combine", {"first": TABLE, "second": {"a": 9}}, {"a": 9, "b": 2}),
        ("combine", {"first": TABLE, "second": {"a": 9}, "overwrite": False}, {"a": 1, "b": 2}),
        ("select", {"dictionary": {"B2": 1, "B3": 2, "x": 3}, "selectors": ["B.*"]}, {"B2": 1, "B3": 2}),
        ("remove", {"dictionary": {"B2": 1, "x": 3}, "selectors": ["x", "y"], "ignoreMissing": True}, {"B2": 1}),
        ("rename", {"dictionary": {"a": 1, "b": 2}, "from_": ["a"], "to": ["z"]}, {"z": 1, "b": 2}),
        ("toArray", {"dictionary": {"b": 2, "a": 1}}, [1, 2]),
    ],
)
def test_dictionaries_follow_the_reference(name: str, arguments: dict[str, Any], expected: Any):
    assert answer(f"Dictionary.{name}", **arguments) == expected


def test_a_dictionary_is_made_of_keys_and_values_by_turns():
    assert answer("Dictionary", input=["a", 1, "b", 2]) == {"a": 1, "b": 2}
    assert answer("Dictionary") == {}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get", {"dictionary": TABLE, "key": "x"}),
        ("fromLists", {"keys": ["x"], "values": []}),
        ("select", {"dictionary": TABLE, "selectors": ["x"]}),
        ("rename", {"dictionary": {"a": 1, "b": 2}, "from_": ["a"], "to": ["b"]}),
    ],
)
def test_keys_that_do_not_fit_are_an_error(name: str, arguments: dict[str, Any]):
    with pytest.raises(ComputeError, match=rf"^Dictionary.{name}: "):
        answer(f"Dictionary.{name}", **arguments)
