"""Features at labels: planned image by image, asked of an engine in batches, kept so that a second call goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.area import Area
from ..core.backgrounds import choose
from ..core.feature_values import is_possible, method_of, model_of, value_image
from ..core.features import MEASURES
from ..core.footprints import holds
from ..core.label_files import named_images
from ..core.label_pixels import LabelPixel, Place, in_blocks, label_pixels, pixels_at
from ..core.label_words import tile_of
from ..core.labels import Label, by_image, capped
from ..core.parameters import MODEL, RunParameters
from ..core.plan import ALGORITHM
from ..core.scenes import COLLECTION_OF, Ring, Scene
from ..engines.base import CountCallback, Engine
from ..engines.errors import CancelledError, EngineError, QuotaError, SceneError, SignInError, StorageError
from .label_store import read_pixels, write_pixels
from .planning import Planner
from .training_request import FEATURE_PARAMETERS

BATCH = 250
"""Places of a request: on one core of a slow computer a minute's work, a fifth of what a service allows."""

FOLDER = "labels"
"""Where in a work folder the features of each image are kept, a file an image."""

_MARGIN_DEG = 0.02
"""Places further from an image's outline than this are not asked for (2 km)."""

_FATAL = (CancelledError, StorageError, SignInError, QuotaError)
"""Errors that concern all images."""


@dataclass(frozen=True)
class LabelRow:
    """A label, the centre of the pixel that holds it, and that pixel's features, None where they are unknown."""

    label: Label
    centre: Place
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class LabelFeatures:
    """``rows`` hold the features ``names``; ``days`` are the images' (YYYY-MM-DD); ``notes`` are sentences on images
    and labels that gave none."""

    names: tuple[str, ...]
    rows: tuple[LabelRow, ...]
    days: Mapping[str, str]
    notes: tuple[str, ...]


def features_at(
    engine: Engine,
    labels: Sequence[Label],
    names: Sequence[str],
    parameters: RunParameters,
    folder: Path,
    on_count: CountCallback,
    is_cancelled: Callable[[], bool],
) -> LabelFeatures:
    """The features ``names`` in the pixels that hold ``labels``, at the working scale of ``parameters``.

    An image that cannot be used is noted and left out. What an image gave is kept in ``folder`` and taken from there
    as long as the image, its backgrounds, the places and the parameters are the same. ``on_count`` hears of images.
    Raises CancelledError, and those errors that concern all images: a full disk, a service that refuses.
    """
    scenes = engine.scenes(tiles=_tiles(labels), collection=COLLECTION_OF[parameters.level])
    known = {scene.index: scene for scene in scenes}
    labels, _ = named_images(labels, scenes)
    groups = by_image(labels)
    sampler = _Sampler(engine, tuple(names), parameters, folder, scenes, is_cancelled)
    rows: list[LabelRow] = []
    notes = _unknown_images({image: len(group) for image, group in groups.items() if image not in known})
    todo = [image for image in groups if image in known]
    for done, image in enumerate(todo):
        on_count(done, len(todo))
        try:
            pixels = sampler.pixels(known[image], {(label.longitude, label.latitude) for label in groups[image]})
        except _FATAL:
            raise
        except EngineError as error:
            notes.append(f"{image} was left out with its {len(groups[image]):,} labels: {error}")
            continue
        found = [_row(label, pixels) for label in groups[image]]
        rows += [row for row in found if row is not None and any(value is not None for value in row.values)]
        notes += _missing_note(known[image], groups[image], found)
    on_count(len(todo), len(todo))
    return LabelFeatures(tuple(names), tuple(rows), {image: known[image].date for image in todo}, tuple(notes))


def _tiles(labels: Iterable[Label]) -> list[str] | None:
    """The tiles of the labels' images; None where an image does not tell its own."""
    tiles = {tile_of(image) for image in {label.image for label in labels}}
    known = sorted(tile for tile in tiles if tile is not None)
    return known if len(known) == len(tiles) else None


def _row(label: Label, pixels: Mapping[Place, LabelPixel]) -> LabelRow | None:
    pixel = pixels.get((label.longitude, label.latitude))
    return None if pixel is None else LabelRow(label, pixel.centre, pixel.values)


def _unknown_images(counts: Mapping[str, int]) -> list[str]:
    if not counts:
        return []
    listed = capped([f"{image} ({count:,})" for image, count in counts.items()])
    total = sum(counts.values())
    return [f"There is no image for {total:,} labels, which were left out: {listed}. Check the folder of scenes."]


def _missing_note(scene: Scene, labels: Sequence[Label], rows: Sequence[LabelRow | None]) -> list[str]:
    """A sentence on the labels of an image that have no features at all, and why."""
    lost = [label for label, row in zip(labels, rows) if row is None or all(value is None for value in row.values)]
    outside = sum(not _lies_in(scene, (label.longitude, label.latitude)) for label in lost)
    parts = [f"{outside:,} lie outside the image"] if outside else []
    if len(lost) > outside:
        parts.append(f"{len(lost) - outside:,} where it or its backgrounds have no data")
    return [f"{scene.index}: {' and '.join(parts)}; these labels were left out."] if parts else []


class _Sampler:
    """Gives the features of one image after the other; backgrounds are chosen among the images that can be used."""

    def __init__(
        self,
        engine: Engine,
        names: tuple[str, ...],
        parameters: RunParameters,
        folder: Path,
        scenes: Sequence[Scene],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._names = names
        self._methods = {method for method in map(method_of, names) if method is not None}
        self._parameters = replace(parameters, source=MODEL, union=False, shadow=False, features=False, cutoff=0.0)
        self._folder = folder / FOLDER
        self._usable = list(scenes)
        self._is_cancelled = is_cancelled
        self._planners: dict[tuple[tuple[str, ...], Ring], Planner] = {}

    def pixels(self, scene: Scene, places: Iterable[Place]) -> dict[Place, LabelPixel]:
        """The pixel of every place that lies in or near an image. SceneError where the image cannot be used."""
        wanted = in_blocks([place for place in places if _is_near(scene, place)])
        if not wanted:
            return {}
        while True:
            backgrounds = choose(scene, self._usable, self._parameters, self._methods)
            key = self._key(scene, backgrounds, wanted)
            kept = read_pixels(self._folder / f"{scene.index}.json", key)
            if kept is not None:
                return dict(zip(wanted, kept))
            needed = {one.index: one for one in (scene, *(one for group in backgrounds.values() for one in group))}
            reasons = self._engine.prepare(needed.values(), lambda done, total: None)
            if scene.index in reasons:
                raise SceneError(reasons[scene.index])
            if not reasons:
                break
            self._usable = [one for one in self._usable if one.index not in reasons]
        found = self._sampled(scene, backgrounds, wanted)
        write_pixels(self._folder, scene.index, key, found)
        return dict(zip(wanted, found))

    def _key(self, scene: Scene, backgrounds: Mapping[int, Sequence[Scene]], places: Sequence[Place]) -> str:
        values = self._parameters.to_json()
        decisive = {name: values[name] for name in FEATURE_PARAMETERS}
        chosen = {str(method): [one.id for one in group] for method, group in backgrounds.items()}
        text = json.dumps([ALGORITHM, scene.id, scene.bands, self._names, decisive, chosen, places], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _sampled(
        self, scene: Scene, backgrounds: Mapping[int, tuple[Scene, ...]], places: Sequence[Place]
    ) -> list[LabelPixel]:
        """The pixels of places, asked for batch by batch; features that an image cannot have are None."""
        names = tuple(name for name in self._names if is_possible(name, scene, backgrounds))
        if not names:
            raise SceneError(f"There is no other image to compare {scene.index} with, or it lacks bands.")
        plan = self._planner(names, scene.footprint).plan(scene, backgrounds)
        image = value_image(plan, names)
        found: list[LabelPixel] = []
        for start in range(0, len(places), BATCH):
            if self._is_cancelled():
                raise CancelledError("Stopped on request.")
            answer = self._engine.value(pixels_at(image, places[start : start + BATCH], plan.grid))
            found += label_pixels(answer, self._names)
        return found

    def _planner(self, names: tuple[str, ...], footprint: Ring) -> Planner:
        """The planner of these features for images of an outline: it remembers what it asked the engine."""
        if (names, footprint) not in self._planners:
            are_mixed = len({name in MEASURES for name in names}) == 2
            parameters = replace(self._parameters, features=are_mixed)
            self._planners[names, footprint] = Planner(self._engine, Area(((footprint,),)), parameters, model_of(names))
        return self._planners[names, footprint]


def _lies_in(scene: Scene, place: Place) -> bool:
    """Whether a place lies inside an image's outline; one that is no number does not."""
    return _is_near(scene, place) and holds(scene.footprint, *place)


def _is_near(scene: Scene, place: Place) -> bool:
    """Whether a place lies in the rectangle around an image; others may have no place in its coordinate system."""
    return all(
        min(corner[axis] for corner in scene.footprint) - _MARGIN_DEG
        <= place[axis]
        <= max(corner[axis] for corner in scene.footprint) + _MARGIN_DEG
        for axis in (0, 1)
    )
