"""What the dock remembers: read from QGIS's settings with defaults for whatever is damaged, written back in one go."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QSettings

from ..core.parameters import find_problems
from ..gis.plugin_folders import PREFIX, data_folder
from .destination_state import DestinationState
from .engine_switch import ENGINES, LOCAL
from .model_state import ModelState
from .series_state import SeriesState
from .wording import tr

DATES = ("date_start", "date_end")


@dataclass(frozen=True)
class FormState:
    """What the user last entered.

    ``parameters`` holds values of RunParameters by name; it has the two dates only where the user chose them.
    ``seconds_per_image`` was measured in the last run on this computer, 0 where there was none. ``series`` holds a
    SeriesState, ``model`` a ModelState, ``destination`` a DestinationState; ``earth_engine`` what its section
    remembers, ``land`` what the area's does.
    """

    scenes_folder: str = ""
    library_folder: str = ""
    output_folder: str = ""
    selected_only: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)
    seconds_per_image: float = 0.0
    done_file: str = ""
    engine: str = LOCAL
    earth_engine: dict[str, Any] = field(default_factory=dict)
    destination: dict[str, Any] = field(default_factory=dict)
    land: dict[str, Any] = field(default_factory=dict)
    series: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)


def load(settings: QgsSettings) -> tuple[FormState, tuple[str, ...]]:
    """The remembered state, and a sentence for each value that could not be used and was replaced by its default."""
    problems: list[str] = []
    values: dict[str, Any] = {}
    for item in fields(FormState):
        stored = settings.value(PREFIX + item.name, None)
        if stored is None:
            continue
        try:
            values[item.name] = READERS[item.name](stored)
        except (TypeError, ValueError) as error:
            problems.append(tr("The remembered “{}” cannot be used ({}); it starts afresh.").format(item.name, error))
    state = FormState(**values)
    if not state.library_folder:
        state = FormState(**{**values, "library_folder": str(data_folder() / "library")})
    return state, tuple(problems)


def save(settings: QgsSettings, state: FormState) -> str | None:
    """Remember the state; returns a sentence where the settings cannot be written."""
    for item in fields(FormState):
        value = getattr(state, item.name)
        settings.setValue(PREFIX + item.name, json.dumps(value) if isinstance(value, dict) else value)
    settings.sync()
    name = settings.fileName()
    if name and not QSettings(name, QSettings.Format.IniFormat).isWritable():
        return tr("Your entries cannot be remembered: {} cannot be written. Make the file writable.").format(name)
    return None


def _text(stored: Any) -> str:
    if not isinstance(stored, str):
        raise ValueError(tr("not a text"))
    return stored


def _flag(stored: Any) -> bool:
    known = {True: True, False: False, "true": True, "false": False}
    if not isinstance(stored, (bool, str)) or stored not in known:
        raise ValueError(tr("neither true nor false"))
    return known[stored]


def _seconds(stored: Any) -> float:
    seconds = float(stored)
    if not 0 <= seconds < 1e6:
        raise ValueError(tr("not a duration in seconds"))
    return seconds


def _parameters(stored: Any) -> dict[str, Any]:
    values = json.loads(stored)
    if not isinstance(values, dict):
        raise ValueError(tr("not a list of parameters"))
    problems = find_problems(values)
    if problems:
        raise ValueError("; ".join(problem.text for problem in problems))
    return values


def _engine(stored: Any) -> str:
    if stored not in ENGINES:
        raise ValueError(tr("no engine"))
    return str(stored)


def _entries(check: Callable[[dict[str, Any]], Any] = dict) -> Callable[[Any], dict[str, Any]]:
    """Reads values by name, which ``check`` refuses with a ValueError where they cannot be used."""

    def read(stored: Any) -> dict[str, Any]:
        values = json.loads(stored)
        if not isinstance(values, dict):
            raise ValueError(tr("not entries by name"))
        check(values)
        return values

    return read


READERS: dict[str, Callable[[Any], Any]] = {
    "scenes_folder": _text,
    "library_folder": _text,
    "output_folder": _text,
    "done_file": _text,
    "selected_only": _flag,
    "parameters": _parameters,
    "seconds_per_image": _seconds,
    "engine": _engine,
    "earth_engine": _entries(),
    "destination": _entries(DestinationState.from_json),
    "land": _entries(),
    "series": _entries(SeriesState.from_json),
    "model": _entries(ModelState.from_json),
}
