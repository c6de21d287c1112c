"""Does a run, or fills a series, in real QGIS and tells how long the GUI thread stayed away from its event loop."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import real_qgis
import run
import series_sample
from gui_gaps import Gap

DRIVER, SERIES_DRIVER = (Path(__file__).with_name(name) for name in ("drive_gaps.py", "drive_series_gaps.py"))
TIMEOUT_S = 300


@dataclass(frozen=True)
class MeasuredRun:
    """What came of a run, and the gaps from the click on Run to the last step through its images.

    Of a series, ``images`` are its files and ``images_stepped`` its dates.
    """

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
    job = run.make_job(options, scenes, scenes / "area.gpkg", run.GivenParameters())
    return _measured(DRIVER, job, folder)


def measure_series(folder: Path, size_px: int) -> MeasuredRun:
    """Measure the filling of a simulated series of two years with maps of seasons, in a fresh profile.

    ``folder`` is emptied first. Raises QgisError where QGIS or the dock did not do it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    options = run.parse_arguments(["--timeout", str(TIMEOUT_S)])
    options.out, options.library = folder / "series", folder / "library"
    series_sample.write_series(folder / "years", replace(series_sample.SETTINGS, size_px=size_px))
    real_qgis.make_profile(folder / "profile", run.ZIP)
    job = run.make_job(options, folder, None, run.GivenParameters()) | {"series_input": str(folder / "years")}
    return _measured(SERIES_DRIVER, job, folder)


def _measured(driver: Path, job: dict[str, Any], folder: Path) -> MeasuredRun:
    answer = real_qgis.do_job(driver, job, folder, folder / "profile", lambda _line: None)
    if answer["problem"] is not None:
        raise real_qgis.QgisError(answer["problem"])
    gaps = tuple(Gap(**gap) for gap in answer["gaps"])
    return MeasuredRun(answer["state"], answer["images"], answer["layers"], answer["steps"], gaps)
