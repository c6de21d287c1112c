"""The evaluation of a model on labelled pixels: counts, curves, and the same by image, land cover and class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..labels import CLASSES
from ..training.samples import LabelledSamples
from .confusion import Confusion, confusion
from .curves import Curves, curves

SCORES = ("balanced_accuracy", "accuracy", "recall", "false_alarm_rate", "precision", "f1")
"""Scores of a Confusion, in the order of tables."""


@dataclass(frozen=True)
class Part:
    """The labels of one image, land cover or class: how many rows, and their counts (weighted)."""

    name: str
    rows: int
    counts: Confusion


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How a model did at a cutoff. ``rows`` labels were judged, ``left_out`` had no probability (unknown features);
    ``curves`` are None where a class has no label."""

    cutoff: float
    rows: int
    left_out: int
    counts: Confusion
    curves: Curves | None
    by_image: tuple[Part, ...]
    by_land_cover: tuple[Part, ...]
    by_class: tuple[Part, ...]

    def scores(self) -> dict[str, float | None]:
        """All scores by name, None where undefined, and what they were judged on."""
        found = self.curves
        return {
            **{name: getattr(self.counts, name) for name in SCORES},
            "roc_area": found.roc_area if found else None,
            "average_precision": found.average_precision if found else None,
            "labels": float(self.rows),
            "images": float(len(self.by_image)),
        }

    def to_json(self) -> dict[str, Any]:
        """The figures as plain JSON values, without the curves."""
        return {
            "cutoff": self.cutoff,
            "left_out": self.left_out,
            "scores": self.scores(),
            "confusion": [list(row) for row in self.counts.matrix],
            "by_image": [_part_json(part) for part in self.by_image],
            "by_land_cover": [_part_json(part) for part in self.by_land_cover],
            "by_class": [_part_json(part) for part in self.by_class],
        }


def evaluate(samples: LabelledSamples, probability: np.ndarray, cutoff: float) -> Evaluation:
    """Judge probabilities of cloud (n,) at ``cutoff`` against the labels; rows without one (NaN) are left out."""
    known = np.isfinite(probability)
    judged, likely = samples.rows(known), probability[known]
    called = likely > cutoff
    return Evaluation(
        cutoff=float(cutoff),
        rows=len(judged),
        left_out=int((~known).sum()),
        counts=confusion(judged.cloud, called, judged.weights),
        curves=curves(judged.cloud, likely, judged.weights),
        by_image=_parts(judged, called, judged.images),
        by_land_cover=() if judged.land_cover is None else _parts(judged, called, judged.land_cover),
        by_class=tuple(sorted(_parts(judged, called, judged.classes), key=lambda part: CLASSES.index(part.name))),
    )


def _parts(samples: LabelledSamples, called: np.ndarray, groups: np.ndarray) -> tuple[Part, ...]:
    """The counts of each group (n,) of names, in their order."""
    parts = []
    for name in np.unique(groups):
        own = groups == name
        parts.append(Part(str(name), int(own.sum()), confusion(samples.cloud[own], called[own], samples.weights[own])))
    return tuple(parts)


def _part_json(part: Part) -> dict[str, Any]:
    scores = {name: getattr(part.counts, name) for name in SCORES}
    return {"name": part.name, "rows": part.rows, "confusion": [list(row) for row in part.counts.matrix], **scores}
