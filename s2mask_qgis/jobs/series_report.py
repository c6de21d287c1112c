"""What came of a series: the files that were written, what each holds, and how the curves were fitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from .report import RunState


class OutputKind(Enum):
    """What a file of a series holds."""

    FILLED = "filled"  # one date: bands NDVI, NDVI_final, quality, uncertainty
    SERIES = "series"  # all dates of one of these, a band a date
    SUPPORT = "support"  # observations, rejected ones and the longest gap, a pixel
    PRODUCTIVITY = "productivity"  # one year: the parameters of its seasons and the figures of the year
    BETWEEN_YEARS = "between years"  # anomalies and trends


@dataclass(frozen=True)
class SeriesOutput:
    """One file; ``first_day`` and ``last_day`` (ISO dates) are the time it stands for, ``bands`` its band names.

    ``series`` is the name of its series where a folder holds several, like the tile's.
    """

    kind: OutputKind
    path: Path
    title: str
    first_day: str
    last_day: str
    bands: tuple[str, ...]
    series: str = ""


@dataclass(frozen=True)
class SeriesReport:
    """What came of a series; ``message`` is a sentence for the user, ``plan`` tells how the curves were fitted."""

    state: RunState
    message: str
    outputs: tuple[SeriesOutput, ...] = ()
    notes: tuple[str, ...] = field(default=())
    plan: dict[str, Any] | None = None
