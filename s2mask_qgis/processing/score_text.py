"""Scores as lines of text for the log of an algorithm."""

from __future__ import annotations

from collections.abc import Sequence

from ..jobs.training_request import ScoreRow
from .fields import tr

SCORES = ("balanced_accuracy", "precision", "recall", "f1")


def score_lines(rows: Sequence[ScoreRow]) -> list[str]:
    """A table in columns of one width: name, labels, cloudy ones, and the scores in per cent."""
    head = [tr("labels"), tr("cloudy"), *(tr(name.replace("_", " ")) for name in SCORES)]
    table = [("", *head), *((row.name, f"{row.labels:,}", f"{row.cloudy:,}", *_shares(row)) for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(head) + 1)]
    return [
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))])
        for line in table
    ]


def _shares(row: ScoreRow) -> tuple[str, ...]:
    shares = (getattr(row, name) for name in SCORES)
    return tuple("–" if share is None else f"{100 * share:.1f} %" for share in shares)
