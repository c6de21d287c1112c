"""Exports to Drive that came in parts: which files belong together, and one GeoTIFF made of them again."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.grid import Grid
from ..core.whole_files import put_on_disk
from ..engines.errors import SceneError, StorageError
from ..engines.local.library.rasters import gdal_failures
from ..google.drive import DriveFile

if TYPE_CHECKING:
    from osgeo import gdal

SUFFIX = ".tif"
SPREAD = 3.0
"""Files of one export were made within at most so many times the shortest span that such a set has."""
SPREAD_S = 60.0
OPTIONS = ("TILED=YES", "BLOCKXSIZE=512", "BLOCKYSIZE=512", "COMPRESS=DEFLATE", "BIGTIFF=IF_SAFER")
_SHARD = re.compile(r"(?P<name>.+)-(?P<y>\d{10})-(?P<x>\d{10})\.tif")
_ROWS_AT_ONCE = 512
_PREDICTOR = {"Byte": 2, "UInt16": 2, "Int16": 2, "UInt32": 2, "Int32": 2, "Float32": 3, "Float64": 3}
"""TIFF's predictors, for the types that they are made for."""

Corner = tuple[int, int]
"""Row and column of the upper left pixel of a part within the whole image."""


@dataclass(frozen=True)
class Parts:
    """The files that make one image; ``notes`` tell what else lies in Drive under its name."""

    name: str
    files: tuple[tuple[Corner, DriveFile], ...]
    notes: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """The length of all of them together."""
        return sum(file.size_bytes or 0 for _, file in self.files)


def split_name(file_name: str) -> tuple[str, Corner | None] | None:
    """The name of the image that a file holds, or a part of, and where that part lies (yMin-xMin in its name; None
    for a whole image). None where it is no GeoTIFF."""
    found = _SHARD.fullmatch(file_name)
    if found:
        return found["name"], (int(found["y"]), int(found["x"]))
    return (file_name[: -len(SUFFIX)], None) if file_name.endswith(SUFFIX) else None


def by_image(files: Iterable[DriveFile]) -> dict[str, list[DriveFile]]:
    """The GeoTIFFs of a folder by the name of the image that they belong to."""
    found: dict[str, list[DriveFile]] = {}
    for file in files:
        split = split_name(file.name)
        if split is not None:
            found.setdefault(split[0], []).append(file)
    return found


def newest_set(name: str, files: Sequence[DriveFile]) -> Parts:
    """The newest whole set among the files of an image: Drive keeps those of earlier exports beside it.

    A set is whole where its parts fill a rectangle. SceneError names the part that is missing where none is.
    """
    ordered = sorted(files, key=lambda file: (file.created_s, file.name, file.id))
    keyed = [(_corner(file), file) for file in ordered]
    whole = [pair for pair in keyed if pair[0] is None]
    parts = [(corner, file) for corner, file in keyed if corner is not None]
    sets = [[((0, 0), file)] for _, file in whole] + _sets(parts)
    if not sets:
        raise SceneError(f"{name} is not whole in Drive: {_missing(name, parts)} is missing. Export it again.")
    chosen = max(sets, key=lambda one: one[-1][1].created_s)
    rest = len(files) - len(chosen)
    notes = (f"{name}: {rest} more file{'' if rest == 1 else 's'} of this name in Drive; the newest set is used.",)
    return Parts(name, tuple(sorted(chosen, key=lambda pair: pair[0])), notes if rest else ())


def _corner(file: DriveFile) -> Corner | None:
    split = split_name(file.name)
    return split[1] if split is not None else None


def _sets(parts: Sequence[tuple[Corner, DriveFile]]) -> list[list[tuple[Corner, DriveFile]]]:
    """Every run of files, in order of time, that has each part once; those that mix two exports span more time."""
    wanted = _rectangle(corner for corner, _ in parts)
    count = len(wanted)
    windows = [list(parts[first : first + count]) for first in range(len(parts) - count + 1)] if count else []
    found = [one for one in windows if {corner for corner, _ in one} == wanted]
    if not found:
        return []
    longest_s = SPREAD * min(map(_span_s, found)) + SPREAD_S
    return [one for one in found if _span_s(one) <= longest_s]


def _span_s(pairs: Sequence[tuple[Corner, DriveFile]]) -> float:
    return pairs[-1][1].created_s - pairs[0][1].created_s


def _rectangle(corners: Iterable[Corner]) -> set[Corner]:
    """All corners that there must be where there are these."""
    listed = list(corners)
    rows, columns = {0, *(row for row, _ in listed)}, {0, *(column for _, column in listed)}
    return set(itertools.product(rows, columns)) if listed else set()


def _missing(name: str, parts: Sequence[tuple[Corner, DriveFile]]) -> str:
    corners = [corner for corner, _ in parts]
    lacking = sorted(_rectangle(corners) - set(corners))
    row, column = lacking[0] if lacking else (0, 0)
    return f"{name}-{row:010d}-{column:010d}{SUFFIX}"


def merge(
    parts: Sequence[tuple[Corner, Path]],
    target: Path,
    grid: Grid | None = None,
    properties: Mapping[str, str] | None = None,
    nodata: float | None = None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """One GeoTIFF of the parts of an image: their pixels, georeference, nodata and band names, and ``properties`` as
    its metadata. It is written whole or not at all, and compared with the parts before it appears.

    ``grid`` is that of the whole image where it is known; ``nodata`` declares a value that the parts do not;
    ``check`` is called now and then and may raise to end it.
    SceneError where the parts do not make a whole, StorageError where the disk does not take it.
    """
    opened = [(corner, _opened(path)) for corner, path in sorted(parts)]
    _check_whole(target.stem, opened, grid)
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with gdal_failures(StorageError, f"{target} cannot be written"):
            _write(opened, partial, properties or {}, nodata, check)
        _compare(partial, opened, check)
        put_on_disk(partial)  # its asset may be deleted once it is here
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _opened(path: Path) -> gdal.Dataset:
    from osgeo import gdal

    with gdal_failures(SceneError, f"{path.name} is damaged"):
        dataset = gdal.OpenEx(str(path), gdal.OF_RASTER | gdal.OF_VERBOSE_ERROR, allowed_drivers=["GTiff"])
    if dataset is None:
        raise SceneError(f"{path.name} is no GeoTIFF. Export it again.")
    return dataset


def _check_whole(name: str, parts: Sequence[tuple[Corner, Any]], grid: Grid | None) -> None:
    """SceneError unless the parts are of one kind, lie side by side without gaps, and fill the whole."""
    heights, widths = _sides(name, parts)
    rows, columns = sum(heights.values()), sum(widths.values())
    for starts in (heights, widths):
        place = 0
        for start, length in sorted(starts.items()):
            if start != place:
                raise SceneError(f"{name} is not whole: pixels {place} to {start} are in no part. Export it again.")
            place += length
    if grid is not None and (rows, columns) != grid.shape_yx:
        raise SceneError(
            f"{name} is not whole: its parts have {rows} x {columns} pixels of {grid.shape_yx[0]} x "
            f"{grid.shape_yx[1]}. Export it again."
        )
    if {(row, column) for (row, column), _ in parts} != set(itertools.product(heights, widths)):
        raise SceneError(f"{name} is not whole: a part is missing. Export it again.")


def _sides(name: str, parts: Sequence[tuple[Corner, Any]]) -> tuple[dict[int, int], dict[int, int]]:
    """Heights by first row and widths by first column; SceneError where parts disagree with each other."""
    heights: dict[int, int] = {}
    widths: dict[int, int] = {}
    (first_row, first_column), first = parts[0]
    origin = first.GetGeoTransform()
    for (row, column), part in parts:
        same = heights.setdefault(row, part.RasterYSize) == part.RasterYSize
        same &= widths.setdefault(column, part.RasterXSize) == part.RasterXSize
        same &= _kind(part) == _kind(first)
        same &= _is_at(part.GetGeoTransform(), origin, row - first_row, column - first_column)
        if not same:
            raise SceneError(f"{name}: the part at {row}, {column} does not fit the others. Export it again.")
    return heights, widths


def _kind(dataset: Any) -> tuple[Any, ...]:
    """What all parts of an image have in common."""
    bands = [dataset.GetRasterBand(number) for number in range(1, dataset.RasterCount + 1)]
    facts = [(band.DataType, band.GetDescription(), repr(band.GetNoDataValue())) for band in bands]
    return (dataset.GetProjection(), *facts)


def _is_at(transform: Sequence[float], origin: Sequence[float], row: int, column: int) -> bool:
    """True where a part lies where its name says, to a hundredth of a pixel."""
    x0, x_scale, x_shear, y0, y_shear, y_scale = origin
    x, y = x0 + column * x_scale + row * x_shear, y0 + column * y_shear + row * y_scale
    near = 0.01 * abs(x_scale), 0.01 * abs(y_scale)
    scales = abs(transform[1] - x_scale) < 1e-9 * abs(x_scale), abs(transform[5] - y_scale) < 1e-9 * abs(y_scale)
    return abs(transform[0] - x) < near[0] and abs(transform[3] - y) < near[1] and all(scales)


def _write(
    parts: Sequence[tuple[Corner, Any]],
    target: Path,
    properties: Mapping[str, str],
    nodata: float | None,
    check: Callable[[], None],
) -> None:
    """The parts as one raster on disk."""
    from osgeo import gdal

    first = parts[0][1]
    rows = max(row + part.RasterYSize for (row, _), part in parts)
    columns = max(column + part.RasterXSize for (_, column), part in parts)
    kind = first.GetRasterBand(1).DataType
    options = [*OPTIONS, f"PREDICTOR={_PREDICTOR.get(gdal.GetDataTypeName(kind), 1)}"]
    written = gdal.GetDriverByName("GTiff").Create(str(target), columns, rows, first.RasterCount, kind, options)
    if written is None:  # GDAL has told why, or raises
        return
    written.SetProjection(first.GetProjection())
    written.SetGeoTransform(first.GetGeoTransform())
    written.SetMetadata({**(first.GetMetadata() or {}), **properties})
    for number in range(1, first.RasterCount + 1):
        _describe(written.GetRasterBand(number), first.GetRasterBand(number), nodata)
    for (row, column), part in parts:
        for top, height in _strips(part):
            check()
            pixels = part.ReadRaster(0, top, part.RasterXSize, height)
            if pixels is not None:
                written.WriteRaster(column, row + top, part.RasterXSize, height, pixels)
    written.FlushCache()


def _describe(band: Any, like: Any, nodata: float | None) -> None:
    """A band's name and what its values mean."""
    band.SetDescription(like.GetDescription())
    band.SetColorInterpretation(like.GetColorInterpretation())
    declared = like.GetNoDataValue()
    if declared is not None or nodata is not None:
        band.SetNoDataValue(nodata if declared is None else declared)
    if (like.GetScale() or 1.0, like.GetOffset() or 0.0) != (1.0, 0.0):
        band.SetScale(like.GetScale() or 1.0)
        band.SetOffset(like.GetOffset() or 0.0)


def _compare(written: Path, parts: Sequence[tuple[Corner, Any]], check: Callable[[], None]) -> None:
    """StorageError unless every pixel on disk is that of its part."""
    whole = _opened(written)
    for (row, column), part in parts:
        for top, height in _strips(part):
            check()
            with gdal_failures(SceneError, f"{written.name} is damaged"):
                expected = part.ReadRaster(0, top, part.RasterXSize, height)
                found = whole.ReadRaster(column, row + top, part.RasterXSize, height)
            if expected is None or found != expected:
                raise StorageError(f"{written} does not hold what was written to it. Check the disk.")


def _strips(part: Any) -> Iterator[tuple[int, int]]:
    """First rows and heights of the pieces in which a part is read."""
    for top in range(0, part.RasterYSize, _ROWS_AT_ONCE):
        yield top, min(_ROWS_AT_ONCE, part.RasterYSize - top)
