"""A pixel grid: coordinate system, affine transform and shape, with the few operations that keep grids aligned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

Bounds = tuple[float, float, float, float]
"""x_min, y_min, x_max, y_max in the units of a coordinate system."""


@dataclass(frozen=True)
class Grid:
    """Where the pixels of a raster lie.

    ``transform`` is in Earth Engine's crsTransform order (x scale, x shear, x of the upper left corner, y shear,
    y scale, y of the upper left corner), in units of ``crs``; ``shape_yx`` is (rows, columns). North-up grids only:
    the shears are 0, the x scale is positive and the y scale negative.
    """

    crs: str
    transform: tuple[float, float, float, float, float, float]
    shape_yx: tuple[int, int]

    def __post_init__(self) -> None:
        x_scale, x_shear, _, y_shear, y_scale, _ = self.transform
        if x_shear or y_shear or x_scale <= 0 or y_scale >= 0:
            raise ValueError(f"grid is not north-up: transform {self.transform}")
        if min(self.shape_yx) < 1:
            raise ValueError(f"grid has no pixels: shape {self.shape_yx}")

    @property
    def scale_m(self) -> float:
        """Width of a pixel in units of the coordinate system (metres for UTM)."""
        return self.transform[0]

    @property
    def bounds(self) -> Bounds:
        """Outer edges of the grid, in units of its coordinate system."""
        x_scale, _, x0, _, y_scale, y0 = self.transform
        rows, columns = self.shape_yx
        return (x0, y0 + rows * y_scale, x0 + columns * x_scale, y0)

    def at_scale(self, scale_m: float) -> Grid:
        """The grid with the same upper left corner and pixels of ``scale_m``: those whose centre lies on this grid, at
        least one a side."""
        x_min, y_min, x_max, y_max = self.bounds
        columns = max(1, math.ceil((x_max - x_min) / scale_m - 0.5 - 1e-9))
        rows = max(1, math.ceil((y_max - y_min) / scale_m - 0.5 - 1e-9))
        return Grid(self.crs, (scale_m, 0.0, x_min, 0.0, -scale_m, y_max), (rows, columns))

    def window(self, bounds: Bounds) -> Grid | None:
        """The part of this grid whose pixels meet ``bounds`` (same coordinate system), or None where there is none."""
        x_scale, _, x0, _, y_scale, y0 = self.transform
        rows, columns = self.shape_yx
        left = max(0, math.floor((bounds[0] - x0) / x_scale + 1e-9))
        right = min(columns, math.ceil((bounds[2] - x0) / x_scale - 1e-9))
        top = max(0, math.floor((bounds[3] - y0) / y_scale + 1e-9))
        bottom = min(rows, math.ceil((bounds[1] - y0) / y_scale - 1e-9))
        if right <= left or bottom <= top:
            return None
        return self.part(top, left, bottom - top, right - left)

    def part(self, row: int, column: int, rows: int, columns: int) -> Grid:
        """``rows`` x ``columns`` pixels from ``row``, ``column`` on; they may lie outside this grid."""
        x_scale, _, x0, _, y_scale, y0 = self.transform
        origin = (x_scale, 0.0, x0 + column * x_scale, 0.0, y_scale, y0 + row * y_scale)
        return Grid(self.crs, origin, (rows, columns))

    def to_json(self) -> dict[str, Any]:
        """The grid as plain JSON values."""
        return {"crs": self.crs, "transform": list(self.transform), "shape_yx": list(self.shape_yx)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Grid:
        """The grid that :meth:`to_json` described."""
        a, b, c, d, e, f = (float(number) for number in value["transform"])
        rows, columns = value["shape_yx"]
        return cls(value["crs"], (a, b, c, d, e, f), (int(rows), int(columns)))
