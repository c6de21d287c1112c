"""Which images make the backgrounds of an image: the five ways of the published scripts to choose among the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from .footprints import common_share
from .parameters import RunParameters
from .scenes import Scene

MS_PER_HOUR = 3_600_000

Backgrounds = Mapping[int, tuple[Scene, ...]]
"""The images of each background by the number of its method; any may hold fewer than asked for, or none."""


def choose(
    scene: Scene, archive: Iterable[Scene], parameters: RunParameters, methods: Iterable[int]
) -> dict[int, tuple[Scene, ...]]:
    """The background images of ``scene`` among ``archive`` by each of ``methods``, whatever the order of ``archive``.

    Candidates are of the same tile, have all its bands, are more than ``hours_excluded`` away in time, and cover more
    than ``common_area`` of the scene's footprint. The nearest of them are the latest before the scene, then, where
    ``allow_future``, the earliest after it. With n = ``number_of_images`` and m = ``number_preselect``:

    1. the n nearest; 2. the n nearest of those with a CLOUDY_PIXEL_PERCENTAGE above ``cloud_threshold``; 3. the n
    cloudiest of all; 4. of the m nearest the n cloudiest; 5. of the m nearest the n clearest.

    With ``methods_as_documented`` 2 takes those not above the threshold, and 4 the clearest. Equally cloudy ones keep
    the order of nearness.
    """
    nearest = _Remembered(_neighbours(scene, archive, parameters))
    return {method: _chosen(method, nearest, parameters) for method in sorted(set(methods))}


def _chosen(method: int, nearest: _Remembered, parameters: RunParameters) -> tuple[Scene, ...]:
    count, documented = parameters.number_of_images, parameters.methods_as_documented
    if method == 1:
        return nearest.first(count)
    if method == 2:
        matching = (one for one in nearest if (one.cloudy_percent > parameters.cloud_threshold) is not documented)
        return tuple(islice(matching, count))
    if method == 3:
        return _by_cloud(nearest, cloudiest=True)[:count]
    if method in (4, 5):
        preselected = nearest.first(parameters.number_preselect)
        return _by_cloud(preselected, cloudiest=method == 4 and not documented)[:count]
    raise ValueError(f"there is no background method {method}")


def _by_cloud(scenes: Iterable[Scene], cloudiest: bool) -> tuple[Scene, ...]:
    """Scenes in order of their cloud share; sorting keeps the order of equal ones."""
    return tuple(sorted(scenes, key=lambda scene: -scene.cloudy_percent if cloudiest else scene.cloudy_percent))


class _Remembered:
    """Candidates in order of nearness, found only as far as they are asked for, and only once."""

    def __init__(self, scenes: Iterator[Scene]) -> None:
        self._waiting = scenes
        self._found: list[Scene] = []

    def first(self, count: int) -> tuple[Scene, ...]:
        """The nearest ``count``, fewer where there are not so many."""
        self._found += islice(self._waiting, max(0, count - len(self._found)))
        return tuple(self._found[:count])

    def __iter__(self) -> Iterator[Scene]:
        place = 0
        while len(self.first(place + 1)) > place:
            yield self._found[place]
            place += 1


def _neighbours(scene: Scene, archive: Iterable[Scene], parameters: RunParameters) -> Iterator[Scene]:
    """Candidates in the order in which they are taken; footprints are compared only as far as they are asked for."""
    excluded_ms = parameters.hours_excluded * MS_PER_HOUR
    before: list[Scene] = []
    after: list[Scene] = []
    bands = set(scene.bands)
    for other in archive:
        if other.tile != scene.tile or not bands <= set(other.bands):
            continue
        if abs(other.time_start_ms - scene.time_start_ms) > excluded_ms:
            (before if other.time_start_ms < scene.time_start_ms else after).append(other)
    ordered = sorted(before, key=_in_time, reverse=True)
    if parameters.allow_future:
        ordered += sorted(after, key=_in_time)
    for candidate in ordered:
        if common_share(scene.footprint, candidate.footprint) > parameters.common_area:
            yield candidate


def _in_time(scene: Scene) -> tuple[int, str]:
    return scene.time_start_ms, scene.index
