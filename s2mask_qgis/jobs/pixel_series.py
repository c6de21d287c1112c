"""Single pixels of a series on demand: what was observed, the curve of every method, the seasons of the final curve."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import isfinite
from typing import Any

from ..core.filling.curves import fit_curves
from ..core.filling.observations import Reason
from ..core.filling.parameters import WITH_STRENGTH, FillParameters
from ..core.filling.plan import FillPlan, make_plan
from ..core.seasons.calendar import year_bounds
from ..core.seasons.maps import season_maps
from ..core.seasons.parameters import SeasonParameters
from ..engines.errors import CancelledError, NotFoundError, SceneError
from ..series.folder import Series, find_series
from ..series.names import iso_day
from ..series.pixels import PixelObservations, pixel_at, read_pixel_with
from ..series.reading import SeriesReader
from ..series.recipe import SEASON_STEP_DAYS, productivity_years, season_days
from ..series.sampling import sample_pixels
from .pixel_curves import MethodCurve, Moment, PixelCurves, Season, SeriesSource

THREADS = 4
OPEN_FILES = 480
"""Images and masks kept open: the next pixel finds its neighbours' blocks decoded. QGIS may open 1,024 in all."""

LONGEST_DAILY = 1500
"""Curves of more days than this are given every SEASON_STEP_DAYS, which a chart cannot tell from daily ones."""

Place = tuple[float, float]
IsCancelled = Callable[[], bool]


class PixelSeries:
    """Open rasters and how their curves are made; one thread at a time may ask.

    ``crs_texts`` are the coordinate systems of its series (authority and code, or WKT), ``summary`` says what there
    is, ``index`` what the values are, ``strength`` how strongly the final curve is smoothed (None where its method
    knows no strength). To be closed.
    """

    def __init__(self, parts: Sequence[_Part], seasons: SeasonParameters) -> None:
        self._parts = tuple(parts)
        self._seasons = seasons
        days = sorted({day for part in parts for day in part.reader.series.days.tolist()})
        self.crs_texts = tuple(part.reader.series.grid.crs for part in parts)
        self.summary = f"{len(days)} dates, {iso_day(days[0])} to {iso_day(days[-1])}"
        self.index = parts[0].reader.series.index
        (plan,) = parts[0].plans((), lambda: False)
        self.strength = plan.strength if plan.method in WITH_STRENGTH else None

    def curves(self, places: Sequence[Place | None], methods: Sequence[str], is_cancelled: IsCancelled) -> PixelCurves:
        """The pixel at a place, given in the coordinate system of each series (None where it has no place there).

        Beside the final curve come those of ``methods``; one that is asked for the first time is planned first. Where
        several series cover the place, the one with the most values is taken. NotFoundError where none covers it,
        SceneError where a file cannot be read, CancelledError on request.
        """
        found = []
        for part, place in zip(self._parts, places):
            if place is not None and pixel_at(part.reader.series, *place) is not None:
                found.append((part, part.observations(place, is_cancelled)))
        if not found:
            raise NotFoundError("The place lies outside the images. Click inside them.")
        part, observed = max(found, key=lambda item: int((item[1].reasons != Reason.NO_DATA).sum()))
        return pixel_curves(observed, part.plans(methods, is_cancelled), self._seasons, is_cancelled)

    def close(self) -> None:
        """Close all files."""
        for part in self._parts:
            part.close()


class _Part:
    """One series of the folder: its open files, and the plans made so far."""

    def __init__(self, series: Series, fill: FillParameters, plan: FillPlan | None) -> None:
        self.reader = SeriesReader(series, OPEN_FILES)
        self._fill = fill
        self._threads = ThreadPoolExecutor(THREADS)
        self._sample: Any = None
        self._plans: dict[str, FillPlan] = {fill.method: plan} if plan else {}

    def observations(self, place: Place, is_cancelled: IsCancelled) -> PixelObservations:
        """All dates of the pixel at a place."""

        def each(read: Callable[[int], Any], dates: Iterable[int]) -> Iterator[Any]:
            def read_wanted(date: int) -> Any:
                check(is_cancelled)
                return read(date)

            return self._threads.map(read_wanted, dates)

        return read_pixel_with(self.reader, *place, each)

    def plans(self, methods: Sequence[str], is_cancelled: IsCancelled) -> tuple[FillPlan, ...]:
        """The plan of the final method, then those of ``methods``, their strengths chosen by cross-validation."""
        final = self._fill.method
        return tuple(self._plan(method, is_cancelled) for method in (final, *(m for m in methods if m != final)))

    def _plan(self, method: str, is_cancelled: IsCancelled) -> FillPlan:
        if method not in self._plans:
            check(is_cancelled)
            is_final = method == self._fill.method
            parameters = self._fill if is_final else replace(self._fill, method=method, strength=0.0)
            sample = self._sampled(is_cancelled)
            self._plans[method] = make_plan(
                self.reader.series.days, sample, parameters, lambda _done, _total: check(is_cancelled)
            )
        return self._plans[method]

    def _sampled(self, is_cancelled: IsCancelled) -> Any:
        """The sample that a run takes as well, so that its plan is the same."""
        if self._sample is None:
            self._sample = sample_pixels(self.reader, None, self._threads, lambda _done, _total: check(is_cancelled))
            if not self._sample.shape[1]:
                folder = self.reader.series.images[0].path.parent
                raise SceneError(f"No pixel of {folder} has a clear value, so there is no curve.")
        return self._sample

    def close(self) -> None:
        """Close the files."""
        self._threads.shutdown()
        self.reader.close()


def open_pixels(source: SeriesSource, on_count: Callable[[int, int], None], is_cancelled: IsCancelled) -> PixelSeries:
    """Find the series of a source, and plan the final curve of each.

    SceneError where the folder holds none or none has a clear value; CancelledError on request.
    """
    found = find_series(source.ndvi_folder, source.masks_folder)
    parts: list[_Part] = []
    try:
        for number, series in enumerate(found):
            on_count(number, len(found))
            parts.append(_Part(series, source.fill, planned(source, series.name)))
            parts[-1].plans((), is_cancelled)
        return PixelSeries(parts, source.seasons)
    except BaseException:
        for part in parts:
            part.close()
        raise


def planned(source: SeriesSource, name: str) -> FillPlan | None:
    """The plan that a source has for the series of a name, where it has one for its method."""
    known = (source.plan or {}).get("series", {name: source.plan}).get(name)
    return FillPlan.from_json(known) if known and known["method"] == source.fill.method else None


def pixel_curves(
    observed: PixelObservations,
    plans: Sequence[FillPlan],
    seasons: SeasonParameters,
    is_cancelled: IsCancelled = lambda: False,
) -> PixelCurves:
    """The curves of one pixel; the first of ``plans`` is that of the final curve."""
    values = observed.values.reshape(-1, 1).copy()
    values[observed.reasons != Reason.CLEAR] = float("nan")
    targets: Any = curve_days(observed.days)
    fits = []
    for plan in plans:
        check(is_cancelled)
        fits.append(fit_curves(observed.days, values, targets, plan))
    final, *others = (
        MethodCurve(plan.method, tuple(fit.values[:, 0].tolist()), tuple(fit.standard_error[:, 0].tolist()))
        for plan, fit in zip(plans, fits)
    )
    has_curve = any(map(isfinite, final.values))
    return PixelCurves(
        days=tuple(observed.days.tolist()),
        values=tuple(observed.values.tolist()),
        reasons=tuple(observed.reasons.tolist()),
        rejected=tuple(fits[0].rejected[:, 0].tolist()),
        curve_days=tuple(targets),
        final=final,
        others=tuple(others),
        seasons=_seasons(observed.days, fits[0].values, seasons) if has_curve else (),
        note="" if has_curve else _why_no_curve(observed),
    )


def curve_days(days: Any) -> list[float]:
    """The days of the curves, in equal steps from the first image to the last."""
    first, last, step = float(days[0]), float(days[-1]), _step_days(days)
    return [first + step * number for number in range(int((last - first) // step) + 1)]


def _step_days(days: Any) -> int:
    return 1 if days[-1] - days[0] <= LONGEST_DAILY else SEASON_STEP_DAYS


def _seasons(days: Any, curve: Any, parameters: SeasonParameters) -> tuple[Season, ...]:
    """The seasons of all years on the same days as those of the maps."""
    regular = season_days(days)
    followed = curve[:: SEASON_STEP_DAYS // _step_days(days)]
    found = []
    for year in productivity_years(days, days[0], days[-1]):
        maps = season_maps(regular, followed, year, parameters)
        for number in range(1, parameters.seasons + 1):
            season = _season({name: float(value[0]) for name, value in maps.items()}, year, number)
            found += [season] if season else []
    return tuple(found)


def _season(values: dict[str, float], year: int, number: int) -> Season | None:
    """The season of a number from the values of the maps; None where the year has no such season."""

    def moment(name: str) -> Moment | None:
        day, value = values[f"{name}D_{number}"], values[f"{name}V_{number}"]
        return Moment(year_bounds(year)[0] + day - 1.0, value) if isfinite(day) and isfinite(value) else None

    start, maximum, end = (moment(name) for name in ("SOS", "MAX", "EOS"))
    return Season(year, number, start, maximum, end) if maximum else None


def _why_no_curve(observed: PixelObservations) -> str:
    clear, count = int((observed.reasons == Reason.CLEAR).sum()), len(observed.days)
    if not clear:
        return f"All {count} observations are masked or without value here: no curve."
    return f"{clear} clear of {count} observations are too few for this method: no curve."


def check(is_cancelled: IsCancelled) -> None:
    """CancelledError where the pixel is not wanted any more."""
    if is_cancelled():
        raise CancelledError("The pixel is not wanted any more.")
