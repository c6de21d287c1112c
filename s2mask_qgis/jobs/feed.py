"""The images of a run that wait to be made, taken tile by tile so that memory does not grow with the run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..engines.base import DriveDestination, Engine
from .ledger.ledger import Ledger
from .ledger.rows import ImageRow, RowState
from .recipe import Item, Recipe
from .results import KEY


@dataclass(frozen=True)
class Ready:
    """An image to be made; ``missing`` are the kinds of results that are not there yet, none where all are."""

    item: Item
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Unusable:
    """An image that cannot be made, and why."""

    row: ImageRow
    reason: str


class Feed:
    """Gives waiting images one by one. ``is_busy`` tells of an image, by index, that it was given before."""

    def __init__(self, engine: Engine, ledger: Ledger, recipe: Recipe, is_busy: Callable[[str], bool]) -> None:
        self._engine, self._ledger, self._recipe, self._is_busy = engine, ledger, recipe, is_busy
        self._tiles = deque(ledger.tiles({RowState.WAITING}))
        self._ready: deque[Ready | Unusable] = deque()

    @property
    def is_exhausted(self) -> bool:
        """True once every image was given."""
        return not self._ready and not self._tiles

    def look_again(self) -> None:
        """Images wait again that had been given up."""
        self._tiles.extend(tile for tile in self._ledger.tiles({RowState.WAITING}) if tile not in self._tiles)

    def next(self) -> Ready | Unusable | None:
        """The next image, None where there is none for now. EngineErrors leave the feed where it was."""
        while not self._ready and self._tiles:
            self._ready.extend(self._load(self._tiles[0]))
            self._tiles.popleft()
        return self._ready.popleft() if self._ready else None

    def _load(self, tile: str) -> list[Ready | Unusable]:
        """The waiting images of a tile, made ready."""
        waiting = self._ledger.images({RowState.WAITING}, tile)
        rows = {row.index: row for row in waiting if not self._is_busy(row.index)}
        if not rows:
            return []
        items, reasons = self._recipe.items(tile, rows.keys())
        stored = {kind: self._engine.stored(kind, rows.keys()) for kind in self._recipe.kinds}
        unusable = [Unusable(rows[index], reason) for index, reason in reasons.items()]
        return [*unusable, *(Ready(item, self._missing(item, stored)) for item in items)]

    def _missing(self, item: Item, stored: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> tuple[str, ...]:
        """The kinds that are not there or were made from something else; all of them where the first is missing."""
        index = item.scene.index
        have = {kind for kind, found in stored.items() if found.get(index, {}).get(KEY) == item.key}
        have |= {row.kind for row in self._in_drive(item)}
        missing = tuple(kind for kind in self._recipe.kinds if kind not in have)
        return self._recipe.kinds if self._recipe.kinds[0] in missing else missing

    def _in_drive(self, item: Item) -> list[Any]:
        """Exports to Drive that succeeded: Drive tells nothing of what its files were made from, the ledger does."""
        destination = self._engine.destination(self._recipe.kinds[0], item.scene.index)
        if not isinstance(destination, DriveDestination):
            return []
        rows = self._ledger.exports(item.scene.index)
        return [row for row in rows if row.state is RowState.DONE and row.key == item.key]
