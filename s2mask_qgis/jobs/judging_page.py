"""Several models side by side: a web page that links to the report on each, and a table for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import chain, repeat
from pathlib import Path

from ..core.evaluation.evaluation import Evaluation
from ..core.models.model import Model
from ..core.whole_files import write_whole
from ..engines.errors import StorageError
from .evaluation_report import SCORE_TITLES, percent
from .evaluation_style import STYLE
from .training_request import ScoreRow

SCORES = ("balanced_accuracy", "precision", "recall", "f1")
"""Scores of the page, those of a ScoreRow."""

ALL = "all"
"""What the table calls the part that holds all labels."""


def write_page(
    path: Path, rows: Sequence[ScoreRow], models: Mapping[str, Model], reports: str, judged: str, notes: Sequence[str]
) -> None:
    """Write the page of models, in the order of ``rows``; each has a report ``<name>.html`` in the folder ``reports``
    beside it.

    ``judged`` says on what. StorageError where it cannot be written.
    """
    head = ("Model", "Reads", "Cutoff", *(SCORE_TITLES[name] for name in SCORES))
    lines = "".join(_line(row, models[row.name], reports) for row in rows)
    told = "".join(f"<li>{escape(note)}</li>" for note in notes)
    body = (
        f"<header><h1>Models side by side</h1><p class='lead'>Judged on the same {escape(judged)}.</p></header>"
        f"<section><h2>Scores</h2><div class='wide'><table><thead><tr>{_cells(head, 'th')}</tr></thead>"
        f"<tbody>{lines}</tbody></table></div></section>"
        + (f"<section><h2>Notes</h2><ul>{told}</ul></section>" if told else "")
    )
    _write(
        path,
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Models side by side</title><style>{STYLE}</style></head>\n"
        f"<body><main>\n{body}\n</main></body></html>\n",
    )


def write_table(path: Path, evaluations: Mapping[str, Evaluation]) -> None:
    """Write the scores (0-1, empty where undefined) as CSV: a line a model for all labels, then one for each image and
    land cover. StorageError where it cannot be written."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("model", "part", "name", "labels", "cloudy", *SCORE_TITLES))
    for model, evaluation in evaluations.items():
        parts = [(ALL, ALL, evaluation.rows, evaluation.counts)]
        parts += [("image", part.name, part.rows, part.counts) for part in evaluation.by_image]
        parts += [("land cover", part.name, part.rows, part.counts) for part in evaluation.by_land_cover]
        for kind, name, labels, counts in parts:
            scores = (getattr(counts, score) for score in SCORE_TITLES)
            shown = ("" if score is None else f"{score:.6f}" for score in scores)
            writer.writerow((model, kind, name, labels, round(counts.cloud), *shown))
    _write(path, text.getvalue())


def _line(row: ScoreRow, model: Model, reports: str) -> str:
    link = f"<td><a href='{reports}/{row.name}.html'>{escape(model.title)}</a></td>"
    scores = (percent(getattr(row, name)) for name in SCORES)
    return f"<tr>{link}{_cells((', '.join(model.features), f'{model.cutoff:.3g}', *scores), 'td', 1)}</tr>"


def _cells(texts: Iterable[str], tag: str, left: int = 2) -> str:
    """Escaped cells, the first ``left`` of them to the left, numbers to the right."""
    styles = chain(repeat("", left), repeat(" class='n'"))
    return "".join(f"<{tag}{style}>{escape(text)}</{tag}>" for text, style in zip(texts, styles))


def _write(path: Path, text: str) -> None:
    """Write a file, whole or not at all. StorageError where that cannot be done."""
    try:
        write_whole(path, text)
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror}); choose another folder.") from None
