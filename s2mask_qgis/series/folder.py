"""A folder of dated rasters as series: which files belong together, where their pixels lie, what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..core.grid import Grid
from ..engines.errors import SceneError
from .grids import overlapping, same_pixels, union
from .mask_files import MaskSource, find_masks
from .names import INDEX_NAMES, index_of_name, is_mask_name, iso_day, listed, tile_of
from .paths import dated_bands, label_of, rasters_in, rasters_under
from .rasters import BandFacts, RasterFile, UnreadableError, describe
from .values import Encoding, encodings


@dataclass(frozen=True)
class Image:
    """One file of a series: ``day`` since 1970-01-01 (UTC), the band of its values, and the mask that goes with it."""

    path: Path
    day: int
    band: int
    grid: Grid
    encoding: Encoding
    has_mask_band: bool
    mask: MaskSource | None = None


@dataclass(frozen=True)
class Series:
    """Dated images of one tile or grid, in order of time; ``grid`` covers them all.

    ``name`` tells several series of a folder apart and is empty where there is one; ``index`` is what the values are
    (NDVI, EVI2, kNDVI). Images of one UTC day count as one: each pixel is the mean of those that are clear.
    """

    name: str
    index: str
    grid: Grid
    images: tuple[Image, ...]
    notes: tuple[str, ...] = ()

    @property
    def days(self) -> np.ndarray:
        """The days (n,), float64 since 1970-01-01 UTC, each once, ascending."""
        return np.unique([float(image.day) for image in self.images])

    def of_days(self) -> tuple[tuple[Image, ...], ...]:
        """The images of each of :attr:`days`."""
        return tuple(tuple(image for image in self.images if image.day == day) for day in self.days)


@dataclass(frozen=True)
class _Found:
    """A file whose day is known."""

    file: RasterFile
    band: BandFacts
    day: int
    tile: str


def find_series(ndvi_folder: Path, masks_folder: Path | None = None) -> tuple[Series, ...]:
    """The series of a folder with one GeoTIFF a date, one for each tile or grid.

    The files lie in the folder itself, else in sub-folders. The day comes from a file's name, else from a sub-folder's,
    else from its metadata; a file with a band a date tells the days in the bands' descriptions. Masks come from
    ``masks_folder``, matched by day and tile; without it from files named mask or SCL beside the images, from a sibling
    folder mask, masks or scl with the same names, or from a second band. Files that cannot be used are left out with a
    note. SceneError where there is nothing to use.
    """
    folder = images_folder(ndvi_folder)
    if masks_folder is not None and not masks_folder.is_dir():
        raise SceneError(f"There is no folder {masks_folder} with masks.")
    index, paths = _choose_files(folder)
    found, notes = _read_facts(paths, index, folder)
    images, more_notes = _make_images(found)
    images, mask_notes = find_masks(images, [item.tile for item in found], folder, masks_folder)
    return _grouped(images, [item.tile for item in found], index, (*notes, *more_notes, *mask_notes))


def images_folder(folder: Path) -> Path:
    """The folder that holds the images, itself or in sub-folders: the one given or, of a run's output, its ndvi/.

    SceneError where none does.
    """
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise SceneError(f"The folder {folder} {what}; choose the folder with one GeoTIFF a date.")
    if rasters_in(folder):
        return folder
    inner = [folder / name for name in INDEX_NAMES if (folder / name).is_dir() and rasters_in(folder / name)]
    if inner:
        return inner[0]
    if rasters_under(folder):
        return folder
    raise SceneError(f"There is no GeoTIFF (.tif) in {folder}; choose the folder with one GeoTIFF a date.")


def _choose_files(folder: Path) -> tuple[str, list[Path]]:
    """The index of a folder, and the files that hold it: not masks, and not other products where names tell."""
    paths = [path for path in rasters_under(folder) if not is_mask_name(label_of(path, folder))]
    if not paths:
        raise SceneError(f"There are only masks in {folder}; choose the folder with one GeoTIFF of NDVI a date.")
    named = {index_of_name(label_of(path, folder)) for path in paths} - {None}
    index = index_of_name(folder.name)
    if named and index not in named:
        index = next(name for name in INDEX_NAMES.values() if name in named)
    if index in named:
        paths = [path for path in paths if index_of_name(label_of(path, folder)) == index]
    return index or "NDVI", paths


def _read_facts(paths: Sequence[Path], index: str, folder: Path) -> tuple[list[_Found], list[str]]:
    found, notes, dateless = [], [], []
    for path in paths:
        try:
            file = describe(path)
        except UnreadableError as error:
            notes.append(f"Left out: {error}")
            continue
        bands = dated_bands(file, folder, lambda file: _value_band(file, index))
        if not bands:
            dateless.append(path.name)
        tile = tile_of(label_of(path, folder), file.items)
        found += [_Found(file, band, day, tile) for band, day in bands if not is_mask_name(band.name)]
    if dateless:
        notes.append(f"Left out, since neither name nor metadata tell a date: {listed(dateless)}.")
    if not found:
        reasons = " ".join(notes[:3])
        raise SceneError(f"No file in {folder} can be used. {reasons} Names with a date are like 20230514.tif.")
    return sorted(found, key=lambda item: (item.day, item.file.path.name)), notes


def _value_band(file: RasterFile, index: str) -> BandFacts:
    """The band named like the index, else the first that is no mask."""
    named = [band for band in file.bands if band.name.lower() == index.lower()]
    return named[0] if named else next((band for band in file.bands if not is_mask_name(band.name)), file.bands[0])


def _make_images(found: Sequence[_Found]) -> tuple[list[Image], list[str]]:
    codings, notes = encodings([(item.file, item.band) for item in found])
    images = [
        Image(item.file.path, item.day, item.band.number, item.file.grid, encoding, item.band.has_mask)
        for item, encoding in zip(found, codings)
    ]
    return images, notes


def _grouped(images: Sequence[Image], tiles: Sequence[str], index: str, notes: tuple[str, ...]) -> tuple[Series, ...]:
    """The images by tile, coordinate system, pixel size and, where no tile is known, by extents that overlap.

    Images of several tiles that were all cut to one grid are one series.
    """
    several_tiles = len(set(tiles) - {""}) > 1 and len({image.grid for image in images}) > 1
    groups: list[tuple[str, list[Image]]] = []
    for image, tile in zip(images, tiles):
        key = tile if several_tiles else ""
        alike = [group for name, group in groups if name == key and same_pixels(group[0].grid, image.grid)]
        if alike:
            alike[0].append(image)
        else:
            groups.append((key, [image]))
    parts = [(name, part) for name, group in groups for part in _connected(group)]
    names = _distinct([name or (part[0].grid.crs.replace(":", "") or "grid") for name, part in parts])
    if len(parts) > 1:
        notes = (*notes, f"{len(parts)} grids that do not fit each other are filled apart: {listed(names, 6)}.")
    return tuple(
        Series(name if len(parts) > 1 else "", index, union([image.grid for image in part]), tuple(part), notes)
        for name, (_, part) in zip(names, parts)
    )


def _connected(images: list[Image]) -> Iterable[list[Image]]:
    """The images in groups, those of overlapping extents together."""
    groups: list[tuple[Grid, list[Image]]] = []
    for image in images:
        grid, members = image.grid, [image]
        near = [group for group in groups if overlapping(group[0], grid)]
        while near:
            groups = [group for group in groups if group not in near]
            grid = union([grid, *(group[0] for group in near)])
            members = [*(member for group in near for member in group[1]), *members]
            near = [group for group in groups if overlapping(group[0], grid)]
        groups.append((grid, members))
    return [sorted(members, key=lambda image: (image.day, image.path.name)) for _, members in groups]


def _distinct(names: Sequence[str]) -> list[str]:
    """Names with a number where one occurs more than once; without what a folder's name cannot hold."""
    clean = ["".join(letter if letter.isalnum() else "-" for letter in name)[:40] for name in names]
    return [f"{name}-{clean[:at].count(name) + 1}" if clean.count(name) > 1 else name for at, name in enumerate(clean)]


def merged_note(series: Series) -> str | None:
    """How many days have several images, and what is made of them; None where each has one."""
    several = [iso_day(images[0].day) for images in series.of_days() if len(images) > 1]
    if not several:
        return None
    return f"Several images of one day (UTC) count as one, the mean of the clear ones: {listed(several)}."


def without(series: Series, path: Path, reason: str) -> Series:
    """The series without one file, which turned out to be unusable; an image whose mask it is goes with it, since its
    clouds cannot be told. SceneError where nothing is left."""
    left = tuple(image for image in series.images if path not in (image.path, image.mask.path if image.mask else None))
    if not left:
        raise SceneError(reason)
    return replace(series, images=left, notes=(*series.notes, f"Left out: {reason}"))
