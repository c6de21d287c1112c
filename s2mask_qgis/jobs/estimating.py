"""The estimate of a run before it starts: what an engine, the ledger and the disk tell of it, in few requests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core.counting import stored_sizes
from ..core.estimates import PACKED_BYTES_PER_PX, RAW_BYTES_PER_PX, RunEstimate, bytes_of
from ..core.grid import Grid
from ..core.models.model import Model
from ..engines.base import Engine, Quota
from ..engines.errors import SceneError
from ..engines.limits import SAMPLE_PAGE_SIZE
from . import estimate_texts as texts
from .estimated_images import FoundImages, found_images
from .estimated_time import TimeEstimate, estimated_time
from .land import land_problem
from .ledger.ledger import Ledger
from .outputs import result_kinds
from .planning import WorkingGrids
from .request import ASSETS, DRIVE, FOLDER, RunRequest

_ASKED = frozenset({"tiles", "scenes", "grid", "value", "stored", "quota", "operations"})
"""Methods of an engine that ask the service."""

MOST_GRIDS = 6
"""Tiles whose grids are asked for; the others are taken to hold as much of the area."""

MOST_SIZES = 20
"""Stored results of each kind whose size is asked for."""

FEWEST_SIZES = 3
"""Fewer are not taken for typical."""

TILE_SIDE_M = 109_800.0
"""Of a tile of Sentinel-2."""


def estimate_on_engine(
    request: RunRequest,
    engine: Engine,
    ledger: Ledger | None,
    model: Model,
    drive_free: Callable[[], int | None] = lambda: None,
) -> RunEstimate:
    """What a run would do, and whether it fits; called on a thread of its own, EngineErrors of the engine pass.

    ``ledger`` is that of the same settings, where there is one; ``drive_free`` tells the free bytes of the user's
    Drive, None where that is not known.
    """
    asked: Any = _CountedEngine(engine)
    problems = [land_problem(asked, request.land), engine.source_problem(request.parameters.source)]
    told = tuple(text for text in problems if text)
    if told:
        return RunEstimate(requests=asked.requests, problems=told)
    found = found_images(request, asked, ledger, model)
    if not found.images:
        return RunEstimate(requests=asked.requests, problems=(texts.no_images(request.parameters),))
    return _with_texts(request, asked, ledger, found, drive_free)


class _CountedEngine:
    """An engine whose requests are counted, those for pages of long answers as well."""

    def __init__(self, own: Engine) -> None:
        self.requests = 0
        self._own = own

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._own, name)
        if name not in _ASKED:
            return found

        def ask(*arguments: Any, **named: Any) -> Any:
            answer = found(*arguments, **named)
            rows = len(answer) if isinstance(answer, (list, dict)) else 0
            self.requests += max(1, -(-rows // SAMPLE_PAGE_SIZE))
            return answer

        return ask


def _pixels(request: RunRequest, engine: Any, found: FoundImages) -> float:
    """Pixels of one image's results, the mean over tiles by their images."""
    whole = (TILE_SIDE_M / request.parameters.scale_m) ** 2
    tiles = sorted(set(found.per_tile) & set(found.examples))
    chosen = tiles[:: -(-len(tiles) // MOST_GRIDS)] if tiles else []
    grids = WorkingGrids(engine, request.area, request.parameters.scale_m)
    weights, total = 0, 0.0
    for tile in chosen:
        try:
            part: Grid = grids.of(found.examples[tile])[1]
        except SceneError:
            continue  # the area lies beside its pixels: the run tells that of the image
        weights += found.per_tile[tile]
        total += found.per_tile[tile] * part.shape_yx[0] * part.shape_yx[1]
    return total / weights if weights else whole


def _sizes(request: RunRequest, engine: Any, found: FoundImages) -> dict[str, float]:
    """Mean bytes of stored results of this run's images by kind, where enough of them are there."""
    sizes = {}
    for kind, indexes in found.stored.items():
        chosen = list(indexes)[:MOST_SIZES]
        if _destination(request) == FOLDER:
            paths = [request.output_folder / kind / f"{index}.tif" for index in chosen]
            known = [float(path.stat().st_size) for path in paths if path.is_file()]
        elif _destination(request) == ASSETS and chosen:
            assets = [engine.asset_id(kind, index) for index in chosen]
            known = [float(size) for size in engine.value(stored_sizes(assets)) if size]
        else:
            known = []
        if len(known) >= FEWEST_SIZES:
            sizes[kind] = sum(known) / len(known)
    return sizes


def _destination(request: RunRequest) -> str:
    return request.earth_engine.destination if request.earth_engine is not None else FOLDER


def _with_texts(
    request: RunRequest,
    engine: Any,
    ledger: Ledger | None,
    found: FoundImages,
    drive_free: Callable[[], int | None],
) -> RunEstimate:
    """The estimate of a run whose images are known."""
    kinds = result_kinds(request.parameters)
    estimate = RunEstimate(found.images, found.out_of_area, found.done, found.tiles, found.is_listed)
    tasks = dict.fromkeys(kinds, estimate.to_do)
    estimate = replace(estimate, tasks=sum(tasks.values()))
    if _destination(request) == ASSETS:
        estimate = replace(estimate, assets=estimate.tasks - found.replaced)
    estimate, basis = _with_bytes(request, engine, found, estimate)
    quota: Quota | None = engine.quota() if _destination(request) == ASSETS else None
    time = estimated_time(request, engine, engine.traits, ledger, tasks)
    estimate = replace(estimate, duration_s=time.seconds, compute_seconds=time.compute_seconds)
    problems, warnings = _fitting(request, estimate, quota, time, drive_free)
    facts = (
        texts.images_fact(estimate),
        texts.results_fact(estimate, kinds, basis),
        *((texts.used_fact(quota),) if quota is not None else ()),
        texts.duration_fact(estimate, time.at_once, time.finished, time.of_project),
        texts.requests_fact(engine.requests, found.is_listed, request.land is not None),
    )
    return replace(estimate, requests=engine.requests, facts=facts, problems=tuple(problems), warnings=tuple(warnings))


def _with_bytes(request: RunRequest, engine: Any, found: FoundImages, estimate: RunEstimate) -> tuple[RunEstimate, str]:
    """The estimate with bytes of results, and what they are based on."""
    kinds, pixels = result_kinds(request.parameters), _pixels(request, engine, found)
    sizes = _sizes(request, engine, found)
    likely = sum(sizes.get(kind, bytes_of(pixels, [kind], PACKED_BYTES_PER_PX)) for kind in kinds)
    most = max(likely, bytes_of(pixels, kinds, RAW_BYTES_PER_PX))
    if len(sizes) == len(kinds):
        basis, most = "from results that are stored", likely
    elif found.is_listed:
        basis = "from the pixels of the area in its tiles"
    else:
        basis = "from the pixels of whole tiles"
    made = replace(estimate, likely_bytes=estimate.to_do * likely, most_bytes=estimate.to_do * most)
    return made, basis


def _fitting(
    request: RunRequest,
    estimate: RunEstimate,
    quota: Quota | None,
    time: TimeEstimate,
    drive_free: Callable[[], int | None],
) -> tuple[list[str], list[str]]:
    """What does not fit, and what perhaps does not."""
    problems: list[str] = []
    warnings: list[str] = []
    kinds, parameters = result_kinds(request.parameters), request.parameters
    likely, most = estimate.likely_bytes or 0.0, estimate.most_bytes or 0.0
    if (
        quota is not None
        and quota.most_assets is not None
        and (estimate.assets or 0) > quota.most_assets - quota.assets
    ):
        problems.append(texts.too_many_assets(estimate, quota.assets, quota.most_assets, kinds))
    if quota is not None and quota.most_store_bytes is not None:
        room = quota.most_store_bytes - quota.store_bytes
        told = (estimate, quota.store_bytes, quota.most_store_bytes, parameters)
        if likely > room:
            problems.append(texts.too_many_bytes(*told, is_certain=True))
        elif most > room:
            warnings.append(texts.too_many_bytes(*told, is_certain=False))
    place, free = _free(request, drive_free)
    if free is not None and likely > free:
        problems.append(texts.disk_full(estimate, place, free, parameters, is_certain=True))
    elif free is not None and most > free:
        warnings.append(texts.disk_full(estimate, place, free, parameters, is_certain=False))
    if estimate.tasks and time.active >= request.throttle.nb_task_max:
        warnings.append(texts.queue_taken(time.active, request.throttle.nb_task_max))
    return problems, warnings


def _free(request: RunRequest, drive_free: Callable[[], int | None]) -> tuple[str, float | None]:
    """Where files go, and the free bytes there; None where that is not known or results are no files."""
    destination = _destination(request)
    if destination == DRIVE:
        return "Drive", drive_free()
    if destination != FOLDER:
        return "", None
    folder = request.output_folder
    existing = next((place for place in (folder, *folder.parents) if place.exists()), Path(folder.anchor or "."))
    try:
        return f"the folder {folder}", float(shutil.disk_usage(existing).free)
    except OSError:
        return "", None
