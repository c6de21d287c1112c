"""Labels out of the truth of a simulated sample, and an engine that can be made to fail."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal, osr

from s2mask_qgis.core.labels import Label
from s2mask_qgis.core.scenes import Scene
from s2mask_qgis.engines.base import CountCallback
from s2mask_qgis.engines.errors import EngineError
from s2mask_qgis.engines.local.engine import LocalEngine

KINDS = {0: "clear", 1: "cloud", 2: "cloud", 3: "shadow"}
"""What the codes of the truth mean; 2 is thin cloud."""


def truth_labels(scenes_folder: Path, per_code: int, images: int = 100, seed: int = 0) -> list[Label]:
    """Some 10 m pixels of each class of each of the first images, as labels at their centres."""
    generator = np.random.default_rng(seed)
    labels = []
    for path in sorted((scenes_folder / "truth").glob("*.tif"))[:images]:
        raster = gdal.Open(str(path))
        truth, (x0, width, _, y0, _, height) = raster.ReadAsArray(), raster.GetGeoTransform()
        transform = to_degrees(raster.GetProjection())
        for code, kind in KINDS.items():
            rows, columns = np.nonzero(truth == code)
            chosen = generator.choice(len(rows), min(per_code, len(rows)), replace=False)
            for row, column in zip(rows[chosen], columns[chosen]):
                x, y, _ = transform.TransformPoint(x0 + (column + 0.5) * width, y0 + (row + 0.5) * height)
                labels.append(Label(x, y, path.stem, kind))
    return labels


def to_degrees(crs: str, back: bool = False) -> osr.CoordinateTransformation:
    """From a coordinate system to longitude and latitude, or back."""
    own, degrees = osr.SpatialReference(), osr.SpatialReference()
    own.SetFromUserInput(crs)
    degrees.ImportFromEPSG(4326)
    for reference in (own, degrees):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return osr.CoordinateTransformation(*((degrees, own) if back else (own, degrees)))


class WatchedEngine:
    """An engine of which the computed tables are counted, and of which some images cannot be prepared or computed."""

    def __init__(self, engine: LocalEngine, unusable: Iterable[str] = (), failing_values: Iterable[int] = ()) -> None:
        self._engine = engine
        self._unusable = set(unusable)
        self._failing = set(failing_values)
        self.tables: list[int] = []
        self.prepared: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def prepare(self, scenes: Iterable[Scene], on_count: CountCallback) -> dict[str, str]:
        """Reasons for those that cannot be used."""
        scenes = list(scenes)
        self.prepared |= {scene.index for scene in scenes}
        reasons = {scene.index: f"{scene.index} is broken." for scene in scenes if scene.index in self._unusable}
        return reasons | self._engine.prepare([one for one in scenes if one.index not in reasons], on_count)

    def value(self, computation: Any) -> Any:
        """Counts the rows of tables, and fails those asked for."""
        answer = self._engine.value(computation)
        if isinstance(answer, dict) and "features" in answer:
            self.tables.append(len(answer["features"]))
            if len(self.tables) in self._failing:
                raise EngineError("The service had a bad moment.")
        return answer
