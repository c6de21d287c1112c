"""The evaluation of a model as one web page that needs nothing else: scores, curves, tables and origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from ..core.evaluation.confusion import Confusion
from ..core.evaluation.evaluation import Evaluation, Part
from ..core.whole_files import write_whole
from ..engines.errors import StorageError
from .evaluation_figures import can_draw, figures
from .evaluation_style import STYLE

NONE = "–"
"""Stands where a score is undefined."""

SCORE_TITLES = {
    "balanced_accuracy": "Balanced accuracy",
    "accuracy": "Accuracy",
    "recall": "Recall",
    "false_alarm_rate": "False alarms",
    "precision": "Precision",
    "f1": "F1",
}
_MEANINGS = {
    "balanced_accuracy": "mean of the shares of cloud and of clear that are told right",
    "accuracy": "share of all labels that are told right",
    "recall": "share of the cloud that is found",
    "false_alarm_rate": "share of the clear labels that are called cloud",
    "precision": "share of cloud in what is called cloud",
    "f1": "harmonic mean of precision and recall",
}
_TILES = ("balanced_accuracy", "recall", "false_alarm_rate", "f1")


@dataclass(frozen=True)
class ReportTexts:
    """What a page says beside its figures: ``title``; ``judged``, a sentence on what was judged on what; ``notes``;
    ``provenance``, texts by name, lists and mappings allowed."""

    title: str
    judged: str
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)


def write_report(path: Path, evaluation: Evaluation, texts: ReportTexts) -> None:
    """Write the page, whole or not at all. StorageError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, report_page(evaluation, texts))
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"The report {path} cannot be written ({reason}); choose another folder.") from None


def report_page(evaluation: Evaluation, texts: ReportTexts) -> str:
    """The page as HTML."""
    title = escape(texts.title)
    body = (
        f"<header><h1>{title}</h1><p class='lead'>{escape(texts.judged)}</p>{_tiles(evaluation.counts)}</header>",
        _section("Scores", _scores(evaluation) + _matrix(evaluation)),
        _section("Curves", _curves(evaluation)),
        _section("By image", _parts("Image", evaluation.by_image)),
        _section("By land cover", _parts("Land cover", evaluation.by_land_cover)),
        _section("By class of the labels", _classes(evaluation.by_class)),
        _section("Notes", _notes(evaluation, texts.notes)),
        _section("Where the model comes from", _provenance(texts.provenance)),
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body><main>\n"
        + "\n".join(body)
        + "\n</main></body></html>\n"
    )


def percent(share: float | None) -> str:
    """A share 0-1 as a percentage; a dash where there is none."""
    return NONE if share is None else f"{100 * share:.1f} %"


def _amount(weight: float) -> str:
    """A weight of labels: whole where it is whole."""
    return f"{weight:,.0f}" if float(weight).is_integer() else f"{weight:,.1f}"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>" if content else ""


def _tiles(counts: Confusion) -> str:
    cells = "".join(
        f"<div><dt>{SCORE_TITLES[name]}</dt><dd>{percent(getattr(counts, name))}</dd></div>" for name in _TILES
    )
    return f"<dl class='tiles'>{cells}</dl>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1, kind: str = "") -> str:
    """A table of escaped cells, the first ``texts`` columns to the left, numbers to the right."""

    def row(cells: Sequence[str], tag: str) -> str:
        classes = ["" if column < texts else " class='n'" for column in range(len(cells))]
        return "".join(f"<{tag}{style}>{escape(cell)}</{tag}>" for style, cell in zip(classes, cells, strict=True))

    lines = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows)
    return (
        f"<div class='wide {kind}'><table><thead><tr>{row(head, 'th')}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _scores(evaluation: Evaluation) -> str:
    found = evaluation.curves
    rows = [(SCORE_TITLES[name], percent(getattr(evaluation.counts, name)), _MEANINGS[name]) for name in SCORE_TITLES]
    roc, average = (f"{found.roc_area:.4f}", f"{found.average_precision:.4f}") if found else (NONE, NONE)
    rows.append(("Area under the ROC curve", roc, "1 where some cutoff tells all right, 0.5 by chance"))
    rows.append(("Average precision", average, "area under precision over recall, by steps"))
    rows.append(("Cutoff", f"{evaluation.cutoff:.4g}", "cloud where the probability is above it"))
    return _table(("Score", "Value", "Meaning"), rows, texts=3)


def _matrix(evaluation: Evaluation) -> str:
    (clear_clear, clear_cloud), (cloud_clear, cloud_cloud) = evaluation.counts.matrix
    cells = (
        ("clear", _amount(clear_clear), _amount(clear_cloud)),
        ("cloud", _amount(cloud_clear), _amount(cloud_cloud)),
    )
    return "<h3>Confusion matrix</h3>" + _table(("Label", "called clear", "called cloud"), cells, kind="compact")


def _curves(evaluation: Evaluation) -> str:
    if evaluation.curves is None:
        return "<p>There are no curves: the labels are all of one class.</p>"
    if not can_draw():
        return "<p>The curves are not drawn, because matplotlib is missing; the tables hold all figures.</p>"
    drawn = "".join(
        f"<figure>{figure.svg}<figcaption>{escape(figure.caption)}</figcaption></figure>"
        for figure in figures(evaluation)
    )
    return f"<div class='figures'>{drawn}</div>"


def _parts(title: str, parts: Sequence[Part]) -> str:
    if not parts:
        return ""
    head = (title, "Labels", "Cloudy", *(name for name in SCORE_TITLES.values()))
    return _table(head, ((part.name, f"{part.rows:,}", *_part_scores(part.counts)) for part in parts))


def _part_scores(counts: Confusion) -> tuple[str, ...]:
    """The share of cloud and the scores; without any cloud there is no precision to speak of."""
    hidden = () if counts.cloud else ("precision", "f1")
    shares = (NONE if name in hidden else percent(getattr(counts, name)) for name in SCORE_TITLES)
    return (percent(counts.cloud / counts.labels), *shares)


def _classes(parts: Sequence[Part]) -> str:
    """How much of each class is called cloud; shadow counts as clear elsewhere."""
    rows = (
        (
            part.name,
            f"{part.rows:,}",
            percent((part.counts.clear_as_cloud + part.counts.cloud_as_cloud) / part.counts.labels),
        )
        for part in parts
    )
    return _table(("Class", "Labels", "Called cloud"), rows, kind="compact") if parts else ""


def _notes(evaluation: Evaluation, notes: Sequence[str]) -> str:
    labels = evaluation.counts.labels
    weight = "" if labels == evaluation.rows else f", weighing {_amount(labels)} together"
    images = len(evaluation.by_image)
    told = [f"{evaluation.rows:,} labels of {images:,} image{'' if images == 1 else 's'} were judged{weight}.", *notes]
    if evaluation.left_out:
        told.append(f"{evaluation.left_out:,} labels were left out: their features are unknown there.")
    return "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in told) + "</ul>"


def _provenance(provenance: Mapping[str, Any]) -> str:
    rows = "".join(f"<dt>{escape(str(name))}</dt><dd>{_value(value)}</dd>" for name, value in provenance.items())
    return f"<dl class='origin'>{rows}</dl>" if rows else ""


def _value(value: Any) -> str:
    """A text, a number, a list or a mapping of such as HTML."""
    if isinstance(value, Mapping):
        return _provenance(value) or NONE
    if isinstance(value, (list, tuple)):
        return escape(", ".join(map(str, value))) or NONE
    return escape(str(value))
