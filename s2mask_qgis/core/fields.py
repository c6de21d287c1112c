"""Fields of parameter values: their ranges, units and help as metadata, and validation that reports every problem."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

Kind = TypeVar("Kind", bound="Parameters")


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


def number(default: float, low: float, high: float, unit: str, help_text: str) -> Any:
    """A number from ``low`` to ``high``, both allowed; a whole one where ``default`` is whole."""
    return field(default=default, metadata={"low": low, "high": high, "unit": unit, "help": help_text})


def choice(default: Any, choices: tuple[Any, ...], unit: str, help_text: str) -> Any:
    """One of ``choices``."""
    return field(default=default, metadata={"choices": choices, "unit": unit, "help": help_text})


def flag(default: bool, help_text: str) -> Any:
    """Yes or no."""
    return field(default=default, metadata={"unit": "", "help": help_text})


def text(default: str, help_text: str) -> Any:
    """A name, as the user writes it."""
    return field(default=default, metadata={"unit": "", "help": help_text, "is_text": True})


def day(default: str, help_text: str) -> Any:
    """A day as ISO date."""
    return field(default=default, metadata={"unit": "", "help": help_text, "is_day": True})


@dataclass(frozen=True)
class Parameters:
    """A value whose fields are checked when it is made: ParameterError with every problem."""

    def __post_init__(self) -> None:
        _refuse(self.problems(dataclasses.asdict(self)))

    @classmethod
    def problems(cls, values: Mapping[str, Any]) -> tuple[Problem, ...]:
        """Every problem of values given by name; names left out are not problems."""
        return field_problems(cls, values)

    def to_json(self) -> dict[str, Any]:
        """The parameters as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls: type[Kind], values: Mapping[str, Any]) -> Kind:
        """Parameters from a mapping; fields left out keep their defaults.

        Raises ParameterError with every problem: unknown names, wrong types, values out of range.
        """
        _refuse(cls.problems(values))
        return cls(**values)


def _refuse(problems: tuple[Problem, ...]) -> None:
    if problems:
        raise ParameterError(problems)


def field_problems(kind: type[Any], values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Every problem of values given by name for the fields of a dataclass; names left out are not problems."""
    known = {item.name: item for item in dataclasses.fields(kind)}
    problems = [
        Problem(name, f"{name}: there is no parameter of this name; known are {', '.join(known)}.")
        for name in values
        if name not in known
    ]
    for name, item in known.items():
        text = _field_problem(item, values[name]) if name in values else None
        problems += [Problem(name, text)] if text else []
    return tuple(problems)


def defaults(kind: type[Any]) -> dict[str, Any]:
    """The default of every field by name."""
    return {item.name: item.default for item in dataclasses.fields(kind)}


def _field_problem(item: dataclasses.Field[Any], value: Any) -> str | None:
    """The problem of one value on its own, or None."""
    name, default, allowed = item.name, item.default, item.metadata
    if "is_day" in allowed:
        return None if _is_date(value) else f"{name}: {value!r} is not a date; write YYYY-MM-DD, like 2023-05-31."
    if "is_text" in allowed:
        return None if isinstance(value, str) and value.strip() else f"{name}: {value!r} is not a name."
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
