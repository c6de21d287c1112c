"""What is told about a model that was built: the sentence, the table of scores, where it comes from."""

from __future__ import annotations

import configparser
from collections.abc import Mapping, Sequence
from typing import Any

from .. import paths
from ..core.evaluation.evaluation import Evaluation, Part
from ..core.labels import CLASSES
from ..core.models.model import Model
from ..core.plan import ALGORITHM
from ..core.training.building import Built
from ..core.training.samples import LabelledSamples
from .evaluation_report import ReportTexts, percent
from .training_request import FEATURE_PARAMETERS, ScoreRow, TrainingRequest

ALL = "All held-out labels"


def message(model: Model, built: Built, evaluation: Evaluation) -> str:
    """What was built and how it did, in two sentences."""
    features = ", ".join(model.features)
    told = f"The model “{model.title}” reads {features} and calls cloud what is above {model.cutoff:.3g}. "
    judged = f"{len(built.judged):,} labels of {len(evaluation.by_image)} held-out images"
    score = evaluation.counts.balanced_accuracy
    if score is None:
        return f"{told}It was not judged: the {judged} are all of one class. Label more images."
    return f"{told}On {judged} its balanced accuracy is {percent(score)}."


def score_rows(evaluation: Evaluation) -> tuple[ScoreRow, ...]:
    """The lines of the table of scores: all labels, then each image, then each group."""
    whole = Part(ALL, evaluation.rows, evaluation.counts)
    return tuple(_score_row(part) for part in (whole, *evaluation.by_image, *evaluation.by_land_cover))


def _score_row(part: Part) -> ScoreRow:
    counts = part.counts
    return ScoreRow(
        part.name,
        part.rows,
        round(counts.cloud),
        counts.balanced_accuracy,
        counts.precision,
        counts.recall,
        counts.f1,
    )


def texts(request: TrainingRequest, built: Built, notes: Sequence[str], model: Model) -> ReportTexts:
    """What the report says beside its figures."""
    learnt, judged = _images(built.training), _images(built.judged)
    return ReportTexts(
        title=f"The model “{request.title}”",
        judged=(
            f"Learnt from {len(built.training):,} labels of {len(learnt)} images, judged on {len(built.judged):,} "
            f"labels of {len(judged)} other images that decided nothing."
        ),
        notes=tuple(notes),
        provenance=model.provenance,
    )


def provenance(request: TrainingRequest, built: Built, days: Mapping[str, str], notes: Sequence[str]) -> dict[str, Any]:
    """Where a model comes from, texts and values by name; ``days`` are those of the images."""
    learnt, judged = _images(built.training), _images(built.judged)
    sampled = request.run.parameters.to_json()
    dates = [days[image] for image in (*learnt, *judged)]
    kinds = [*built.training.classes.tolist(), *built.judged.classes.tolist()]
    counts = ", ".join(f"{kinds.count(kind):,} {kind}" for kind in CLASSES)
    described = {
        "Labels": f"{len(kinds):,} of {len(request.labels):,} given: {counts}; shadow was learnt as no cloud",
        "Learnt from": f"{len(built.training):,} labels of {', '.join(learnt)}",
        "Judged on": f"{len(built.judged):,} labels of {', '.join(judged)}, which decided nothing",
        "Dates": f"{min(dates)} to {max(dates)}",
        "Parameters": request.parameters.to_json(),
        "Features": {name: sampled[name] for name in FEATURE_PARAMETERS},
        "Software": f"s2mask_qgis {_version()}, algorithm {ALGORITHM}",
    }
    if built.steps:
        steps = [f"{step.features[-1]} ({percent(step.balanced_accuracy)})" for step in built.steps]
        described["Features chosen"] = f"{', '.join(steps)}: balanced accuracy over the images of training, after each"
    return described | ({"Notes": " ".join(notes)} if notes else {})


def _images(samples: LabelledSamples) -> tuple[str, ...]:
    return tuple(sorted(set(samples.images.tolist())))


def _version() -> str:
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(paths.metadata(), encoding="utf-8")
    return metadata["general"]["version"]
