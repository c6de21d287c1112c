"""What the library knows of a scene: its properties, footprint and band grids, and why a product cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....core.grid import Grid
from ....core.scenes import Ring

SAFE, ZIP, STACK = "safe", "zip", "stack"
"""The kinds of product: a SAFE folder, a zipped SAFE folder, one GeoTIFF with a JSON beside it."""


@dataclass(frozen=True)
class BandRecord:
    """One band under its Earth Engine name (of BANDS or QUALITY_BANDS) and the grid its raster has."""

    name: str
    grid: Grid


@dataclass(frozen=True)
class SceneRecord:
    """One image of one tile, as found in a product.

    ``collection`` is Earth Engine's for images of its level, ``index`` the ``system:index``; ``product`` the path of
    the product relative to the scenes folder, with forward slashes; ``properties`` carry Earth Engine's names, those
    the product does not tell are left out; ``footprint`` is closed, in longitude and latitude.
    """

    collection: str
    index: str
    product: str
    kind: str
    properties: Mapping[str, Any]
    footprint: Ring
    bands: tuple[BandRecord, ...]

    @property
    def asset(self) -> str:
        """The asset id: an image of one granule at two levels has two of these and one index."""
        return f"{self.collection}/{self.index}"

    def to_json(self) -> dict[str, Any]:
        """The record as plain JSON values; a grid that several bands share is written once."""
        grids = list(dict.fromkeys(band.grid for band in self.bands))
        return {
            "collection": self.collection,
            "index": self.index,
            "product": self.product,
            "kind": self.kind,
            "properties": dict(self.properties),
            "footprint": [list(corner) for corner in self.footprint],
            "grids": [grid.to_json() for grid in grids],
            "bands": {band.name: grids.index(band.grid) for band in self.bands},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> SceneRecord:
        """The record that :meth:`to_json` described."""
        grids = [Grid.from_json(grid) for grid in value["grids"]]
        return cls(
            collection=value["collection"],
            index=value["index"],
            product=value["product"],
            kind=value["kind"],
            properties=value["properties"],
            footprint=tuple((float(lon), float(lat)) for lon, lat in value["footprint"]),
            bands=tuple(BandRecord(name, grids[number]) for name, number in value["bands"].items()),
        )


@dataclass(frozen=True)
class SceneProblem:
    """Why a product, or one image of it, is left out: ``text`` is a sentence for the user that names the product."""

    product: str
    text: str
