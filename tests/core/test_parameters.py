"""The parameters of a run and what is wrong with them."""

from __future__ import annotations

import dataclasses
import json

import pytest

from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.core.parameters import RunParameters, find_problems


def test_the_defaults_are_the_published_ones():
    parameters = RunParameters()
    assert (parameters.number_of_images, parameters.number_preselect) == (20, 40)
    assert (parameters.hours_excluded, parameters.common_area, parameters.cloud_threshold) == (18.0, 0.95, 20.0)
    assert (parameters.cluster_count, parameters.sample_size, parameters.scale_m) == (10, 5000, 30)
    assert parameters.thresholds == "as trained"
    assert (parameters.opening_radius_px, parameters.methods_as_documented) == (2, False)
    assert parameters.cutoff == 0.0  # the model's own


def test_every_problem_is_reported_at_once_with_its_field_and_the_allowed_range():
    with pytest.raises(ParameterError) as caught:
        RunParameters.from_json({"cutoff": 1.5, "number_of_images": 0, "scale_m": 25, "date_start": "1.5.2023"})
    problems = {problem.field: problem.text for problem in caught.value.problems}
    assert set(problems) == {"cutoff", "number_of_images", "scale_m", "date_start"}
    assert "1.5" in problems["cutoff"]
    assert "from 0.0 to 0.999" in problems["cutoff"]
    assert "from 1 to 100 images" in problems["number_of_images"]
    assert "10, 20, 30, 60" in problems["scale_m"]
    assert "YYYY-MM-DD" in problems["date_start"]
    assert str(caught.value).count("\n") == 3
    assert all(text.startswith(f"{field}: ") for field, text in problems.items())


@pytest.mark.parametrize("item", [item for item in dataclasses.fields(RunParameters) if "low" in item.metadata])
def test_both_ends_of_a_range_are_allowed_and_nothing_beyond(item):
    low, high = item.metadata["low"], item.metadata["high"]
    assert not [problem for problem in find_problems({item.name: low}) if "cannot be used" in problem.text]
    assert not [problem for problem in find_problems({item.name: high}) if "cannot be used" in problem.text]
    for value in (low - 1, high + 1, float("nan"), "many", None, True):
        (problem,) = find_problems({item.name: value})
        assert problem.field == item.name
        assert repr(value) in problem.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("number_of_images", 2.5),
        ("scale_m", 30.0),
        ("scale_m", True),
        ("thresholds", "none"),
        ("allow_future", 1),
        ("do_clustering", "yes"),
        ("date_start", 20230501),
        ("date_end", "2023-02-29"),
        ("date_end", "20230531"),
        ("colour", "red"),
        ("model", ""),
        ("model", None),
    ],
)
def test_values_of_the_wrong_kind_are_problems(name, value):
    (problem,) = find_problems({name: value})
    assert problem.field == name


def test_values_that_contradict_each_other_are_problems():
    values = {"date_start": "2023-05-02", "date_end": "2023-05-01", "number_of_images": 9, "number_preselect": 8}
    assert [problem.field for problem in find_problems(values)] == ["date_end", "number_preselect"]
    with pytest.raises(ParameterError, match="2023-05-01 lies before date_start 2023-05-02"):
        RunParameters(date_start="2023-05-02", date_end="2023-05-01")
    assert find_problems({"number_of_images": 41})[0].field == "number_preselect"  # against the default of 40


def test_a_day_may_be_both_start_and_end():
    assert RunParameters(date_start="2023-05-02", date_end="2023-05-02").start.day == 2


def test_names_of_the_published_scripts_are_understood():
    assert RunParameters.from_json({"CUTTOF": 0.4, "scale": 10}) == RunParameters(cutoff=0.4, scale_m=10)


def test_json_gives_the_parameters_back():
    parameters = RunParameters(date_start="2023-05-01", number_of_images=3, thresholds="reflectance", seed=5)
    assert RunParameters.from_json(json.loads(json.dumps(parameters.to_json()))) == parameters


def test_every_field_has_help_and_a_unit():
    for item in dataclasses.fields(RunParameters):
        assert item.metadata["help"].endswith(".")
        assert isinstance(item.metadata["unit"], str)
