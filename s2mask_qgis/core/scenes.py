"""Scenes: the facts about one Sentinel-2 image that decide whether and how it is used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

COLLECTION = "COPERNICUS/S2_HARMONIZED"
"""Level-1C top-of-atmosphere reflectance x 10000 with the radiometric offset removed."""

BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
"""The 13 spectral bands of Level-1C, in order of wavelength as the product lists them."""

Ring = tuple[tuple[float, float], ...]
"""Corners as (longitude, latitude) in degrees; the first one is repeated at the end."""


@dataclass(frozen=True)
class Scene:
    """One Sentinel-2 image of one tile.

    ``id`` is the asset id, ``index`` its ``system:index``; ``tile`` the MGRS tile without the leading T;
    ``time_start_ms`` milliseconds since 1970 UTC; ``cloudy_percent`` the producer's CLOUDY_PIXEL_PERCENTAGE (0-100);
    ``footprint`` the outline of its valid pixels in longitude and latitude.
    """

    id: str
    index: str
    tile: str
    time_start_ms: int
    cloudy_percent: float
    footprint: Ring

    @property
    def time(self) -> datetime:
        """Acquisition time, UTC."""
        return datetime.fromtimestamp(self.time_start_ms / 1000, timezone.utc)

    @property
    def date(self) -> str:
        """Acquisition date as YYYY-MM-DD, UTC."""
        return self.time.strftime("%Y-%m-%d")
