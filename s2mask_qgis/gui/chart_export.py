"""The pixel chart as a table: one row an observation, a day of a curve, a moment of a season, for every pin."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from math import isnan
from pathlib import Path

from ..engines.errors import StorageError
from ..jobs.pixel_curves import MethodCurve, PixelCurves
from .chart_labels import iso_day
from .chart_pins import Pin
from .chart_scene import states
from .wording import tr

COLUMNS = ("pin", "x", "y", "crs", "date", "kind", "name", "value", "standard_error")
"""``kind`` is observation (``name``: what became of it), final or comparison (the method), or season (which moment)."""

DECIMALS = 4

Row = tuple[str, ...]


def rows(pins: Iterable[Pin]) -> Iterator[Row]:
    """The rows below COLUMNS; a value that is not known is empty, dates are UTC."""
    for pin in pins:
        if pin.curves is not None:
            place = (str(pin.number), f"{pin.point.x():.10g}", f"{pin.point.y():.10g}", pin.crs.authid())
            for row in _pixel_rows(pin.curves):
                yield (*place, *row)


def write_table(path: Path, pins: Iterable[Pin]) -> None:
    """Write the table as CSV, whole or not at all. StorageError where the file cannot be written."""
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(rows(pins))
        unfinished.replace(path)
    except OSError as error:
        text = tr("{} cannot be written ({}). Choose another place.")
        raise StorageError(text.format(path, error.strerror)) from error


def _pixel_rows(curves: PixelCurves) -> Iterator[Row]:
    for state, day, value in zip(states(curves), curves.days, curves.values):
        yield iso_day(day), "observation", state, _number(value), ""
    yield from _curve_rows(curves, curves.final, "final")
    for curve in curves.others:
        yield from _curve_rows(curves, curve, "comparison")
    for season in curves.seasons:
        for name, moment in (("start", season.start), ("maximum", season.maximum), ("end", season.end)):
            if moment is not None:
                name = f"{season.year} season {season.number} {name}"
                yield iso_day(moment.day), "season", name, _number(moment.value), ""


def _curve_rows(curves: PixelCurves, curve: MethodCurve, kind: str) -> Iterator[Row]:
    for day, value, error in zip(curves.curve_days, curve.values, curve.errors):
        yield iso_day(day), kind, curve.method, _number(value), _number(error)


def _number(value: float) -> str:
    return "" if isnan(value) else f"{value:.{DECIMALS}f}"
