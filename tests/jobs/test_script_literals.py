"""Plain values out of Python text: nothing runs, nothing is guessed, and what cannot be read is named by its lines."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.jobs.script_literals import NotPythonError, read_literals


def values_of(text: str, *groups: str) -> dict:
    return {name: assigned.value for name, assigned in read_literals(text.encode(), groups).values.items()}


def unread_of(text: str, *groups: str) -> list[tuple[int, int, set[str]]]:
    return [(lines.first, lines.last, set(lines.names)) for lines in read_literals(text.encode(), groups).unread]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("20", 20),
        ("-0.5", -0.5),
        ("1e-6", 1e-6),
        ("2 * 365 + 1", 731),
        ("(40 - 10) / 3", 10.0),
        ("True", True),
        ("None", None),
        ("'a' 'b'", "ab"),
        ("(1, [2, 'x'])", (1, [2, "x"])),
        ("{'a': 1, 2: None}", {"a": 1, 2: None}),
        ("datetime(2018, 1, 31)", datetime(2018, 1, 31)),
        ("datetime.datetime(2018, month=1, day=31)", datetime(2018, 1, 31)),
        ("datetime.date(2018, 1, 31)", date(2018, 1, 31)),
    ],
)
def test_plain_values_are_read(written, value):
    read = values_of(f"x = {written}")["x"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "written",
    [
        "open('x')",
        "__import__('os').getcwd()",
        "f'{1}'",
        "b'bytes'",
        "1j",
        "...",
        "'a' * 3",
        "'a' + 'b'",
        "[1] * 3",
        "10 ** 3",
        "1 / 0",
        "9223372036854775807 * 2",
        "9223372036854775808",
        "-True",
        "{**{}}",
        "{[1]: 2}",
        "[*range(3)]",
        "[n for n in (1, 2)]",
        "unknown",
        "datetime(2018, 13, 1)",
        "datetime('2018')",
        "datetime(**{'year': 2018})",
        "1 if True else 2",
        "lambda: 1",
    ],
)
def test_whatever_would_have_to_run_is_left_out_by_its_line(written):
    assert values_of(f"y = 1\nx = {written}") == {"y": 1}
    assert unread_of(f"y = 1\nx = {written}") == [(2, 2, {"x"})]


def test_nothing_of_the_file_runs(tmp_path):
    witness = tmp_path / "ran"
    text = f"open({str(witness)!r}, 'w')\nx = open({str(witness)!r}, 'w')\nif open({str(witness)!r}, 'w'): y = 1"
    assert values_of(text) == {}
    assert not witness.exists()


def test_numbers_and_texts_given_before_may_be_used_again():
    assert values_of("a = 4\nb = 'B4'\nc = [b, 2 * a]")["c"] == ["B4", 8]


def test_a_name_that_was_changed_by_what_cannot_be_read_has_no_value():
    text = "a = 4\na = a_function()\nb = 2 * a"
    assert values_of(text) == {}
    assert unread_of(text) == [(2, 2, {"a"}), (3, 3, {"b"})]


def test_the_last_value_of_a_name_counts():
    assert values_of("a = 1\na: int = 2") == {"a": 2}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a += 1", {"a"}),
        ("a, b = 1, 2", {"a", "b"}),
        ("a = b = 1", {"a", "b"}),
        ("a['x'] = 1", {"a"}),
        ("a.x = 1", {"a"}),
        ("del a", {"a"}),
        ("if True:\n    a = 1\nelse:\n    b = 1", {"a", "b"}),
        ("for a in (1, 2): b = a", {"a", "b"}),
        ("with open('x') as a: pass", {"a"}),
        ("def f():\n    a = 1", set()),
        ("class A:\n    a = 1", set()),
        ("print(1)", set()),
        ("from other import *", set()),
    ],
)
def test_other_statements_are_left_out_with_the_names_that_they_change(text, names):
    lines = text.count("\n") + 1
    assert values_of(text) == {}
    assert unread_of(text) == [(1, lines, names)]


def test_what_has_no_value_is_no_gap():
    text = '"""About."""\nimport os\nfrom datetime import datetime\nx: int\npass\n# a remark\n'
    assert read_literals(text.encode()) == read_literals(b"")


def test_entries_of_a_group_are_names_of_their_own_and_fail_alone():
    text = "G = {\n 'a': 1,\n 'b': f(),\n 'c': 3}\nH = {'d': 4}"
    assert values_of(text, "G") == {"a": 1, "c": 3, "H": {"d": 4}}
    assert unread_of(text, "G") == [(3, 3, {"b"})]
    assert read_literals(text.encode(), ("G",)).values["c"].line == 4


@pytest.mark.parametrize("text", ["G = dict(a=1)", "G = {**other}", "G = {1: 2}"])
def test_a_group_that_is_no_dictionary_of_names_is_left_out_as_a_whole(text):
    assert values_of(text, "G") == {}
    assert [names for _, _, names in unread_of(text, "G")] == [{"G"}]


@pytest.mark.parametrize("text", ["print 'a'", "x = = 1", "x = 1\x00", "(" * 300, "x = " + "-" * 100_000 + "1"])
def test_text_that_is_no_python_is_refused(text):
    with pytest.raises(NotPythonError):
        read_literals(text.encode())


def test_the_line_of_a_mistake_is_told():
    with pytest.raises(NotPythonError) as error:
        read_literals(b"x = 1\ny = = 2\n")
    assert error.value.line == 2


def test_other_encodings_are_read_as_python_reads_them():
    assert values_of("\ufeffx = 'é'") == {"x": "é"}
    assert read_literals("# coding: latin-1\nx = 'é'".encode("latin-1")).values["x"].value == "é"


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(), st.lists, max_leaves=5))
def test_whatever_python_writes_is_read_back(value):
    assert values_of(f"x = {value!r}") == {"x": value}


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(source):
    with suppress(NotPythonError):
        assert all(lines.first <= lines.last for lines in read_literals(source).unread)
