"""The recipe of a run that masks clouds: which images, prepared how, planned how, exported as what."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from ..core.backgrounds import Backgrounds
from ..core.models.model import Model
from ..core.plan import ImagePlan
from ..core.scenes import COLLECTION_OF, Scene
from ..core.selection import matching
from ..engines.base import Engine, Export
from ..engines.errors import EngineError
from ..paths import version
from . import results
from .land import land_parts, land_problem, outside
from .land_changes import current_settings
from .outputs import MASK, image_key, result_kinds
from .planning import Planner
from .recipe import Item, Target
from .report import ImageOutcome, ImageState, Progress, Stage
from .request import RunRequest
from .script_ledgers import already_done

LATE_DAYS = 30
"""So long after an acquisition no product of it is expected any more."""

OnProgress = Callable[[Progress], None]


class MaskRecipe:
    """Masks, indices and features of the images that a request asks for; see recipe.Recipe for the methods."""

    def __init__(self, request: RunRequest, model: Model, engine: Engine, on_progress: OnProgress) -> None:
        self.kinds = result_kinds(request.parameters)
        self.notes: tuple[str, ...] = ()
        self._request = request
        self._engine = engine
        self._on_progress = on_progress
        self._collection = COLLECTION_OF[request.parameters.level]
        self.settings = current_settings(engine, request, model)
        self._land_of = land_parts(request.land)
        self._about = {
            results.PARAMETERS: json.dumps(request.parameters.to_json()),
            results.MODEL: f"{model.name} {model.digest[:12]}",
            results.VERSION: version(),
        }
        self._planner = Planner(engine, request.area, request.parameters, model)

    def targets(self) -> Iterator[Sequence[Target]]:
        """See recipe.Recipe; a batch a tile."""
        problem = self._engine.source_problem(self._request.parameters.source)
        problem = problem or land_problem(self._engine, self._request.land)
        if problem:
            raise EngineError(problem)
        tiles = self._engine.tiles(self._request.area, self._collection)
        done = already_done(self._request.done_file) if self._request.done_file is not None else frozenset()
        found = left_out = 0
        problems: list[str | None] = []
        for number, tile in enumerate(tiles):
            self._on_progress(Progress(Stage.LISTING, number, len(tiles)))
            scenes = self._matching(tile)
            left = [scene for scene in scenes if scene.index not in done]
            found, left_out = found + len(scenes), left_out + len(scenes) - len(left)
            problems += {self._planner.problem(scene) for scene in left}
            missed = outside(self._engine, left, self._request.area, self._request.land)
            yield [Target(scene, missed.get(scene.index, "")) for scene in left]
        self._check(found, left_out, problems)

    def _matching(self, tile: str) -> Sequence[Scene]:
        """The scenes of a tile that meet the area within the dates."""
        parameters = self._request.parameters
        dates = (parameters.date_start, parameters.date_end)
        listed = self._engine.scenes(self._request.area, [tile], self._collection, dates)
        return matching(listed, self._request.area, parameters)

    def _check(self, found: int, left_out: int, problems: Sequence[str | None]) -> None:
        """EngineError where nothing can be masked; a note on the images that a ledger lists as done."""
        if not found:
            raise EngineError(_why_nothing(self._request, self._engine))
        if left_out and self._request.done_file is not None:
            told = f"{left_out} image{'' if left_out == 1 else 's'} of the area and the dates"
            name = self._request.done_file.name
            if left_out == found:
                raise EngineError(f"Nothing is left to mask: {name} lists {told} as done. Choose other dates.")
            self.notes = (f"{name} lists {told} as done; left out.",)
        if problems and problems[0] and all(problems):
            raise EngineError(problems[0])

    def items(self, tile: str, indexes: Collection[str]) -> tuple[list[Item], dict[str, str]]:
        """See recipe.Recipe; backgrounds are chosen again without the scenes that cannot be used."""
        usable = self._engine.scenes(None, [tile], self._collection)
        targets = [scene for scene in usable if scene.index in indexes]
        known = {scene.index for scene in targets}
        failed = {index: _gone(index) for index in indexes if index not in known}
        while True:
            choices = [(scene, self._planner.choose(scene, usable)) for scene in targets]
            reasons = self._engine.prepare(_needed(choices), self._count_prepared)
            if not reasons:
                return [self._item(scene, backgrounds) for scene, backgrounds in choices], failed
            failed |= {scene.index: reasons[scene.index] for scene in targets if scene.index in reasons}
            targets = [scene for scene in targets if scene.index not in reasons]
            usable = [scene for scene in usable if scene.index not in reasons]

    def _count_prepared(self, done: int, total: int) -> None:
        if total:
            self._on_progress(Progress(Stage.PREPARING, done, total))

    def _item(self, scene: Scene, backgrounds: Backgrounds) -> Item:
        return Item(scene, image_key(self.settings, scene, backgrounds), backgrounds)

    def plan(self, item: Item, kinds: Sequence[str]) -> dict[str, Any]:
        """See recipe.Recipe; where the mask is stored already, the plan that it was made by."""
        if MASK not in kinds:
            return results.stored_plan(self._engine, item.scene).to_json()
        return self._planner.plan(item.scene, item.material).to_json()

    def export(self, item: Item, plan: dict[str, Any], kind: str, request_id: str, tile_px: int | None) -> Export:
        """See recipe.Recipe."""
        request = self._request
        decided = ImagePlan.from_json(plan)
        place = results.Place(request.area, self._land_of(decided.grid))
        made = results.export_of(self._engine, item.scene, decided, place, kind, item.key)
        description = results.description_of(kind, item.scene.index, request_id)
        image: Any = made.image.set(self._about)
        return replace(made, image=image, request_id=request_id, description=description, tile_px=tile_px)

    def outcome(self, item: Item, state: ImageState, seconds: float) -> ImageOutcome:
        """See recipe.Recipe; figures are read where the results are on this computer."""
        destinations = {kind: self._engine.destination(kind, item.scene.index) for kind in self.kinds}
        traits = self._engine.traits
        if not traits.has_local_results:
            made = results.outcome_elsewhere(item.scene, state, seconds)
        elif traits.stores_masks:
            place = results.Place(self._request.area, self._request.land)
            made = results.outcome(self._engine, item.scene, place, self.kinds, state, seconds)
        else:
            made = results.outcome_of_files(item.scene, destinations, state, seconds)
        return replace(made, outputs={kind: results.place_of(one) for kind, one in destinations.items()})

    def is_listed(self, listed_s: float) -> bool:
        """True where images that were listed at that time are all that there will ever be: their dates are long past,
        and no product of theirs will be published any more."""
        end = datetime.fromisoformat(self._request.parameters.date_end).replace(tzinfo=timezone.utc)
        return self._request.earth_engine is not None and listed_s - end.timestamp() > LATE_DAYS * 86_400.0


def _needed(choices: Iterable[tuple[Scene, Backgrounds]]) -> list[Scene]:
    """The scenes to be masked and their backgrounds, each once."""
    needed: dict[str, Scene] = {}
    for scene, backgrounds in choices:
        needed[scene.index] = scene
        for images in backgrounds.values():
            needed |= {image.index: image for image in images}
    return list(needed.values())


def _gone(index: str) -> str:
    return f"The image {index} is not there any more. Look through the scenes again."


def _why_nothing(request: RunRequest, engine: Engine) -> str:
    """Why there is nothing to mask."""
    if not engine.traits.has_local_results or request.earth_engine is not None:
        parameters = request.parameters
        return (
            f"No Level-{parameters.level[1:]} image of the area was taken from {parameters.date_start} to "
            f"{parameters.date_end}. Change the dates, or move the area."
        )
    scenes = engine.scenes(collection=COLLECTION_OF[request.parameters.level])
    return _nothing_matches(request, scenes) if scenes else _nothing_of_level(request, engine)


def _nothing_of_level(request: RunRequest, engine: Engine) -> str:
    """The folder has no product of the level, but perhaps some of another one."""
    level = request.parameters.level
    text = f"There is no usable Level-{level[1:]} product in {request.scenes_folder}"
    for other, collection in COLLECTION_OF.items():
        count = len(engine.scenes(collection=collection)) if other != level else 0
        if count:
            told = f"but {count:,} Level-{other[1:]} product{'' if count == 1 else 's'}"
            return f"{text}, {told}. Choose level {other}, or another folder."
    return f"{text}. Choose another folder."


def _nothing_matches(request: RunRequest, scenes: Sequence[Scene]) -> str:
    parameters = request.parameters
    dates = sorted(scene.date for scene in scenes)
    anytime = replace(parameters, date_start=dates[0], date_end=dates[-1])
    if matching(scenes, request.area, anytime):
        return (
            f"No image of the area was taken from {parameters.date_start} to {parameters.date_end}; "
            f"the {len(dates)} scenes are from {dates[0]} to {dates[-1]}. Change the dates."
        )
    tiles = ", ".join(sorted({scene.tile for scene in scenes}))
    return f"The area does not meet any of the {len(dates)} scenes (tile {tiles}). Move the area or add scenes."
