"""Which images make the background of an image: the nearest in time, and the clearest of the nearest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from .footprints import common_share
from .parameters import RunParameters
from .scenes import Scene

MS_PER_HOUR = 3_600_000


@dataclass(frozen=True)
class Backgrounds:
    """The images of the two backgrounds of an image.

    ``nearest`` (method 1 of the published scripts, feature percentile1) begins with the latest image before, goes back
    in time and continues with the images after it, the earliest first. ``clearest`` (method 5, feature percentile5)
    begins with the least cloudy one; equally cloudy ones keep the order of nearness. Either may hold fewer images than
    asked for, or none.
    """

    nearest: tuple[Scene, ...]
    clearest: tuple[Scene, ...]


def choose(scene: Scene, archive: Iterable[Scene], parameters: RunParameters) -> Backgrounds:
    """The background images of ``scene`` among ``archive``, the same for any order of ``archive``.

    Candidates are of the same tile, more than ``hours_excluded`` away in time, and cover more than ``common_area`` of
    the scene's footprint. ``nearest`` are the ``number_of_images`` latest before the scene, filled up with the earliest
    after it where ``allow_future``; ``clearest`` the ``number_of_images`` least cloudy of ``number_preselect`` such.
    """
    preselected = tuple(islice(_neighbours(scene, archive, parameters), parameters.number_preselect))
    # The first n neighbours of a longer list are the n neighbours: number_preselect is never below number_of_images.
    nearest = preselected[: parameters.number_of_images]
    by_cloud = sorted(preselected, key=lambda candidate: candidate.cloudy_percent)
    return Backgrounds(nearest, tuple(by_cloud[: parameters.number_of_images]))


def _neighbours(scene: Scene, archive: Iterable[Scene], parameters: RunParameters) -> Iterator[Scene]:
    """Candidates in the order in which they are taken; footprints are compared only as far as they are asked for."""
    excluded_ms = parameters.hours_excluded * MS_PER_HOUR
    before: list[Scene] = []
    after: list[Scene] = []
    for other in archive:
        if other.tile == scene.tile and abs(other.time_start_ms - scene.time_start_ms) > excluded_ms:
            (before if other.time_start_ms < scene.time_start_ms else after).append(other)
    ordered = sorted(before, key=_in_time, reverse=True)
    if parameters.allow_future:
        ordered += sorted(after, key=_in_time)
    for candidate in ordered:
        if common_share(scene.footprint, candidate.footprint) > parameters.common_area:
            yield candidate


def _in_time(scene: Scene) -> tuple[int, str]:
    return scene.time_start_ms, scene.index
