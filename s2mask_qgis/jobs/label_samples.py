"""Features at labels as samples to learn from or to judge on: one label a pixel, contradictions left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.labels import LabelError
from ..core.training.samples import LabelledSamples, make_samples
from .label_features import LabelRow

UNGROUPED = "not given"


def one_a_pixel(rows: Sequence[LabelRow], notes: list[str]) -> list[LabelRow]:
    """One label a pixel; pixels whose labels contradict each other are left out. What that means goes to ``notes``."""
    pixels: dict[tuple[str, float, float], list[LabelRow]] = {}
    for row in rows:
        pixels.setdefault((row.label.image, *row.centre), []).append(row)
    agreed = [group for group in pixels.values() if len({row.label.kind for row in group}) == 1]
    if len(agreed) < len(pixels):
        count = len(pixels) - len(agreed)
        notes.append(f"{count:,} pixels were left out, because their labels contradict each other.")
    repeated = sum(len(group) - 1 for group in agreed)
    if repeated:
        notes.append(f"{repeated:,} labels lie in the same pixel as another one of their class and do not count.")
    return [group[0] for group in agreed]


def samples_of(rows: Sequence[LabelRow], names: Sequence[str]) -> LabelledSamples:
    """The rows, whose values are the features ``names``, as samples. LabelError where there are none."""
    groups = [row.label.group or UNGROUPED for row in rows]
    values: Any = [row.values for row in rows]
    if not rows:
        raise LabelError("No label has all the features, so there is nothing to learn from. The notes say why.")
    return make_samples(
        names,
        values,
        [row.label.kind for row in rows],
        [row.label.image for row in rows],
        land_cover=groups if any(row.label.group for row in rows) else None,
    )
