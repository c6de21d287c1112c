"""The images of an estimate: which there are, which miss the land, which are there already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.counting import counts_by_tile
from ..core.estimates import counting_windows
from ..core.models.model import Model
from ..core.scenes import COLLECTION_OF, Scene
from ..core.selection import matching
from ..engines.base import Engine
from .land import outside
from .land_changes import current_settings
from .ledger.ledger import Ledger
from .ledger.rows import RowState
from .outputs import image_key, result_kinds
from .planning import Planner
from .request import RunRequest
from .results import KEY
from .script_ledgers import already_done

MOST_LISTED = 2000
"""Images that are looked at one by one; of more they are counted."""

MOST_COMPARED_TILES = 10
"""Tiles whose stored results are compared with what the run would make; the others are when it starts."""


@dataclass(frozen=True)
class FoundImages:
    """What is known of a run's images.

    ``per_tile`` counts those that are to be made; ``examples`` holds one scene a tile (none where images were only
    counted), ``stored`` the results that are there, by kind: ``replaced`` of them are made anew.
    """

    images: int
    out_of_area: int
    done: int
    per_tile: Mapping[str, int]
    examples: Mapping[str, Scene] = field(default_factory=dict)
    stored: Mapping[str, Collection[str]] = field(default_factory=dict)
    replaced: int = 0

    @property
    def is_listed(self) -> bool:
        """True where images were looked at one by one."""
        return bool(self.examples)

    @property
    def tiles(self) -> int:
        """Tiles that have images."""
        return len(self.examples or self.per_tile)


def found_images(request: RunRequest, engine: Engine, ledger: Ledger | None, model: Model) -> FoundImages:
    """Count the images of a run at the engine, and look at them one by one where they are not too many."""
    counts = _counts(request, engine)
    if 0 < sum(counts.values()) <= MOST_LISTED:
        return _listed(request, engine, ledger, model)
    return _counted(request, ledger, counts)


def _counts(request: RunRequest, engine: Engine) -> Counter[str]:
    """How many images of each tile there are, counted by the engine."""
    parameters, collection = request.parameters, COLLECTION_OF[request.parameters.level]
    tiles = engine.tiles(request.area, collection)
    counts: Counter[str] = Counter()
    for start, end in counting_windows(parameters.date_start, parameters.date_end, len(tiles)):
        counts.update(engine.value(counts_by_tile(collection, request.area, start, end)))
    return counts


def _counted(request: RunRequest, ledger: Ledger | None, counts: Mapping[str, int]) -> FoundImages:
    """Images that are too many to be looked at: the ledger tells what is known of them."""
    states = ledger.counts() if ledger is not None else {}
    done = states.get(RowState.DONE, 0)
    if request.done_file is not None:
        parameters = request.parameters
        first, last = (text.replace("-", "") for text in (parameters.date_start, parameters.date_end))
        elsewhere = already_done(request.done_file)
        done += sum(first <= index[:8] <= last and index[-5:] in counts for index in elsewhere)
    return FoundImages(sum(counts.values()), states.get(RowState.OUT_OF_AREA, 0), done, counts)


def _listed(request: RunRequest, engine: Engine, ledger: Ledger | None, model: Model) -> FoundImages:
    """Images one by one."""
    parameters, kinds = request.parameters, result_kinds(request.parameters)
    dates = (parameters.date_start, parameters.date_end)
    listed = engine.scenes(request.area, None, COLLECTION_OF[parameters.level], dates)
    scenes = matching(listed, request.area, parameters)
    away = outside(engine, scenes, request.area, request.land)
    inside = [scene for scene in scenes if scene.index not in away]
    indexes = {scene.index for scene in inside}
    done = {row.index for row in ledger.images({RowState.DONE})} & indexes if ledger is not None else set()
    if request.done_file is not None:
        done |= already_done(request.done_file) & indexes
    stored = {kind: engine.stored(kind, indexes) for kind in kinds}
    done |= _kept(request, engine, model, [scene for scene in inside if scene.index not in done], stored)
    replaced = sum(index not in done for found in stored.values() for index in found)
    return FoundImages(
        images=len(scenes),
        out_of_area=len(away),
        done=len(done),
        per_tile=Counter(scene.tile for scene in inside if scene.index not in done),
        examples={scene.tile: scene for scene in reversed(scenes)},
        stored={kind: sorted(found) for kind, found in stored.items()},
        replaced=replaced,
    )


def _kept(
    request: RunRequest,
    engine: Engine,
    model: Model,
    scenes: Sequence[Scene],
    stored: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> set[str]:
    """Images all of whose results are stored as this run would make them: their keys tell."""
    keys = {scene.index: {found.get(scene.index, {}).get(KEY) for found in stored.values()} for scene in scenes}
    candidates = [scene for scene in scenes if len(keys[scene.index]) == 1 and None not in keys[scene.index]]
    settings = current_settings(engine, request, model)
    planner = Planner(engine, request.area, request.parameters, model)
    kept = set()
    for tile in sorted({scene.tile for scene in candidates})[:MOST_COMPARED_TILES]:
        archive = engine.scenes(None, [tile], COLLECTION_OF[request.parameters.level])
        for scene in candidates:
            if scene.tile == tile:
                key = image_key(settings, scene, planner.choose(scene, archive))
                kept |= {scene.index} if keys[scene.index] == {key} else set()
    return kept
