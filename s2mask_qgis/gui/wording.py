"""The dock's sentences: what is there, what will happen, how far it is and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qgis.PyQt.QtCore import QCoreApplication

from ..core.scenes import Scene
from ..jobs.ledger.rows import RowState
from ..jobs.report import ImageOutcome, ImageState, Progress, Stage
from .levels import L1C, levels_of

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("S2Mask", text)


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun: "1 image", "1,204 images"."""
    return f"{number:,} {one if number == 1 else many}"


def images_text(number: int) -> str:
    """ "61 images"."""
    return counted(number, tr("image"), tr("images"))


def scenes_text(scenes: Sequence[Scene]) -> str:
    """What a folder holds: "80 scenes, 1 tile, 2022-11 … 2023-12", with the levels where they are not L1C alone."""
    tiles = len({scene.tile for scene in scenes})
    first = min(scene.date for scene in scenes)[:7]
    last = max(scene.date for scene in scenes)[:7]
    months = first if first == last else f"{first} … {last}"
    parts = [counted(len(scenes), tr("scene"), tr("scenes")), counted(tiles, tr("tile"), tr("tiles")), months]
    levels = levels_of(scenes)
    return ", ".join(parts if levels == (L1C,) else [*parts, tr(" and ").join(levels)])


def area_text(area_km2: float) -> str:
    """The size of an area with three digits at most: "12.4 km²"."""
    digits = 0 if area_km2 >= 100 else 1 if area_km2 >= 10 else 2 if area_km2 >= 0.1 else 4
    return f"{area_km2:,.{digits}f} km²"


def duration_text(seconds: float) -> str:
    """A rough duration: "20 s", "6 min", "3 h 10 min", "12 days"."""
    if seconds < 90:
        return tr("{} s").format(max(5, 5 * round(seconds / 5)))
    minutes = round(seconds / 60)
    if minutes < 90:
        return tr("{} min").format(minutes)
    if minutes < 2 * 24 * 60:
        return tr("{} h {} min").format(minutes // 60, 10 * (minutes % 60 // 10))
    return tr("{} days").format(f"{round(minutes / 60 / 24):,}")


def estimate_text(images: int, kept: int, seconds_per_image: float, listed: int = 0) -> str:
    """What a run will do: "61 images · 12 left out · 3 done already · about 6 min"; no time where none was measured
    yet (0)."""
    parts = [images_text(images)]
    if listed:
        parts.append(tr("{} left out").format(f"{listed:,}"))
    if kept:
        parts.append(tr("{} done already").format(kept))
    if seconds_per_image > 0 and images > kept:
        parts.append(tr("about {}").format(duration_text((images - kept) * seconds_per_image)))
    return " · ".join(parts)


def nothing_met_text(scenes: Sequence[Scene]) -> str:
    """The area meets none of the scenes."""
    tiles = sorted({scene.tile for scene in scenes})
    named = ", ".join(tiles[:3]) + (" …" if len(tiles) > 3 else "")
    place = counted(len(tiles), tr("tile"), tr("tiles"))
    return tr("The area does not meet any of the {} ({}: {}). Move the area or add scenes.").format(
        counted(len(scenes), tr("scene"), tr("scenes")), place, named
    )


def all_listed_text(images: int, name: str) -> str:
    """A file lists every image of a run as done."""
    return tr("Nothing is left to mask: {} lists {} of the area and the dates as done. Choose other dates.").format(
        name, images_text(images)
    )


def dates_miss_text(images: Sequence[Scene], date_start: str, date_end: str) -> str:
    """The area has images, but none within the dates."""
    return tr("None of the area's {} lies between {} and {}: they are from {} to {}. Change the dates.").format(
        images_text(len(images)), date_start, date_end, images[0].date, images[-1].date
    )


def progress_text(progress: Progress, most_tasks: int = 0) -> str:
    """How far a run is: "17 of 73 images, about 4 min left", or "…, 28 of 30 tasks active, …" on Earth Engine, where
    ``most_tasks`` are allowed."""
    if progress.stage is Stage.MASKING:
        parts = [tr("{} of {}").format(f"{progress.done:,}", images_text(progress.total))]
    elif progress.total:
        parts = [tr("{}: {} of {}").format(tr(progress.stage.value), progress.done, progress.total)]
    else:
        parts = [f"{tr(progress.stage.value)} …"]
    if most_tasks and progress.stage is Stage.MASKING:
        active = progress.active if progress.active_project is None else progress.active_project
        parts.append(tr("{} of {} tasks active").format(f"{active:,}", f"{most_tasks:,}"))
    if progress.failed:
        parts.append(tr("{} failed").format(f"{progress.failed:,}"))
    if progress.seconds_left is not None and progress.done != progress.total:
        parts.append(tr("about {} left").format(duration_text(progress.seconds_left)))
    return ", ".join(parts)


def is_unfinished(counts: Mapping[RowState, int]) -> bool:
    """True where a run has images that are not done, by how many there are in each state."""
    return any(count for state, count in counts.items() if state.is_open or state is RowState.WAITING)


def ledger_text(counts: Mapping[RowState, int]) -> str:
    """What an earlier session left: "61 images, 34 done, 2 failed: Resume goes on with them"."""
    parts = [images_text(sum(counts.values()))]
    for state, text in ((RowState.DONE, tr("{} done")), (RowState.FAILED, tr("{} failed"))):
        if counts.get(state, 0) or state is RowState.DONE:
            parts.append(text.format(f"{counts.get(state, 0):,}"))
    tasks = sum(count for state, count in counts.items() if state.is_open)
    if tasks:
        parts.append(tr("{} under way").format(counted(tasks, tr("task"), tr("tasks"))))
    told = ", ".join(parts)
    if is_unfinished(counts):
        return tr("An earlier run: {}. Resume goes on with it.").format(told)
    return tr("An earlier run: {}.").format(told)


def image_text(outcome: ImageOutcome, number: int, total: int) -> str:
    """Which image is shown: "2023-05-14 · cloud 23 % · shadow 4 % · 17 of 73"; it breaks at the dots alone."""
    parts = [day_text(outcome)]
    if outcome.cloud_share is not None:
        parts.append(tr("cloud {} %").format(round(100 * outcome.cloud_share)))
    if outcome.shadow_share is not None:
        parts.append(tr("shadow {} %").format(round(100 * outcome.shadow_share)))
    parts.append(tr("{} of {}").format(number, total))
    return " · ".join(part.replace(" ", NO_BREAK_SPACE) for part in parts)


def day_text(outcome: ImageOutcome) -> str:
    """The day of an image, UTC: "2023-05-14"."""
    return Scene("", "", "", outcome.time_start_ms, 0.0, ()).date


def failures(outcomes: Sequence[ImageOutcome]) -> list[ImageOutcome]:
    """The images that could not be made."""
    return [outcome for outcome in outcomes if outcome.state is ImageState.FAILED]
