"""What a simulated sample is made from: a few numbers that fix every byte of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date

from ..core.fields import ParameterError, Problem
from ..core.grid import Grid

GENERATOR_VERSION = 1
"""Raised whenever the same settings would give other pixels."""

TILE = "33UXP"
CRS = "EPSG:32633"
UPPER_LEFT_M = (640020.0, 5359980.0)
"""Upper left corner of the sample: on the 60 m lattice of the tile, in its fields north-east of the middle."""

LATITUDE, LONGITUDE = 48.34, 16.96
"""Where the sun is computed for, in degrees: the middle of the default sample."""

_RANGES = {
    "size_px": (60, 10980),
    "dates": (1, 400),
    "step_days": (1, 366),
    "seed": (0, 2**31 - 1),
    "jp2_products": (0, 400),
}


@dataclass(frozen=True)
class SampleSettings:
    """Extent, dates and seed of a sample.

    ``size_px`` is the number of 10 m pixels along each side (a multiple of 6, so that 20 m and 60 m pixels fit);
    ``dates`` acquisitions are ``step_days`` apart from ``first_date`` on; the first ``jp2_products`` products hold
    their bands as lossless JPEG 2000 like the real ones, the others as GeoTIFF, which is written faster. With
    ``surfaces`` the ground changes in ways that look like clouds and shadows and are none (see cases.py).
    """

    size_px: int = 1020
    dates: int = 80
    step_days: int = 5
    first_date: date = date(2022, 11, 2)
    seed: int = 0
    jp2_products: int = 1
    surfaces: bool = False

    def __post_init__(self) -> None:
        problems = [
            Problem(name, f"{name} is {getattr(self, name)}, but must lie between {low} and {high}.")
            for name, (low, high) in _RANGES.items()
            if not low <= getattr(self, name) <= high
        ]
        if self.size_px % 6:
            problems.append(Problem("size_px", f"size_px is {self.size_px}, but must be a multiple of 6."))
        if problems:
            raise ParameterError(tuple(problems))

    @property
    def grid(self) -> Grid:
        """The grid of the 10 m bands."""
        x0, y0 = UPPER_LEFT_M
        return Grid(CRS, (10.0, 0.0, x0, 0.0, -10.0, y0), (self.size_px, self.size_px))

    def to_json(self) -> str:
        """One line that tells two samples apart, the version of the generator included."""
        values = asdict(self) | {"first_date": self.first_date.isoformat(), "generator_version": GENERATOR_VERSION}
        if not self.surfaces:
            del values["surfaces"]  # samples from before there was a choice are the same and stay valid
        return json.dumps(values, sort_keys=True)
