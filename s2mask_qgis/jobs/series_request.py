"""What a series is asked to become: a frozen snapshot of the form, from dated NDVI to filled NDVI and productivity."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core.area import Area
from ..core.filling.parameters import FillParameters
from ..core.seasons.parameters import SeasonParameters


@dataclass(frozen=True)
class SeriesRequest:
    """Fill the gaps of the dated rasters in ``ndvi_folder`` and, where ``seasons`` is given, map the productivity.

    ``ndvi_folder`` holds one GeoTIFF a date (a run's own ndvi/ folder or files of the user's), ``masks_folder`` the
    masks or scene classifications beside them, None where gaps are no-data. ``area`` limits the pixels, None takes
    all. ``first_day`` and ``last_day`` (ISO dates, both included, None for all) limit what is written, never what is
    fitted.
    """

    ndvi_folder: Path
    output_folder: Path
    fill: FillParameters
    seasons: SeasonParameters | None = None
    masks_folder: Path | None = None
    area: Area | None = None
    first_day: str | None = None
    last_day: str | None = None
