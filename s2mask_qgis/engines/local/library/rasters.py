"""GDAL as the library needs it: opening the rasters of products, their grids, and GDAL's failures as typed errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from osgeo import gdal, osr

from ....core.grid import Grid
from ....core.scenes import Ring
from ...errors import EngineError, SceneError

RASTER_DRIVERS = ("GTiff", "JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID")
"""What a band may be; a file of another format under a band's name (a VRT, say) is not opened."""


@contextmanager
def gdal_failures(error: type[EngineError], text: str) -> Iterator[None]:
    """Raise ``error`` with ``text`` and GDAL's reason when a GDAL call in the block fails.

    Works whether GDAL's exceptions are on or off and leaves that setting alone: it belongs to the whole process, which
    may be QGIS. The error handler it installs is this thread's own. Blocks must not be nested.
    """
    gdal.ErrorReset()
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        yield
        reason = gdal.GetLastErrorMsg() if gdal.GetLastErrorType() >= gdal.CE_Failure else ""
    except RuntimeError as failure:
        reason = str(failure) or "GDAL gives no reason"
    finally:
        gdal.PopErrorHandler()
    if reason:
        raise error(f"{text}: {reason}")


def opened(path: Path) -> gdal.Dataset | None:
    """A raster on disk, None where GDAL cannot open it, whether its exceptions are on or off in this process."""
    try:
        return gdal.OpenEx(str(path), gdal.OF_RASTER)
    except RuntimeError:
        return None


def open_raster(path: str, label: str) -> gdal.Dataset:
    """The raster at a GDAL path; ``label`` names it for the user in the SceneError raised if it cannot be opened."""
    with gdal_failures(SceneError, f"{label} cannot be opened"):
        flags = gdal.OF_RASTER | gdal.OF_READONLY | gdal.OF_VERBOSE_ERROR
        dataset = gdal.OpenEx(path, flags, allowed_drivers=list(RASTER_DRIVERS))
    if dataset is None:
        raise SceneError(f"{label} cannot be opened: it is neither JPEG 2000 nor GeoTIFF.")
    return dataset


def grid_of(dataset: gdal.Dataset, label: str) -> Grid:
    """The grid of an open raster; SceneError where it has no EPSG code, is not in metres, has no georeference or is not
    north-up."""
    reference = dataset.GetSpatialRef()
    code = None
    if reference is not None:
        if reference.GetAuthorityCode(None) is None:
            reference = reference.Clone()
            reference.AutoIdentifyEPSG()
        code = reference.GetAuthorityCode(None)
    if code is None:
        raise SceneError(f"{label} has no coordinate system with an EPSG code.")
    if not reference.IsProjected() or reference.GetLinearUnits() != 1.0:
        raise SceneError(f"{label} is in EPSG:{code}, which is not in metres; warp it to the UTM zone of its tile.")
    transform = dataset.GetGeoTransform(can_return_null=True)
    if transform is None:
        raise SceneError(f"{label} has no georeference.")
    x0, x_scale, x_shear, y0, y_shear, y_scale = transform
    try:
        shape_yx = (dataset.RasterYSize, dataset.RasterXSize)
        return Grid(f"EPSG:{code}", (x_scale, x_shear, x0, y_shear, y_scale, y0), shape_yx)
    except ValueError as error:
        raise SceneError(f"{label} cannot be used: {error}.") from error


def require_integers(dataset: gdal.Dataset, label: str, types: tuple[int, ...] = (gdal.GDT_UInt16,)) -> None:
    """SceneError unless the first band's GDAL type is one of ``types``."""
    data_type = dataset.GetRasterBand(1).DataType
    if data_type not in types:
        raise SceneError(f"{label} holds {gdal.GetDataTypeName(data_type)} values where UInt16 is expected.")


def corner_ring(grid: Grid) -> Ring:
    """The outline of a grid as a closed ring in longitude and latitude, from its upper left corner clockwise."""
    source, target = osr.SpatialReference(), osr.SpatialReference()
    source.ImportFromEPSG(int(grid.crs.partition(":")[2]))
    target.ImportFromEPSG(4326)
    for reference in (source, target):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    transformation = osr.CoordinateTransformation(source, target)
    x_min, y_min, x_max, y_max = grid.bounds
    corners = ((x_min, y_max), (x_max, y_max), (x_max, y_min), (x_min, y_min), (x_min, y_max))
    return tuple(transformation.TransformPoint(x, y)[:2] for x, y in corners)
