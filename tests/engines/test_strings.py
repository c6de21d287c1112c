"""Texts: parts, search, regular expressions and JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.calls import answer, is_refused

PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)


@given(PLAIN, st.integers(-15, 15), st.integers(-15, 15))
def test_parts_of_texts_are_those_between_two_places(text: str, start: int, end: int):
    def place(index: int) -> int:
        return min(max(index + len(text) if index < 0 else index, 0), len(text))

    expected = "".join(text[i] for i in range(place(start), place(end)))
    assert answer("String.slice", string=text, start=start, end=end) == expected


@given(PLAIN, PLAIN)
def test_texts_are_ordered_by_their_characters(first: str, second: str):
    expected = 0 if first == second else -1 if sorted([first, second])[0] == first else 1
    assert answer("String.compareTo", string1=first, string2=second) == expected
    assert answer("String.equals", reference=first, target=second) is (first == second)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("cat", {"string1": "a", "string2": "b"}, "ab"),
        ("length", {"string": "äb"}, 2),
        ("index", {"target": "abcabc", "pattern": "c"}, 2),
        ("rindex", {"target": "abcabc", "pattern": "c"}, 5),
        ("trim", {"string": "\t a b \n"}, "a b"),
        ("toUpperCase", {"string": "aBc"}, "ABC"),
        ("toLowerCase", {"string": "aBc"}, "abc"),
        ("equals", {"reference": "1", "target": 1}, False),
        ("replace", {"input": "S2A_S2B", "regex": "S2[AB]", "replacement": "x"}, "x_S2B"),
        ("replace", {"input": "S2A_S2B", "regex": "s2[ab]", "replacement": "x", "flags": "gi"}, "x_x"),
        ("match", {"input": "T33UXP", "regex": "T([0-9]+)([A-Z]+)"}, ["T33UXP", "33", "UXP"]),
        ("match", {"input": "a1b2", "regex": "[0-9]", "flags": "g"}, ["1", "2"]),
        ("match", {"input": "ab", "regex": "[0-9]"}, []),
        ("split", {"string": "a, b,c", "regex": ",\\s*"}, ["a", "b", "c"]),
        ("split", {"string": "abc", "regex": ""}, ["a", "b", "c"]),
        ("split", {"string": "-a--b--", "regex": "-"}, ["", "a", "", "b"]),
        ("split", {"string": "--", "regex": "-"}, []),
        ("split", {"string": "1x2X3", "regex": "(X)", "flags": "i"}, ["1", "2", "3"]),
        ("split", {"string": "a b_c\td", "regex": "[[:space:]_]"}, ["a", "b", "c", "d"]),
        ("split", {"string": "a1B", "regex": "[^[:alpha:]]"}, ["a", "B"]),
        ("match", {"input": "a[:b", "regex": "[[:punct:]]+"}, ["[:"]),
        ("match", {"input": "x:y", "regex": "[:space:]"}, [":"]),
        ("match", {"input": "ab", "regex": "(?:a)(b)"}, ["ab", "b"]),
        ("match", {"input": "ab", "regex": ""}, [""]),
        ("encodeJSON", {"object": {"a": [1, 2.5, None, True, "x"]}}, '{"a":[1,2.5,null,true,"x"]}'),
        ("decodeJSON", {"string": '{"a": [1, null]}'}, {"a": [1, None]}),
    ],
)
def test_texts_follow_the_reference(name: str, arguments: dict[str, Any], expected: Any):
    assert answer(f"String.{name}", **arguments) == expected


def test_numbers_become_texts():
    assert answer("String", input=12) == "12"
    assert answer("String", input="x") == "x"
    assert answer("String", input=True) == "true"
    assert is_refused("String", input=[1])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("replace", {"input": "ab", "regex": "(a)", "replacement": "$1"}),
        ("replace", {"input": "ab", "regex": "(?=a)", "replacement": "x"}),
        ("replace", {"input": "ab", "regex": "x*", "replacement": "y"}),
        ("split", {"string": "ab", "regex": "\\b"}),
        ("split", {"string": "", "regex": ","}),
        ("match", {"input": "ab", "regex": "[[:unknown:]]"}),
        ("match", {"input": "aa", "regex": "(a)\\1"}),
        ("length", {"string": "\U0001f600"}),
        ("encodeJSON", {"object": {"b": 1, "a": 2}}),
    ],
)
def test_what_engines_of_expressions_read_differently_is_refused(name: str, arguments: dict[str, Any]):
    assert is_refused(f"String.{name}", **arguments)


@pytest.mark.parametrize("regex", ["(", "[", "a{2,1}"])
def test_a_broken_expression_is_an_error(regex: str):
    with pytest.raises(ComputeError, match="is not a regular expression"):
        answer("String.match", input="a", regex=regex)


@given(st.lists(st.one_of(st.none(), st.booleans(), st.integers(-1000, 1000)), max_size=5))
def test_json_is_read_as_it_was_written(values: list[Any]):
    text = answer("String.encodeJSON", object=values)
    assert json.loads(text) == values
    assert answer("String.decodeJSON", string=text) == values


@pytest.mark.parametrize("text", ["", "{", "NaN", "[" * 100_000])
def test_what_is_no_json_is_an_error(text: str):
    with pytest.raises(ComputeError, match=r"^String.decodeJSON: "):
        answer("String.decodeJSON", string=text)
