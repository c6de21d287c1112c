"""What the dock does with ledgers, as one value: the real functions load their modules on first use."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..jobs.ledger.rows import RowState
from ..jobs.request import RunRequest

if TYPE_CHECKING:
    from ..jobs.ledger.reading import LedgerView


@dataclass(frozen=True)
class Folders:
    """Where this computer has its scenes, if anywhere, its prepared ones, and the user's own models."""

    scenes: Path | None
    library: Path
    models: Path


@dataclass(frozen=True)
class LedgerServices:
    """All are called in tasks, none touches Qt's widgets. EngineErrors (sentences) where a ledger cannot be used.

    ``look(request, states, since_s, most_rows)`` looks at the ledger of the run that a request asks for, None where
    there is none yet: at so many of the images in these states (None: in any) that have changed since then (None: all);
    ``request_of(path, here)`` rebuilds the request of a ledger, with the folders of the request ``here`` for those
    that this computer lacks; ``retry(path, indexes)`` lets failed images wait again, all where ``indexes`` is None;
    ``export(path, target)`` writes the table to a CSV or XLSX file.
    """

    look: Callable[[RunRequest, Collection[RowState] | None, float | None, int], LedgerView | None]
    request_of: Callable[[Path, Folders], RunRequest]
    retry: Callable[[Path, Collection[str] | None], int]
    export: Callable[[Path, Path], None]


def real_ledger_services() -> LedgerServices:
    """The plugin's own functions."""
    return LedgerServices(_look, _request_of, _retry, _export)


def _look(
    request: RunRequest, states: Collection[RowState] | None, since_s: float | None, most_rows: int
) -> LedgerView | None:
    from ..core.models.files import find
    from ..jobs.ledger.reading import read
    from ..jobs.outputs import ledger_path

    path = ledger_path(request, find(request.parameters.model, request.models_folder))
    if not path.exists():
        return None
    return read(path, most_rows > 0, states, since_s, most_rows)


def _request_of(path: Path, here: Folders) -> RunRequest:
    from ..core.models import files
    from ..core.models.model import Model, ModelError
    from ..jobs.ledger.errors import LedgerError
    from ..jobs.ledger.reading import read
    from ..jobs.outputs import ledger_path

    header = read(path, with_rows=False).header
    try:
        request = RunRequest.from_json(header.request)
        model = Model.from_json(header.model)
    except (KeyError, TypeError, ValueError) as error:  # ModelError and ParameterError are ValueErrors
        raise LedgerError(f"{path} does not tell what its run was to make ({error}). Choose another ledger.") from None
    request = _at_home(request, path, here)
    try:
        files.find(model.name, here.models)
    except ModelError:
        files.write(model, here.models)  # the run was begun with a model of another computer
    if ledger_path(request, files.find(model.name, here.models)) != path:
        raise LedgerError(
            f"{path.name} cannot be gone on with: its file has another name than its run gave it, or the model "
            f"“{model.name}” of this computer is another one. Give the file its name back, or move the model away."
        )
    return request


def _at_home(request: RunRequest, path: Path, here: Folders) -> RunRequest:
    """The request with folders of this computer: the results lie beside the ledger."""
    scenes = request.scenes_folder if request.scenes_folder.is_dir() or here.scenes is None else here.scenes
    return replace(
        request,
        output_folder=path.parent,
        scenes_folder=scenes,
        library_folder=here.library,
        models_folder=here.models,
    )


def _retry(path: Path, indexes: Collection[str] | None) -> int:
    from contextlib import closing

    from ..jobs.ledger.ledger import Ledger

    with closing(Ledger.open(path)) as ledger:
        return ledger.retry(indexes)


def _export(path: Path, target: Path) -> None:
    from ..gis.ledger_layer import export_table

    export_table(path, target)
