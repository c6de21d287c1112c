from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import run
from s2mask_qgis.core.fields import ParameterError


def parameters_of(tmp_path: Path, text: str, *arguments: str) -> dict:
    path = tmp_path / "parameters.json"
    path.write_text(text, encoding="utf-8")
    return run.read_parameters(run.parse_arguments(["--parameters", str(path), *arguments]))


def test_everything_may_be_left_out():
    options = run.parse_arguments([])
    assert options.scenes is None
    assert run.read_parameters(options) == {}
    assert run.sample_folder(options).name == "sample"


def test_names_of_the_published_scripts_are_understood(tmp_path):
    values = parameters_of(tmp_path, '{"CUTTOF": 0.4, "number_of_images": 3}')
    assert values == {"cutoff": 0.4, "number_of_images": 3}


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
    job = run.make_job(options, Path("scenes"), Path("area.gpkg"), {"cutoff": 0.3})
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
