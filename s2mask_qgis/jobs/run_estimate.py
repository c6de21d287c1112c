"""The estimate of a run on Earth Engine from its request alone: the engine, the ledger and Drive are opened for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from ..core.estimates import RunEstimate
from ..core.models.files import find
from ..engines.errors import CancelledError, EngineError
from ..google.account import Connection
from ..google.answers import waited_for
from ..google.drive_user import drive_user
from .estimating import estimate_on_engine
from .ledger.ledger import Ledger
from .opening import opened_engine
from .outputs import ledger_path
from .request import RunRequest

IsCancelled = Callable[[], bool]


def estimate_run(request: RunRequest, connection: Connection, is_cancelled: IsCancelled) -> RunEstimate:
    """What a run on Earth Engine would make, asked of the service; nothing is made or written.

    EngineErrors where it cannot be asked, ModelError where there is no such model, CancelledError.
    """
    model = find(request.parameters.model, request.models_folder)
    path = ledger_path(request, model)

    def drive_free() -> int | None:
        return _drive_free(connection, request, is_cancelled)

    with opened_engine(request, connection, is_cancelled) as engine:
        if not path.exists():
            return estimate_on_engine(request, engine, None, model, drive_free)
        with closing(Ledger.open(path, read_only=True)) as ledger:
            return estimate_on_engine(request, engine, ledger, model, drive_free)


def _drive_free(connection: Connection, request: RunRequest, is_cancelled: IsCancelled) -> int | None:
    """The room in the account's Drive; None where there is no limit, or where the sign-in may not look."""
    project = request.earth_engine.project if request.earth_engine is not None else ""
    try:
        return drive_user(waited_for(connection.authorized(is_cancelled, project), is_cancelled)).free_bytes
    except CancelledError:
        raise
    except EngineError:  # exports to Drive need no look at it, an estimate can do without
        return None
