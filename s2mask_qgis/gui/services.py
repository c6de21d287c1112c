"""The functions behind the dock's buttons, as one value: the real ones load their modules on first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.area import Area
from ..core.labels import LabelTable
from ..core.parameters import RunParameters
from ..core.scenes import Scene
from ..jobs.orders import Orders
from ..jobs.report import ImageOutcome, Progress, RunReport
from ..jobs.request import RunRequest
from ..jobs.series_report import SeriesReport
from ..jobs.series_request import SeriesRequest
from ..jobs.training_request import TrainingReport, TrainingRequest
from .ledger_services import LedgerServices, real_ledger_services

if TYPE_CHECKING:
    from ..core.estimates import RunEstimate
    from ..google.account import Connection
    from ..jobs.series_survey import SeriesSurvey
    from ..jobs.survey import Survey

CountCallback = Callable[[int, int], None]
IsCancelled = Callable[[], bool]
OnProgress = Callable[[Progress], None]
OnImage = Callable[[ImageOutcome], None]


@dataclass(frozen=True)
class Services:
    """What the dock can have done. All are called in tasks, none touches Qt.

    ``survey(scenes_folder, library_folder, on_count, is_cancelled)`` looks through a folder of products;
    ``run(request, connection, orders, on_progress, on_image)`` carries out a run, connected to Google or not (None);
    ``write_sample(folder, on_count, is_cancelled)`` writes the simulated sample;
    ``matching(scenes, area, parameters)`` selects the images of a run;
    ``kept(request, scenes)`` counts those that an earlier run made;
    ``listed(path)`` reads which images a file lists as done;
    ``estimate(request, connection, is_cancelled)`` asks Earth Engine what a run would make;
    ``survey_series(ndvi_folder, masks_folder, on_count, is_cancelled)`` looks through a folder of dated rasters;
    ``run_series(request, on_count, is_cancelled)`` fills one and maps its productivity;
    ``read_labels(path, scenes)`` reads labels from a CSV file;
    ``train(request, on_count, is_cancelled)`` builds a model;
    ``ledgers`` looks at ledgers of runs.
    """

    survey: Callable[[Path, Path, CountCallback, IsCancelled], Survey]
    run: Callable[[RunRequest, Connection | None, Orders, OnProgress, OnImage], RunReport]
    write_sample: Callable[[Path, CountCallback, IsCancelled], None]
    matching: Callable[[Sequence[Scene], Area, RunParameters], tuple[Scene, ...]]
    kept: Callable[[RunRequest, Sequence[Scene]], int]
    listed: Callable[[Path], frozenset[str]]
    estimate: Callable[[RunRequest, Connection, IsCancelled], RunEstimate]
    survey_series: Callable[[Path, Path | None, CountCallback, IsCancelled], SeriesSurvey]
    run_series: Callable[[SeriesRequest, CountCallback, IsCancelled], SeriesReport]
    read_labels: Callable[[Path, Sequence[Scene]], LabelTable]
    train: Callable[[TrainingRequest, CountCallback, IsCancelled], TrainingReport]
    ledgers: LedgerServices


def real_services() -> Services:
    """The plugin's own functions."""
    return Services(
        _survey,
        _run,
        _write_sample,
        _matching,
        _kept,
        _listed,
        _estimate,
        _survey_series,
        _run_series,
        _read_labels,
        _train,
        real_ledger_services(),
    )


def _survey(scenes_folder: Path, library_folder: Path, on_count: CountCallback, is_cancelled: IsCancelled) -> Survey:
    from ..jobs.survey import survey

    return survey(scenes_folder, library_folder, on_count, is_cancelled)


def _run(
    request: RunRequest, connection: Connection | None, orders: Orders, on_progress: OnProgress, on_image: OnImage
) -> RunReport:
    from ..jobs.runner import run

    return run(request, connection, orders, on_progress, on_image)


def _write_sample(folder: Path, on_count: CountCallback, is_cancelled: IsCancelled) -> None:
    from ..simulation.sample import write_sample

    write_sample(folder, on_count=on_count, is_cancelled=is_cancelled)


def _matching(scenes: Sequence[Scene], area: Area, parameters: RunParameters) -> tuple[Scene, ...]:
    from ..core.selection import matching

    return matching(scenes, area, parameters)


def _kept(request: RunRequest, scenes: Sequence[Scene]) -> int:
    from ..jobs.outputs import kept

    return kept(request, scenes)


def _listed(path: Path) -> frozenset[str]:
    from ..jobs.script_ledgers import already_done

    return already_done(path)


def _estimate(request: RunRequest, connection: Connection, is_cancelled: IsCancelled) -> RunEstimate:
    from ..jobs.run_estimate import estimate_run

    return estimate_run(request, connection, is_cancelled)


def _survey_series(
    ndvi_folder: Path, masks_folder: Path | None, on_count: CountCallback, is_cancelled: IsCancelled
) -> SeriesSurvey:
    from ..jobs.series_survey import survey_series

    return survey_series(ndvi_folder, masks_folder, on_count, is_cancelled)


def _run_series(request: SeriesRequest, on_count: CountCallback, is_cancelled: IsCancelled) -> SeriesReport:
    from ..jobs.series import run_series

    return run_series(request, on_count, is_cancelled)


def _read_labels(path: Path, scenes: Sequence[Scene]) -> LabelTable:
    from ..core.label_files import read_csv

    return read_csv(path, scenes)


def _train(request: TrainingRequest, on_count: CountCallback, is_cancelled: IsCancelled) -> TrainingReport:
    from ..jobs.training import train

    return train(request, on_count, is_cancelled)
