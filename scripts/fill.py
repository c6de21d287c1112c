"""Fill the gaps of a folder of dated NDVI rasters, and map the productivity where asked, without QGIS."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections import Counter
from pathlib import Path
from threading import Event
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from s2mask_qgis.core.fields import ParameterError  # noqa: E402
from s2mask_qgis.core.filling.parameters import METHODS, FillParameters  # noqa: E402
from s2mask_qgis.core.seasons.parameters import SeasonParameters  # noqa: E402
from s2mask_qgis.jobs.report import RunState  # noqa: E402
from s2mask_qgis.jobs.series_report import OutputKind, SeriesOutput, SeriesReport  # noqa: E402
from s2mask_qgis.jobs.series_request import SeriesRequest  # noqa: E402

FAILED = 1
SEASONS = "seasons"
"""In a file of parameters: the parameters of the productivity maps."""


class RefusedError(Exception):
    """The job cannot be done as asked; the text is for the user."""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ndvi", help="folder with one GeoTIFF of NDVI a date")
    parser.add_argument("--masks", help="folder with the masks or scene classifications of the dates")
    parser.add_argument("--method", help=f"one of {', '.join(METHODS)} (default: {FillParameters().method})")
    parser.add_argument("--out", help="folder for the results")
    parser.add_argument("--parameters", help="JSON file with parameters by name")
    parser.add_argument("--seasons", help="1 to map the productivity of each year too")
    return parser.parse_args(arguments)


def make_request(options: argparse.Namespace) -> SeriesRequest:
    """The request of a command line. RefusedError or ParameterError with what is wrong."""
    if not options.ndvi or not options.out:
        raise RefusedError("Name the folders: make fill NDVI=folder OUT=folder [MASKS=folder] [METHOD=name].")
    values = read_parameters(Path(options.parameters)) if options.parameters else {}
    seasons = values.pop(SEASONS, {} if options.seasons not in (None, "", "0") else None)
    if seasons is not None and not isinstance(seasons, dict):
        raise RefusedError(f"{options.parameters}: {SEASONS} must be an object with parameters by name.")
    values |= {"method": options.method} if options.method else {}
    return SeriesRequest(
        ndvi_folder=Path(options.ndvi),
        output_folder=Path(options.out),
        fill=FillParameters.from_json(values),
        seasons=None if seasons is None else SeasonParameters.from_json(seasons),
        masks_folder=Path(options.masks) if options.masks else None,
    )


def read_parameters(path: Path) -> dict[str, Any]:
    """The values of a file of parameters, by name."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RefusedError(f"The parameters cannot be read from {path}: {error}") from error
    if not isinstance(values, dict):
        raise RefusedError(f"{path} must hold one JSON object with parameters by name.")
    return values


def summary(report: SeriesReport, folder: Path) -> str:
    """What was written, a line a kind of file, then the notes and what came of the whole."""
    counts = Counter(output.kind for output in report.outputs)
    lines = [_line(kind, [output for output in report.outputs if output.kind is kind], folder) for kind in counts]
    return "\n".join([*lines, *(f"Note: {note}" for note in report.notes), f"{report.message} Results: {folder}"])


def _line(kind: OutputKind, outputs: list[SeriesOutput], folder: Path) -> str:
    first, last = outputs[0], outputs[-1]
    names = first.path.relative_to(folder).as_posix()
    names += f" to {last.path.relative_to(folder).as_posix()}" if len(outputs) > 1 else ""
    bands = ", ".join(first.bands[:6]) + (f" and {len(first.bands) - 6} more" if len(first.bands) > 6 else "")
    return f"{kind.value}: {len(outputs)} × {names}: bands {bands}"


def do(options: argparse.Namespace) -> int:
    """The whole job; returns the exit code. Interrupted from the keyboard it leaves nothing unfinished."""
    request = make_request(options)
    from s2mask_qgis.jobs.series import run_series

    is_terminal = sys.stderr.isatty()
    cancelled = Event()
    signal.signal(signal.SIGINT, lambda *_: cancelled.set())

    def count(done: int, total: int) -> None:
        if is_terminal:
            print(f"\r{100 * done // total} %", end="" if done < total else "\n", file=sys.stderr, flush=True)

    report = run_series(request, count, cancelled.is_set)
    if report.state in (RunState.REFUSED, RunState.CANCELLED):
        raise RefusedError(report.message)
    print(summary(report, request.output_folder))
    return 0


def main() -> int:
    """Run, with a sentence instead of a traceback for what the user can mend."""
    try:
        return do(parse_arguments())
    except (RefusedError, ParameterError) as error:
        print(error, file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
