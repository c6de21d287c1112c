"""Scenes: the facts about one Sentinel-2 image that decide whether and how it is used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

COLLECTION = "COPERNICUS/S2_HARMONIZED"
"""Level-1C top-of-atmosphere reflectance x 10000 with the radiometric offset removed."""

COLLECTION_L2A = "COPERNICUS/S2_SR_HARMONIZED"
"""Level-2A surface reflectance x 10000 with the radiometric offset removed; it has no B10."""

COLLECTIONS = (COLLECTION, COLLECTION_L2A)

COLLECTION_OF = {"L1C": COLLECTION, "L2A": COLLECTION_L2A}
"""The collection of each processing level, as the parameters name it."""

BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
"""The 13 spectral bands of Level-1C, in order of wavelength as the product lists them."""

QUALITY_BANDS = ("SCL", "QA60", "MSK_CLASSI_OPAQUE", "MSK_CLASSI_CIRRUS", "MSK_CLASSI_SNOW_ICE")
"""What the producer says of each pixel, classes and flags: Level-2A's scene classification (1-11), a bit mask (1024
opaque cloud, 2048 cirrus) and masks of 0 and 1. Source: Earth Engine's catalogue of the two collections."""

Ring = tuple[tuple[float, float], ...]
"""Corners as (longitude, latitude) in degrees; the first one is repeated at the end."""


@dataclass(frozen=True)
class Scene:
    """One Sentinel-2 image of one tile.

    ``id`` is the asset id, ``index`` its ``system:index``; ``tile`` the MGRS tile without the leading T;
    ``time_start_ms`` milliseconds since 1970 UTC; ``cloudy_percent`` the producer's CLOUDY_PIXEL_PERCENTAGE (0-100);
    ``footprint`` the outline of its valid pixels in longitude and latitude; ``bands`` the spectral bands that it has,
    ``quality_bands`` those of QUALITY_BANDS; the sun's mean position is clockwise from north and from the zenith, None
    where the metadata do not tell it.
    """

    id: str
    index: str
    tile: str
    time_start_ms: int
    cloudy_percent: float
    footprint: Ring
    bands: tuple[str, ...] = BANDS
    sun_azimuth_deg: float | None = None
    sun_zenith_deg: float | None = None
    quality_bands: tuple[str, ...] = ()

    @property
    def collection(self) -> str:
        """The asset id of the collection that the image is part of."""
        return self.id.rpartition("/")[0]

    @property
    def time(self) -> datetime:
        """Acquisition time, UTC."""
        return datetime.fromtimestamp(self.time_start_ms / 1000, timezone.utc)

    @property
    def date(self) -> str:
        """Acquisition date as YYYY-MM-DD, UTC."""
        return self.time.strftime("%Y-%m-%d")
