"""Limits of the Earth Engine service that runs have to respect, each with its source."""

from __future__ import annotations

from dataclasses import dataclass, replace

MAX_PIXELS = 10**13
"""``maxPixels`` of our exports. The service's default of 1e8 is less than one 10 m tile (10,980^2); the value is its
largest. Source: Export.image.toAsset in the API reference."""

DESCRIPTION_LENGTH = 100
"""Characters of a task's description. Source: Exporting images, Earth Engine guides."""

SAMPLE_PAGE_SIZE = 1000
"""Rows of a page of table:computeFeatures. Source: its default in the REST reference."""

MAX_PIXELS_UNLESS_GIVEN = 10**8
"""``maxPixels`` of an export that names none. Source: Export.image.toAsset in the API reference."""


@dataclass(frozen=True)
class ServiceLimits:
    """What the service allows one project; None stands for no limit.

    Sources: the quota page of the Earth Engine guides (tasks, requests, payload, assets), the REST reference of
    computePixels (``pixels_bytes``, ``side_px``, ``bands``) and of table:computeFeatures (``page_size``).
    """

    pending_operations: int = 3000
    running_operations: int = 2
    concurrent_requests: int = 40
    request_seconds: float = 300.0
    payload_bytes: int = 10 * 2**20
    pixels_bytes: int = 48 * 2**20
    side_px: int = 32_768
    bands: int = 1024
    page_size: int = SAMPLE_PAGE_SIZE
    assets: int | None = 10_000
    store_bytes: int | None = 250 * 10**9
    max_pixels: int = MAX_PIXELS_UNLESS_GIVEN


OWN_DISK = replace(ServiceLimits(), assets=None, store_bytes=None)
"""The service's limits without its storage quota: results of the local engine lie on the user's own disk."""
