"""The processing levels of scenes: which there are, and the scenes of one."""

from __future__ import annotations

from collections.abc import Iterable

from ..core.scenes import BANDS, COLLECTION_L2A, Scene

L1C, L2A = "L1C", "L2A"

BANDS_OF_LEVEL = {L1C: BANDS, L2A: tuple(band for band in BANDS if band != "B10")}
"""The bands of products of a level; stacks may have fewer."""


def level_of(scene: Scene) -> str:
    """The processing level of a scene, as the parameters name it."""
    return L2A if scene.collection == COLLECTION_L2A else L1C


def levels_of(scenes: Iterable[Scene]) -> tuple[str, ...]:
    """The levels that there are among scenes, L1C first."""
    there = {level_of(scene) for scene in scenes}
    return tuple(level for level in (L1C, L2A) if level in there)


def of_level(scenes: Iterable[Scene], level: str) -> tuple[Scene, ...]:
    """The scenes of one level."""
    return tuple(scene for scene in scenes if level_of(scene) == level)
