"""The engine and the ledger of a run, opened for as long as it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from ..core.models.model import Model
from ..engines.base import Engine
from ..engines.errors import SignInError
from ..engines.local.engine import LocalEngine
from ..google.account import Connection
from ..paths import version
from .ledger.ledger import Ledger
from .ledger.rows import RunHeader
from .orders import Orders
from .outputs import ledger_path, settings_key
from .request import RunRequest


class Interrupt:
    """Tells whatever an engine waits for whether to give up: once an order has come, but not while a run that was
    cancelled still has to stop its exports."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._is_suspended = False

    def __call__(self) -> bool:
        """True once what is waited for is to be given up."""
        return self._orders.is_stopped() and not self._is_suspended

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """A block in which the engine answers once more."""
        self._is_suspended = True
        try:
            yield
        finally:
            self._is_suspended = False


@contextmanager
def opened_engine(
    request: RunRequest, connection: Connection | None, interrupt: Callable[[], bool]
) -> Iterator[Engine | LocalEngine]:
    """The engine that a request computes on. SignInError where it is Earth Engine and nobody is signed in."""
    choice = request.earth_engine
    if choice is None:
        with LocalEngine(request.scenes_folder, request.library_folder, request.output_folder, interrupt) as engine:
            yield engine
        return
    if connection is None:
        raise SignInError("Nobody is signed in to Earth Engine. Sign in first, in the section Engine of the dock.")
    from ..engines.earth_engine.engine import EarthEngine, Places

    places = Places(choice.project, choice.destination, choice.asset_folder, choice.drive_folder, request.output_folder)
    with closing(EarthEngine(connection, places, interrupt)) as engine:
        yield engine


@contextmanager
def opened_ledger(request: RunRequest, model: Model) -> Iterator[Ledger]:
    """The ledger of a run, made where there is none; read-only where another process writes it. One that has stayed
    without images is removed."""
    path = ledger_path(request, model)
    ledger, is_empty = _opened(path, request, model), False
    try:
        try:
            yield ledger
        finally:
            is_empty = not ledger.is_read_only and not any(ledger.counts().values())
    finally:
        ledger.close()
        if is_empty:
            with suppress(OSError):  # another program shows it; the next run takes it up
                path.unlink()


def _opened(path: Path, request: RunRequest, model: Model) -> Ledger:
    if not path.exists():
        settings = settings_key(request, model)
        return Ledger.create(path, RunHeader(settings, request.to_json(), model.to_json(), version(), time.time()))
    ledger = Ledger.open(path)
    if not ledger.is_read_only:
        ledger.set_header(replace(ledger.header, request=request.to_json(), version=version()))
    return ledger
