"""The parameters of a run: one frozen value, its defaults and ranges, and validation that reports all problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from .fields import Parameters, Problem, choice, day, defaults, field_problems, flag, number, text

THRESHOLDS = ("as trained", "reflectance")
"""How clusters are judged: by the sign of the difference, as the published table was trained, or in reflectance."""

SCALES_M = (10, 20, 30, 60)
"""Working scales that keep every date of a tile on one grid."""

MODEL, PRODUCT, S2CLOUDLESS, CLOUD_SCORE = "model", "product mask", "s2cloudless", "Cloud Score+"
SOURCES = (MODEL, PRODUCT, S2CLOUDLESS, CLOUD_SCORE)
"""Where a mask comes from: a model, the product's own mask, or one of two collections of cloud scores."""

LEVELS = ("L1C", "L2A")
"""Processing levels: reflectance at the top of the atmosphere, and at the surface."""

SCRIPT_NAMES = {
    "CUTTOF": "cutoff",
    "scale": "scale_m",
    "NUMBER_HOURS": "hours_excluded",
    "COMMON_AREA": "common_area",
    "threshold_cc": "cloud_threshold",
    "n_clusters": "cluster_count",
    "numPixels": "sample_size",
    "growing_ratio": "opening_radius_px",
}
"""Names of the published scripts that mean one of ours."""


@dataclass(frozen=True)
class ShadowParameters(Parameters):
    """What counts as the shadow of a cloud."""

    swir_darkening: float = number(
        0.25,
        0.05,
        0.95,
        "",
        "A shadow lacks at least this share of the usual short-wave infrared in B11, in B12 four fifths of it.",
    )
    nir_darkening: float = number(
        0.1, 0.0, 0.95, "", "A shadow lacks at least this share of the usual near infrared (B8A, or B8)."
    )
    highest_cloud_m: float = number(
        6000.0, 200.0, 15_000.0, "m", "Height above ground up to which clouds throw shadows."
    )
    water_nir: float = number(
        0.06,
        0.0,
        0.5,
        "",
        "Where the background reflects less near infrared than this, as water does, shadows stay unseen.",
    )


@dataclass(frozen=True)
class RunParameters(ShadowParameters):
    """What a run computes. Source of the defaults: the published scripts, see docs/design.md.

    ``date_start`` and ``date_end`` are ISO dates, both included. Each field's metadata holds its range (``low``,
    ``high``, both allowed) or ``choices``, its ``unit`` and a sentence of ``help``.
    """

    date_start: str = day("2015-06-23", "First day of the images to mask.")
    date_end: str = day("2100-01-01", "Last day of the images to mask.")
    level: str = choice("L1C", LEVELS, "", "Processing level of the images: reflectance above the air, or below it.")
    scale_m: int = choice(30, SCALES_M, "m", "Pixel size of masks and NDVI.")
    source: str = choice(MODEL, SOURCES, "", "What tells clouds: a model, the product's own mask, or cloud scores.")
    union: bool = flag(False, "Cloud where the model or the other source says so; without effect for a model alone.")
    model: str = text("magnitude", "Name of the model: one that ships with the plugin, or one of your own.")
    cutoff: float = number(
        0.0, 0.0, 0.999, "", "A pixel is cloudy where its probability is above this; 0 takes what suits the model."
    )
    number_of_images: int = number(20, 1, 100, "images", "Images of the background.")
    number_preselect: int = number(
        40, 1, 400, "images", "Nearest images of which the clearest or the cloudiest make a background."
    )
    cloud_threshold: float = number(
        20.0, 0.0, 100.0, "%", "The second background holds images whose cloud share is above this."
    )
    methods_as_documented: bool = flag(
        False, "Read the second and the fourth background as documented, less cloudy instead of more; not as trained."
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
    shadow: bool = flag(
        True, "Find the shadows of clouds, a class of their own (2); a product's own mask tells its shadows anyway."
    )
    cloud_buffer_m: float = number(0.0, 0.0, 2000.0, "m", "Clouds grow by this distance.")
    shadow_buffer_m: float = number(0.0, 0.0, 2000.0, "m", "Shadows grow by this distance.")
    features: bool = flag(False, "Write the 13 features of each image as well, one band each.")
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
