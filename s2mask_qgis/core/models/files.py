"""Models as JSON files: those that ship with the plugin and the user's own, read with every check, written whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..whole_files import write_whole
from .model import Model, ModelError, checksum

FORMAT = 1
"""Version of the file's layout."""

SHIPPED = Path(__file__).parent / "shipped"
"""Where the models lie that ship with the plugin."""


@dataclass(frozen=True)
class Available:
    """``models`` that can be used, the shipped ones first, and a sentence for each file that cannot."""

    models: tuple[Model, ...]
    problems: tuple[str, ...]


def read(path: Path) -> Model:
    """The model of a file. ModelError (a sentence) where it cannot be read, was changed by hand or is another's."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ModelError(f"The model {path} cannot be read ({error.strerror}); choose another.") from None
    except ValueError:
        raise ModelError(f"{path} is not a model: it is no text. Choose another file.") from None
    return parse(text, str(path))


def parse(text: str, where: str) -> Model:
    """The model whose file holds ``text``; ``where`` names its place in the sentence of a ModelError."""
    try:
        stored = json.loads(text)
    except (ValueError, RecursionError):
        raise ModelError(f"{where} is not a model: it is no valid JSON. Choose another file.") from None
    if not isinstance(stored, dict) or "format" not in stored:
        raise ModelError(f"{where} is not a model: it does not say its format. Choose another file.")
    if stored["format"] != FORMAT:
        raise ModelError(
            f"The model {where} is of format {stored['format']!r}, this version reads {FORMAT}. "
            "Build the model again, or use the version of the plugin that wrote it."
        )
    body = {name: value for name, value in stored.items() if name not in ("format", "checksum")}
    if stored.get("checksum") != checksum(body):
        raise ModelError(
            f"The model {where} was changed after it was written: its checksum does not fit. "
            "Take it again from where it came from, or build it again."
        )
    try:
        return Model.from_json(body)
    except ModelError as error:
        raise ModelError(f"The model {where} cannot be used: {error}.") from None


def text_of(model: Model) -> str:
    """The content of a model's file."""
    body = model.to_json()
    return json.dumps({"format": FORMAT, **body, "checksum": checksum(body)}, indent=1, ensure_ascii=False) + "\n"


def is_shipped(name: str) -> bool:
    """True for the name of a model that ships with the plugin."""
    return name in {path.stem for path in SHIPPED.glob("*.json")}


def write(model: Model, folder: Path) -> Path:
    """Write a model as ``<name>.json``, whole or not at all, over one of the same name; returns the path.

    ModelError where the folder cannot be written or the name is one of a shipped model.
    """
    if is_shipped(model.name):
        raise ModelError(f"“{model.name}” is the name of a model that ships with the plugin; choose another name.")
    path = folder / f"{model.name}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text_of(model))
    except OSError as error:
        raise ModelError(f"The model cannot be written to {path} ({error.strerror}); choose another folder.") from None
    return path


def find(name: str, folder: Path | None = None) -> Model:
    """The shipped or own (in ``folder``) model of a name. ModelError where there is none or it cannot be used."""
    for path in _paths(folder):
        if path.stem == name:
            model = read(path)
            if model.name != name:
                raise ModelError(f"The model {path} calls itself “{model.name}”; give the file that name.")
            return model
    names = ", ".join(path.stem for path in _paths(folder))
    raise ModelError(f"There is no model called “{name}”; there are {names}. Choose one of them.")


def available(folder: Path | None = None) -> Available:
    """Every model that can be chosen: the shipped ones, then those of ``folder`` in order of their names."""
    models: list[Model] = []
    problems: list[str] = []
    for path in _paths(folder):
        try:
            models.append(find(path.stem, folder))
        except ModelError as error:
            problems.append(str(error))
    return Available(tuple(models), tuple(problems))


def _paths(folder: Path | None) -> Iterator[Path]:
    """The files of all models; a file of one's own with the name of a shipped model does not count."""
    shipped = sorted(SHIPPED.glob("*.json"))
    yield from shipped
    if folder is not None:
        names = {path.name for path in shipped}
        yield from sorted(path for path in folder.glob("*.json") if path.name not in names)
