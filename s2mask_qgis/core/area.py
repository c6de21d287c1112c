"""The area of interest as a plain value: polygons in longitude and latitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .scenes import Ring

Polygon = tuple[Ring, ...]
"""An outer ring, then the rings of its holes."""


@dataclass(frozen=True)
class Area:
    """Where masks are wanted: valid, two-dimensional, non-overlapping polygons (degrees, EPSG:4326), at least one."""

    polygons: tuple[Polygon, ...]
    name: str = "area"

    def to_geojson(self) -> dict[str, Any]:
        """The area as a GeoJSON MultiPolygon."""
        return {
            "type": "MultiPolygon",
            "coordinates": [[[list(corner) for corner in ring] for ring in polygon] for polygon in self.polygons],
        }

    @classmethod
    def from_geojson(cls, geometry: dict[str, Any], name: str = "area") -> Area:
        """The area of a GeoJSON Polygon or MultiPolygon; heights are dropped."""
        coordinates = geometry["coordinates"]
        if geometry["type"] == "Polygon":
            coordinates = [coordinates]
        elif geometry["type"] != "MultiPolygon":
            raise ValueError(f"an area is a Polygon or MultiPolygon, not a {geometry['type']}")
        polygons = tuple(
            tuple(tuple((float(corner[0]), float(corner[1])) for corner in ring) for ring in polygon)
            for polygon in coordinates
        )
        return cls(polygons, name)
