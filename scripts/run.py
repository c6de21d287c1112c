"""Do the plugin's whole job in real QGIS, on the simulated sample or on products of one's own, and print a table."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import real_qgis  # noqa: E402
from accuracy import Accuracy, compare  # noqa: E402
from result_table import summary, table  # noqa: E402
from s2mask_qgis.core.fields import ParameterError  # noqa: E402
from s2mask_qgis.core.parameters import SCRIPT_NAMES, RunParameters  # noqa: E402
from s2mask_qgis.jobs import presets, script_parameters  # noqa: E402

BUILD = ROOT / "build"
ZIP = BUILD / "s2mask_qgis.zip"
DRIVER = ROOT / "scripts" / "drive_dock.py"

FAILED = 1


class RefusedError(Exception):
    """The job cannot be done as asked; the text is for the user."""


@dataclass(frozen=True)
class GivenParameters:
    """``values`` by field name; ``preset`` is the file that the dock loads before they are entered, ``notes`` tell what
    else a file of the published scripts holds."""

    values: dict[str, Any] = field(default_factory=dict)
    preset: Path | None = None
    notes: tuple[str, ...] = ()


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; every option may be left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=Path, help="folder of Level-1C products (default: the simulated sample)")
    parser.add_argument("--area", type=Path, help="vector file with polygons (default: the sample's, or all scenes)")
    parser.add_argument("--start", help="first day, YYYY-MM-DD (default: the first scene)")
    parser.add_argument("--end", help="last day, YYYY-MM-DD (default: the last scene)")
    parser.add_argument("--parameters", type=Path, help="JSON, preset of the form, or parameters.py")
    parser.add_argument("--out", type=Path, default=BUILD / "demo", help="folder for the results")
    parser.add_argument("--library", type=Path, default=BUILD / "library", help="folder for prepared scenes")
    parser.add_argument("--size", type=int, help="side of the sample in 10 m pixels")
    parser.add_argument("--dates", type=int, help="acquisitions of the sample")
    parser.add_argument("--timeout", type=float, default=3600.0, help="seconds that QGIS may take")
    return parser.parse_args(arguments)


def read_parameters(options: argparse.Namespace) -> GivenParameters:
    """The parameters that were given, those of the command line first; ParameterError with every problem."""
    given = parameters_of(options.parameters) if options.parameters else GivenParameters()
    dates = {"date_start": options.start, "date_end": options.end}
    values = {**given.values, **{name: day for name, day in dates.items() if day}}
    RunParameters.from_json(values)
    return replace(given, values=values)


def parameters_of(path: Path) -> GivenParameters:
    """The parameters of a file: a parameters.py of the published scripts, a preset, or a JSON object."""
    if path.suffix.lower() == script_parameters.SUFFIX:
        script = script_parameters.read_parameters(path)
        return GivenParameters(dict(script.values), notes=script.notes)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RefusedError(f"The parameters cannot be read from {path}: {error}") from error
    if not isinstance(stored, dict):
        raise RefusedError(f"{path} must hold one JSON object with parameters by name.")
    if presets.is_preset(stored):
        return GivenParameters(dict(presets.read(path, None).parameters), path)
    return GivenParameters({SCRIPT_NAMES.get(name, name): value for name, value in stored.items()})


def check_inputs(options: argparse.Namespace) -> None:
    """Raises RefusedError where a file or folder that was named is not there."""
    if options.scenes and not options.scenes.is_dir():
        raise RefusedError(f"SCENES: there is no folder {options.scenes}.")
    if options.area and not options.area.exists():
        raise RefusedError(f"AREA: there is no file {options.area}.")
    if options.scenes and (options.size or options.dates):
        raise RefusedError("SIZE and DATES describe the simulated sample; leave them out with SCENES.")


def sample_folder(options: argparse.Namespace) -> Path:
    """Where the sample of this size lies: each size has a folder of its own."""
    parts = ["sample"]
    parts += [f"{options.size}px"] if options.size else []
    parts += [f"{options.dates}dates"] if options.dates else []
    return BUILD / "-".join(parts)


def write_sample(folder: Path, options: argparse.Namespace) -> None:
    """Write the simulated sample, or what is missing of it."""
    print(f"Simulated sample: {folder}", flush=True)
    command = [sys.executable, "-m", "s2mask_qgis.simulation", str(folder)]
    command += ["--size", str(options.size)] if options.size else []
    command += ["--dates", str(options.dates)] if options.dates else []
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise RefusedError(f"The sample could not be written to {folder}; what is above says why.")


def make_job(options: argparse.Namespace, scenes: Path, area: Path | None, given: GivenParameters) -> dict[str, Any]:
    """What the driver inside QGIS is told, as JSON values with absolute paths."""
    out = options.out.resolve()
    return {
        "scenes_folder": str(scenes.resolve()),
        "area": str(area.resolve()) if area else None,
        "preset": str(given.preset.resolve()) if given.preset else None,
        "parameters": given.values,
        "output_folder": str(out),
        "library_folder": str(options.library.resolve()),
        "project": str(out / "project.qgz"),
        "screenshot": str(out / "screenshot.png"),
        "timeout_s": options.timeout,
    }


def run_in_qgis(job: dict[str, Any]) -> dict[str, Any]:
    """Do the job in a QGIS with a fresh profile; returns what the driver answered."""
    profiles = BUILD / "profile"
    real_qgis.make_profile(profiles, ZIP)
    # The output folder holds results only; what the launch needs and leaves lies beside it.
    answer = real_qgis.do_job(DRIVER, job, BUILD / "run", profiles, _print_line, keep_open=real_qgis.has_display())
    if answer["problem"] is not None:
        raise RefusedError(answer["problem"])
    return answer


def _print_line(line: str) -> None:
    print(line, flush=True)


def measure(images: list[dict[str, Any]], truth_folder: Path) -> dict[str, Accuracy]:
    """The accuracy of each image that has a mask and a truth, by its system:index."""
    pairs = {
        image["index"]: (Path(image["mask_path"]), truth_folder / f"{image['index']}.tif")
        for image in images
        if image["mask_path"]
    }
    return {index: compare(mask, truth) for index, (mask, truth) in pairs.items() if truth.exists()}


def do(options: argparse.Namespace) -> int:
    """The whole job; returns the exit code."""
    check_inputs(options)
    given = read_parameters(options)
    for note in given.notes:
        print(f"{options.parameters.name}: {note}", flush=True)
    if not ZIP.exists():
        raise RefusedError(f"There is no {ZIP.relative_to(ROOT)}; make it with: make zip")
    scenes, area = options.scenes, options.area
    if scenes is None:
        scenes = sample_folder(options)
        write_sample(scenes, options)
        area = area or scenes / "area.gpkg"
    started = time.monotonic()
    outcome = run_in_qgis(make_job(options, scenes, area, given))
    seconds = time.monotonic() - started
    accuracies = measure(outcome["images"], scenes / "truth")
    print("\n" + table(outcome["images"], accuracies))
    print("\n" + summary(outcome, accuracies, seconds))
    for note in outcome["notes"]:
        print(f"Note: {note}")
    print(f"Results: {options.out} (project.qgz, screenshot.png, mask/, ndvi/, report.json)")
    return 0 if outcome["state"] == "finished" else FAILED


def main() -> int:
    """Run, with a sentence instead of a traceback for what the user can mend."""
    try:
        return do(parse_arguments())
    except (RefusedError, ParameterError, real_qgis.QgisError) as error:
        print(error, file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
