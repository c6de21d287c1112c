"""A service of a few lines on a clock that only waiting moves: what the loop of a run is tested against."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from s2mask_qgis.core.scenes import Scene
from s2mask_qgis.engines.base import (
    AssetDestination,
    Destination,
    EngineTraits,
    Export,
    Operation,
    OperationState,
)
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.recipe import Item, Target
from s2mask_qgis.jobs.report import ImageOutcome, ImageState
from s2mask_qgis.jobs.results import KEY, description_of

SQUARE = ((10.0, 45.0), (11.0, 45.0), (11.0, 46.0), (10.0, 46.0), (10.0, 45.0))


class SteppedClock:
    """Time that passes by waiting only; it never stands still, so that a loop without end is seen."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.waits: list[float] = []

    def now_s(self) -> float:
        return self.now

    def wait(self, seconds: float, orders: Orders) -> None:
        assert seconds > 0
        self.waits.append(seconds)
        self.now += seconds
        assert len(self.waits) < 10_000, "the loop does not end"


def scenes(count: int, tile: str = "33TWM") -> list[Scene]:
    """Images of a tile, one a day."""
    day_ms = 86_400_000
    return [
        Scene(f"COPERNICUS/S2_HARMONIZED/i{n:05}_{tile}", f"i{n:05}_{tile}", tile, n * day_ms, 10.0, SQUARE)
        for n in range(count)
    ]


@dataclass
class SmallRecipe:
    """Two kinds of results of each scene; planning answers at once."""

    archive: Sequence[Scene]
    kinds: tuple[str, ...] = ("mask", "ndvi")
    planned: list[str] = field(default_factory=list)
    plan_errors: dict[str, list[Exception]] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)
    out_of_area: dict[str, str] = field(default_factory=dict)

    def targets(self) -> Iterator[Sequence[Target]]:
        for tile in sorted({scene.tile for scene in self.archive}):
            found = [scene for scene in self.archive if scene.tile == tile]
            yield [Target(scene, self.out_of_area.get(scene.index, "")) for scene in found]

    def items(self, tile: str, indexes: Collection[str]) -> tuple[list[Item], dict[str, str]]:
        chosen = [one for one in self.archive if one.tile == tile and one.index in indexes]
        usable = [one for one in chosen if one.index not in self.unusable]
        reasons = {one.index: self.unusable[one.index] for one in chosen if one.index in self.unusable}
        return [Item(one, f"key{one.index}", "material") for one in usable], reasons

    def plan(self, item: Item, kinds: Sequence[str]) -> dict[str, Any]:
        assert item.material == "material"
        errors = self.plan_errors.get(item.scene.index, [])
        if errors:
            raise errors.pop(0)
        self.planned.append(item.scene.index)
        return {"image": item.scene.index}

    def export(self, item: Item, plan: dict[str, Any], kind: str, request_id: str, tile_px: int | None) -> Export:
        assert plan == {"image": item.scene.index}
        description = description_of(kind, item.scene.index, request_id)
        destination = AssetDestination(f"{kind}/{item.scene.index}")
        image: Any = item.key
        return Export(image, destination, None, request_id, description, tile_px=tile_px)  # type: ignore[arg-type]

    def outcome(self, item: Item, state: ImageState, seconds: float) -> ImageOutcome:
        scene = item.scene
        return ImageOutcome(scene.index, scene.tile, scene.time_start_ms, state, seconds=seconds)


class SmallEngine:
    """Takes exports and lets each last ``lasting_s``; two run at once unless told otherwise.

    ``before`` and ``after`` are called with the name of a method before and after it has had its effect; what they
    raise is the service's answer. ``ending`` gives the end of an export: None for success.
    """

    def __init__(self, clock: SteppedClock, lasting_s: float = 100.0, at_once: int = 1000) -> None:
        self.traits = EngineTraits("Small", 3000, None, 1, False, True)
        self.clock, self.lasting_s, self.at_once = clock, lasting_s, at_once
        self.started: list[Export] = []
        self.cancelled: list[str] = []
        self.looks = 0
        self.most_active = 0
        self.foreign = 0
        self.lost: set[str] = set()
        self.before: Callable[[str], None] = lambda name: None
        self.after: Callable[[str], None] = lambda name: None
        self.ending: Callable[[Export], tuple[int, str] | None] = lambda export: None
        self.assets: dict[str, Mapping[str, Any]] = {}
        self._operations: dict[str, tuple[Export, Operation]] = {}
        self._names: dict[str, str] = {}

    def open_destinations(self, kinds: Sequence[str]) -> None:
        self.before("open_destinations")

    def destination(self, kind: str, index: str) -> Destination:
        return AssetDestination(f"{kind}/{index}")

    def stored(self, kind: str, indexes: Collection[str]) -> dict[str, Mapping[str, Any]]:
        self.before("stored")
        self._work()
        return {index: self.assets[f"{kind}/{index}"] for index in indexes if f"{kind}/{index}" in self.assets}

    def start(self, export: Export) -> str:
        self.before("start")
        self._work()
        if export.request_id not in self._names:
            name = f"operation{len(self.started)}"
            self._names[export.request_id] = name
            self.started.append(export)
            state = OperationState.PENDING
            self._operations[name] = export, Operation(name, state, "", 0, export.description, self.clock.now)
            self.most_active = max(self.most_active, self.active() + self.foreign)
        self.after("start")
        return self._names[export.request_id]

    def operations(self, names: Collection[str] = ()) -> dict[str, Operation]:
        self.before("operations")
        self.looks += 1
        self._work()
        others = {f"foreign{n}": Operation(f"foreign{n}", OperationState.RUNNING) for n in range(self.foreign)}
        own = {name: one for name, (_, one) in self._operations.items() if name not in self.lost}
        return {name: one for name, one in own.items() if name in names or not one.state.is_final} | others

    def cancel(self, operation_name: str) -> None:
        self.before("cancel")
        self.cancelled.append(operation_name)
        export, operation = self._operations[operation_name]
        self._operations[operation_name] = export, replace(operation, state=OperationState.CANCELLED)

    def active(self) -> int:
        """How many exports have not ended."""
        return sum(not one.state.is_final for _, one in self._operations.values())

    def _work(self) -> None:
        """Let exports begin and end as time has gone on."""
        for name, (export, operation) in self._operations.items():
            if operation.state.is_final or operation.created_s is None:
                continue
            age_s = self.clock.now - operation.created_s
            if age_s >= self.lasting_s:
                self._operations[name] = export, self._ended(export, operation)
            elif age_s > 0:
                self._operations[name] = export, replace(operation, state=OperationState.RUNNING)

    def _ended(self, export: Export, operation: Operation) -> Operation:
        problem = self.ending(export)
        if problem is not None:
            code, text = problem
            return replace(operation, state=OperationState.FAILED, error=text, error_code=code)
        assert isinstance(export.destination, AssetDestination)
        self.assets[export.destination.asset] = {KEY: export.image}
        return replace(operation, state=OperationState.SUCCEEDED)
