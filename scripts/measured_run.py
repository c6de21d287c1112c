"""Does a run through the dock in real QGIS and tells how long the GUI thread stayed away from its event loop."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import real_qgis
import run
from gui_gaps import Gap

DRIVER = Path(__file__).with_name("drive_gaps.py")
TIMEOUT_S = 300


@dataclass(frozen=True)
class MeasuredRun:
    """What came of a run, and the gaps from the click on Run to the last step through its images."""

    state: str
    images: int
    layers: int
    images_stepped: int
    gaps: tuple[Gap, ...]


def measure(folder: Path, size_px: int, dates: int) -> MeasuredRun:
    """Measure a run on the simulated sample, in a fresh profile and with nothing prepared or made before.

    ``folder`` is emptied first. Raises QgisError where QGIS or the dock did not do it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    options = run.parse_arguments(["--size", str(size_px), "--dates", str(dates), "--timeout", str(TIMEOUT_S)])
    options.out, options.library = folder / "results", folder / "library"
    scenes = run.sample_folder(options)
    run.write_sample(scenes, options)
    real_qgis.make_profile(folder / "profile", run.ZIP)
    job = run.make_job(options, scenes, scenes / "area.gpkg", {})
    answer = real_qgis.do_job(DRIVER, job, folder, folder / "profile", lambda _line: None)
    if answer["problem"] is not None:
        raise real_qgis.QgisError(answer["problem"])
    gaps = tuple(Gap(**gap) for gap in answer["gaps"])
    return MeasuredRun(answer["state"], answer["images"], answer["layers"], answer["steps"], gaps)
