"""What a run would do, found before it starts: its images, and how many of them exist already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..core.area import Area
from ..core.parameters import RunParameters
from ..core.scenes import Scene
from ..engines.errors import CancelledError
from ..jobs.request import RunRequest
from .services import Services
from .wording import all_listed_text, dates_miss_text, nothing_met_text

ALWAYS = ("0001-01-01", "9999-12-31")


@dataclass(frozen=True)
class Estimate:
    """``images`` a run would treat, ``kept`` of them an earlier run made, ``listed`` more are left out because a file
    lists them as done; ``problem`` tells why there are none."""

    images: int
    kept: int = 0
    listed: int = 0
    problem: str = ""


def estimate(
    services: Services,
    scenes: Sequence[Scene],
    area: Area,
    parameters: RunParameters,
    request: RunRequest | None,
    is_cancelled: Callable[[], bool],
) -> Estimate:
    """Count the images of a run; without a ``request`` (no output folder yet) none counts as made already.

    EngineError where a file of images that are done cannot be read.
    """
    images = services.matching(scenes, area, parameters)
    if is_cancelled():
        raise CancelledError("superseded")
    if images:
        return _counted(services, request, images)
    ever = services.matching(scenes, area, replace(parameters, date_start=ALWAYS[0], date_end=ALWAYS[1]))
    if ever:
        return Estimate(0, problem=dates_miss_text(ever, parameters.date_start, parameters.date_end))
    return Estimate(0, problem=nothing_met_text(scenes))


def _counted(services: Services, request: RunRequest | None, images: Sequence[Scene]) -> Estimate:
    """How many of the images that match are left out, and made already."""
    if request is None:
        return Estimate(len(images))
    done = services.listed(request.done_file) if request.done_file is not None else frozenset()
    left = [scene for scene in images if scene.index not in done]
    listed = len(images) - len(left)
    problem = "" if left or request.done_file is None else all_listed_text(listed, request.done_file.name)
    return Estimate(len(left), services.kept(request, left) if left else 0, listed, problem)
