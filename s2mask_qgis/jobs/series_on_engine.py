"""Filling a series at an engine: one export an output, each with a band a date, from NDVI that is stored there."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ..core.fields import ParameterError
from ..core.filling.expressions import SUPPORT_BANDS, date_names, series_images
from ..core.filling.plan import FillPlan
from ..core.grid import Grid
from ..engines.base import AssetDestination, Engine, Export, OperationState, Pyramiding
from ..engines.errors import CancelledError, EngineError
from .report import RunState
from .results import KEY, PLAN
from .series_report import OutputKind, SeriesOutput, SeriesReport

FOLDER = "series"
"""The kind of result under which the outputs are stored."""

TITLES = {
    "observed": "NDVI as observed",
    "final": "NDVI with its gaps filled",
    "quality": "Quality of the filled NDVI",
    "uncertainty": "Uncertainty of the filled NDVI",
    "support": "Observations behind the curve",
}
POLL_SECONDS = 0.1
ARRAY_TILE_PX = 64
"""The side of tiles whose pixels hold a matrix of up to 60 x 60 numbers: some 120 MB a tile."""

ALGORITHM = 1
"""Counts up when the same plan would give other pixels."""

_WITH_MATRICES = ("quality", "uncertainty")
_MILLISECONDS_A_DAY = 86_400_000


@dataclass(frozen=True)
class StoredSeries:
    """NDVI stored at an engine: ``images`` are asset ids, one for each of the plan's days, ``grid`` the pixels to
    write; ``name`` (letters, digits, _ and -) begins the names of the outputs, TITLES' keys, that are wanted."""

    name: str
    images: tuple[str, ...]
    grid: Grid
    plan: FillPlan
    outputs: tuple[str, ...] = tuple(TITLES)

    @property
    def key(self) -> str:
        """A digest of all that decides the pixels."""
        decides = [ALGORITHM, self.images, self.grid.to_json(), self.plan.to_json()]
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:32]


def fill_on_engine(
    engine: Engine,
    series: StoredSeries,
    on_count: Callable[[int, int], None],
    is_cancelled: Callable[[], bool],
) -> SeriesReport:
    """Export the outputs of a series and wait for them; called on a thread of its own.

    Outputs that are stored already, made from the same, are kept. One that fails is told in the notes and does not
    stop the others; what cannot be begun at all gives a report that says why (REFUSED).
    """
    started: dict[str, str] = {}
    try:
        exports = _exports(engine, series)
        started = {output: engine.start(export) for output, export in exports.items()}
        failures = _wait(engine, started, len(series.outputs), on_count, is_cancelled)
        made = [_output(engine, series, name) for name in series.outputs if name not in failures]
    except CancelledError:
        for operation in started.values():
            engine.cancel(operation)
        return SeriesReport(RunState.CANCELLED, "Cancelled. Outputs that were complete are kept.")
    except (EngineError, ParameterError) as error:
        for operation in started.values():
            engine.cancel(operation)
        return SeriesReport(RunState.REFUSED, str(error))
    message = f"{len(exports) - len(failures)} of {len(series.outputs)} outputs made"
    message += (
        f", {len(series.outputs) - len(exports)} were there already." if len(exports) < len(series.outputs) else "."
    )
    notes = tuple(f"{TITLES[output]}: {reason}" for output, reason in failures.items())
    state = RunState.FINISHED_WITH_FAILURES if failures else RunState.FINISHED
    return SeriesReport(state, message, tuple(made), notes, series.plan.to_json())


def _exports(engine: Engine, series: StoredSeries) -> dict[str, Export]:
    """The exports of the outputs that are not stored yet, by output."""
    images: dict[str, Any] = series_images(series.images, series.plan).by_name()
    found = {output: engine.asset_properties(_asset(engine, series, output)) or {} for output in series.outputs}
    return {
        output: Export(
            image=images[output].set(_properties(series)),
            destination=AssetDestination(_asset(engine, series, output)),
            grid=series.grid,
            request_id=f"{output}-{series.key}",
            description=f"{FOLDER}_{series.name}_{output}",
            pyramiding=Pyramiding.MODE if output == "quality" else Pyramiding.MEAN,
            tile_px=ARRAY_TILE_PX if output in _WITH_MATRICES and series.plan.method != "linear" else None,
        )
        for output in series.outputs
        if found[output].get(KEY) != series.key
    }


def _asset(engine: Engine, series: StoredSeries, output: str) -> str:
    return engine.asset_id(FOLDER, f"{series.name}_{output}")


def _properties(series: StoredSeries) -> dict[str, Any]:
    first, last = series.plan.days[0], series.plan.days[-1]
    return {
        "system:time_start": round(first * _MILLISECONDS_A_DAY),
        "system:time_end": round(last * _MILLISECONDS_A_DAY),
        PLAN: json.dumps(series.plan.to_json()),
        KEY: series.key,
    }


def _wait(
    engine: Engine,
    started: dict[str, str],
    total: int,
    on_count: Callable[[int, int], None],
    is_cancelled: Callable[[], bool],
) -> dict[str, str]:
    """Until all exports have ended; the reasons of those that failed, by output. CancelledError where it is asked."""
    while True:
        if is_cancelled():
            raise CancelledError("Stopped on request.")
        operations = engine.operations() if started else {}
        ended = {output: operations[name] for output, name in started.items() if operations[name].state.is_final}
        on_count(total - len(started) + len(ended), total)
        if len(ended) == len(started):
            return {output: end.error for output, end in ended.items() if end.state is not OperationState.SUCCEEDED}
        time.sleep(POLL_SECONDS)


def _output(engine: Engine, series: StoredSeries, output: str) -> SeriesOutput:
    is_support = output == "support"
    first, last = (_iso(day) for day in (series.plan.days[0], series.plan.days[-1]))
    return SeriesOutput(
        kind=OutputKind.SUPPORT if is_support else OutputKind.SERIES,
        path=engine.fetch(_asset(engine, series, output)),
        title=TITLES[output],
        first_day=first,
        last_day=last,
        bands=SUPPORT_BANDS if is_support else tuple(date_names(series.plan.days)),
    )


def _iso(day: float) -> str:
    return (date(1970, 1, 1) + timedelta(days=int(day // 1))).isoformat()
