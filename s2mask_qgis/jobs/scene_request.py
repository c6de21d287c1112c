"""Looking for scenes and downloading them: what is wished for, what was found, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ..catalogues.products import Offer
from ..core.area import Area

COPERNICUS, GOOGLE = "copernicus", "google"
"""The sources: the Copernicus Data Space, and Google's public bucket."""


@dataclass(frozen=True)
class Wish:
    """What scenes are looked for: a processing level and days (UTC, both included) over an area."""

    area: Area
    start: date
    end: date
    level: str


@dataclass(frozen=True)
class FoundScene:
    """A product of a catalogue, and whether the scenes folder has it, in this processing or another one."""

    offer: Offer
    is_there: bool


@dataclass(frozen=True)
class DownloadReport:
    """What came of a download.

    ``downloaded`` and ``skipped`` (there already) name products, ``failed`` holds names with reasons; ``problem``
    tells what ended the download early, ``notes`` what is worth knowing of products that came.
    """

    downloaded: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()
