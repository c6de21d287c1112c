"""The GeoTIFFs under a folder, and the days, bands and words that their places and names tell."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ..engines.errors import SceneError
from .names import day_of_metadata, day_of_name
from .rasters import SUFFIXES, BandFacts, RasterFile

DEEPEST = 4
"""Levels of sub-folders that are looked through."""


def rasters_in(folder: Path) -> list[Path]:
    """The GeoTIFFs of a folder itself, by name. SceneError where the folder cannot be read."""
    return [path for path, is_folder in _entries(folder) if not is_folder and path.suffix.lower() in SUFFIXES]


def rasters_under(folder: Path) -> list[Path]:
    """The GeoTIFFs of a folder or, where it has none itself, those of its sub-folders."""
    return rasters_in(folder) or list(_below(folder, DEEPEST))


def _below(folder: Path, levels: int) -> Iterator[Path]:
    for path, is_folder in _entries(folder):
        if is_folder and levels:
            yield from rasters_in(path)
            yield from _below(path, levels - 1)


def _entries(folder: Path) -> list[tuple[Path, bool]]:
    """What a folder holds and whether each is a folder, without what is hidden."""
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError as error:
        raise SceneError(f"The folder {folder} cannot be read ({error.strerror}).") from None
    return [(folder / name, is_folder) for name, is_folder in found if not name.startswith(".")]


def label_of(path: Path, folder: Path) -> str:
    """The name of a file with those of the sub-folders it lies in."""
    return path.relative_to(folder).with_suffix("").as_posix()


def dated_bands(
    file: RasterFile, folder: Path, choose: Callable[[RasterFile], BandFacts]
) -> list[tuple[BandFacts, int]]:
    """The bands to be used and their days since 1970-01-01; none where nothing tells a date.

    A file with several bands whose descriptions are dates is a stack, all of which are used. Else ``choose`` gives the
    band; its day is told by the file's name, the folders it lies in, the metadata, or the description of a band.
    """
    told = [(band, day_of_name(band.name)) for band in file.bands]
    dated = [(band, day) for band, day in told if day is not None]
    if len(dated) > 1:
        return dated
    parts = reversed(label_of(file.path, folder).split("/"))
    days = [*map(day_of_name, parts), day_of_metadata(file.items), *(day for _, day in dated)]
    known = [day for day in days if day is not None]
    return [(choose(file), known[0])] if known else []
