"""A collection at the stand-in of Earth Engine, and an engine whose exports land in the stand-in of Drive."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal, osr

from s2mask_qgis.engines.base import (
    DriveDestination,
    EngineTraits,
    Export,
    Operation,
    OperationState,
    Quota,
)
from tests.google.drive_stand_in import DriveStandIn

SOURCE = "projects/p/assets/masks"
ROWS, COLUMNS = 40, 60
TRANSFORM = {"scaleX": 10, "shearX": 0, "translateX": 600000, "shearY": 0, "scaleY": -10, "translateY": 5300040}
RING = [[15.0, 47.8], [15.1, 47.8], [15.1, 47.9], [15.0, 47.8]]


def name_of(number: int, tile: str = "33UVP") -> str:
    return f"202301{number + 1:02d}T100031_202301{number + 1:02d}T100030_T{tile}"


def image(number: int = 0, **changed: Any) -> dict[str, Any]:
    """An image as listAssets describes it."""
    grid = {"crsCode": "EPSG:32633", "dimensions": {"width": COLUMNS, "height": ROWS}, "affineTransform": TRANSFORM}
    kind = {"precision": "INT", "range": {"max": 2}}
    described = {
        "startTime": f"2023-01-{number + 1:02d}T10:00:31.024Z",
        "endTime": f"2023-01-{number + 1:02d}T10:00:32Z",
        "geometry": {"type": "Polygon", "coordinates": [RING]},
        "bands": [{"id": "mask", "dataType": kind, "grid": grid}],
        "properties": {"MGRS_TILE": "33UVP", "share": 0.25, "s2mask:key": "abc"},
        "sizeBytes": "2400",
    }
    return described | changed


def pixels_of(name: str) -> np.ndarray:
    """The pixels of an image of the collection."""
    return np.random.default_rng(sum(name.encode())).integers(0, 3, (ROWS, COLUMNS)).astype("uint8")


def tiff(folder: Path, pixels: np.ndarray, corner: tuple[int, int]) -> bytes:
    path = folder / "part.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), pixels.shape[1], pixels.shape[0], 1, gdal.GDT_Byte)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform((600000 + 10 * corner[1], 10, 0, 5300040 - 10 * corner[0], 0, -10))
    dataset.GetRasterBand(1).SetDescription("mask")
    dataset.GetRasterBand(1).SetNoDataValue(255)
    dataset.GetRasterBand(1).WriteArray(pixels)
    dataset = None
    content = path.read_bytes()
    path.unlink()
    return content


@dataclass
class DriveEngine:
    """Exports images to Drive when they are looked at ``looks`` times; ``part_px`` is the side of
    the parts of large ones."""

    server: DriveStandIn
    scratch: Path
    folder: str = "masks"
    part_px: int = 1000
    looks: int = 1
    seen: Counter[str] = field(default_factory=Counter)
    started: list[Export] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    names: dict[str, tuple[str, Export]] = field(default_factory=dict)
    states: dict[str, Operation] = field(default_factory=dict)
    most_at_once: int = 0
    traits: EngineTraits = field(
        default_factory=lambda: EngineTraits("stand-in", 3000, 0.0, 1, has_local_results=False, stores_masks=False)
    )

    def start(self, export: Export) -> str:
        if export.request_id not in self.names:
            self.started.append(export)
            name = f"projects/p/operations/{len(self.names)}"
            self.names[export.request_id] = (name, export)
            self.states[name] = Operation(name, OperationState.RUNNING, description=export.description)
        return self.names[export.request_id][0]

    def operations(self, names: Collection[str] = ()) -> dict[str, Operation]:
        """All that were looked at often enough end."""
        running = [one for one in self.names.values() if self.states[one[0]].state is OperationState.RUNNING]
        self.most_at_once = max(self.most_at_once, len(running))
        self.seen.update(name for name, _ in running)
        for name, export in [one for one in running if self.seen[one[0]] >= self.looks]:
            state, error = OperationState.SUCCEEDED, ""
            if export.destination.name in self.broken:
                state, error = OperationState.FAILED, "Image.load: the asset is broken."
            else:
                self._write(export)
            self.states[name] = Operation(name, state, error, 3 if error else 0, export.description)
        return dict(self.states)

    def _write(self, export: Export) -> None:
        assert isinstance(export.destination, DriveDestination)
        found = [one["id"] for one in self.server.entries if one["name"] == export.destination.folder]
        folder = found[0] if found else self.server.folder(export.destination.folder)
        pixels = pixels_of(export.destination.name)
        rows, columns = (range(0, size, self.part_px) for size in pixels.shape)
        for row, column in itertools.product(rows, columns):
            part = pixels[row : row + self.part_px, column : column + self.part_px]
            shard = f"-{row:010d}-{column:010d}" if max(pixels.shape) > self.part_px else ""
            self.server.add(folder, f"{export.destination.name}{shard}.tif", tiff(self.scratch, part, (row, column)))

    def destination(self, kind: str, index: str) -> DriveDestination:
        return DriveDestination(self.folder, index)

    def stored(self, _kind: str, _indexes: Collection[str]) -> dict[str, Mapping[str, Any]]:
        return {}

    def open_destinations(self, _kinds: Collection[str]) -> None:
        """Drive makes folders itself."""

    def cancel(self, name: str) -> None:
        self.states[name] = Operation(name, OperationState.CANCELLED)

    def quota(self) -> Quota | None:
        return None

    def close(self) -> None:
        """Nothing is open."""
