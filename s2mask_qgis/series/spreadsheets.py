"""Tables of spreadsheets on disk, read by GDAL: QGIS ships no other library that reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from osgeo import gdal, ogr

from ..engines.errors import EngineError
from ..engines.local.library.rasters import gdal_failures

DRIVER = "XLSX"
SUFFIX = ".xlsx"

Row = tuple[str, ...]


def rows_of(path: Path) -> tuple[Row, ...]:
    """The rows of a workbook's first sheet as texts, the header among them; empty cells are empty texts.

    EngineError where the file is no workbook, or GDAL has no driver for it.
    """
    if gdal.GetDriverByName(DRIVER) is None:
        raise EngineError(f"{path} cannot be read: this GDAL reads no .xlsx files. Save the table as CSV or JSON.")
    with gdal_failures(EngineError, f"{path} cannot be read as a workbook"):
        flags = gdal.OF_VECTOR | gdal.OF_VERBOSE_ERROR
        workbook = gdal.OpenEx(str(path), flags, allowed_drivers=[DRIVER])
        sheet = workbook.GetLayer(0) if workbook else None
        return tuple(_rows(sheet)) if sheet else ()


def _rows(sheet: ogr.Layer) -> Iterator[Row]:
    """The header where GDAL tells one from the rest, then the other rows."""
    definition = sheet.GetLayerDefn()
    columns = range(definition.GetFieldCount())
    names = tuple(definition.GetFieldDefn(column).GetName() for column in columns)
    if names != tuple(f"Field{column + 1}" for column in columns):
        yield names
    for feature in sheet:
        yield tuple(feature.GetFieldAsString(column) for column in columns)
