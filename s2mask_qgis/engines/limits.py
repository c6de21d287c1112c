"""Limits of the Earth Engine service that runs have to respect, each with its source."""

from __future__ import annotations

MAX_PIXELS = 10**13
"""``maxPixels`` of our exports. The service's default of 1e8 is less than one 10 m tile (10,980^2); the value is its
largest. Source: Export.image.toAsset in the API reference."""

DESCRIPTION_LENGTH = 100
"""Characters of a task's description. Source: Exporting images, Earth Engine guides."""

SAMPLE_PAGE_SIZE = 1000
"""Rows of a page of table:computeFeatures. Source: its default in the REST reference."""
