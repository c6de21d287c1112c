"""What is asked of moves between Earth Engine and this computer, and what came of them: plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from .report import RunState
from .request import Throttle


class MoveStage(Enum):
    """What a move is busy with."""

    LISTING = "Listing the images"
    EXPORTING = "Exporting to Google Drive"
    LOOKING = "Looking through Google Drive"
    DOWNLOADING = "Downloading"
    DELETING = "Deleting assets"
    UPLOADING = "Uploading to the bucket"
    IMPORTING = "Importing into Earth Engine"


@dataclass(frozen=True)
class MoveProgress:
    """``done`` of ``total`` images; ``hint`` tells what is waited for, or which image it is."""

    stage: MoveStage
    done: int
    total: int
    failed: int = 0
    active: int = 0
    hint: str = ""


@dataclass(frozen=True)
class MoveRequest:
    """All images of a folder or collection out of Earth Engine, by way of Drive.

    ``source`` is its asset id; ``project`` is charged for the exports; ``drive_folder`` receives them; ``folder`` on
    this computer receives one GeoTIFF an image, metadata.json, and the ledger of the move.
    """

    project: str
    source: str
    drive_folder: str
    folder: Path
    throttle: Throttle = field(default_factory=Throttle)

    def to_json(self) -> dict[str, Any]:
        """As JSON values, for the ledger."""
        return {**asdict(self), "folder": str(self.folder)}


@dataclass(frozen=True)
class DownloadRequest:
    """The GeoTIFFs of a folder of Drive to this computer, with what metadata.json in ``folder`` knows of them."""

    drive_folder: str
    folder: Path


@dataclass(frozen=True)
class MoveReport:
    """How a move, or a part of it, ended; ``message`` is a sentence for the user.

    ``exported``, ``here`` and ``deleted`` count images: those exported to Drive, those verified on this computer,
    those that are gone from Earth Engine, and those that could be deleted there. ``failed`` names images
    with the reason.
    """

    state: RunState
    message: str
    exported: int = 0
    here: int = 0
    deleted: int = 0
    deletable: int = 0
    failed: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


INGEST, EXTERNAL = "ingest", "external"
MODES = (INGEST, EXTERNAL)
"""How images come back: copied into Earth Engine's store, or as assets whose pixels stay in the bucket."""


@dataclass(frozen=True)
class BringBackRequest:
    """GeoTIFFs of ``folder`` and what ``metadata_file`` knows of them, into the collection ``target`` (an asset id).

    They are uploaded to ``bucket`` below ``prefix`` first. At most ``most_active`` ingestions wait at once.
    """

    project: str
    folder: Path
    metadata_file: Path
    target: str
    bucket: str
    prefix: str = "s2mask"
    mode: str = INGEST
    pyramiding: str = "MODE"
    most_active: int = 30
    refresh_seconds: float = 30.0


@dataclass(frozen=True)
class BringBackReport:
    """How bringing back ended; ``made`` and ``there`` count images: made now, there before."""

    state: RunState
    message: str
    made: int = 0
    there: int = 0
    failed: tuple[tuple[str, str], ...] = field(default=())
