"""The parameters of a run: one frozen value, its defaults and ranges, and validation that reports all problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from .fields import Parameters, Problem, choice, day, defaults, field_problems, flag, number

THRESHOLDS = ("as trained", "reflectance")
"""How clusters are judged: by the sign of the difference, as the published table was trained, or in reflectance."""

SCALES_M = (10, 20, 30, 60)
"""Working scales that keep every date of a tile on one grid."""

SCRIPT_NAMES = {"CUTTOF": "cutoff", "scale": "scale_m"}
"""Names of the published scripts that mean one of ours."""


@dataclass(frozen=True)
class RunParameters(Parameters):
    """What a run computes. Source of the defaults: the published scripts, see docs/design.md.

    ``date_start`` and ``date_end`` are ISO dates, both included. Each field's metadata holds its range (``low``,
    ``high``, both allowed) or ``choices``, its ``unit`` and a sentence of ``help``.
    """

    date_start: str = day("2015-06-23", "First day of the images to mask.")
    date_end: str = day("2100-01-01", "Last day of the images to mask.")
    scale_m: int = choice(30, SCALES_M, "m", "Pixel size of masks and NDVI.")
    number_of_images: int = number(20, 1, 100, "images", "Images of the background.")
    number_preselect: int = number(
        40, 1, 400, "images", "Nearest images among which the clearest make the second background."
    )
    allow_future: bool = flag(True, "Fill the background up with later images where there are too few earlier ones.")
    hours_excluded: float = number(18.0, 0.0, 10_000.0, "h", "Images this close in time never serve as background.")
    common_area: float = number(
        0.95, 0.0, 1.0, "", "Share of the image's footprint that a background image must cover (more than this)."
    )
    do_clustering: bool = flag(True, "Judge clusters of similar pixels instead of every pixel for itself.")
    cluster_count: int = number(10, 2, 50, "clusters", "Clusters of the difference to the background.")
    sample_size: int = number(5000, 100, 50_000, "pixels", "Pixels from which the clusters are found.")
    thresholds: str = choice(
        "as trained",
        THRESHOLDS,
        "",
        "Judge clusters by the sign of the difference, or by 0.04 and 0.175 in reflectance.",
    )
    opening_radius_px: int = number(2, 0, 10, "pixels", "Radius of the opening that removes specks; 0 leaves it out.")
    cutoff: float = number(0.29, 0.0, 1.0, "", "A pixel is cloudy where its probability is above this.")
    evi2: bool = flag(False, "Write the two-band enhanced vegetation index (EVI2) of each image as well.")
    kndvi: bool = flag(False, "Write the kernel NDVI (kNDVI) of each image as well.")
    seed: int = number(0, 0, 2**31 - 1, "", "Start of the random choices; the same seed gives the same masks.")

    @classmethod
    def problems(cls, values: Mapping[str, Any]) -> tuple[Problem, ...]:
        """Every problem of values given by name, alone and between them."""
        return find_problems(values)

    @property
    def start(self) -> date:
        """First day."""
        return date.fromisoformat(self.date_start)

    @property
    def end(self) -> date:
        """Last day, included."""
        return date.fromisoformat(self.date_end)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RunParameters:
        """Parameters from a mapping, as every kind has it; names of the published scripts are understood too."""
        return super().from_json({SCRIPT_NAMES.get(name, name): value for name, value in values.items()})


def find_problems(values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Every problem of parameter values given by name; names that are missing are not problems."""
    return field_problems(RunParameters, values) or _problems_between(values)


def _problems_between(values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Problems of values that contradict each other, where each is fine on its own."""
    value = {**defaults(RunParameters), **values}
    problems = []
    if value["date_end"] < value["date_start"]:
        text = f"date_end: {value['date_end']} lies before date_start {value['date_start']}; choose a later end."
        problems.append(Problem("date_end", text))
    if value["number_preselect"] < value["number_of_images"]:
        text = (
            f"number_preselect: {value['number_preselect']} images are fewer than number_of_images "
            f"{value['number_of_images']}; choose at least as many."
        )
        problems.append(Problem("number_preselect", text))
    return tuple(problems)
