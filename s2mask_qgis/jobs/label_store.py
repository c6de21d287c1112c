"""Features at labels on disk, a file an image, so that what was sampled once is not sampled again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.label_pixels import LabelPixel
from ..core.whole_files import write_whole
from ..engines.errors import StorageError


def read_pixels(path: Path, key: str) -> list[LabelPixel] | None:
    """The pixels that are kept under a key, None where there are none or they were made from something else."""
    try:
        stored: Any = json.loads(path.read_text(encoding="utf-8"))
        if stored["key"] != key:
            return None
        return [LabelPixel((x, y), tuple(values)) for x, y, *values in stored["pixels"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_pixels(folder: Path, index: str, key: str, pixels: Sequence[LabelPixel]) -> None:
    """Keep pixels, whole or not at all. StorageError where the folder cannot be written."""
    path = folder / f"{index}.json"
    stored = {"key": key, "pixels": [[*pixel.centre, *pixel.values] for pixel in pixels]}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(stored))
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror}); free some space and go on.") from None
