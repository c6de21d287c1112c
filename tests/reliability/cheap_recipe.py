"""A recipe without pixels: it plans at once and exports a number, so that a run is all bookkeeping."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.core.scenes import COLLECTION, Scene
from s2mask_qgis.engines.base import Engine, Export
from s2mask_qgis.engines.expressions import ready_client
from s2mask_qgis.jobs.recipe import Item, Target
from s2mask_qgis.jobs.report import ImageOutcome, ImageState
from s2mask_qgis.jobs.results import KEY, description_of, place_of

from .computing import DAY_MS, FIRST_DATE_MS, index_of

MOST_PER_TILE = 1000
PLAN_NUMBERS = 180
"""Numbers in a plan: as much text as the plan of a real image by the default model, 3.5 kB."""
GRID = Grid("EPSG:32631", (10.0, 0.0, 500000.0, 0.0, -10.0, 5000040.0), (10980, 10980))


class CheapRecipe:
    """``count`` images, at most a thousand a tile; see jobs.recipe.Recipe for the methods."""

    def __init__(self, engine: Engine, count: int, kinds: tuple[str, ...] = ("mask", "ndvi")) -> None:
        self.kinds = kinds
        self._engine = engine
        self._count = count

    def targets(self) -> Iterator[Sequence[Target]]:
        """See Recipe; a batch a tile."""
        for number in range(self._tiles()):
            yield [Target(scene) for scene in self._scenes(number)]

    def items(self, tile: str, indexes: Collection[str]) -> tuple[list[Item], dict[str, str]]:
        """See Recipe."""
        scenes = self._scenes(int(tile[1:]))
        return [Item(scene, _digest(scene.index)) for scene in scenes if scene.index in indexes], {}

    def plan(self, item: Item, kinds: Sequence[str]) -> dict[str, Any]:
        """See Recipe."""
        numbers = hashlib.shake_128(item.key.encode()).digest(2 * PLAN_NUMBERS)
        values = [int.from_bytes(numbers[at : at + 2], "big") / 65536 for at in range(0, len(numbers), 2)]
        return {"image": item.scene.id, "clusters": values}

    def export(self, item: Item, plan: dict[str, Any], kind: str, request_id: str, tile_px: int | None) -> Export:
        """See Recipe."""
        index = item.scene.index
        image = ready_client().Image(0).set({"system:index": index, KEY: item.key})
        destination = self._engine.destination(kind, index)
        return Export(image, destination, GRID, request_id, description_of(kind, index, request_id), tile_px=tile_px)

    def outcome(self, item: Item, state: ImageState, seconds: float) -> ImageOutcome:
        """See Recipe."""
        scene = item.scene
        outputs = {kind: place_of(self._engine.destination(kind, scene.index)) for kind in self.kinds}
        return ImageOutcome(scene.index, scene.tile, scene.time_start_ms, state, seconds=seconds, outputs=outputs)

    def _tiles(self) -> int:
        return -(-self._count // MOST_PER_TILE)

    def _scenes(self, tile_number: int) -> list[Scene]:
        first = tile_number * MOST_PER_TILE
        return [_scene(tile_number, number) for number in range(min(MOST_PER_TILE, self._count - first))]


def _scene(tile_number: int, number: int) -> Scene:
    tile, time_ms = f"T{tile_number:04d}", FIRST_DATE_MS + number * 5 * DAY_MS
    index = index_of(time_ms, tile)
    west, south = tile_number % 100 * 1.0, tile_number // 100 * 1.0
    corners = ((west, south), (west + 1.0, south), (west + 1.0, south + 1.0), (west, south + 1.0), (west, south))
    return Scene(f"{COLLECTION}/{index}", index, tile, time_ms, 10.0 + number % 60, corners)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
