"""The curves of an evaluation as pictures for a web page: inline SVG that takes the colours of the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

from ..core.evaluation.evaluation import Evaluation

if TYPE_CHECKING:
    from ..core.evaluation.curves import Curves

INK, FAINT, LINE, SECOND, MARK = "#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04", "#0a0b05"
_PAGE_COLOURS = {
    INK: "currentColor",
    FAINT: "var(--faint)",
    LINE: "var(--accent)",
    SECOND: "var(--second)",
    MARK: "var(--mark)",
}
"""Colours to draw with, and what the page puts in their place, so that a figure suits light and dark."""

_SIZE_IN = (3.6, 3.1)
_MOST_POINTS = 500


@dataclass(frozen=True)
class FigureText:
    """A drawn figure: inline SVG and the sentence below it."""

    svg: str
    caption: str


def can_draw() -> bool:
    """Whether matplotlib is there."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


def figures(evaluation: Evaluation) -> tuple[FigureText, ...]:
    """The ROC curve, the precision-recall curve and the scores at every cutoff; none where a class has no label."""
    found = evaluation.curves
    if found is None:
        return ()
    counts = evaluation.counts
    return (
        FigureText(
            _svg("ROC curve", lambda axes: _draw_roc(axes, found, evaluation)),
            f"ROC curve. Area {found.roc_area:.4f}; the dot is the cutoff {evaluation.cutoff:.3g}, "
            "the broken line is chance.",
        ),
        FigureText(
            _svg("Curve of precision and recall", lambda axes: _draw_precision(axes, found, evaluation)),
            f"Precision and recall. Average precision {found.average_precision:.4f}; the dot is the cutoff, the "
            f"broken line the share of cloud among the labels ({counts.cloud / counts.labels:.1%}).",
        ),
        FigureText(
            _svg("Scores at every cutoff", lambda axes: _draw_cutoffs(axes, found, evaluation.cutoff)),
            f"What every cutoff gives; the upright line is the cutoff {evaluation.cutoff:.3g}.",
        ),
    )


def _draw_roc(axes: Any, found: Curves, evaluation: Evaluation) -> None:
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1)
    shown = _shown(found)
    axes.plot(found.false_alarm_rate[shown], found.recall[shown], color=LINE, linewidth=2)
    axes.plot(evaluation.counts.false_alarm_rate, evaluation.counts.recall, "o", color=MARK, markersize=8)
    axes.set(xlabel="False alarms (share of clear)", ylabel="Recall (share of cloud)", xlim=(-0.02, 1.02))


def _draw_precision(axes: Any, found: Curves, evaluation: Evaluation) -> None:
    counts, shown = evaluation.counts, _shown(found)
    axes.axhline(counts.cloud / counts.labels, color=FAINT, linestyle="--", linewidth=1)
    axes.plot(found.recall[shown], found.precision[shown], color=LINE, linewidth=2, drawstyle="steps-pre")
    if counts.precision is not None:
        axes.plot(counts.recall, counts.precision, "o", color=MARK, markersize=8)
    axes.set(xlabel="Recall (share of cloud)", ylabel="Precision", xlim=(-0.02, 1.02))


def _draw_cutoffs(axes: Any, found: Curves, cutoff: float) -> None:
    shown = _shown(found)
    for values, colour, label in (
        (found.recall, LINE, "recall"),
        (found.balanced_accuracy, INK, "balanced accuracy"),
        (found.false_alarm_rate, SECOND, "false alarms"),
    ):
        # From 1 down: each value holds from its lower end up to the one before.
        ends, held = [1.0, *found.lower_ends[shown]], [values[0], *values[shown]]
        axes.plot(ends, held, color=colour, linewidth=1.6, label=label, drawstyle="steps-pre")
    axes.axvline(cutoff, color=MARK, linewidth=1.5)
    axes.set(xlabel="Cutoff of the probability", ylabel="Share", xlim=(-0.02, 1.02))
    axes.legend(
        frameon=False,
        labelcolor=INK,
        fontsize=8,
        ncol=3,
        loc="lower center",
        bbox_to_anchor=(0.45, 1.0),
        handlelength=1.0,
        columnspacing=1.0,
    )


def _shown(found: Curves) -> list[int]:
    """The points that are drawn, evenly chosen where there are more than anybody sees, both ends among them."""
    last = len(found.cutoffs) - 1
    return sorted({round(last * step / _MOST_POINTS) for step in range(_MOST_POINTS + 1)})


def _svg(title: str, draw: Callable[[Any], None]) -> str:
    """The SVG element of a figure whose axes ``draw`` fills; ``title`` makes its ids unlike those of other figures."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": title, "font.family": "sans-serif", "font.size": 10}):
        figure = Figure(figsize=_SIZE_IN, layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.set(ylim=(-0.02, 1.02))
        _style(axes)
        stream = StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(stream.getvalue(), title)


def _style(axes: Any) -> None:
    axes.grid(color=FAINT, linewidth=0.5, alpha=0.5)
    axes.tick_params(colors=INK, length=0)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    for side in axes.spines.values():
        side.set_visible(False)


def _inline(document: str, title: str) -> str:
    """An SVG document as an element of a page: without its head and foreign names, with ids of its own."""
    name = title.lower().replace(" ", "-")
    element = document[document.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", element)
    element = re.sub(r'\bid="', f'id="{name}-', element)
    element = re.sub(r'(href="|url\()#', rf"\1#{name}-", element)
    for drawn, shown in _PAGE_COLOURS.items():
        element = element.replace(drawn, shown)
    return element.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1).strip()
