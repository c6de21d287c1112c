from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import fill
from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.core.filling.parameters import FillParameters
from tests.series.dated_rasters import read, season_values, write

DATES = ("20230501", "20230511", "20230521", "20230610")
DAYS = np.array([19478.0, 19488.0, 19498.0, 19518.0])


def make(folder):
    for date, image in zip(DATES, season_values(DAYS, 6, 7)):
        write(folder / "my ndvi" / f"{date}.tif", image)
        write(folder / "masks" / f"{date}.tif", (image < 0.3).astype(np.uint8))


def run_script(*arguments, cwd):
    return subprocess.run(
        [sys.executable, fill.__file__, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
        cwd=cwd,
    )


def request(*arguments):
    return fill.make_request(fill.parse_arguments(list(arguments)))


def test_only_the_two_folders_must_be_named():
    made = request("--ndvi", "in", "--out", "out")
    assert made.fill == FillParameters()
    assert made.seasons is None
    assert made.masks_folder is None


@pytest.mark.parametrize("arguments", [[], ["--ndvi", "in"], ["--out", "out"]])
def test_a_missing_folder_is_named(arguments):
    with pytest.raises(fill.RefusedError, match="NDVI=folder OUT=folder"):
        request(*arguments)


def test_parameters_come_from_a_file_and_the_method_on_the_command_line_wins(tmp_path):
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps({"method": "linear", "step": "10 days", "seasons": {"seasons": 1}}), encoding="utf-8")
    made = request("--ndvi", "in", "--out", "out", "--parameters", str(path), "--method", "whittaker")
    assert (made.fill.method, made.fill.step) == ("whittaker", "10 days")
    assert made.seasons.seasons == 1


@pytest.mark.parametrize(("value", "wanted"), [("1", True), ("0", False)])
def test_seasons_are_mapped_where_asked(value, wanted):
    assert (request("--ndvi", "in", "--out", "out", "--seasons", value).seasons is not None) is wanted


def test_a_wrong_method_lists_the_right_ones():
    with pytest.raises(ParameterError, match="harmonic, published, linear"):
        request("--ndvi", "in", "--out", "out", "--method", "magic")


@pytest.mark.parametrize("text", ["{", "[1]", '{"seasons": 3}'])
def test_a_damaged_file_of_parameters_is_refused_by_name(tmp_path, text):
    path = tmp_path / "parameters.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(fill.RefusedError, match=r"parameters\.json"):
        request("--ndvi", "in", "--out", "out", "--parameters", str(path))


def test_relative_paths_with_spaces_give_a_file_a_date_and_a_summary(tmp_path):
    make(tmp_path)
    done = run_script(
        "--ndvi", "my ndvi", "--masks", "masks", "--method", "linear", "--out", "the results", cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "the results").glob("*.tif")) == [f"{date}.tif" for date in DATES]
    assert read(tmp_path / "the results" / "20230501.tif").names == ("NDVI", "NDVI_final", "quality", "uncertainty")
    assert "filled: 4 × 20230501.tif to 20230610.tif: bands NDVI, NDVI_final, quality, uncertainty" in done.stdout
    assert "4 dates filled (linear)" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--ndvi", "nowhere", "--out", "out"], "nowhere does not exist"),
        (["--ndvi", "my ndvi", "--out", "my ndvi"], "is the folder of the images"),
        (["--ndvi", "my ndvi", "--masks", "nowhere", "--out", "out"], "no folder nowhere"),
        (["--ndvi", "my ndvi", "--out", "out", "--method", "magic"], "magic"),
    ],
)
def test_bad_input_gives_one_sentence_and_exit_code_1(tmp_path, arguments, text):
    make(tmp_path)
    done = run_script(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert text in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to a single process")
def test_an_interrupted_run_ends_with_a_sentence_and_leaves_no_file(tmp_path):
    days = DAYS[0] + 2.0 * np.arange(40)
    for day, image in zip(days, season_values(days, 300, 300)):
        write(tmp_path / "in" / f"{np.datetime64('1970-01-01') + int(day)}.tif", image)
    command = [sys.executable, fill.__file__, "--ndvi", "in", "--out", "out"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "out" / ".partial" / "39.tif").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told.startswith("Cancelled.")
    assert not list((tmp_path / "out").rglob("*.tif"))


def test_make_passes_its_variables_on():
    makefile = (Path(fill.__file__).parents[1] / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.split("\nfill:")[1].split("\n\n")[0]
    for option in ("ndvi", "masks", "method", "out", "parameters", "seasons"):
        assert f'--{option} "$({option.upper()})"' in recipe
