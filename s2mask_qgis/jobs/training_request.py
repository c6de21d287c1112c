"""What building a model is asked to do, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..core.labels import Label
from ..core.training.parameters import TrainingParameters
from .request import RunRequest

FEATURE_PARAMETERS = (
    "level",
    "scale_m",
    "number_of_images",
    "number_preselect",
    "cloud_threshold",
    "methods_as_documented",
    "allow_future",
    "hours_excluded",
    "common_area",
    "do_clustering",
    "cluster_count",
    "sample_size",
    "thresholds",
    "opening_radius_px",
    "seed",
)
"""The parameters of a run that features depend on."""


class TrainingState(Enum):
    """How building a model ended."""

    FINISHED = "finished"
    CANCELLED = "cancelled"
    REFUSED = "refused"


@dataclass(frozen=True)
class TrainingRequest:
    """A model called ``name`` from ``labels`` in images of ``run``'s scenes, with its backgrounds' parameters.

    ``features`` are those that may be used (all 13 where empty). What is sampled, the scores and report.html go to
    ``work_folder``, so that a second time starts from there; the model goes to ``run.models_folder``.
    """

    run: RunRequest
    labels: tuple[Label, ...]
    name: str
    title: str
    parameters: TrainingParameters
    work_folder: Path
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScoreRow:
    """One line of the table of scores, of held-out labels: shares from 0 to 1, None where undefined."""

    name: str
    labels: int
    cloudy: int
    balanced_accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class TrainingReport:
    """``message`` is for the user; ``rows`` begin with all labels together, then one an image and one a group;
    ``model_path`` and ``report_path`` are None where nothing was built."""

    state: TrainingState
    message: str
    rows: tuple[ScoreRow, ...] = ()
    notes: tuple[str, ...] = ()
    model_path: Path | None = None
    report_path: Path | None = None
