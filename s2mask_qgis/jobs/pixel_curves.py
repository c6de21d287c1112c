"""The curves of one pixel as plain values: its observations, every method's fit, the seasons of the final curve."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.filling.parameters import FillParameters
from ..core.seasons.parameters import SeasonParameters


@dataclass(frozen=True)
class SeriesSource:
    """The series whose pixels are looked at: its folders as in a SeriesRequest, and how its curves are made.

    ``plan`` is that of the SeriesReport of a run over these folders with these parameters: the final curve is then the
    one of that run. Without it the plan is made from a sample of the pixels.
    """

    ndvi_folder: Path
    masks_folder: Path | None = None
    fill: FillParameters = field(default_factory=FillParameters)
    seasons: SeasonParameters = field(default_factory=SeasonParameters)
    plan: dict[str, Any] | None = field(default=None, hash=False)


def curve_choices(fill: FillParameters) -> tuple[str, float, bool]:
    """What of the parameters decides the curves, and so the plan."""
    return fill.method, fill.strength, fill.robust


@dataclass(frozen=True)
class MethodCurve:
    """The fit of one method at the curve's days; NaN where there is none. ``errors`` are standard errors."""

    method: str
    values: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class Moment:
    """A point of a curve: days since 1970-01-01 UTC, and the value there."""

    day: float
    value: float


@dataclass(frozen=True)
class Season:
    """One season of one year, found on the final curve; a moment is None where it is not known."""

    year: int
    number: int
    start: Moment | None
    maximum: Moment | None
    end: Moment | None


@dataclass(frozen=True)
class PixelCurves:
    """One pixel through time.

    ``days`` (days since 1970-01-01 UTC), ``values`` (NaN where unknown), ``reasons`` (codes of Reason) and
    ``rejected`` are those of the observations; ``curve_days`` those of all curves. ``final`` is the curve of the
    chosen method, ``others`` those of the methods to compare it with. ``note`` says in a sentence what keeps a curve
    from being there, or is empty.
    """

    days: tuple[float, ...]
    values: tuple[float, ...]
    reasons: tuple[int, ...]
    rejected: tuple[bool, ...]
    curve_days: tuple[float, ...]
    final: MethodCurve
    others: tuple[MethodCurve, ...] = ()
    seasons: tuple[Season, ...] = ()
    note: str = ""
