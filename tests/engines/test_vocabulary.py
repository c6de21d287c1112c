"""The vocabulary against documented computations: each gives the known answer or is refused by name."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from s2mask_qgis.engines.local.algorithms.registry import collect
from s2mask_qgis.engines.local.conformance import outcomes_of, summary
from s2mask_qgis.engines.local.values import ComputeError
from s2mask_qgis.engines.local.vocabulary import VOCABULARY, signatures
from tests.engines.calls import answer, array, call, is_refused

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


def test_two_algorithms_of_one_name_are_a_defect():
    family = ModuleType("family")
    family.one, family.same = VOCABULARY["Image.abs"], VOCABULARY["Image.abs"]
    assert set(collect(family)) == {"Image.abs"}
    family.other = replace(VOCABULARY["Image.sqrt"], name="Image.abs")
    with pytest.raises(ValueError, match=r"two algorithms of the name 'Image\.abs'"):
        collect(family)


def test_texts_numbers_and_filters_in_lists_are_checked():
    for name, given, sentence in (
        ("Image.rename", {"input": 1, "names": [1]}, "argument 'names': a text is needed"),
        ("Array.cut", {"array": [1], "position": ["a"]}, "argument 'position': a whole number is needed"),
        ("Array.cut", {"array": [1], "position": [0.5]}, "argument 'position': a whole number is needed"),
        ("Filter.and", {"filters": [1]}, "argument 'filters': a Filter is needed"),
        ("Image.select", {"input": 1, "bandSelectors": [[1]]}, "not by a list"),
    ):
        with pytest.raises(ComputeError, match=f"^{name}: .*{sentence}"):
            answer(name, **given)


def test_constant_images_hold_numbers_and_arrays():
    image = call("Image.constant", value=[1, array([1, 2])])
    assert answer("Image.bandNames", image=image) == ["constant_0", "constant_1"]
    lengths = call("Image.arrayLengths", input=call("Image.select", input=image, bandSelectors=[1]))
    assert answer("Image.bandNames", image=lengths) == ["constant_1"]


def test_types_of_pixels_are_values():
    assert answer("PixelType.int8") == {"type": "PixelType", "precision": "int", "min": -128, "max": 127}
    assert answer("PixelType.float") == {"type": "PixelType", "precision": "float"}
    assert is_refused("Reducer.mean")
