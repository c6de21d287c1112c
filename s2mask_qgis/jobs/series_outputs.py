"""The files of a series: names, bands and metadata, what each holds of the results, and which are there already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.seasons.parameters import SeasonParameters
from ..engines.errors import StorageError
from ..series.folder import Series
from ..series.names import compact_day, iso_day
from ..series.processing import Pick
from ..series.rasters import UnreadableError
from ..series.recipe import SUPPORT_BANDS, Recipe, between_bands, productivity_bands
from ..series.writing import INT16_SCALE, KEY_ITEM, OutputBand, OutputFile, key_of
from .pixel_curves import curve_choices
from .series_report import OutputKind, SeriesOutput
from .series_request import SeriesRequest

ALGORITHM = "series 3"
"""Part of every digest, so that results of another version are made again. It counts up with every change of the code
that changes a pixel by more than rounding, a plan, or what is in a file; not with speed or with words."""

SUPPORT, PRODUCTIVITY = "support", "productivity"
_QUALITY, _UNCERTAINTY = "quality", "uncertainty"
_DAYS_OF_YEAR = ("SOSD", "EOSD", "MAXD")
_INTEGRALS = ("SPROD", "TPROD", "integral")


@dataclass(frozen=True)
class Planned:
    """One file on its way: what is reported of it, how it is written, and what it holds of the results."""

    output: SeriesOutput
    file: OutputFile
    pick: Pick

    def is_kept(self) -> bool:
        """Whether the file is there and was made from the same. StorageError where a file of others is in the way."""
        key = key_of(self.file.path)
        if key is None and self.file.path.exists():
            raise StorageError(f"{self.file.path} was not made by this program; choose another output folder.")
        return key == self.file.items[KEY_ITEM]


def plan_files(request: SeriesRequest, series: Series, folder: Path, recipe: Recipe) -> list[Planned]:
    """All files of a series, in the order they are reported; ``folder`` is that of the series."""
    key = request_key(request, series)
    items = {"S2MASK_INDEX": series.index, **_fit_items(recipe)}
    files = _files_of_dates(request, series, folder, recipe)
    files += [_support(folder, recipe)]
    files += [_year(folder, recipe, year, request.seasons) for year in recipe.years if request.seasons]
    files += [_between(folder, recipe)] if len(recipe.full_years) > 1 else []
    files = [replace(planned, output=replace(planned.output, series=series.name)) for planned in files]
    return [_with_items(planned, items, key, recipe) for planned in files]


def request_key(request: SeriesRequest, series: Series) -> str:
    """A digest of all that decides the pixels of a series: inputs, area, parameters, and the version of this code."""
    seasons = request.seasons.to_json() if request.seasons else None
    return _digest([_inputs(request, series), request.fill.to_json(), seasons])


def plan_key(request: SeriesRequest, series: Series) -> str:
    """A digest of all that decides the plan of a series: inputs, area, and how curves are made."""
    return _digest([_inputs(request, series), curve_choices(request.fill)])


def _inputs(request: SeriesRequest, series: Series) -> list[Any]:
    """What goes into a series, and the version of this code."""
    files = [
        [*_identity(image.path), image.band, *(_identity(image.mask.path) if image.mask else ())]
        for image in series.images
    ]
    area = request.area.to_geojson() if request.area else None
    return [ALGORITHM, files, series.grid.to_json(), series.index, area]


def _identity(path: Path) -> list[str | int]:
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableError(path, str(error.strerror)) from None
    return [str(path.resolve()), status.st_size, status.st_mtime_ns]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def _fit_items(recipe: Recipe) -> dict[str, str]:
    """How the curves were fitted, in short; the whole plan stands in series.json."""
    plan = recipe.plan
    return {"S2MASK_METHOD": plan.method, "S2MASK_STRENGTH": f"{plan.strength:g}", "S2MASK_ROBUST": str(plan.robust)}


def _with_items(planned: Planned, items: Mapping[str, str], key: str, recipe: Recipe) -> Planned:
    """The file with its metadata; its digest tells its bands and dates from those of other runs."""
    output = planned.output
    own_key = _digest([key, output.first_day, output.last_day, output.bands, list(recipe.full_years)])
    dates = {"DATE": output.first_day, "DATE_END": output.last_day, "S2MASK_KIND": output.kind.value}
    dates["TIFFTAG_DATETIME"] = output.first_day.replace("-", ":") + " 00:00:00"
    return replace(planned, file=replace(planned.file, items={**items, **dates, KEY_ITEM: own_key}))


def _files_of_dates(request: SeriesRequest, series: Series, folder: Path, recipe: Recipe) -> list[Planned]:
    is_int16 = request.fill.number_type != "float32"
    scale = INT16_SCALE if is_int16 else 1.0
    index, final = series.index, f"{series.index}_final"
    kinds = (
        OutputBand(index, "", scale),
        OutputBand(final, "", scale),
        OutputBand(_QUALITY),
        OutputBand(_UNCERTAINTY, "", scale),
    )
    if request.fill.layout == "one file":
        order = (1, 2, 3, 0)
        return [_one_file(folder, recipe, kinds[at], at, is_int16) for at in order]
    return [_one_date(folder, day, at, kinds, is_int16) for at, day in enumerate(recipe.targets)]


def _one_date(folder: Path, day: float, at: int, bands: tuple[OutputBand, ...], is_int16: bool) -> Planned:
    file = OutputFile(folder / f"{compact_day(day)}.tif", bands, is_int16)
    return _planned(
        file, OutputKind.FILLED, f"{bands[0].name} {iso_day(day)}", [day], lambda results: results.written[:, at]
    )


def _one_file(folder: Path, recipe: Recipe, kind: OutputBand, at: int, is_int16: bool) -> Planned:
    bands = tuple(OutputBand(iso_day(day), kind.unit, kind.scale) for day in recipe.targets)
    file = OutputFile(folder / f"{kind.name}.tif", bands, is_int16, is_cog=True)
    return _planned(file, OutputKind.SERIES, kind.name, recipe.targets, lambda results: results.written[at])


def _support(folder: Path, recipe: Recipe) -> Planned:
    bands = tuple(OutputBand(name, "d" if name.endswith("_days") else "") for name in SUPPORT_BANDS)
    file = OutputFile(folder / SUPPORT / "observations.tif", bands)
    return _planned(file, OutputKind.SUPPORT, "Observations", recipe.days, lambda results: results.support)


def _year(folder: Path, recipe: Recipe, year: int, seasons: SeasonParameters) -> Planned:
    bands = tuple(OutputBand(name, _unit(name)) for name in productivity_bands(seasons))
    file = OutputFile(folder / PRODUCTIVITY / f"{year}.tif", bands, is_cog=True)
    planned = _planned(
        file, OutputKind.PRODUCTIVITY, f"Productivity {year}", recipe.days, lambda results: results.productivity[year]
    )
    whole_year = replace(planned.output, first_day=f"{year}-01-01", last_day=f"{year}-12-31")
    return replace(planned, output=whole_year)


def _between(folder: Path, recipe: Recipe) -> Planned:
    bands = tuple(OutputBand(name, _unit(name)) for name in between_bands(recipe.full_years))
    file = OutputFile(folder / PRODUCTIVITY / "between_years.tif", bands, is_cog=True)
    return _planned(
        file, OutputKind.BETWEEN_YEARS, "Productivity between years", recipe.days, lambda results: results.between
    )


def _unit(band: str) -> str:
    """The unit of a band of productivity: day of the year, days, index a day, index x day; none for an index."""
    figure = band.partition("_")[0]
    if band.endswith("p_value"):
        return ""
    if figure in _DAYS_OF_YEAR:
        return "day of year"
    if figure in _INTEGRALS:
        return "d a-1" if band.endswith("slope") else "d"
    if figure in ("LSLOPE", "RSLOPE"):
        return "d-1"
    return "d" if figure == "LENGTH" else ""


def _planned(file: OutputFile, kind: OutputKind, title: str, days: Iterable[float], pick: Pick) -> Planned:
    names, stretch = tuple(band.name for band in file.bands), [iso_day(day) for day in days]
    return Planned(SeriesOutput(kind, file.path, title, stretch[0], stretch[-1], names), file, pick)
