"""Which pixels of a grid have their centre inside polygons of longitude and latitude: crossings counted by numpy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from osgeo import osr

Rings = Sequence[Sequence[tuple[float, float]]]


def centres_inside(polygons: Sequence[Rings], epsg: int, transform: Sequence[float], shape: tuple[int, int]):
    """(rows, columns) of bool; ``transform`` is GDAL's of a north-up grid. Holes are inside an even number of rings."""
    x0, x_scale, _, y0, _, y_scale = transform
    rows, columns = shape
    x, y = np.meshgrid(x0 + x_scale * (np.arange(columns) + 0.5), y0 + y_scale * (np.arange(rows) + 0.5))
    longitude, latitude = _degrees(x.ravel(), y.ravel(), epsg)
    crossings = np.zeros(rows * columns, dtype=int)
    for rings in polygons:
        for ring in rings:
            for (x1, y1), (x2, y2) in pairwise(ring):
                is_beside = (y1 > latitude) != (y2 > latitude)
                with np.errstate(divide="ignore", invalid="ignore"):
                    at = x1 + (latitude - y1) / (y2 - y1) * (x2 - x1)
                crossings += is_beside & (longitude < at)
    return (crossings % 2 == 1).reshape(shape)


def _degrees(x: np.ndarray, y: np.ndarray, epsg: int) -> tuple[np.ndarray, np.ndarray]:
    references = osr.SpatialReference(), osr.SpatialReference()
    for reference, code in zip(references, (epsg, 4326)):
        reference.ImportFromEPSG(code)
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    points = osr.CoordinateTransformation(*references).TransformPoints(np.column_stack([x, y]).tolist())
    return tuple(np.array(points)[:, :2].T)
