"""Points from one coordinate system to another: by GDAL, and for whole windows by polynomials through a few of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from osgeo import osr

from ..values import ComputeError

Points = tuple[np.ndarray, np.ndarray]

NODES = (12, 24)
"""Points along each axis through which the polynomials go: the fewer first, the more where those are not enough."""

TOLERANCE = 1e-7
"""How far polynomials may be beside the transformation, in distances between neighbouring points of the window."""

_CHECKS = 7
_FEWEST = 4 * max(NODES) ** 2
"""Windows of fewer points are transformed point by point."""


def transform_points(crs_from: str, crs_to: str, x: np.ndarray, y: np.ndarray) -> Points:
    """Points from one coordinate system to another, x before y (longitude before latitude) in both. Points that the
    other system does not have become infinite."""
    if crs_from == crs_to:
        return x, y
    flat = np.column_stack([np.ravel(x), np.ravel(y)])
    moved = np.array(transformation(crs_from, crs_to).TransformPoints(flat.tolist())).reshape(-1, 3)
    return moved[:, 0].reshape(np.shape(x)), moved[:, 1].reshape(np.shape(y))


def transform_axes(crs_from: str, crs_to: str, x: np.ndarray, y: np.ndarray) -> Points:
    """The points at every ``y`` (rows) and ``x`` (columns), each axis evenly spaced, in another coordinate system.

    Transformations are smooth over a window, so a product of Chebyshev polynomials through a few points gives all of
    them; where they are found further beside it than TOLERANCE, as at the poles, every point is transformed.
    """
    if crs_from != crs_to and x.size * y.size >= _FEWEST and min(x.size, y.size) > 1:
        for nodes in NODES:
            found = _interpolated(crs_from, crs_to, x, y, nodes)
            if found is not None:
                return found
    return transform_points(crs_from, crs_to, *np.meshgrid(x, y))


def _interpolated(crs_from: str, crs_to: str, x: np.ndarray, y: np.ndarray, nodes: int) -> Points | None:
    """The window's points by polynomials through ``nodes`` of each axis; None where these are not close enough."""
    places = np.cos(np.pi * (np.arange(nodes) + 0.5) / nodes)
    known = transform_points(crs_from, crs_to, *np.meshgrid(_along(x, places), _along(y, places)))
    checks = np.cos(np.pi * np.arange(_CHECKS) / (_CHECKS - 1))
    exact = transform_points(crs_from, crs_to, *np.meshgrid(_along(x, checks), _along(y, checks)))
    if not all(np.isfinite(part).all() for part in (*known, *exact)):
        return None
    through = np.linalg.inv(chebyshev.chebvander(places, nodes - 1))
    at_checks = chebyshev.chebvander(checks, nodes - 1) @ through
    spacing = min(np.ptp(exact[0]) / x.size, np.ptp(exact[1]) / y.size)
    for values, right in zip(known, exact):
        if not np.abs(at_checks @ values @ at_checks.T - right).max() <= TOLERANCE * spacing:
            return None
    down, across = (chebyshev.chebvander(np.linspace(-1, 1, axis.size), nodes - 1) @ through for axis in (y, x))
    return down @ known[0] @ across.T, down @ known[1] @ across.T


def _along(axis: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Positions on an axis at places from -1 (its first) to 1 (its last)."""
    return (axis[0] + axis[-1]) / 2 + places * (axis[-1] - axis[0]) / 2


@lru_cache(maxsize=32)
def transformation(crs_from: str, crs_to: str) -> osr.CoordinateTransformation:
    """From one coordinate system to another, x before y. ComputeError where a name is unknown."""
    return osr.CoordinateTransformation(crs_reference(crs_from), crs_reference(crs_to))


def crs_reference(crs: str) -> osr.SpatialReference:
    """A coordinate system by its name, x before y. ComputeError where there is none of that name."""
    reference = osr.SpatialReference()
    try:
        is_known = reference.SetFromUserInput(crs) == 0
    except RuntimeError:  # what GDAL raises where its exceptions are on
        is_known = False
    if not is_known:
        raise ComputeError(f"{crs!r} is not a known coordinate system")
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference
