"""Which scenes a run masks: those within its dates that meet its area."""

from __future__ import annotations

from collections.abc import Iterable

from .area import Area
from .footprints import meets
from .parameters import RunParameters
from .scenes import Ring, Scene


def matching(scenes: Iterable[Scene], area: Area, parameters: RunParameters) -> tuple[Scene, ...]:
    """The scenes taken from ``date_start`` to ``date_end`` (UTC, both days included) whose footprint meets ``area``.

    They come in order of time, then of ``system:index``, whatever the order of ``scenes``.
    """
    known: dict[Ring, bool] = {}
    found = []
    for scene in scenes:
        # ISO dates compare as text.
        if not parameters.date_start <= scene.date <= parameters.date_end:
            continue
        if scene.footprint not in known:  # the scenes of a tile share few outlines
            known[scene.footprint] = meets(scene.footprint, area)
        if known[scene.footprint]:
            found.append(scene)
    return tuple(sorted(found, key=lambda scene: (scene.time_start_ms, scene.index)))
