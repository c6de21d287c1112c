"""GDAL's cache of decoded blocks, kept small while a series is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from osgeo import gdal

CACHE_BYTES = 64 * 2**20


@contextmanager
def small_cache() -> Iterator[None]:
    """Hold GDAL's cache to CACHE_BYTES for the block.

    By default it takes a twentieth of the machine's memory, and copying and overviews fill it with blocks that nobody
    asks for again. It belongs to the whole process, so the size that was set before is set again.
    """
    before = gdal.GetCacheMax()
    gdal.SetCacheMax(min(before, CACHE_BYTES))
    try:
        yield
    finally:
        gdal.SetCacheMax(before)
