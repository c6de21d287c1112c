from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import run
from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.core.models import files
from s2mask_qgis.core.models.model import Model, Table
from s2mask_qgis.jobs import presets


def parameters_of(tmp_path: Path, text: str, *arguments: str) -> dict:
    path = tmp_path / "parameters.json"
    path.write_text(text, encoding="utf-8")
    return read(path, *arguments).values


def read(path: Path, *arguments: str) -> run.GivenParameters:
    return run.read_parameters(run.parse_arguments(["--parameters", str(path), *arguments]))


def test_everything_may_be_left_out():
    options = run.parse_arguments([])
    assert options.scenes is None
    assert run.read_parameters(options) == run.GivenParameters()
    assert run.sample_folder(options).name == "sample"


def test_names_of_the_published_scripts_are_understood(tmp_path):
    values = parameters_of(tmp_path, '{"CUTTOF": 0.4, "number_of_images": 3}')
    assert values == {"cutoff": 0.4, "number_of_images": 3}


def test_a_preset_of_the_form_is_checked_and_handed_to_the_dock(tmp_path):
    path = tmp_path / "dry.json"
    presets.write(path, {"model": "published", "cutoff": 0.4}, None)
    given = read(path, "--start", "2015-06-01")
    assert given == run.GivenParameters({"model": "published", "cutoff": 0.4, "date_start": "2015-06-01"}, path)
    job = run.make_job(run.parse_arguments([]), Path("scenes"), None, given)
    assert job["preset"] == str(path)
    assert job["parameters"]["cutoff"] == 0.4


def test_a_preset_may_bring_its_own_model(tmp_path):
    own = Model("mine", "My own", Table(("percentile5",), (0.1, 0.9)), 0.4)
    files.write(own, tmp_path / "models")
    presets.write(tmp_path / "mine.json", {"model": "mine"}, tmp_path / "models")
    assert read(tmp_path / "mine.json").values == {"model": "mine"}


def test_a_damaged_preset_is_refused_with_every_problem(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text('{"format": 1, "parameters": {"cutoff": 7, "model": "gone"}}')
    with pytest.raises(ParameterError) as caught:
        read(path)
    assert {problem.field for problem in caught.value.problems} == {"cutoff", "model"}


def test_a_parameters_py_of_the_published_scripts_is_read_with_notes(tmp_path):
    path = tmp_path / "parameters.py"
    path.write_text("CUTTOF = 0.4\nnb_task_max = 30\ndate_start = '2018-01-01'", encoding="utf-8")
    given = read(path, "--start", "2018-02-01")
    assert given.values == {"model": "published", "shadow": False, "cutoff": 0.4, "date_start": "2018-02-01"}
    assert given.preset is None
    assert any("nb_task_max" in note for note in given.notes)


def test_dates_on_the_command_line_win(tmp_path):
    values = parameters_of(tmp_path, '{"date_start": "2020-01-01"}', "--start", "2015-06-01", "--end", "2015-12-31")
    assert values == {"date_start": "2015-06-01", "date_end": "2015-12-31"}


def test_every_wrong_parameter_is_named(tmp_path):
    with pytest.raises(ParameterError) as caught:
        parameters_of(tmp_path, '{"cutoff": 7, "seeds": 1}', "--start", "yesterday")
    assert {problem.field for problem in caught.value.problems} == {"cutoff", "seeds", "date_start"}


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_damaged_file_of_parameters_is_refused_by_name(tmp_path, text):
    with pytest.raises(run.RefusedError, match=r"parameters\.json"):
        parameters_of(tmp_path, text)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--scenes", "nowhere"], "SCENES"),
        (["--area", "nowhere.gpkg"], "AREA"),
        (["--scenes", ".", "--dates", "3"], "SIZE and DATES"),
    ],
)
def test_wrong_inputs_are_refused_by_name(arguments, named):
    with pytest.raises(run.RefusedError, match=named):
        run.check_inputs(run.parse_arguments(arguments))


def test_samples_of_different_sizes_do_not_share_a_folder():
    small = run.sample_folder(run.parse_arguments(["--size", "120"]))
    few = run.sample_folder(run.parse_arguments(["--size", "120", "--dates", "3"]))
    assert len({small, few, run.sample_folder(run.parse_arguments([]))}) == 3


def test_the_job_holds_absolute_paths_and_survives_json(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = run.parse_arguments(["--out", "results"])
    job = run.make_job(options, Path("scenes"), Path("area.gpkg"), run.GivenParameters({"cutoff": 0.3}))
    assert json.loads(json.dumps(job)) == job
    paths = [job[name] for name in ("scenes_folder", "area", "output_folder", "library_folder", "project")]
    assert all(Path(path).is_absolute() for path in paths)
    assert job["output_folder"] == str(tmp_path / "results")


def test_only_images_with_a_truth_are_measured(tmp_path):
    images = [{"index": "a", "mask_path": str(tmp_path / "a.tif")}, {"index": "b", "mask_path": None}]
    assert run.measure(images, tmp_path / "truth") == {}


def test_bad_input_gives_a_sentence_and_exit_code_1():
    script = Path(run.__file__)
    done = subprocess.run(
        [sys.executable, str(script), "--scenes", "nowhere"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == "SCENES: there is no folder nowhere."
