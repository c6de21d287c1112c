"""Which mask belongs to which image of a folder, and how it is read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.grid import Grid
from ..engines.errors import SceneError
from .grids import offset_px, same_pixels
from .masks import MaskCoding, coding_of
from .names import (
    bare,
    is_cloud_name,
    is_mask_name,
    is_own_result,
    is_scl_name,
    is_valid_name,
    iso_day,
    listed,
    tile_of,
)
from .paths import dated_bands, label_of, rasters_in, rasters_under
from .rasters import BandFacts, RasterFile, UnreadableError, describe, overview_values

if TYPE_CHECKING:
    from .folder import Image

_SIBLINGS = ("mask", "masks", "scl", "SCL")


@dataclass(frozen=True)
class MaskSource:
    """Where the mask of an image lies and how it is read; ``nodata`` is None where the file declares none."""

    path: Path
    band: int
    grid: Grid
    coding: MaskCoding
    nodata: float | None


@dataclass(frozen=True)
class _Candidate:
    file: RasterFile
    band: BandFacts
    day: int
    tile: str


def find_masks(
    images: Sequence[Image], tiles: Sequence[str], folder: Path, masks_folder: Path | None
) -> tuple[list[Image], list[str]]:
    """The images with their masks, and notes on how these are read and where there is none.

    SceneError where masks were asked for and none fits, or where it is not certain which fits.
    """
    candidates, notes = _candidates(images, folder, masks_folder)
    if not candidates:
        masked, more_notes = _with_mask_bands(images)
        return masked, [*notes, *more_notes]
    chosen = [_match(image, tile, images, candidates) for image, tile in zip(images, tiles)]
    used = [candidate for candidate in chosen if candidate is not None]
    if not used:
        if masks_folder is None:
            return list(images), notes
        raise SceneError(f"No mask in {masks_folder} has the date of an image; names tell dates, like 20230514.tif.")
    label = f"Masks in {used[0].file.path.parent}"
    coding = _coding(used, label)
    notes = [*notes, f"{label}: {coding.value}.", *_notes_on_fit(images, chosen)]
    return [replace(image, mask=_source(found, coding)) for image, found in zip(images, chosen)], notes


def _candidates(images: Sequence[Image], folder: Path, masks_folder: Path | None) -> tuple[list[_Candidate], list[str]]:
    """The dated masks of the folder that was named, or of where they are found without."""
    paths: list[Path] = []
    if masks_folder is not None:
        paths = rasters_under(masks_folder)
        if masks_folder.resolve() == folder.resolve():
            paths = [path for path in paths if is_mask_name(label_of(path, folder))]
        if not paths:
            raise SceneError(f"There is no mask (.tif) in {masks_folder}.")
    else:
        beside = [path for path in rasters_under(folder) if is_mask_name(label_of(path, folder))]
        paths = beside or _siblings(images, folder)
    found, notes = [], []
    for path in paths:
        try:
            file = describe(path)
        except UnreadableError as error:
            notes.append(f"Mask left out: {error}")
            continue
        within = masks_folder or (folder if path.is_relative_to(folder) else path.parent)
        tile = tile_of(path.stem, file.items)
        found += [_Candidate(file, band, day, tile) for band, day in dated_bands(file, within, _mask_band)]
    if masks_folder is not None and not found:
        raise SceneError(f"No mask in {masks_folder} can be used: {notes[0] if notes else 'no file tells a date.'}")
    return found, notes


def _siblings(images: Sequence[Image], folder: Path) -> list[Path]:
    """Masks in a folder mask/, masks/ or scl/ beside the images' folder whose files have the same names."""
    names = {image.path.name for image in images}
    for name in _SIBLINGS:
        sibling = folder.resolve().parent / name
        if sibling.is_dir() and sibling != folder.resolve():
            same = [path for path in rasters_in(sibling) if path.name in names]
            if same:
                return same
    return []


def _mask_band(file: RasterFile) -> BandFacts:
    return next((band for band in file.bands if is_mask_name(band.name)), file.bands[0])


def _match(image: Image, tile: str, images: Sequence[Image], candidates: Sequence[_Candidate]) -> _Candidate | None:
    """The mask of an image: of the same day and tile, and of the most alike name where there are several."""
    same_day = [
        item for item in candidates if item.day == image.day and (not (tile and item.tile) or item.tile == tile)
    ]
    alike = [item for item in same_day if bare(item.file.path.stem) == bare(image.path.stem)]
    if len(alike) == 1 or len(same_day) < 2:
        return next(iter(alike or same_day), None)
    of_day = [other for other in images if other.day == image.day]
    if len(of_day) != len(same_day):
        raise SceneError(
            f"{iso_day(image.day)} has {len(of_day)} images and {len(same_day)} masks "
            f"({listed([item.file.path.name for item in same_day])}); name each mask like its image."
        )
    return same_day[of_day.index(image)]


def _coding(used: Sequence[_Candidate], label: str) -> MaskCoding:
    """The coding that all the masks share."""
    numbers = _values([(item.file.path, item.band) for item in used])
    names = [f"{item.file.path.parent.name} {item.file.path.stem} {item.band.name}" for item in used]
    says_cloud = any(map(is_cloud_name, names)) or any(is_own_result(item.file.items) for item in used)
    return coding_of(numbers, any(map(is_scl_name, names)), says_cloud, any(map(is_valid_name, names)), label)


def _values(bands: Sequence[tuple[Path, BandFacts]]) -> np.ndarray:
    """The distinct values of masks as far as a quick look at each tells, no data left out, as float64.

    Files that cannot be read give none; whoever reads all of their pixels finds out.
    """
    parts = [np.empty(0)]
    for path, band in bands:
        numbers = np.empty(0)
        with suppress(UnreadableError):
            numbers = np.unique(overview_values(path, band.number)).astype(np.float64)
        parts.append(numbers[~np.isnan(numbers) & (numbers != band.nodata)])
    return np.unique(np.concatenate(parts))


def _source(found: _Candidate | None, coding: MaskCoding) -> MaskSource | None:
    if found is None:
        return None
    return MaskSource(found.file.path, found.band.number, found.file.grid, coding, found.band.nodata)


def _notes_on_fit(images: Sequence[Image], chosen: Sequence[_Candidate | None]) -> list[str]:
    bare_days = [iso_day(image.day) for image, found in zip(images, chosen) if found is None]
    resampled = [
        found.file.path.name
        for image, found in zip(images, chosen)
        if found is not None and not is_aligned(image.grid, found.file.grid)
    ]
    notes = [f"No mask on {listed(bare_days)}: every pixel with a value counts as clear there."] if bare_days else []
    if resampled:
        notes.append(f"Masks on another grid are brought to the images' by nearest neighbour: {listed(resampled)}.")
    return notes


def is_aligned(grid: Grid, other: Grid) -> bool:
    """Whether the pixels of two grids coincide, however far they reach."""
    if not same_pixels(grid, other):
        return False
    row, column = offset_px(grid, other)
    x_scale, _, x0, _, y_scale, y0 = grid.transform
    return (
        abs(y0 + row * y_scale - other.transform[5]) < 0.01 * abs(y_scale)
        and abs(x0 + column * x_scale - other.transform[2]) < 0.01 * x_scale
    )


def _with_mask_bands(images: Sequence[Image]) -> tuple[list[Image], list[str]]:
    """The images with the masks in their own files: a band named mask or SCL, or a second, nameless one of codes."""
    inside = [_inner_band(image) for image in images]
    used = [_Candidate(file, band, image.day, "") for image, (file, band) in zip(images, inside) if band is not None]
    if not used:
        return list(images), []
    coding = _coding(used, f"Bands of masks in {images[0].path.parent}")
    note = f"Band {used[0].band.number} of the images is a mask: {coding.value}."
    masked = [
        replace(
            image, mask=None if band is None else MaskSource(file.path, band.number, file.grid, coding, band.nodata)
        )
        for image, (file, band) in zip(images, inside)
    ]
    bare_days = [iso_day(image.day) for image in masked if image.mask is None]
    more = [f"No mask on {listed(bare_days)}: every pixel with a value counts as clear there."] if bare_days else []
    return masked, [note, *more]


def _inner_band(image: Image) -> tuple[RasterFile, BandFacts | None]:
    file = describe(image.path)
    others = [band for band in file.bands if band.number != image.band]
    named = [band for band in others if is_mask_name(band.name)]
    if named:
        return file, named[0]
    if len(file.bands) != 2 or others[0].name:
        return file, None
    numbers = _values([(image.path, others[0])])
    is_code = bool(numbers.size) and bool(np.all((numbers == np.floor(numbers)) & (numbers >= 0) & (numbers <= 11)))
    return file, others[0] if is_code else None
