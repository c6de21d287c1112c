"""The vocabulary against documented computations: each gives the known answer or is refused by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from s2mask_qgis.engines.local.conformance import outcomes_of, summary
from s2mask_qgis.engines.local.vocabulary import VOCABULARY, signatures

CONFORMANCE = Path(__file__).resolve().parents[3] / "shared" / "conformance"


@pytest.mark.parametrize("name", ["cases", "rules"])
def test_documented_computations_are_equal_or_refused(name: str, capsys: pytest.CaptureFixture[str]):
    path = CONFORMANCE / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip("no documented computations: there is no ../shared/conformance beside the repository")
    outcomes = outcomes_of(path)
    with capsys.disabled():
        sys.stdout.write(f"\n{name}.jsonl: {summary(outcomes)}\n")
    assert [outcome for outcome in outcomes if outcome.outcome == "wrong"] == []
    assert any(outcome.outcome == "equal" for outcome in outcomes)


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
