"""Labels: places in images of which someone says what they show, the material that models are built from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CLEAR, CLOUD, SHADOW = "clear", "cloud", "shadow"
CLASSES = (CLEAR, CLOUD, SHADOW)


@dataclass(frozen=True)
class Label:
    """What the image ``image`` (its system:index) shows at a place in degrees: one of CLASSES.

    ``group`` is a land cover or the like, by which scores are told apart; empty where there is none.
    """

    longitude: float
    latitude: float
    image: str
    kind: str
    group: str = ""


@dataclass(frozen=True)
class LabelTable:
    """``labels`` that can be used, and sentences about what was found on the way (swapped axes, rows left out)."""

    labels: tuple[Label, ...]
    notes: tuple[str, ...] = ()


class LabelError(ValueError):
    """Labels that cannot be used; the text says what is wrong, where, and what to do."""


def is_place(longitude: float, latitude: float) -> bool:
    """Whether two numbers can be degrees of longitude and latitude."""
    return -180 <= longitude <= 180 and -90 <= latitude <= 90


def balanced(labels: Iterable[Label], most: int, seed: int) -> tuple[Label, ...]:
    """At most ``most`` labels of each class from each image, in order of images, classes and places.

    Which ones is decided by a digest of the seed and of the label itself: the same whatever the order of ``labels``,
    and a label more changes the choice by that label alone. Labels that are the same count once.
    """
    strata: dict[tuple[str, str], list[Label]] = {}
    for label in dict.fromkeys(labels):
        strata.setdefault((label.image, label.kind), []).append(label)
    chosen: list[Label] = []
    for key in sorted(strata):
        chosen += sorted(sorted(strata[key], key=lambda label: _draw(label, seed))[:most], key=_by_place)
    return tuple(chosen)


def by_image(labels: Iterable[Label]) -> dict[str, tuple[Label, ...]]:
    """The labels of each image, in order of the images' names."""
    found: dict[str, list[Label]] = {}
    for label in labels:
        found.setdefault(label.image, []).append(label)
    return {image: tuple(found[image]) for image in sorted(found)}


def capped(items: Sequence[str], most: int = 5) -> str:
    """The first of some items as text, and how many more there are."""
    more = f" and {len(items) - most:,} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def _draw(label: Label, seed: int) -> bytes:
    text = f"{seed} {label.image} {label.kind} {label.longitude!r} {label.latitude!r}"
    return hashlib.sha256(text.encode()).digest()


def _by_place(label: Label) -> tuple[float, float, str]:
    return -label.latitude, label.longitude, label.group
