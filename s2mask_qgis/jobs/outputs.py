"""What a run leaves in its output folder: report.json, and keys that tell whether an image was made before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..core.backgrounds import Backgrounds
from ..core.models.files import find
from ..core.models.model import Model, checksum
from ..core.parameters import RunParameters
from ..core.plan import ALGORITHM
from ..core.scenes import COLLECTION_OF, Scene
from ..core.whole_files import write_whole
from ..engines.errors import StorageError
from .report import ImageOutcome, ImageState, RunReport
from .request import RunRequest

MASK, NDVI, FEATURES, EVI2, KNDVI = "mask", "ndvi", "features", "evi2", "kndvi"
KINDS = (MASK, NDVI, FEATURES, EVI2, KNDVI)
"""Kinds of results: the folder of each, and its key in the report."""

REPORT = "report.json"
_WITHOUT_EFFECT = ("date_start", "date_end", EVI2, KNDVI)
"""Parameters that decide which results there are, not what their pixels are."""


def result_kinds(parameters: RunParameters) -> tuple[str, ...]:
    """The kinds of results that a run makes of each image, the mask first."""
    return (MASK, NDVI, *(kind for kind in (FEATURES, EVI2, KNDVI) if getattr(parameters, kind)))


def settings_key(request: RunRequest, model: Model) -> str:
    """A digest of all that decides an image's pixels besides its scenes: area, model, and those parameters that do."""
    parameters = {name: value for name, value in request.parameters.to_json().items() if name not in _WITHOUT_EFFECT}
    land = [request.land.to_json()] if request.land is not None else []
    return checksum([ALGORITHM, model.digest, parameters, request.area.to_geojson(), *land])


def ledger_path(request: RunRequest, model: Model) -> Path:
    """The ledger of a run: one for each combination of what decides which results there are, and what they are."""
    described = request.to_json()
    decisive = [described[name] for name in ("parameters", "earth_engine", "land", "done_file")]
    digest = checksum([settings_key(request, model), *decisive])
    return request.output_folder / f"run-{digest[:8]}.gpkg"


def image_key(settings: str, scene: Scene, backgrounds: Backgrounds) -> str:
    """A digest of all that decides the pixels of one image's results, from that of the run's settings."""
    chosen = {str(method): [one.index for one in images] for method, images in backgrounds.items()}
    return checksum([settings, scene.id, chosen])[:32]


def check_writable(folder: Path) -> None:
    """Make the output folder and write to it; StorageError says why that cannot be done."""
    probe = folder / ".s2mask-probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"0")
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"The output folder {folder} cannot be written ({reason}); choose another.") from None


def kept(request: RunRequest, scenes: Iterable[Scene]) -> int:
    """How many of ``scenes``, those of the parameters' level, the last run into the output folder made with the same
    area and parameters."""
    try:
        report = json.loads((request.output_folder / REPORT).read_text(encoding="utf-8"))
        same = report["settings_key"] == settings_key(request, find(request.parameters.model, request.models_folder))
    except (OSError, ValueError, KeyError, TypeError):  # ModelError is a ValueError
        return 0
    if not same:
        return 0
    kinds, collection = result_kinds(request.parameters), COLLECTION_OF[request.parameters.level]
    own = {scene.index for scene in scenes if scene.collection == collection}
    return sum(_has_results(request.output_folder, kinds, index) for index in own)


def _has_results(folder: Path, kinds: Sequence[str], index: str) -> bool:
    return all((folder / kind / f"{index}.tif").is_file() for kind in kinds)


def write_report(request: RunRequest, model: Model, report: RunReport) -> None:
    """Write report.json, whole or not at all. StorageError where the folder cannot be written."""
    described = {
        "state": report.state.value,
        "message": report.message,
        "settings_key": settings_key(request, model),
        "model": model.to_json(),
        "parameters": request.parameters.to_json(),
        "area": request.area.to_geojson(),
        "notes": list(report.notes),
        "images": [_image_json(outcome, result_kinds(request.parameters)) for outcome in in_order(report.images)],
    }
    path = request.output_folder / REPORT
    try:
        write_whole(path, json.dumps(described, indent=1))
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror}); free some space and run again.") from None


def in_order(outcomes: Iterable[ImageOutcome]) -> Sequence[ImageOutcome]:
    """Outcomes in order of time, then of index."""
    return sorted(outcomes, key=lambda outcome: (outcome.time_start_ms, outcome.index))


def _image_json(outcome: ImageOutcome, kinds: Sequence[str]) -> dict[str, Any]:
    made = kinds if outcome.state is not ImageState.FAILED else ()
    return {
        "system:index": outcome.index,
        "MGRS_TILE": outcome.tile,
        "system:time_start": outcome.time_start_ms,
        "state": outcome.state.value,
        "reason": outcome.reason,
        **{kind: f"{kind}/{outcome.index}.tif" if kind in made else None for kind in KINDS},
        "cloud_share": outcome.cloud_share,
        "shadow_share": outcome.shadow_share,
        "ndvi_share": outcome.ndvi_share,
        "seconds": round(outcome.seconds, 3),
        "plan": outcome.plan,
    }
