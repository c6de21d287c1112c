"""One image on its way through its exports, as the loop of a run keeps it in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..core.scenes import Scene
from ..engines.base import OperationState
from .failures import SMALLER_TILES_PX
from .ledger.ledger import Ledger
from .ledger.rows import ExportRow, ImageRow, RowState
from .recipe import Item, Recipe


@dataclass(eq=False)
class Job:
    """``kinds`` are the results still to be made, the first is under way; ``plan`` is None until it was decided.

    ``request_id`` is that of the export under way, empty before it is written down, ``sent_s`` the time when it was
    (seconds since 1970); ``attempts`` counts those of its kind in this session, ``smaller`` how often memory did not
    suffice; ``failed_calls`` those in a row, and ``reason`` why the last of them did.
    """

    item: Item
    kinds: tuple[str, ...]
    started_s: float
    plan: dict[str, Any] | None = None
    request_id: str = ""
    sent_s: float = 0.0
    state: OperationState = OperationState.PENDING
    attempts: int = 0
    smaller: int = 0
    failed_calls: int = 0
    failed_since_s: float = 0.0
    reason: str = ""
    not_listed: int = 0
    not_before_s: float = 0.0

    @property
    def index(self) -> str:
        """The image's system:index."""
        return self.item.scene.index

    @property
    def tile_px(self) -> int | None:
        """The side of the tiles in which the export is computed, None for the service's own choice."""
        return SMALLER_TILES_PX[min(self.smaller, len(SMALLER_TILES_PX)) - 1] if self.smaller else None

    def next_kind(self) -> None:
        """Turn to the kind of results that follows."""
        self.kinds = self.kinds[1:]
        self.request_id, self.state = "", OperationState.PENDING
        self.attempts = self.smaller = self.failed_calls = self.not_listed = 0


def continued(row: ExportRow, image: ImageRow, plan: dict[str, Any], recipe: Recipe, now_s: float) -> Job:
    """The job that goes on with an export which an earlier session left open."""
    kinds = recipe.kinds[recipe.kinds.index(row.kind) :]
    return Job(Item(scene_of(image), row.key), kinds, now_s, plan, row.request_id, row.sent_s)


def scene_of(image: ImageRow) -> Scene:
    """The scene of a row, as far as an export whose plan is decided has to know it."""
    return Scene(image.id, image.index, image.tile, image.time_start_ms, image.cloudy_percent, image.footprint)


def open_jobs(ledger: Ledger, recipe: Recipe, now_s: float) -> list[tuple[ExportRow, Job]]:
    """Jobs for all exports that were open when the ledger was last closed, or its process killed."""
    found = []
    for row in ledger.open_exports():
        image, plan = ledger.image(row.index), ledger.plan(row.index)
        if image is None or plan is None or row.kind not in recipe.kinds:
            ledger.end_export(row.request_id, RowState.CANCELLED)  # nobody can go on with it: the image waits again
        else:
            found.append((row, continued(row, image, plan, recipe, now_s)))
    return found
