"""What a series job says of itself: the sentence at its end, the strength that was chosen, and its notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..core.filling.parameters import WITH_STRENGTH
from ..core.filling.plan import FillPlan
from ..series.folder import Series, merged_note
from ..series.names import listed
from ..series.recipe import Recipe, years_of
from .series_request import SeriesRequest


def label(series: Series, request: SeriesRequest) -> str:
    """How a series is called in a sentence."""
    return f"Series {series.name} in {request.ndvi_folder}" if series.name else str(request.ndvi_folder)


def plan_text(plan: FillPlan) -> str:
    """How curves are made: "harmonic, strength 0.1 chosen by cross-validation, RMSE 0.061"."""
    if plan.method not in WITH_STRENGTH:
        return plan.method
    chosen = plan.strength, plan.annual_share
    rmse = [score.rmse for score in plan.scores if (score.strength, score.annual_share) == chosen]
    how = f" chosen by cross-validation, RMSE {rmse[0]:.3f}" if rmse else ""
    return f"{plan.method}, strength {plan.strength:.3g}{how}"


def message(recipes: Sequence[Recipe], kept: int, paths: Sequence[Path]) -> str:
    """What was made of everything."""
    dates = sum(len(recipe.targets) for recipe in recipes)
    text = f"{dates} {'date' if dates == 1 else 'dates'} filled ({plan_text(recipes[0].plan)}), {len(paths)} files"
    text += f", {kept} of them were there already" if kept else ""
    return f"{text}, {size_text(paths)}."


def broken_off(done: int, total: int) -> str:
    """What is left of a job that did not come to its end, as a sentence; empty where nothing had begun."""
    if not done:
        return ""
    return f"{done} of {total} files are complete and stay; a run with the same settings makes the rest."


def notes_of(done: Iterable[tuple[Series, Recipe]]) -> tuple[str, ...]:
    """The notes of all series, each once."""
    notes = [note for series, recipe in done for note in _notes(series, recipe)]
    return tuple(dict.fromkeys(notes))


def _notes(series: Series, recipe: Recipe) -> list[str]:
    found = [*series.notes, merged_note(series), _strengths_note(series, recipe), _years_note(recipe)]
    return [note for note in found if note]


def _strengths_note(series: Series, recipe: Recipe) -> str | None:
    """Which strength a series of several was given."""
    return f"{series.name}: {plan_text(recipe.plan)}." if series.name else None


def _years_note(recipe: Recipe) -> str | None:
    """Years without maps of productivity, and why."""
    if recipe.seasons is None:
        return None
    asked = years_of(recipe.days, recipe.targets[0], recipe.targets[-1])
    short = [str(year) for year in asked if year not in recipe.years]
    if not short:
        return None
    return f"No map of productivity for {listed(short)}: the images reach over less than a third of the year."


def size_text(paths: Iterable[Path]) -> str:
    """The size of files that are there, for the user."""
    size = sum(path.stat().st_size for path in paths if path.is_file())
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.1f} MB"
