"""What a folder of dated rasters holds, told before anything is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..engines.errors import CancelledError


@dataclass(frozen=True)
class SeriesSurvey:
    """``days`` (ISO, each once, in order) of the rasters in all ``grids``; ``pixels`` are those of all grids together.

    ``masks`` names the folder of the masks, empty where there are none; ``notes`` are sentences on how it was read.
    """

    days: tuple[str, ...]
    grids: int
    pixels: int
    masks: str = ""
    notes: tuple[str, ...] = ()


def survey_series(
    ndvi_folder: Path,
    masks_folder: Path | None,
    _on_count: Callable[[int, int], None],
    is_cancelled: Callable[[], bool],
) -> SeriesSurvey:
    """Look through a folder. Raises SceneError (a sentence) where no series can be read from it."""
    from ..series.folder import find_series
    from ..series.names import iso_day

    found = find_series(ndvi_folder, masks_folder)
    if is_cancelled():
        raise CancelledError("superseded")
    images = [image for series in found for image in series.images]
    masks = {image.mask.path.parent.name for image in images if image.mask is not None}
    return SeriesSurvey(
        days=tuple(iso_day(day) for day in sorted({image.day for image in images})),
        grids=len(found),
        pixels=sum(series.grid.shape_yx[0] * series.grid.shape_yx[1] for series in found),
        masks=", ".join(sorted(masks)),
        notes=tuple(dict.fromkeys(note for series in found for note in series.notes)),
    )
