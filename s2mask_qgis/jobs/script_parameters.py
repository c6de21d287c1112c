"""Parameters of the published scripts: their parameters.py as values of a run, and notes on what has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ..core.fields import ParameterError, Problem, defaults, field_problems
from ..core.parameters import SCRIPT_NAMES, RunParameters, find_problems
from .request import Throttle
from .script_literals import Assigned, Literals, NotPythonError, Unread, read_literals
from .script_notes import GROUPS, MARGINS, is_known, note_on

SUFFIX = ".py"
"""What the name of such a file ends with."""

AS_SCRIPTS: Mapping[str, Any] = {"model": "published", "shadow": False}
"""What the scripts do without a parameter for it."""

LARGEST_BYTES = 1_000_000
"""A parameters.py has 6,000; an outline of 10,000 corners adds 400,000."""

FILE = "file"
"""What a problem names that lies in the file as a whole instead of in one parameter."""

_FIELDS = frozenset(defaults(RunParameters))
_FOLDER, _TASKS = "folder_GEE", "nb_task_max"
_DAYS = ("date_start", "date_end")
_MOST_DAYS = 3_660


@dataclass(frozen=True)
class ScriptParameters:
    """``values`` of RunParameters by name, those left out keep their defaults; ``notes`` are sentences about what the
    file holds besides: where it goes here, what has no counterpart, and which lines were not read. ``asset_folder`` and
    ``nb_task_max`` are for runs on Earth Engine, None where the file does not give them."""

    values: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    asset_folder: str | None = None
    nb_task_max: int | None = None


def read_parameters(path: Path) -> ScriptParameters:
    """The parameters of a parameters.py of the published scripts, of masking or of interpolation.

    The file is read as plain values and never executed. Raises ParameterError with every problem: a value that cannot
    be used, or that cannot be read although a parameter hangs on it.
    """
    literals = _literals(path)
    found = {SCRIPT_NAMES.get(name, name): _Origin(name, assigned) for name, assigned in literals.values.items()}
    problems = [_unread_problem(lines, names) for lines, names in _needed(literals.unread)]
    if not problems and not any(map(_is_read, literals.values)):
        raise _refusal(f"{path} is no parameters.py of the scripts: it has none of their names. Choose another file.")
    values = {name: origin.value for name, origin in found.items() if name in _FIELDS}
    values |= {name: as_day(values[name]) for name in _DAYS if name in values}
    problems += _margin_problems(found)
    problems += [_told(problem, found) for problem in find_problems(values)]
    tasks = found[_TASKS].value if _TASKS in found else None
    problems += field_problems(Throttle, {} if tasks is None else {_TASKS: tasks})
    if problems:
        raise ParameterError(tuple(problems))
    widened = _widened(values, found)
    folder = found[_FOLDER].value if _FOLDER in found else None
    notes = tuple(_notes(literals, values, widened))
    asset_folder = folder.strip("/") if isinstance(folder, str) and folder.strip("/") else None
    return ScriptParameters({**AS_SCRIPTS, **values, **widened}, notes, asset_folder, tasks)


@dataclass(frozen=True)
class _Origin:
    """Where a value comes from: the name that the file gives it, and its line."""

    name: str
    assigned: Assigned

    @property
    def value(self) -> Any:
        return self.assigned.value


def as_day(value: Any) -> Any:
    """A day as ISO text, from a date or from text such as 2018-1-31; anything else as it is, to be refused."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    try:
        return datetime.strptime(value, "%Y-%m-%d").date().isoformat()
    except (TypeError, ValueError):
        return value


def _literals(path: Path) -> Literals:
    """What a file gives values to. ParameterError where it cannot be read, is too long or no Python."""
    try:
        with path.open("rb") as file:
            source = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise _refusal(f"{path} cannot be read ({error.strerror}). Choose another file.") from None
    if len(source) > LARGEST_BYTES:
        raise _refusal(f"{path} is longer than 1 MB, which no parameters.py is. Choose another file.")
    try:
        return read_literals(source, GROUPS)
    except NotPythonError as error:
        where = f" from line {error.line} on" if error.line else ""
        raise _refusal(f"{path} is no Python{where}. Correct it, or choose another file.") from None


def _is_read(name: str) -> bool:
    """Whether a name of the file means something here."""
    return SCRIPT_NAMES.get(name, name) in _FIELDS or is_known(name)


def _needed(unread: Iterable[Unread]) -> Iterator[tuple[Unread, list[str]]]:
    """The lines without a plain value on which parameters hang, with the names of these."""
    for lines in unread:
        names = [name for name in lines.names if name in (*GROUPS, *MARGINS) or SCRIPT_NAMES.get(name, name) in _FIELDS]
        if names:
            yield lines, sorted(names)


def _unread_problem(lines: Unread, names: list[str]) -> Problem:
    text = f"{_where(lines)}: {', '.join(names)} cannot be told without running the file. Write the plain value there."
    return Problem(SCRIPT_NAMES.get(names[0], names[0]), text)


def _where(lines: Unread) -> str:
    return f"Line {lines.first}" if lines.first == lines.last else f"Lines {lines.first} to {lines.last}"


def _told(problem: Problem, found: Mapping[str, _Origin]) -> Problem:
    """A problem under the name and the line that the file gives its parameter."""
    origin = found.get(problem.field)
    if origin is None:
        return problem
    text = problem.text.removeprefix(f"{problem.field}: ")
    return Problem(problem.field, f"Line {origin.assigned.line}, {origin.name}: {text}")


def _margin_problems(found: Mapping[str, _Origin]) -> list[Problem]:
    """Problems of the days by which the dates are widened."""
    problems = []
    for name in MARGINS:
        days = found[name].value if name in found else 0
        if type(days) is not int or not 0 <= days <= _MOST_DAYS:
            text = f"{days!r} cannot be used; allowed is a whole number from 0 to {_MOST_DAYS} days."
            problems.append(_told(Problem(name, text), found))
    return problems


def _widened(values: Mapping[str, Any], found: Mapping[str, _Origin]) -> dict[str, str]:
    """The dates that the days before and after widen, as far as the calendar goes; none without such days."""
    widened = {}
    for name, sign in zip(_DAYS, (-1, 1)):
        given = [found[margin].value for margin, day in MARGINS.items() if day == name and margin in found]
        days = max(given, default=0)
        if days and name in values:
            ordinal = date.fromisoformat(values[name]).toordinal() + sign * days
            within = min(max(ordinal, date.min.toordinal()), date.max.toordinal())
            widened[name] = date.fromordinal(within).isoformat()
    return widened


def _notes(literals: Literals, values: Mapping[str, Any], widened: Mapping[str, str]) -> Iterator[str]:
    """Sentences about what the file holds besides the values of a run, in the order of the file."""
    yield "The model is “published” and shadows are not looked for, as in the scripts."
    if widened:
        days = {**values, **widened}
        told = [f"{word} {days[name]}" for name, word in zip(_DAYS, ("from", "to")) if name in days]
        yield f"The dates are {' '.join(told)}: widened by the days before and after, as the scripts do."
    names_by_note: dict[str, list[str]] = {}
    unknown = []
    for name, assigned in literals.values.items():
        if is_known(name):
            note = note_on(name, assigned.value)
            names_by_note.setdefault(note, []).append(name)
        elif not _is_read(name):
            unknown.append(name)
    for note, names in names_by_note.items():
        if note:
            yield f"{', '.join(names)}: {note}"
    if unknown:
        yield f"Left out, since the scripts have no such parameter: {', '.join(unknown)}."
    for lines in literals.unread:
        yield f"{_where(lines)}: not read, since only running the file could tell what is there."


def _refusal(text: str) -> ParameterError:
    return ParameterError((Problem(FILE, text),))
