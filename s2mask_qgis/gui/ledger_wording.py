"""How the rows of a ledger are told: what each column of the table shows of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ..gis.ledger_states import state_titles
from ..jobs.ledger.rows import ImageRow
from .wording import tr


@dataclass(frozen=True)
class Column:
    """A column of the table: what it shows of a row, and by what it is sorted."""

    title: str
    text: Callable[[ImageRow], str]
    key: Callable[[ImageRow], Any]
    is_number: bool = False


def row_day(row: ImageRow) -> str:
    """The day of an image, UTC: "2023-05-14"."""
    return datetime.fromtimestamp(row.time_start_ms / 1000, timezone.utc).date().isoformat()


def reason_text(row: ImageRow) -> str:
    """Why an image failed, and whether trying again may help."""
    if row.reason and row.is_permanent:
        return tr("{} Trying again will not help.").format(row.reason)
    return row.reason


def _share_text(row: ImageRow) -> str:
    return "" if row.cloud_share is None else f"{round(100 * row.cloud_share)} %"


def columns() -> tuple[Column, ...]:
    """The columns of the table, in order."""
    titles = state_titles()
    return (
        Column(tr("Date"), row_day, lambda row: (row.time_start_ms, row.index)),
        Column(tr("Tile"), lambda row: row.tile, lambda row: (row.tile, row.time_start_ms)),
        Column(tr("State"), lambda row: titles[row.state], lambda row: (row.state.value, row.time_start_ms)),
        Column(tr("Cloud"), _share_text, lambda row: -1.0 if row.cloud_share is None else row.cloud_share, True),
        Column(tr("Tries"), lambda row: str(row.attempts or ""), lambda row: row.attempts, True),
        Column(tr("Reason"), reason_text, lambda row: row.reason),
    )


def matches(row: ImageRow, text: str) -> bool:
    """True where a text, in lower case, occurs in what the table shows of a row."""
    return text in f"{row_day(row)} {row.index} {row.tile} {row.reason}".lower()
