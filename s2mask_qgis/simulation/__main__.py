"""Writes a simulated sample from the command line: python3 -m s2mask_qgis.simulation FOLDER."""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import date
from pathlib import Path

from ..core.fields import ParameterError
from ..engines.errors import EngineError
from .sample import write_sample
from .settings import SampleSettings

_MOST_WORKERS = 4
_DESCRIPTION = "Writes simulated Sentinel-2 Level-1C products with known clouds, and an area to mask."


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and writes; returns the exit status."""
    defaults = SampleSettings()
    parser = argparse.ArgumentParser(prog="python3 -m s2mask_qgis.simulation", description=_DESCRIPTION)
    parser.add_argument("folder", type=Path, help="where the products go")
    parser.add_argument("--size", type=int, default=defaults.size_px, help="10 m pixels per side (default %(default)s)")
    parser.add_argument("--dates", type=int, default=defaults.dates, help="acquisitions (default %(default)s)")
    parser.add_argument("--step-days", type=int, default=defaults.step_days, help="days apart (default %(default)s)")
    parser.add_argument("--first-date", type=date.fromisoformat, default=defaults.first_date, help="YYYY-MM-DD")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="another seed, another sample")
    parser.add_argument("--surfaces", action="store_true", help="with ground that looks like clouds and is none")
    workers = min(_MOST_WORKERS, os.cpu_count() or 1)
    parser.add_argument("--workers", type=int, default=workers, help="processes (default %(default)s)")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        settings = SampleSettings(
            options.size,
            options.dates,
            options.step_days,
            options.first_date,
            options.seed,
            surfaces=options.surfaces,
        )
        write_sample(options.folder, settings, _print_count, workers=max(1, options.workers))
    except (ParameterError, EngineError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{settings.dates} simulated images in {options.folder}, {time.monotonic() - began:.0f} s")
    return 0


def _print_count(done: int, total: int) -> None:
    if done == total or done % 10 == 0:
        print(f"{done} of {total} images", flush=True)


if __name__ == "__main__":
    sys.exit(main())
