"""Pixels as files: an image over a grid as GeoTIFF, NumPy array, PNG or JPEG, made in a worker."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from osgeo import gdal, osr

from ...core.grid import Grid
from ..errors import BadRequestError, EngineError
from .algorithms.sampling import BLOCK_PX
from .algorithms.shapes import crs_reference, to_ogr
from .messages import bad_grid
from .pictures import Visualization
from .raster.evaluation import Evaluation
from .raster.sources import Pixels
from .raster.windows import blocks
from .values import Band, ComputeError, GeometryValue, ImageValue, check_single_values

PICTURES = ("PNG", "JPEG", "AUTO_JPEG_PNG")
CONTENT_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GEO_TIFF": "image/tiff", "NPY": "application/octet-stream"}


def pixels_file(image: ImageValue, order: Mapping[str, Any]) -> tuple[str, bytes]:
    """The content type and the bytes of the pixels that an order (see pixel_requests) asks for.

    Masked pixels are 0 in arrays and GeoTIFFs, as the service sends them, transparent in PNG and black in JPEG.
    """
    bands = _chosen(image, order["bands"])
    file_format, limits = order["format"], order["limits"]
    if len(bands) > limits["bands"]:
        raise BadRequestError(f"The image has {len(bands)} bands; the limit is {limits['bands']}.")
    has_options = order["visualization"] is not None
    is_picture = has_options or file_format in PICTURES
    options = Visualization.from_json(order["visualization"] or {})
    if is_picture:
        bands = [bands[position] for position in options.bands_shown([band.name for band in bands])]
    grid = _grid(image, bands, order)
    _check_size(grid, [np.dtype(np.uint8)] * 4 if is_picture else [_dtype(band) for band in bands], limits)
    if is_picture:
        return _picture(_colours(bands, options, grid), grid, file_format)
    arrays = _arrays(bands, grid)
    if file_format == "NPY":
        return CONTENT_TYPES["NPY"], _npy([band.name for band in bands], arrays)
    return CONTENT_TYPES["GEO_TIFF"], _geo_tiff([band.name for band in bands], arrays, grid)


def _chosen(image: ImageValue, names: Sequence[str]) -> list[Band]:
    by_name = {band.name: band for band in image.bands}
    for name in names:
        if name not in by_name:
            raise ComputeError(f"Image.select: Band pattern '{name}' did not match any bands. Available bands: "
                               f"[{', '.join(by_name)}]")  # fmt: skip
    chosen = [by_name[name] for name in names] if names else list(image.bands)
    if not chosen:
        raise ComputeError("The image has no bands.")
    check_single_values(chosen)
    return chosen


def _grid(image: ImageValue, bands: Sequence[Band], order: Mapping[str, Any]) -> Grid:
    """The grid of an order, what it leaves out taken from the image: its first band's grid, or its footprint on it."""
    asked, native = order["grid"], bands[0].grid
    crs = asked.get("crs") or (native.crs if native is not None else "EPSG:4326")
    crs_reference(crs)  # refuses a code that stands for nothing
    transform = asked.get("transform")
    if transform is None:
        if native is None or native.crs != crs:
            raise BadRequestError("The request's grid needs an affineTransform: the image has no grid there.")
        transform = native.transform
    if asked.get("shape_yx") is not None:
        try:
            return Grid.from_json({"crs": crs, "transform": transform, "shape_yx": asked["shape_yx"]})
        except ValueError as error:
            raise bad_grid(error) from None
    bounds = _bounds(image, native, crs, order["region"])
    return _covering(crs, transform, bounds, is_aligned=native is not None and order["region"] is None)


def _bounds(image: ImageValue, native: Grid | None, crs: str, region: Any) -> tuple[float, float, float, float]:
    if region is None and native is not None and native.crs == crs:
        return native.bounds
    shape = GeometryValue(region) if region is not None else image.footprint
    if shape is None:
        raise BadRequestError("The request's grid needs dimensions: the image is unbounded.")
    x_min, x_max, y_min, y_max = to_ogr(shape, crs).GetEnvelope()
    return x_min, y_min, x_max, y_max


def _covering(crs: str, transform: Sequence[float], bounds: tuple[float, ...], is_aligned: bool) -> Grid:
    """The grid of a transform over bounds: from its own corner where it is the image's, else whole pixels around."""
    try:
        base = Grid.from_json({"crs": crs, "transform": transform, "shape_yx": (1, 1)})
        x_scale, _, x0, _, y_scale, y0 = base.transform
        left, top = np.floor((bounds[0] - x0) / x_scale + 1e-9), np.floor((bounds[3] - y0) / y_scale + 1e-9)
        if is_aligned and left <= 0 and top <= 0:
            left, top = max(left, 0.0), max(top, 0.0)
        right, bottom = np.ceil((bounds[2] - x0) / x_scale - 1e-9), np.ceil((bounds[1] - y0) / y_scale - 1e-9)
        return base.part(int(top), int(left), int(bottom - top), int(right - left))
    except (ValueError, OverflowError) as error:
        raise bad_grid(error) from None


def _check_size(grid: Grid, dtypes: Sequence[np.dtype[Any]], limits: Mapping[str, int]) -> None:
    rows, columns = grid.shape_yx
    if max(rows, columns) > limits["side_px"]:
        raise BadRequestError(
            f"Pixel grid dimensions ({columns}x{rows}) must be less than or equal to {limits['side_px']}."
        )
    size = rows * columns * sum(dtype.itemsize for dtype in dtypes)
    if size > limits["bytes"]:
        raise BadRequestError(
            f"Total request size ({size} bytes) must be less than or equal to {limits['bytes']} bytes."
        )


def _dtype(band: Band) -> np.dtype[Any]:
    return np.dtype(np.uint8) if band.dtype.kind == "b" else band.dtype


def _arrays(bands: Sequence[Band], grid: Grid) -> list[np.ndarray]:
    """The values of bands in their declared types, masked ones 0, evaluated block by block."""
    arrays = [np.zeros(grid.shape_yx, _dtype(band)) for band in bands]
    evaluation = Evaluation([band.source for band in bands])
    for row, column, window in blocks(grid, BLOCK_PX):
        rows, columns = window.grid.shape_yx
        for array, pixels in zip(arrays, evaluation.read(window)):
            part = array[row : row + rows, column : column + columns]
            np.copyto(part, pixels.data, where=pixels.valid_or_true(), casting="unsafe")
    return arrays


def _colours(bands: Sequence[Band], options: Visualization, grid: Grid) -> np.ndarray:
    """Red, green, blue and alpha over the grid, (4, rows, columns) uint8."""
    colours = np.zeros((4, *grid.shape_yx), np.uint8)
    evaluation = Evaluation([*(band.source for band in bands), *(band.opacity for band in bands if band.opacity)])
    for row, column, window in blocks(grid, BLOCK_PX):
        rows, columns = window.grid.shape_yx
        pixels = evaluation.read(window)
        shown: list[tuple[Pixels, np.dtype[Any]]] = list(zip(pixels, map(_dtype, bands)))
        opacities = [part.data for part in pixels[len(bands) :]]
        colours[:, row : row + rows, column : column + columns] = options.colours(shown, opacities)
    return colours


def _picture(colours: np.ndarray, grid: Grid, file_format: str) -> tuple[str, bytes]:
    if file_format == "AUTO_JPEG_PNG":
        file_format = "JPEG" if (colours[3] == 255).all() else "PNG"
    if file_format == "NPY":
        return CONTENT_TYPES["NPY"], _npy(["vis-red", "vis-green", "vis-blue"], list(colours[:3]))
    if file_format == "GEO_TIFF":
        return CONTENT_TYPES["GEO_TIFF"], _geo_tiff(["vis-red", "vis-green", "vis-blue"], list(colours[:3]), grid)
    if file_format == "JPEG":
        shown = colours[:3] * (colours[3] > 0)
        return CONTENT_TYPES["JPEG"], _encoded("JPEG", list(shown), ["QUALITY=90"])
    return CONTENT_TYPES["PNG"], _encoded("PNG", list(colours), [])


def _npy(names: Sequence[str], arrays: Sequence[np.ndarray]) -> bytes:
    """A structured array with a field a band, as NumPy stores it."""
    structured = np.empty(arrays[0].shape, [(name, array.dtype) for name, array in zip(names, arrays)])
    for name, array in zip(names, arrays):
        structured[name] = array
    stream = io.BytesIO()
    np.save(stream, structured, allow_pickle=False)
    return stream.getvalue()


def _geo_tiff(names: Sequence[str], arrays: Sequence[np.ndarray], grid: Grid) -> bytes:
    """A GeoTIFF of one type that holds the values of all bands."""
    dtype = np.result_type(*arrays)
    if dtype.kind == "i" and dtype.itemsize == 1:
        dtype = np.dtype(np.int16)  # GeoTIFF of signed bytes is not read everywhere
    return _encoded("GTiff", [array.astype(dtype, copy=False) for array in arrays], ["COMPRESS=DEFLATE"], names, grid)


def _encoded(
    driver: str, arrays: Sequence[np.ndarray], options: list[str], names: Sequence[str] = (), grid: Grid | None = None
) -> bytes:
    """Bands of one type as a file of GDAL's, in memory."""
    from osgeo import gdal_array

    kind = gdal_array.NumericTypeCodeToGDALTypeCode(arrays[0].dtype)
    rows, columns = arrays[0].shape
    source = gdal.GetDriverByName("MEM").Create("", columns, rows, len(arrays), kind)
    if grid is not None:
        _georeference(source, grid)
    for number, array in enumerate(arrays, start=1):
        source.GetRasterBand(number).WriteArray(array)
        if names:
            source.GetRasterBand(number).SetDescription(names[number - 1])
    path = f"/vsimem/{uuid.uuid4().hex}"
    target = gdal.GetDriverByName(driver).CreateCopy(path, source, options=options)
    if target is None:
        raise EngineError(f"The pixels cannot be written as {driver} ({gdal.GetLastErrorMsg()}).")
    del target
    try:
        return _bytes_of(path)
    finally:
        for suffix in ("", ".aux.xml"):
            gdal.Unlink(path + suffix)


def _georeference(dataset: gdal.Dataset, grid: Grid) -> None:
    x_scale, _, x0, _, y_scale, y0 = grid.transform
    dataset.SetGeoTransform((x0, x_scale, 0.0, y0, 0.0, y_scale))
    reference: osr.SpatialReference = crs_reference(grid.crs)
    dataset.SetProjection(reference.ExportToWkt())


def _bytes_of(path: str) -> bytes:
    handle = gdal.VSIFOpenL(path, "rb")
    try:
        return bytes(gdal.VSIFReadL(1, gdal.VSIStatL(path).size, handle))
    finally:
        gdal.VSIFCloseL(handle)
