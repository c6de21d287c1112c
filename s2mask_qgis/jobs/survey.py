"""What is in a folder of products: its scenes, and the products that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..core.scenes import COLLECTIONS, Scene
from ..engines.base import CountCallback
from ..engines.local.engine import LocalEngine


@dataclass(frozen=True)
class Survey:
    """``scenes`` of both levels in order of time; ``problems`` are sentences, one a product that cannot be used."""

    scenes: tuple[Scene, ...]
    problems: tuple[str, ...]


def survey(
    scenes_folder: Path, library_folder: Path, on_count: CountCallback, is_cancelled: Callable[[], bool]
) -> Survey:
    """Look through a folder in a worker process. Raises EngineError (a sentence) where that cannot be done."""
    with LocalEngine(scenes_folder, library_folder, library_folder, is_cancelled, workers=1) as engine:
        problems = engine.refresh(on_count)
        scenes = [scene for collection in COLLECTIONS for scene in engine.scenes(collection=collection)]
        scenes.sort(key=lambda scene: (scene.time_start_ms, scene.id))
        return Survey(tuple(scenes), tuple(problem.text for problem in problems))
