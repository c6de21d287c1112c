"""Answers: values of expressions as the JSON that the service sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from .algorithms.conversions import describe
from .algorithms.shapes import to_ogr
from .raster.sources import Constant
from .values import (
    ArrayValue,
    Band,
    CollectionValue,
    ComputeError,
    DateRangeValue,
    DateValue,
    FeatureValue,
    GeometryValue,
    ImageValue,
    PixelTypeValue,
    ProjectionValue,
)

_LONGEST_COLLECTION = 5000
"""Elements of a collection that one value may hold; tables are asked for by pages instead."""


def to_json(value: Any) -> Any:
    """A value as the service writes it. ComputeError for what has no JSON form or is too large."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, ArrayValue):
        return value.data.tolist()
    if isinstance(value, DateValue):
        return {"type": "Date", "value": value.millis}
    if isinstance(value, DateRangeValue):
        return {"type": "DateRange", "dates": [value.start, value.end]}
    if isinstance(value, GeometryValue):
        return geometry_json(value)
    if isinstance(value, ProjectionValue):
        return {"type": "Projection", "crs": value.crs, "transform": list(value.transform)}
    if isinstance(value, FeatureValue):
        return feature_json(value)
    if isinstance(value, ImageValue):
        return image_json(value)
    if isinstance(value, CollectionValue):
        return _collection_json(value)
    if isinstance(value, PixelTypeValue):
        return _type_json(value.dtype)
    raise ComputeError(f"{describe(value)}: sending one as a value is not implemented by the local engine")


def geometry_json(geometry: GeometryValue) -> dict[str, Any]:
    """GeoJSON in longitude and latitude."""
    if geometry.crs == "EPSG:4326":
        described = dict(geometry.geojson)
        return described | ({"geodesic": False} if not geometry.geodesic else {})
    return dict(json.loads(to_ogr(geometry, "EPSG:4326").ExportToJson())) | {"geodesic": False}


def feature_json(feature: FeatureValue) -> dict[str, Any]:
    """A GeoJSON feature."""
    described: dict[str, Any] = {
        "type": "Feature",
        "geometry": None if feature.geometry is None else geometry_json(feature.geometry),
        "properties": to_json(dict(feature.properties)),
    }
    return described | ({"id": feature.id} if feature.id is not None else {})


def image_json(image: ImageValue) -> dict[str, Any]:
    """An image's description: bands with type and grid, properties, id."""
    described: dict[str, Any] = {"type": "Image", "bands": [_band_json(band) for band in image.bands]}
    if image.id is not None:
        described["id"] = image.id
    properties = to_json(dict(image.properties))
    if image.footprint is not None:
        properties["system:footprint"] = geometry_json(image.footprint)
    return described | {"properties": properties}


def _band_json(band: Band) -> dict[str, Any]:
    described: dict[str, Any] = {"id": band.name, "data_type": pixel_type_json(band)}
    if band.grid is None:
        return described | {"crs": "EPSG:4326", "crs_transform": [1, 0, 0, 0, 1, 0]}
    rows, columns = band.grid.shape_yx
    return described | {
        "crs": band.grid.crs,
        "crs_transform": list(band.grid.transform),
        "dimensions": [columns, rows],
    }


def pixel_type_json(band: Band) -> dict[str, Any]:
    """The type of a band's values: whole numbers (precision int) with the limits of their type, a constant with its
    value as both limits; single or double precision without limits."""
    described: dict[str, Any] = {"type": "PixelType", "precision": _precision(band.dtype)}
    if band.source.array_shape:
        described["dimensions"] = len(band.source.array_shape)
    if isinstance(band.source, Constant):
        return described | {"min": band.source.value, "max": band.source.value}
    return described | _type_json(band.dtype)


def _type_json(dtype: np.dtype[Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"type": "PixelType", "precision": _precision(dtype)}
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return described | {"min": int(limits.min), "max": int(limits.max)}
    return described


def _precision(dtype: np.dtype[Any]) -> str:
    if dtype.kind in "iu":
        return "int"
    return "float" if dtype.itemsize == 4 else "double"


def _collection_json(collection: CollectionValue) -> dict[str, Any]:
    if len(collection.elements) > _LONGEST_COLLECTION:
        raise ComputeError(f"Collection query aborted after accumulating over {_LONGEST_COLLECTION} elements.")
    images = all(isinstance(element, ImageValue) for element in collection.elements) and bool(collection.elements)
    return {
        "type": "ImageCollection" if images else "FeatureCollection",
        "features": [to_json(element) for element in collection.elements],
        "properties": to_json(dict(collection.properties)),
    }


def asset_json(asset: str, image: ImageValue) -> dict[str, Any]:
    """A stored image as the assets of the service are described."""
    bands = []
    for band in image.bands:
        if band.grid is None:
            raise ComputeError(f"The band {band.name} has no grid.")
        x_scale, x_shear, x0, y_shear, y_scale, y0 = band.grid.transform
        rows, columns = band.grid.shape_yx
        transform = {
            "scaleX": x_scale,
            "shearX": x_shear,
            "translateX": x0,
            "shearY": y_shear,
            "scaleY": y_scale,
            "translateY": y0,
        }
        grid = {
            "crsCode": band.grid.crs,
            "dimensions": {"width": columns, "height": rows},
            "affineTransform": transform,
        }
        bands.append({"id": band.name, "grid": grid})
    described = {
        "type": "IMAGE",
        "name": asset,
        "id": asset,
        "bands": bands,
        "properties": to_json(dict(image.properties)),
    }
    if image.footprint is not None:
        described["geometry"] = geometry_json(image.footprint)
    return described
