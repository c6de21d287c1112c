"""Land that is a table may change between two sessions of a run: then what was made by it before is made again."""

from __future__ import annotations

from dataclasses import replace

from ..core.land import Land
from ..core.models.model import Model, checksum
from ..engines.base import Engine
from ..engines.errors import BadRequestError
from .ledger.ledger import Ledger
from .ledger.rows import RowState
from .outputs import settings_key
from .request import RunRequest


def current_settings(engine: Engine, request: RunRequest, model: Model) -> str:
    """The digest of all that decides an image's pixels besides its scenes, the state of the table of its land too."""
    settings, changed = settings_key(request, model), _changed(engine, request.land)
    return checksum([settings, changed]) if changed else settings


def follow_settings(ledger: Ledger, settings: str) -> None:
    """Let all images of a ledger wait again whose settings have become other ones: their keys tell which results stay.

    While exports of the earlier settings are under way, that is done at the beginning of each session.
    """
    header = ledger.header
    if header.settings_key == settings:
        return
    open_exports = {row.index for row in ledger.open_exports()}
    decided = {RowState.DONE, RowState.FAILED, RowState.OUT_OF_AREA}
    again = [row.index for row in ledger.images(decided) if row.index not in open_exports]
    with ledger.batch():
        ledger.mark(again, RowState.WAITING)
        kept = header.settings_key if open_exports else settings
        ledger.set_header(replace(header, settings_key=kept, listed_s=None))


def _changed(engine: Engine, land: Land | None) -> str:
    """When the table of land was changed last; "" where there is none, or where it cannot be read, which is told when
    the images are listed."""
    if land is None or not land.asset:
        return ""
    try:
        return engine.asset_changed(land.asset)
    except BadRequestError:
        return ""
