"""Land: the finer outline outside which the pixels of a run are masked, beside the rough area that images must meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .area import Area


@dataclass(frozen=True)
class Land:
    """A feature collection of Earth Engine by its id, or polygons; exactly one of them is given.

    ``tolerance_m`` tells how far the polygons were simplified from their source, 0 for not at all.
    """

    asset: str = ""
    area: Area | None = None
    tolerance_m: float = 0.0

    def __post_init__(self) -> None:
        if bool(self.asset) == (self.area is not None):
            raise ValueError("Land is an asset or polygons, one of the two.")

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        polygons = self.area.to_geojson() if self.area is not None else None
        return {"asset": self.asset, "area": polygons, "tolerance_m": self.tolerance_m}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Land:
        """The land that :meth:`to_json` described."""
        area = Area.from_geojson(value["area"]) if value["area"] else None
        return cls(value["asset"], area, value["tolerance_m"])
