"""Judging models on labels: several side by side on the same pixels, a report each, a page and a table of them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.evaluation.evaluation import Evaluation, evaluate
from ..core.evaluation.prediction import model_probabilities
from ..core.fields import ParameterError
from ..core.labels import CLASSES, Label, LabelError, balanced, capped
from ..core.models import files
from ..core.models.model import Model, ModelError
from ..engines.base import CountCallback, Engine
from ..engines.errors import CancelledError, EngineError
from ..engines.local.engine import LocalEngine
from .evaluation_report import ReportTexts, percent, write_report
from .judging_page import write_page, write_table
from .label_features import LabelRow, features_at
from .label_samples import one_a_pixel, samples_of
from .outputs import check_writable
from .request import RunRequest
from .training_request import ScoreRow, TrainingState
from .training_texts import score_rows

PAGE, TABLE, REPORTS = "models.html", "models.csv", "reports"
LEARNT_FROM = "Learnt from"
"""The entry of a model's provenance that names the images that it was trained on."""

IsCancelled = Callable[[], bool]


@dataclass(frozen=True)
class JudgingRequest:
    """Models of ``run``'s folder and shipped ones, by name (all where empty), on ``labels`` in images of its scenes.

    At most ``labels_per_image`` labels of a class count in an image; everything is written to ``folder``.
    """

    run: RunRequest
    labels: tuple[Label, ...]
    models: tuple[str, ...]
    labels_per_image: int
    folder: Path


@dataclass(frozen=True)
class JudgingReport:
    """``message`` is for the user; ``rows`` hold a model each, the best first; the page links to a
    report on each, ``reports/<name>.html`` beside it.

    Paths are None where nothing was judged.
    """

    state: TrainingState
    message: str
    rows: tuple[ScoreRow, ...] = ()
    notes: tuple[str, ...] = ()
    page_path: Path | None = None
    table_path: Path | None = None


def judge(request: JudgingRequest, on_count: CountCallback, is_cancelled: IsCancelled) -> JudgingReport:
    """Judge models on the local engine; called on a thread of its own.

    ``on_count`` hears of images sampled. What cannot be judged gives a report that says why (REFUSED); what was sampled
    before a cancellation is kept in the folder, and a second call goes on from there.
    """
    notes: list[str] = []
    try:
        _check(request)
        models = _models(request, notes)
        run = request.run
        check_writable(request.folder)
        with LocalEngine(run.scenes_folder, run.library_folder, request.folder, is_cancelled) as engine:
            engine.refresh(lambda _done, _total: None)
            return judge_on(engine, request, models, notes, on_count, is_cancelled)
    except CancelledError:
        text = "Cancelled. The features sampled so far are kept; judging again goes on from there."
        return JudgingReport(TrainingState.CANCELLED, text, notes=tuple(notes))
    except (EngineError, LabelError, ModelError, ParameterError) as error:
        return JudgingReport(TrainingState.REFUSED, str(error), notes=tuple(notes))


def judge_on(
    engine: Engine,
    request: JudgingRequest,
    models: Sequence[Model],
    notes: list[str],
    on_count: CountCallback,
    is_cancelled: IsCancelled,
) -> JudgingReport:
    """Judge models on an engine that is ready; ``notes`` receives sentences on the way, also where it fails."""
    chosen = balanced(request.labels, request.labels_per_image, request.run.parameters.seed)
    names = tuple(dict.fromkeys(name for model in models for name in model.features))
    found = features_at(engine, chosen, names, request.run.parameters, request.folder, on_count, is_cancelled)
    notes += found.notes
    rows = one_a_pixel(found.rows, notes)
    able = [model for model in models if _known(rows, found.names, model.features)]
    _note_unable(models, able, notes)
    common = _known(rows, found.names, [name for model in able for name in model.features])
    if not common:
        raise LabelError(
            "There is no label at which the models can be judged side by side. The notes say why; judge fewer models "
            "at a time, or check the labels' images."
        )
    if len(common) < len(rows):
        notes.append(f"{len(rows) - len(common):,} labels were left out, because a feature is unknown there.")
    samples = samples_of(common, found.names)
    evaluations = {model.name: evaluate(samples, model_probabilities(model, samples), model.cutoff) for model in able}
    _note_learnt(able, samples.images.tolist(), notes)
    return _finish(request, {model.name: model for model in able}, evaluations, notes)


def _check(request: JudgingRequest) -> None:
    """LabelError for labels that no sampling can mend."""
    if not request.labels:
        raise LabelError("There are no labels to judge on; give a layer or a file that has some.")
    odd = sorted({label.kind for label in request.labels} - set(CLASSES))
    if odd:
        raise LabelError(f"The class {capped(odd)} is unknown; a label is one of {', '.join(CLASSES)}.")


def _models(request: JudgingRequest, notes: list[str]) -> list[Model]:
    """The models asked for. ModelError where one of them is not there or cannot be used."""
    folder = request.run.models_folder
    if request.models:
        return [files.find(name, folder) for name in dict.fromkeys(request.models)]
    there = files.available(folder)
    notes += there.problems
    return list(there.models)


def _known(rows: Sequence[LabelRow], names: Sequence[str], features: Sequence[str]) -> list[LabelRow]:
    """The rows at which all of some features are known."""
    places = [names.index(name) for name in features]
    return [row for row in rows if all(row.values[place] is not None for place in places)]


def _note_unable(models: Sequence[Model], able: Sequence[Model], notes: list[str]) -> None:
    for model in models:
        if model not in able:
            listed = ", ".join(model.features)
            notes.append(f"“{model.name}” could not be judged: no label has all that it reads ({listed}).")


def _note_learnt(models: Sequence[Model], images: Sequence[str], notes: list[str]) -> None:
    """Scores on images that a model was trained on are no evidence."""
    judged = sorted(set(images))
    for model in models:
        learnt = [image for image in judged if image in str(model.provenance.get(LEARNT_FROM, ""))]
        if learnt:
            notes.append(
                f"“{model.name}” was trained on {len(learnt)} of the {len(judged)} images; "
                "what it scores there is no evidence."
            )


def _finish(
    request: JudgingRequest, models: Mapping[str, Model], evaluations: Mapping[str, Evaluation], notes: list[str]
) -> JudgingReport:
    """Write the reports, the page and the table."""
    for name, evaluation in evaluations.items():
        write_report(request.folder / REPORTS / f"{name}.html", evaluation, _texts(models[name], evaluation, notes))
    rows = [replace(score_rows(evaluation)[0], name=name) for name, evaluation in evaluations.items()]
    rows.sort(key=lambda row: -(row.balanced_accuracy or 0.0))
    first = evaluations[rows[0].name]
    judged = f"{first.rows:,} labels of {len(first.by_image):,} {'image' if len(first.by_image) == 1 else 'images'}"
    write_page(request.folder / PAGE, rows, models, REPORTS, judged, notes)
    write_table(request.folder / TABLE, evaluations)
    return JudgingReport(
        TrainingState.FINISHED,
        _message(rows, judged),
        tuple(rows),
        tuple(notes),
        request.folder / PAGE,
        request.folder / TABLE,
    )


def _texts(model: Model, evaluation: Evaluation, notes: Sequence[str]) -> ReportTexts:
    judged = f"Judged on {evaluation.rows:,} labels; it reads {', '.join(model.features)}."
    return ReportTexts(f"The model “{model.title}”", judged, tuple(notes), model.provenance)


def _message(rows: Sequence[ScoreRow], judged: str) -> str:
    """What was judged and which model did best, in a sentence or two."""
    count = f"{len(rows)} model{'' if len(rows) == 1 else 's'}"
    best = rows[0]
    if best.balanced_accuracy is None:
        return f"{count} judged on {judged}. They are all of one class, so there is no balanced accuracy."
    if len(rows) == 1:
        return f"“{best.name}” has a balanced accuracy of {percent(best.balanced_accuracy)} on {judged}."
    return f"{count} judged on {judged}. “{best.name}” is best: balanced accuracy {percent(best.balanced_accuracy)}."
