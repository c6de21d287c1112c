"""The parameters of a run: one frozen value, its defaults and ranges, and validation that reports all problems."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

THRESHOLDS = ("as trained", "reflectance")
"""How clusters are judged: by the sign of the difference, as the published table was trained, or in reflectance."""

SCALES_M = (10, 20, 30, 60)
"""Working scales that keep every date of a tile on one grid."""

SCRIPT_NAMES = {"CUTTOF": "cutoff", "scale": "scale_m"}
"""Names of the published scripts that mean one of ours."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one field; ``text`` names the field, the value and what is allowed."""

    field: str
    text: str


class ParameterError(ValueError):
    """Parameters that cannot be used; ``problems`` holds every problem, the text joins them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(problem.text for problem in problems))
        self.problems = problems


def _number(default: float, low: float, high: float, unit: str, help_text: str) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "unit": unit, "help": help_text})


def _choice(default: Any, choices: tuple[Any, ...], unit: str, help_text: str) -> Any:
    return field(default=default, metadata={"choices": choices, "unit": unit, "help": help_text})


@dataclass(frozen=True)
class RunParameters:
    """What a run computes. Source of the defaults: the published scripts, see docs/design.md.

    ``date_start`` and ``date_end`` are ISO dates, both included. Each field's metadata holds its range (``low``,
    ``high``, both allowed) or ``choices``, its ``unit`` and a sentence of ``help``.
    """

    date_start: str = field(default="2015-06-23", metadata={"unit": "", "help": "First day of the images to mask."})
    date_end: str = field(default="2100-01-01", metadata={"unit": "", "help": "Last day of the images to mask."})
    scale_m: int = _choice(30, SCALES_M, "m", "Pixel size of masks and NDVI.")
    number_of_images: int = _number(20, 1, 100, "images", "Images of the background.")
    number_preselect: int = _number(
        40, 1, 400, "images", "Nearest images among which the clearest make the second background."
    )
    allow_future: bool = field(
        default=True,
        metadata={"unit": "", "help": "Fill the background up with later images where there are too few earlier ones."},
    )
    hours_excluded: float = _number(18.0, 0.0, 10_000.0, "h", "Images this close in time never serve as background.")
    common_area: float = _number(
        0.95, 0.0, 1.0, "", "Share of the image's footprint that a background image must cover (more than this)."
    )
    do_clustering: bool = field(
        default=True,
        metadata={"unit": "", "help": "Judge clusters of similar pixels instead of every pixel for itself."},
    )
    cluster_count: int = _number(10, 2, 50, "clusters", "Clusters of the difference to the background.")
    sample_size: int = _number(5000, 100, 50_000, "pixels", "Pixels from which the clusters are found.")
    thresholds: str = _choice(
        "as trained",
        THRESHOLDS,
        "",
        "Judge clusters by the sign of the difference, or by 0.04 and 0.175 in reflectance.",
    )
    opening_radius_px: int = _number(2, 0, 10, "pixels", "Radius of the opening that removes specks; 0 leaves it out.")
    cutoff: float = _number(0.29, 0.0, 1.0, "", "A pixel is cloudy where its probability is above this.")
    seed: int = _number(0, 0, 2**31 - 1, "", "Start of the random choices; the same seed gives the same masks.")

    def __post_init__(self) -> None:
        problems = find_problems(dataclasses.asdict(self))
        if problems:
            raise ParameterError(problems)

    @property
    def start(self) -> date:
        """First day."""
        return date.fromisoformat(self.date_start)

    @property
    def end(self) -> date:
        """Last day, included."""
        return date.fromisoformat(self.date_end)

    def to_json(self) -> dict[str, Any]:
        """The parameters as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RunParameters:
        """Parameters from a mapping; fields left out keep their defaults.

        Raises ParameterError with every problem: unknown names, wrong types, values out of range.
        """
        renamed = {SCRIPT_NAMES.get(name, name): value for name, value in values.items()}
        problems = find_problems(renamed)
        if problems:
            raise ParameterError(problems)
        return cls(**renamed)


def find_problems(values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Every problem of parameter values given by name; names that are missing are not problems."""
    known = {item.name: item for item in dataclasses.fields(RunParameters)}
    problems = [
        Problem(name, f"{name}: there is no parameter of this name; known are {', '.join(known)}.")
        for name in values
        if name not in known
    ]
    for name, item in known.items():
        if name in values:
            problem = _field_problem(item, values[name])
            if problem:
                problems.append(Problem(name, problem))
    return tuple(problems or _problems_between(values))


def _field_problem(item: dataclasses.Field[Any], value: Any) -> str | None:
    """The problem of one value on its own, or None."""
    name, default, allowed = item.name, item.default, item.metadata
    if name in ("date_start", "date_end"):
        return None if _is_date(value) else f"{name}: {value!r} is not a date; write YYYY-MM-DD, like 2023-05-31."
    if "choices" in allowed:
        if type(value) is type(default) and value in allowed["choices"]:
            return None
        return f"{name}: {value!r} is not offered; choose one of {', '.join(map(str, allowed['choices']))}."
    if isinstance(default, bool):
        return None if isinstance(value, bool) else f"{name}: {value!r} is neither true nor false."
    return _number_problem(name, value, allowed, whole=isinstance(default, int))


def _number_problem(name: str, value: Any, allowed: Mapping[str, Any], whole: bool) -> str | None:
    low, high = allowed["low"], allowed["high"]
    unit = f" {allowed['unit']}" if allowed["unit"] else ""
    expected = f"allowed is {'a whole number' if whole else 'a number'} from {low} to {high}{unit}."
    is_number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        return f"{name}: {value!r} cannot be used; {expected}"
    return None


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or len(value) != 10:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _problems_between(values: Mapping[str, Any]) -> list[Problem]:
    """Problems of values that contradict each other, where each is fine on its own."""
    defaults = {item.name: item.default for item in dataclasses.fields(RunParameters)}
    value = {**defaults, **values}
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
    return problems
