"""Building a model: from labels to features, a fitted table, its judgement on held-out images, a file and a report."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from ..core.evaluation.evaluation import Evaluation, evaluate
from ..core.evaluation.prediction import model_probabilities
from ..core.features import FEATURES
from ..core.fields import ParameterError
from ..core.labels import CLASSES, CLOUD, LabelError, balanced, capped
from ..core.models import files
from ..core.models.model import Model, ModelError, Table
from ..core.training.building import Built, build
from ..core.training.samples import FEWEST_LABELS
from ..core.whole_files import write_whole
from ..engines.base import CountCallback, Engine
from ..engines.errors import CancelledError, EngineError, StorageError
from ..engines.local.engine import LocalEngine
from .evaluation_report import write_report
from .label_features import LabelFeatures, LabelRow, features_at
from .label_samples import one_a_pixel, samples_of
from .outputs import check_writable
from .training_request import TrainingReport, TrainingRequest, TrainingState
from .training_texts import message, provenance, score_rows, texts

REPORT, SCORES = "report.html", "scores.json"

IsCancelled = Callable[[], bool]


def train(request: TrainingRequest, on_count: CountCallback, is_cancelled: IsCancelled) -> TrainingReport:
    """Build a model on the local engine; called on a thread of its own.

    ``on_count`` hears of images sampled. What cannot be built gives a report that says why (REFUSED); what was sampled
    before a cancellation is kept in the work folder, and a second call goes on from there.
    """
    notes: list[str] = []
    try:
        _check(request)
        run = request.run
        check_writable(request.work_folder)
        with LocalEngine(run.scenes_folder, run.library_folder, request.work_folder, is_cancelled) as engine:
            engine.refresh(lambda _done, _total: None)
            return train_on(engine, request, notes, on_count, is_cancelled)
    except CancelledError:
        text = "Cancelled. The features sampled so far are kept; building the model again goes on from there."
        return TrainingReport(TrainingState.CANCELLED, text, notes=tuple(notes))
    except (EngineError, LabelError, ModelError, ParameterError) as error:
        return TrainingReport(TrainingState.REFUSED, str(error), notes=tuple(notes))


def train_on(
    engine: Engine, request: TrainingRequest, notes: list[str], on_count: CountCallback, is_cancelled: IsCancelled
) -> TrainingReport:
    """Build a model on an engine that is ready; ``notes`` receives sentences on the way, also where it fails."""
    chosen = balanced(request.labels, request.parameters.labels_per_image, request.parameters.seed)
    if len(chosen) < len(request.labels):
        notes.append(_fewer_note(request, len(chosen)))
    names = tuple(dict.fromkeys(request.features)) or tuple(FEATURES)
    found = features_at(engine, chosen, names, request.run.parameters, request.work_folder, on_count, is_cancelled)
    notes += found.notes
    rows, names = _usable(found, request, notes)
    samples = samples_of(rows, names)
    built = build(samples, names, request.parameters, is_cancelled)
    if built is None:
        raise CancelledError("Stopped on request.")
    return _finish(request, built, found.days, notes)


def _check(request: TrainingRequest) -> None:
    """Refuse what no sampling can mend: LabelError, ModelError or ParameterError with the reason."""
    try:
        Model(request.name, request.title, Table(("tree2",), (0.0, 1.0)), 0.5)
    except ModelError as error:
        raise ModelError(f"The model cannot be built: {error}. Choose another name.") from None
    if files.is_shipped(request.name):
        raise ModelError(f"“{request.name}” is the name of a model that ships with the plugin; choose another name.")
    if request.run.models_folder is None:
        raise ModelError("There is no folder for models of your own; choose one in the settings.")
    unknown = [name for name in request.features if name not in FEATURES]
    if unknown:
        raise LabelError(f"There is no feature {capped(unknown)}; known are {', '.join(FEATURES)}.")
    odd = sorted({label.kind for label in request.labels} - set(CLASSES))
    if odd:
        raise LabelError(f"The class {capped(odd)} is unknown; a label is one of {', '.join(CLASSES)}.")
    if len(request.labels) < FEWEST_LABELS:
        raise LabelError(f"{len(request.labels)} labels are too few to learn from; give at least {FEWEST_LABELS}.")
    cloudy = sum(label.kind == CLOUD for label in request.labels)
    if cloudy in (0, len(request.labels)):
        told = "No label says cloud" if not cloudy else "All labels say cloud"
        raise LabelError(f"{told}; a model needs labels of cloud and of what is none (clear or shadow).")


def _fewer_note(request: TrainingRequest, count: int) -> str:
    return (
        f"{count:,} of {len(request.labels):,} labels were taken: at most "
        f"{request.parameters.labels_per_image:,} of a class from an image, the same label once."
    )


def _usable(
    found: LabelFeatures, request: TrainingRequest, notes: list[str]
) -> tuple[tuple[LabelRow, ...], tuple[str, ...]]:
    """One row a pixel with all features, and the features: those that an image lacks wholly are left out unless they
    were asked for by name. What was left out is noted."""
    if not found.rows:
        raise LabelError("No label has features, so there is nothing to learn from. The notes say why.")
    names = found.names if request.features else _had_everywhere(found, notes)
    places = [found.names.index(name) for name in names]
    rows = [replace(row, values=tuple(row.values[place] for place in places)) for row in one_a_pixel(found.rows, notes)]
    complete = tuple(row for row in rows if None not in row.values)
    if len(complete) < len(rows):
        notes.append(f"{len(rows) - len(complete):,} labels were left out, because a feature is unknown there.")
    return complete, names


def _had_everywhere(found: LabelFeatures, notes: list[str]) -> tuple[str, ...]:
    """The features that every image has at some label. LabelError where there is none."""
    images: dict[str, list[LabelRow]] = {}
    for row in found.rows:
        images.setdefault(row.label.image, []).append(row)
    lacking = {
        name: [image for image, rows in images.items() if all(row.values[place] is None for row in rows)]
        for place, name in enumerate(found.names)
    }
    left_out = [name for name, without in lacking.items() if without]
    if len(left_out) == len(found.names):
        raise LabelError(
            "There is no feature that all images have. Leave out the images that lack bands or backgrounds."
        )
    if left_out:
        without = sorted({image for name in left_out for image in lacking[name]})
        notes.append(
            f"Without {', '.join(left_out)}: these need bands or backgrounds that {capped(without, 3)} "
            f"{'does' if len(without) == 1 else 'do'} not have."
        )
    return tuple(name for name in found.names if name not in left_out)


def _finish(request: TrainingRequest, built: Built, days: Mapping[str, str], notes: list[str]) -> TrainingReport:
    """Judge what was built, and write the report, the scores and, last, the model."""
    model = Model(request.name, request.title, built.table, built.cutoff, provenance(request, built, days, notes))
    evaluation = evaluate(built.judged, model_probabilities(model, built.judged), model.cutoff)
    model = replace(model, scores=evaluation.scores())
    folder = request.run.models_folder
    if folder is None:
        raise ModelError("There is no folder for models of your own; choose one in the settings.")
    report_path = request.work_folder / REPORT
    write_report(report_path, evaluation, texts(request, built, notes, model))
    _write_scores(request, evaluation)
    path = files.write(model, folder)
    return TrainingReport(
        TrainingState.FINISHED,
        message(model, built, evaluation),
        score_rows(evaluation),
        tuple(notes),
        path,
        report_path,
    )


def _write_scores(request: TrainingRequest, evaluation: Evaluation) -> None:
    """The figures as JSON, whole or not at all. StorageError where they cannot be written."""
    path = request.work_folder / SCORES
    try:
        write_whole(path, json.dumps(evaluation.to_json(), indent=1))
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror}); free some space and build it again."
        ) from None
