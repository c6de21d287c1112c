"""What came of a run: one outcome an image, one outcome for the whole, and progress on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from ..engines.base import TrueColour


class ImageState(Enum):
    """How one image ended."""

    DONE = "done"
    KEPT = "kept"  # an earlier run with the same parameters made it
    FAILED = "failed"
    OUT_OF_AREA = "out of area"


class RunState(Enum):
    """How a run ended."""

    FINISHED = "finished"
    FINISHED_WITH_FAILURES = "finished with failures"
    CANCELLED = "cancelled"
    PAUSED = "paused"  # by the user or for a reason; the ledger holds what is needed to go on
    REFUSED = "refused"


class Stage(Enum):
    """What a run is busy with."""

    SCENES = "Looking through the scenes"
    LISTING = "Listing the images"
    PREPARING = "Preparing scenes"
    MASKING = "Masking images"


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` pieces of ``stage``; ``seconds_left`` is an estimate, None while there is none.

    ``active`` of the run's own exports are under way, ``active_project`` of the whole project (None: not known);
    ``hint`` is a sentence for the user that tells what is waited for, empty where all goes its way.
    """

    stage: Stage
    done: int
    total: int
    seconds_left: float | None = None
    active: int = 0
    active_project: int | None = None
    failed: int = 0
    hint: str = ""


@dataclass(frozen=True)
class ImageOutcome:
    """What came of one image.

    ``cloud_share`` and ``shadow_share`` are the shares of valid pixels of the area that the mask calls so,
    ``ndvi_share`` the share of the area's pixels that have an NDVI (0-1, None where the image failed); ``reason`` is
    for the user. Paths are None where the image failed, the result was not asked for, or lies elsewhere; ``outputs``
    tells where each kind of result is (asset id, path, or folder and name in Drive).
    """

    index: str
    tile: str
    time_start_ms: int
    state: ImageState
    mask_path: Path | None = None
    ndvi_path: Path | None = None
    evi2_path: Path | None = None
    kndvi_path: Path | None = None
    features_path: Path | None = None
    true_colour: TrueColour | None = None
    cloud_share: float | None = None
    shadow_share: float | None = None
    ndvi_share: float | None = None
    seconds: float = 0.0
    reason: str = ""
    plan: dict[str, Any] | None = None
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunReport:
    """What came of a run; ``message`` is a sentence for the user, ``images`` are in order of time.

    Of a run whose results lie elsewhere ``images`` holds the first failures only, the ledger holds all.
    """

    state: RunState
    message: str
    images: tuple[ImageOutcome, ...] = ()
    notes: tuple[str, ...] = field(default=())
    ledger: Path | None = None
