"""What a run would take, as arithmetic: listing windows, bytes of results, durations, and what fits a limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

RAW_BYTES_PER_PX: Mapping[str, float] = {"mask": 8.0, "ndvi": 4.0, "evi2": 4.0, "kndvi": 4.0, "features": 13.0}
"""Bytes of a pixel of each kind of result before compression: two bands or one of 32 bit floats, 13 of bytes."""

PACKED_BYTES_PER_PX: Mapping[str, float] = {"mask": 3.5, "ndvi": 3.5, "evi2": 3.5, "kndvi": 3.5, "features": 1.0}
"""The same of results as the local engine stores them (DEFLATE): the median of 384 NDVI images and 16 masks without
masked pixels. What the service makes of them is not known before some are stored."""

PLAN_SECONDS = 30.0
"""Assumed for the sample and the plan of an image, which run beside the tasks of others."""

IMAGES_PER_COUNT = 20_000
"""Images that one question counts at most, about."""

DAYS_BETWEEN_IMAGES = 2.5
"""Of a tile: two satellites every 5 days, and nearly as many again where their swaths overlap."""


@dataclass(frozen=True)
class RunEstimate:
    """What a run would do; counts are of images unless they say otherwise.

    Of ``images`` that match, ``out_of_area`` miss the land and ``done`` are there already. ``is_listed`` tells that
    they were looked at one by one, not only counted. ``tasks`` are exports, ``assets`` those that are new at the
    service (None: results are none). Bytes are of all that is to be made, ``most_bytes`` without compression.
    ``duration_s`` and ``compute_seconds`` are None where nothing is known. ``facts`` are sentences for the user,
    ``problems`` those that refuse the run, ``warnings`` those that do not.
    """

    images: int = 0
    out_of_area: int = 0
    done: int = 0
    tiles: int = 0
    is_listed: bool = True
    tasks: int = 0
    assets: int | None = None
    likely_bytes: float | None = None
    most_bytes: float | None = None
    duration_s: float | None = None
    compute_seconds: float | None = None
    requests: int = 0
    facts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def to_do(self) -> int:
        """Images that are to be made."""
        return max(0, self.images - self.out_of_area - self.done)

    @property
    def can_run(self) -> bool:
        """True where nothing refuses the run."""
        return not self.problems


def counting_windows(date_start: str, date_end: str, tiles: int) -> list[tuple[str, str]]:
    """The days from start to end (both included) in parts, none of which should hold more images of so many tiles than
    one question may count."""
    first, last = date.fromisoformat(date_start), date.fromisoformat(date_end)
    days = (last - first).days + 1
    at_once = max(1, int(IMAGES_PER_COUNT * DAYS_BETWEEN_IMAGES / max(1, tiles)))
    windows = []
    for start in range(0, days, at_once):
        end = min(days, start + at_once) - 1
        windows.append(((first + timedelta(start)).isoformat(), (first + timedelta(end)).isoformat()))
    return windows


def bytes_of(pixels: float, kinds: Iterable[str], per_pixel: Mapping[str, float]) -> float:
    """Bytes of all kinds of results of one image with so many pixels."""
    return pixels * sum(per_pixel[kind] for kind in kinds)


def mean(values: Iterable[float]) -> float | None:
    """The mean, None of nothing."""
    known = list(values)
    return sum(known) / len(known) if known else None


def total_of(tasks: Mapping[str, int], per_task: Mapping[str, float | None]) -> float | None:
    """The sum over all tasks, given what one of each kind takes; a kind of which nothing is known takes the mean of
    the others. None where nothing is known at all."""
    known = {kind: value for kind in tasks if (value := per_task.get(kind)) is not None}
    otherwise = mean(known.values())
    if otherwise is None:
        return None
    return sum(count * known.get(kind, otherwise) for kind, count in tasks.items())


def duration_of(
    task_seconds: float, at_once: int, images: int, planned_at_once: int, plan_seconds: float = PLAN_SECONDS
) -> float:
    """Seconds that a run takes, given those of all its tasks, so many of which run at once: planning goes on beside
    them, so the slower of the two counts, and the first plan has to be waited for."""
    planning = images * plan_seconds / max(1, planned_at_once)
    return max(task_seconds / max(1, at_once), planning) + (plan_seconds if images else 0.0)


def images_that_fit(room: float, per_image: float) -> int:
    """How many images fit where each takes so much of what is left."""
    return max(0, int(room // per_image)) if per_image > 0 else 0
