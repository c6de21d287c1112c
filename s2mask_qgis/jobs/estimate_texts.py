"""The sentences of an estimate: what a run would do, what does not fit and the way out."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.estimates import RunEstimate, images_that_fit
from ..core.parameters import RunParameters
from ..engines.base import Quota

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def counted(count: int, one: str, several: str = "") -> str:
    """A number with its noun."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def size_text(size: float) -> str:
    """Bytes in words, two digits."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{_short(size / factor)} {unit}"
    return f"{_short(size / 1e3)} kB"


def time_text(seconds: float) -> str:
    """A duration in words, two digits."""
    for unit, factor in (("day", DAY_S), ("hour", HOUR_S), ("minute", MINUTE_S)):
        if seconds >= 1.5 * factor or (unit == "minute" and seconds >= factor):
            number = _short(seconds / factor)
            return f"{number} {unit}{'' if number == '1' else 's'}"
    return "less than a minute"


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}".removesuffix(".0")


def images_fact(estimate: RunEstimate) -> str:
    """How many images there are, and what is to be done with them."""
    text = f"{'' if estimate.is_listed else 'About '}{counted(estimate.images, 'image')}"
    text += f" of {counted(estimate.tiles, 'tile')}"
    parts = [f"{estimate.out_of_area:,} out of area"] if estimate.out_of_area else []
    parts += [f"{estimate.done:,} there already"] if estimate.done else []
    return f"{text}: {', '.join([*parts, f'{estimate.to_do:,} to make'])}."


def results_fact(estimate: RunEstimate, kinds: Sequence[str], basis: str) -> str:
    """What is made of the images."""
    text = f"{counted(estimate.tasks, 'task')} ({', '.join(kinds)})"
    if estimate.assets is not None:
        text += f", {counted(estimate.assets, 'new asset')}"
    if estimate.likely_bytes is None:
        return f"{text}."
    text += f", about {size_text(estimate.likely_bytes)}"
    if estimate.most_bytes is not None and estimate.most_bytes > estimate.likely_bytes:
        text += f", at most {size_text(estimate.most_bytes)}"
    return f"{text} ({basis})."


def used_fact(quota: Quota) -> str:
    """What the project has used of its limits."""
    assets = f"{quota.assets:,}" + (f" of {quota.most_assets:,}" if quota.most_assets is not None else "")
    stored = size_text(quota.store_bytes)
    stored += f" of {size_text(quota.most_store_bytes)}" if quota.most_store_bytes is not None else ""
    return f"The project holds {assets} assets, {stored}."


def duration_fact(estimate: RunEstimate, at_once: int, finished: int, of_project: bool) -> str:
    """How long it takes, and where that is from."""
    if estimate.duration_s is None:
        return "How long it takes is not known before some tasks have finished."
    source = f"{counted(finished, 'finished task')} of {'the project' if of_project else 'this run'}"
    text = f"About {time_text(estimate.duration_s)} with {counted(at_once, 'task')} running at once ({source})."
    if estimate.compute_seconds is not None:
        text += f" About {_short(estimate.compute_seconds / HOUR_S)} EECU-hours of compute time."
    return text


def requests_fact(requests: int, is_listed: bool, has_land: bool) -> str:
    """What the estimate itself has cost."""
    how = "" if is_listed else " The images are too many to be looked at one by one: they were counted"
    if how:
        how += ", with those that miss the land limit." if has_land else "."
    return f"This estimate took about {counted(requests, 'request')}.{how}"


def no_images(parameters: RunParameters) -> str:
    """Why there is nothing to do."""
    level = parameters.level[1:]
    return (
        f"No Level-{level} image of the area was taken from {parameters.date_start} to {parameters.date_end}. Change "
        "the dates, or move the area."
    )


def too_many_assets(estimate: RunEstimate, used: int, most: int, kinds: Sequence[str]) -> str:
    """Why a run does not fit into the project's assets, and the way out."""
    fitting = images_that_fit(most - used, len(kinds))
    return (
        f"The run makes {counted(estimate.assets or 0, 'new asset')}, but the project holds {used:,} of at most "
        f"{most:,}. {_fits(fitting)} Send the results to Drive or to this computer, choose fewer dates, move older "
        "collections out of Earth Engine, or choose another project."
    )


def too_many_bytes(estimate: RunEstimate, used: float, most: float, parameters: RunParameters, is_certain: bool) -> str:
    """Why a run does not fit into the project's storage, or perhaps not, and the way out."""
    needed = (estimate.likely_bytes if is_certain else estimate.most_bytes) or 0.0
    fitting = images_that_fit(most - used, needed / max(1, estimate.to_do))
    begin = "The results take about" if is_certain else "The results take up to"
    return (
        f"{begin} {size_text(needed)}, but the project uses {size_text(used)} of at most {size_text(most)}. "
        f"{_fits(fitting)} Send the results to Drive or to this computer, choose fewer dates{_coarser(parameters)}."
    )


def disk_full(estimate: RunEstimate, place: str, free: float, parameters: RunParameters, is_certain: bool) -> str:
    """Why results do not fit into a folder or Drive, or perhaps not, and the way out."""
    needed = (estimate.likely_bytes if is_certain else estimate.most_bytes) or 0.0
    fitting = images_that_fit(free, needed / max(1, estimate.to_do))
    return (
        f"The results take {'about' if is_certain else 'up to'} {size_text(needed)}, but {place} has "
        f"{size_text(free)} free. {_fits(fitting)} Free some space, choose another place, choose fewer "
        f"dates{_coarser(parameters)}."
    )


def queue_taken(active: int, nb_task_max: int) -> str:
    """Others' tasks leave no room for this run's."""
    return (
        f"The project has {counted(active, 'active task')} already, and at most {nb_task_max:,} are allowed at once: "
        "the run waits until some of them have ended. Allow more tasks at once to begin earlier."
    )


def _fits(images: int) -> str:
    return f"About {counted(images, 'image')} would fit." if images else "Not one more image fits."


def _coarser(parameters: RunParameters) -> str:
    """The way out of coarser pixels, where there is one."""
    return ", or mask at 30 m, a ninth of the size" if parameters.scale_m < 30 else ""
