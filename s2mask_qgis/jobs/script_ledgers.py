"""Ledgers of the published scripts: the images that an old metadata JSON or workbook lists as done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..engines.errors import EngineError
from .kept_entries import journal_of, read_entries

WORKBOOK = ".xlsx"
NAME, RESULT = "name", "result"
"""Columns of a workbook, in small letters."""

DONE = frozenset({"completed", "succeeded"})
"""Results of a workbook that mean that there is a mask. Whatever failed, was under way or lay outside is not done:
whether an image meets the area is decided anew."""

_INDEX = re.compile(r"\d{8}T\d{6}_\d{8}T\d{6}_T\d{2}[C-HJ-NP-X][A-Z]{2}")
_MOST_TOLD = 3


def already_done(path: Path) -> frozenset[str]:
    """The system:index of every image that a file of the scripts lists as done.

    The file is the JSON that their export to Drive leaves (Earth Engine's paths of images with what is known of each),
    or the workbook of their runs (columns Name and Result). EngineError where it is neither, or names other things
    than Sentinel-2 images.
    """
    names = _workbook_names(path) if path.suffix.lower() == WORKBOOK else _json_names(path)
    indexes = {name: name.rstrip("/").rsplit("/", 1)[-1] for name in names}
    others = [name for name, index in indexes.items() if not _INDEX.fullmatch(index)]
    if others:
        told = ", ".join(f"“{name[:80]}”" for name in others[:_MOST_TOLD])
        more = f" and {len(others) - _MOST_TOLD} more" if len(others) > _MOST_TOLD else ""
        raise EngineError(f"{path} lists what is no Sentinel-2 image: {told}{more}. Choose another file.")
    return frozenset(indexes.values())


def _json_names(path: Path) -> Iterable[str]:
    """The paths that are the keys of a metadata JSON."""
    if not path.exists() and not journal_of(path).exists():
        raise EngineError(f"{path} cannot be read (No such file or directory). Choose another file.")
    return read_entries(path)


def _workbook_names(path: Path) -> Iterable[str]:
    """The names of the rows that are done; every row where the table has no results."""
    from ..series.spreadsheets import rows_of

    header, *rows = rows_of(path) or ((),)
    columns = [name.strip().lower() for name in header]
    if NAME not in columns:
        raise EngineError(f"{path} has no column “Name” in the first row of its first sheet. Choose another file.")
    listed = [row for row in rows if _cell(row, columns, NAME)]
    if RESULT in columns:
        listed = [row for row in listed if _cell(row, columns, RESULT).lower() in DONE]
    return [_cell(row, columns, NAME) for row in listed]


def _cell(row: Sequence[str], columns: Sequence[str], column: str) -> str:
    return row[columns.index(column)].strip()
