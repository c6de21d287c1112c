"""The installed plugin without a window: its algorithms through qgis_process."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import real_qgis
from s2mask_qgis.simulation.sample import write_sample
from s2mask_qgis.simulation.settings import SampleSettings

PROGRAMS = ("qgis_process.bin", "qgis_process")
"""The first is the program itself where the second is a script that gives it options it does not know (Debian)."""


@pytest.fixture(scope="module")
def qgis_process(zip_path: Path, tmp_path_factory) -> Callable[..., subprocess.CompletedProcess[str]]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("qgis_process is not installed")
    folder = tmp_path_factory.mktemp("headless")
    real_qgis.make_profile(folder / "profile", zip_path)
    bent = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name not in bent}
    environment |= {
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "QGIS_CUSTOM_CONFIG_PATH": str(folder / "profile"),
        "QT_QPA_PLATFORM": "offscreen",
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *arguments], env=environment, cwd=folder, capture_output=True, text=True, timeout=300, check=False
        )

    return run


def test_it_lists_the_algorithms(qgis_process):
    listed = qgis_process("list").stdout
    for name in ("maskimages", "buildmodel", "judgemodel", "movecollection", "bringback"):
        assert f"s2mask:{name}" in listed


def test_it_masks_a_folder_of_images(qgis_process, tmp_path):
    write_sample(tmp_path / "scenes", SampleSettings(size_px=60, dates=3, jp2_products=0))
    out = tmp_path / "out"
    done = qgis_process(
        "run",
        "s2mask:maskimages",
        f"--SCENES={tmp_path / 'scenes'}",
        f"--AREA={tmp_path / 'scenes' / 'area.gpkg'}",
        "--SCALE_M=60",
        "--NUMBER_OF_IMAGES=2",
        "--NUMBER_PRESELECT=2",
        "--SAMPLE_SIZE=100",
        f"--OUTPUT={out}",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "IMAGES:\t3" in done.stdout
    assert len(list((out / "mask").glob("*.tif"))) == 3
    assert "Traceback" not in done.stderr


def test_it_tells_every_problem_of_the_values(qgis_process, tmp_path):
    wrong = ("--AREA=area.gpkg", "--CUTOFF=2", "--SEED=-1")
    done = qgis_process("run", "s2mask:maskimages", f"--SCENES={tmp_path}", *wrong, f"--OUTPUT={tmp_path / 'out'}")
    assert done.returncode != 0
    told = done.stdout + done.stderr
    assert "cutoff: 2.0 cannot be used" in told
    assert "seed: -1 cannot be used" in told
    assert "Traceback" not in told
