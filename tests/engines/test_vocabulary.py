"""The vocabulary against documented computations: each gives the known answer or is refused by name."""

from __future__ import annotations

import json
import math
import re
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from s2mask_qgis.engines.local.answers import to_json
from s2mask_qgis.engines.local.values import ComputeError
from s2mask_qgis.engines.local.vocabulary import VOCABULARY, signatures
from tests.engines.in_process import evaluate_graph

CONFORMANCE = Path(__file__).resolve().parents[3] / "shared" / "conformance"
REFUSAL = re.compile(r"^[\w.]+: .*not implemented by the local engine")
SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def is_same(found: Any, expected: Any, compare: dict[str, Any]) -> bool:
    """Whether an answer is the expected one, as the case says that they are compared."""
    if isinstance(expected, dict) and "iso" in expected:
        instant = datetime.fromisoformat(expected["iso"]).replace(tzinfo=timezone.utc)
        return found == {"type": "Date", "value": round(instant.timestamp() * 1000)}
    if isinstance(expected, list):
        same_length = isinstance(found, list) and len(found) == len(expected)
        return same_length and all(is_same(a, b, compare) for a, b in zip(found, expected))
    if isinstance(expected, dict):
        same_keys = isinstance(found, dict) and found.keys() == expected.keys()
        return same_keys and all(is_same(found[key], value, compare) for key, value in expected.items())
    if isinstance(found, float) and isinstance(expected, str) and expected in SPECIAL:
        return found == SPECIAL[expected] or (math.isnan(found) and expected == "NaN")
    if compare["mode"] == "approx" and isinstance(found, (int, float)):
        return math.isclose(found, expected, rel_tol=compare.get("rel", 0.0), abs_tol=compare["abs"])
    return found == expected


def outcome_of(case: dict[str, Any]) -> str:
    """``equal``, ``refused``, or a sentence that says what is wrong."""
    try:
        found = to_json(evaluate_graph(case["expression"]))
    except ComputeError as error:
        return "refused" if REFUSAL.match(str(error)) else f"{case['id']}: fails with {error}"
    if is_same(found, case["expected"], case.get("compare", {"mode": "exact"})):
        return "equal"
    return f"{case['id']}: {found!r} instead of {case['expected']!r}"


@pytest.mark.parametrize("name", ["cases", "rules"])
def test_documented_computations_are_equal_or_refused(name: str, capsys: pytest.CaptureFixture[str]):
    path = CONFORMANCE / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip("no documented computations: there is no ../shared/conformance beside the repository")
    outcomes = [outcome_of(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    wrong = [outcome for outcome in outcomes if outcome not in ("equal", "refused")]
    equal, refused = outcomes.count("equal"), outcomes.count("refused")
    with capsys.disabled():
        sys.stdout.write(f"\n{name}.jsonl: {equal} equal, {refused} refused, {len(wrong)} wrong\n")
    assert wrong == []
    assert equal > 0


@pytest.mark.parametrize(
    ("old", "new"),
    [("Image.focal_min", "Image.focalMin"), ("Image.toByte", "Image.byte"), ("Image.toFloat", "Image.float")],
)
def test_both_spellings_of_an_algorithm_are_known(old: str, new: str):
    assert VOCABULARY[old] is VOCABULARY[new]


def test_every_algorithm_is_described_for_the_client():
    described = signatures()
    assert [each["name"] for each in described] == [f"algorithms/{name}" for name in sorted(VOCABULARY)]
    assert all(each["description"] and each["returnType"] for each in described)
