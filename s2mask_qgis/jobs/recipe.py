"""What a run makes of its images: the seam between the runner, which only counts exports, and the science."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..core.scenes import Scene
from ..engines.base import Export
from .report import ImageOutcome, ImageState


@dataclass(frozen=True)
class Target:
    """An image that a run is to make; ``out_of_area`` tells why it is left out, where it is."""

    scene: Scene
    out_of_area: str = ""


@dataclass(frozen=True)
class Item:
    """An image that is ready to be planned.

    ``key`` is the digest of all that decides its pixels; ``material`` what the recipe needs to plan it.
    """

    scene: Scene
    key: str
    material: Any = field(default=None, compare=False)


class Recipe(Protocol):
    """Turns images into exports, one a kind of result. Its methods raise EngineErrors; ``plan`` and ``export`` may be
    called on several threads at once."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of results of each image, in the order in which they are made."""

    def targets(self) -> Iterator[Sequence[Target]]:
        """All images of the run, in batches; EngineError (a sentence) where there is nothing to do."""

    def items(self, tile: str, indexes: Collection[str]) -> tuple[list[Item], dict[str, str]]:
        """Images of a tile made ready, and the reason for each that cannot be used, by index."""

    def plan(self, item: Item, kinds: Sequence[str]) -> dict[str, Any]:
        """Decide what an image's exports depend on, as JSON values: the slow part, it asks the engine. Results of
        other than these ``kinds`` are there already."""

    def export(self, item: Item, plan: dict[str, Any], kind: str, request_id: str, tile_px: int | None) -> Export:
        """The export of one kind of an image's results, under this request id."""

    def outcome(self, item: Item, state: ImageState, seconds: float) -> ImageOutcome:
        """What came of an image whose results are all there."""
