"""The comparison of answers with documented ones: what counts as equal, refused and wrong."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from s2mask_qgis.engines.local.conformance import Outcome, is_same, main, outcome_of, summary

EXACT = {"mode": "exact"}


def case(expected: Any, function: str = "Number.add", **arguments: Any) -> dict[str, Any]:
    """A case that calls one algorithm with constants."""
    constants = {name: {"constantValue": value} for name, value in arguments.items()}
    invoked = {"functionInvocationValue": {"functionName": function, "arguments": constants}}
    return {"id": "x", "expression": {"result": "0", "values": {"0": invoked}}, "expected": expected, "compare": EXACT}


@pytest.mark.parametrize(
    ("found", "expected", "compare", "same"),
    [
        (1.0, 1, EXACT, True),
        (True, 1, EXACT, False),
        (1, True, EXACT, False),
        (math.nan, "NaN", EXACT, True),
        (1.0, "NaN", EXACT, False),
        (-math.inf, "-Infinity", EXACT, True),
        (math.inf, "-Infinity", EXACT, False),
        ("NaN", "NaN", EXACT, True),
        (1.0005, 1, {"mode": "approx", "abs": 0.001}, True),
        (1.002, 1, {"mode": "approx", "abs": 0.001}, False),
        ("1.2", 1.2, {"mode": "approx", "abs": 0.1}, False),
        (100.0, 101.0, {"mode": "approx", "abs": 0, "rel": 0.02}, True),
        ([1, 2], [1, 2], EXACT, True),
        ([1, 2], [1], EXACT, False),
        ([1], 1, EXACT, False),
        ([1], 1, {"mode": "exact", "shape": "loose"}, True),
        (1, [[1]], {"mode": "exact", "shape": "loose"}, True),
        ([1, 2], [[1, 2]], {"mode": "exact", "shape": "loose"}, True),
        ({"a": 1}, {"a": 1, "b": 2}, EXACT, False),
        ({"type": "Date", "value": 1000}, {"type": "Date", "iso": "1970-01-01T00:00:01"}, EXACT, True),
        (None, 0, EXACT, False),
    ],
)
def test_answers_are_compared_as_the_case_says(found: Any, expected: Any, compare: dict[str, Any], same: bool):
    assert is_same(found, expected, compare) is same


def test_a_case_is_equal_wrong_or_refused():
    assert outcome_of(case(3, left=1, right=2)) == Outcome("x", "equal", 3)
    assert outcome_of(case(4, left=1, right=2)) == Outcome("x", "wrong", 3)
    assert outcome_of(case(3, "Number.unheardOf")).outcome == "refused"
    assert outcome_of(case(3, "Number.mod", left=1, right=0)).outcome == "refused"


def test_a_failure_that_is_no_refusal_is_wrong():
    failed = outcome_of(case(3, left="a", right=2))
    assert failed.outcome == "wrong"
    assert failed.got.startswith("Number.add: ")


def test_a_file_gives_a_line_a_case_and_a_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "cases.jsonl"
    cases = [case("-Infinity", "Number.log", input=0), case(0, "Number.unheardOf"), case(4, left=1, right=2)]
    path.write_text("\n".join(map(json.dumps, cases)) + "\n", encoding="utf-8")
    assert main([str(path)]) == 1
    *lines, last = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == ["equal", "refused", "wrong"]
    assert json.loads(lines[0])["got"] == "-Infinity"
    assert last == "1 equal, 1 refused, 1 wrong"


def test_a_file_without_wrong_cases_succeeds(tmp_path: Path):
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(case(3, left=1, right=2)), encoding="utf-8")
    assert main([str(path)]) == 0
    assert summary([]) == "0 equal, 0 refused, 0 wrong"
