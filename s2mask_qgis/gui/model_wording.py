"""What a model is, in a few lines for a tooltip: title, needs, cutoff, origin and scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models.model import Model
from .offers import bands_text
from .wording import tr

LINES_SHOWN = 6
"""Entries of the origin, and of the scores, that a tooltip has room for."""

LONGEST = 120
"""Letters of an entry that a tooltip has room for."""


def model_details(model: Model) -> str:
    """All there is to know about a model, line by line."""
    lines = [
        model.title,
        tr("Reads {}").format(", ".join(model.features)),
        tr("Needs {}").format(bands_text(model.missing_bands(()))),
        tr("Cutoff {:.3g}").format(model.cutoff),
        *_entries(model.provenance),
        *_entries(model.scores),
    ]
    return "\n".join(line for line in lines if line)


def _entries(values: Mapping[str, Any]) -> list[str]:
    """The plain entries of a mapping as "name: value"."""
    plain = [(name, value) for name, value in values.items() if isinstance(value, (str, int, float))]
    return [f"{name.replace('_', ' ')}: {_short(value)}" for name, value in plain[:LINES_SHOWN]]


def _short(value: str | float) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
