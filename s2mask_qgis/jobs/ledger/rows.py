"""The rows of a ledger as plain values: images, and the exports that were asked for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ...core.scenes import Ring


class RowState(Enum):
    """Where an image stands; the texts are stored in the ledger and shown in the table and on the map."""

    WAITING = "waiting"
    SENDING = "sending"  # the request was written down, its answer was not
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    OUT_OF_AREA = "out of area"

    @property
    def is_open(self) -> bool:
        """True while an export of the image is under way, or may be."""
        return self in (RowState.SENDING, RowState.QUEUED, RowState.RUNNING)


@dataclass(frozen=True)
class RunHeader:
    """What a ledger is of: the request, the model and the version that made it, all as JSON values.

    ``settings_key`` (jobs/outputs.py) is the digest of what decides the pixels; ``listed_s`` tells when the last look
    for images was complete (seconds since 1970; None: never).
    """

    settings_key: str
    request: dict[str, Any]
    model: dict[str, Any]
    version: str
    created_s: float
    listed_s: float | None = None


@dataclass(frozen=True)
class ImageRow:
    """One image of a run.

    ``footprint`` is the outline of its valid pixels in degrees; ``kind`` the result that is under way or was made
    last; ``attempts`` the exports that were started for it, all kinds together; ``reason`` tells why it failed, and
    ``is_permanent`` that trying again will not help; ``outputs`` where each kind of result is (asset id, path, or
    folder and name in Drive); shares are 0-1, None where unknown; ``updated_s`` is in seconds since 1970.
    """

    index: str
    id: str
    tile: str
    time_start_ms: int
    cloudy_percent: float
    footprint: Ring
    state: RowState = RowState.WAITING
    kind: str = ""
    attempts: int = 0
    reason: str = ""
    is_permanent: bool = False
    outputs: dict[str, str] = field(default_factory=dict)
    cloud_share: float | None = None
    shadow_share: float | None = None
    ndvi_share: float | None = None
    seconds: float | None = None
    updated_s: float = 0.0


@dataclass(frozen=True)
class ExportRow:
    """One export that was, or is about to be, asked for: the write-ahead entry, completed as answers come.

    ``attempt`` counts the exports of this kind of this image from 1; ``key`` is the digest of what the pixels are made
    from (jobs/outputs.py: image_key); ``operation`` is empty until the service has answered; ``state`` is SENDING,
    QUEUED, RUNNING, DONE, FAILED or CANCELLED.
    """

    request_id: str
    index: str
    kind: str
    attempt: int
    key: str
    operation: str = ""
    state: RowState = RowState.SENDING
    error: str = ""
    error_code: int = 0
    sent_s: float = 0.0
    ended_s: float | None = None
