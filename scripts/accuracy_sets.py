"""The images that cloud masks are judged on, written as scenes for the library, each with what is known of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from s2mask_qgis.core.area import Area
from s2mask_qgis.engines.errors import EngineError
from s2mask_qgis.simulation.sample import area_ring, write_sample
from s2mask_qgis.simulation.settings import SampleSettings

TRUTH, PROXY = "truth", "proxy"
"""Known because it was simulated or labelled by people, or taken from another automatic classification."""

STEP_DAYS = 11
"""Between dates of the simulated sets: 36 of them take a year."""


@dataclass(frozen=True)
class DataSet:
    """A folder of scenes with what is known of them.

    ``scenes`` holds the products, ``truth`` a raster for each by its system:index with the classes of accuracy.py.
    ``own`` holds the product's own masks as masks are (0, 1, 2), unless the products have it inside (``has_own_mask``).
    ``surfaces`` are Case codes, where there are such.
    ``kind`` is TRUTH or PROXY and ``note`` says whose; ``has_shadow`` whether shadows are told apart from clear ground.
    """

    name: str
    title: str
    scenes: Path
    area: Area
    truth: Path
    kind: str
    note: str
    level: str = "L1C"
    scale_m: int = 30
    has_shadow: bool = False
    own: Path | None = None
    has_own_mask: bool = False
    surfaces: Path | None = None


class AbsentError(Exception):
    """The data of a set are not there or cannot be written; the text, without its full stop, says which or why."""


def simulated(folder: Path, size_px: int = 480, dates: int = 36) -> DataSet:
    """The landscape of the simulated sample over a year, with its truth."""
    settings = SampleSettings(size_px=size_px, dates=dates, step_days=STEP_DAYS, jp2_products=0)
    note = "simulated clouds, shadows and one date with snow"
    return _sample(folder, "simulated", f"simulated sample, {settings.dates} dates", settings, note)


def surfaces(folder: Path, size_px: int = 480, dates: int = 36) -> DataSet:
    """The same with ground that looks like clouds and is none; another seed, so another landscape and other weather."""
    settings = SampleSettings(size_px, dates, STEP_DAYS, seed=1, jp2_products=0, surfaces=True)
    note = "simulated clouds and shadows over fields, snow, sand, roofs, water, floods and burnt fields"
    return _sample(folder, "surfaces", f"simulated surfaces, {settings.dates} dates", settings, note)


def _sample(folder: Path, name: str, title: str, settings: SampleSettings, note: str) -> DataSet:
    place = folder / name
    scenes = place / f"scenes-{settings.size_px}px-{settings.dates}dates"
    try:
        write_sample(scenes, settings, workers=2)
    except EngineError as error:
        raise AbsentError(str(error).rstrip(".")) from error
    return DataSet(
        name=name,
        title=title,
        scenes=scenes,
        area=Area(((area_ring(settings.grid),),)),
        truth=scenes / "truth",
        kind=TRUTH,
        note=note,
        has_shadow=True,
        surfaces=scenes / "surface" if settings.surfaces else None,
    )


def all_sets(folder: Path, makers: dict[str, Callable[[Path], DataSet]]) -> Iterator[DataSet | str]:
    """The sets that ``makers`` write below ``folder``; for each whose data are absent a line that says so."""
    for name, make in makers.items():
        try:
            yield make(folder)
        except AbsentError as error:
            yield f"{name}: left out, {error}."


def emptied(folder: Path) -> Path:
    """The folder with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
