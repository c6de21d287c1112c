"""Presets: the parameters of a run as a JSON file to keep and to share, with the model where it is one's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.fields import ParameterError, Problem
from ..core.models import files
from ..core.models.model import Model, ModelError
from ..core.parameters import SCRIPT_NAMES, RunParameters, find_problems
from ..core.whole_files import write_whole
from ..engines.errors import StorageError

FORMAT = 1
"""Version of the file's layout."""

PRESET = "preset"
"""What a problem names that lies in the file as a whole instead of in one parameter."""

_ENTRIES = ("format", "parameters", "model")


@dataclass(frozen=True)
class Preset:
    """``parameters`` holds values of RunParameters by name, those left out keep their defaults; ``model`` is a model of
    somebody's own that came along and is not there yet."""

    parameters: Mapping[str, Any]
    model: Model | None = None


def is_preset(stored: Mapping[str, Any]) -> bool:
    """Whether the content of a JSON file is that of a preset."""
    return "format" in stored


def write(path: Path, parameters: Mapping[str, Any], models_folder: Path | None) -> None:
    """Write values of RunParameters as a preset, whole or not at all.

    The model that they name comes along unless it ships with the plugin. Raises ParameterError for values that cannot
    be used, ModelError where the model is not there, StorageError where the file cannot be written.
    """
    name = RunParameters.from_json(parameters).model
    described: dict[str, Any] = {"format": FORMAT, "parameters": dict(parameters), "model": {"file": f"{name}.json"}}
    if not files.is_shipped(name):
        described["model"]["content"] = json.loads(files.text_of(files.find(name, models_folder)))
    try:
        write_whole(path, json.dumps(described, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"The preset cannot be written to {path} ({reason}); choose another folder.") from None


def read(path: Path, models_folder: Path | None) -> Preset:
    """The preset of a file, every part of it checked; nothing is written. ParameterError with every problem."""
    stored = _stored(path)
    values = {SCRIPT_NAMES.get(name, name): value for name, value in stored["parameters"].items()}
    problems = list(find_problems(values))
    problems += [_problem(f"“{name}” is no entry of a preset.") for name in stored if name not in _ENTRIES]
    model = None
    if not any(problem.field == "model" for problem in problems):
        name = values.get("model", RunParameters.model)
        try:
            model = _brought_along(stored.get("model", {}), name, path, models_folder)
        except ModelError as error:
            problems.append(Problem("model", str(error)))
    if problems:
        raise ParameterError(tuple(problems))
    return Preset(values, model)


def install(preset: Preset, models_folder: Path) -> None:
    """Keep the model that came along with the others of one's own. ModelError where it cannot be written."""
    if preset.model is not None:
        files.write(preset.model, models_folder)


def _stored(path: Path) -> dict[str, Any]:
    """The content of a preset's file once its layout is one that is known here."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _refusal(f"The preset {path} cannot be read ({error.strerror}). Choose another file.") from None
    except (ValueError, RecursionError):
        raise _refusal(f"{path} is not a preset: it is no valid JSON. Choose another file.") from None
    if not isinstance(stored, dict) or not is_preset(stored):
        raise _refusal(f"{path} is not a preset: it does not say its format. Choose another file.")
    if stored["format"] != FORMAT:
        raise _refusal(
            f"The preset {path} is of format {stored['format']!r}, this version reads {FORMAT}. "
            "Use the version of the plugin that wrote it."
        )
    if not isinstance(stored.get("parameters"), dict):
        raise _refusal(f"{path} is not a preset: it has no parameters. Choose another file.")
    return stored


def _brought_along(entry: Any, name: str, path: Path, models_folder: Path | None) -> Model | None:
    """The model of a preset that is not there yet; None where it is. ModelError where neither can be had."""
    if not isinstance(entry, dict) or not entry.keys() <= {"file", "content"}:
        raise ModelError("The preset does not tell its model as one does; save it again.")
    content = entry.get("content")
    if content is None:
        files.find(name, models_folder)
        return None
    model = files.parse(json.dumps(content), f"of the preset {path}")
    if model.name != name:
        raise ModelError(f"The preset names the model “{name}”, but “{model.name}” came along. Save it again.")
    there = {known.name: known for known in files.available(models_folder).models}.get(name)
    if there is None:
        return model
    if there.digest != model.digest:
        raise ModelError(
            f"The preset brings a model called “{name}”, but there is another one of that name already. "
            "Take yours out of the folder of models, or give it another name."
        )
    return None


def _problem(text: str) -> Problem:
    return Problem(PRESET, text)


def _refusal(text: str) -> ParameterError:
    return ParameterError((_problem(text),))
