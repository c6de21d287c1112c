"""Building a model from labels: from the simulated truth to a file and a report, and every reason not to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from s2mask_qgis.core.features import FEATURES
from s2mask_qgis.core.label_files import read_csv
from s2mask_qgis.core.labels import Label
from s2mask_qgis.core.models import files
from s2mask_qgis.core.models.model import Table
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.core.training.parameters import TrainingParameters
from s2mask_qgis.jobs import training
from s2mask_qgis.jobs.label_features import LabelFeatures, LabelRow
from s2mask_qgis.jobs.request import RunRequest
from s2mask_qgis.jobs.training import train, train_on
from s2mask_qgis.jobs.training_request import TrainingReport, TrainingRequest, TrainingState
from tests.jobs.conftest import sample_area
from tests.jobs.labelled_sample import truth_labels

RUN = RunParameters(number_of_images=3, number_preselect=4, cluster_count=4, sample_size=300)
NAMES = ("percentile1", "tree2", "tree3")


def make_request(folder: Path, labels: Sequence[Label], scenes: Path, library: Path) -> TrainingRequest:
    run = RunRequest(scenes, library, folder / "out", sample_area(), RUN, folder / "models")
    parameters = TrainingParameters(held_out_share=0.4)
    return TrainingRequest(run, tuple(labels), "mine", "Mine", parameters, folder / "work", NAMES)


@pytest.fixture
def request_of(sample_folder: Path, tmp_path: Path) -> Callable[[Sequence[Label]], TrainingRequest]:
    """Makes the request for labels in the simulated sample."""
    return lambda labels: make_request(tmp_path, labels, sample_folder / "scenes", sample_folder / "library")


def carry_out(request: TrainingRequest, is_cancelled: Callable[[], bool] = lambda: False) -> TrainingReport:
    return train(request, lambda done, total: None, is_cancelled)


def through_a_file(labels: Sequence[Label], path: Path) -> tuple[Label, ...]:
    """Labels written as CSV and read again."""
    rows = [f"{label.longitude!r},{label.latitude!r},{label.image},{label.kind}" for label in labels]
    path.write_text("\n".join(["lon,lat,system:index,class", *rows]))
    table = read_csv(path)
    assert table.notes == ()
    return table.labels


def test_a_model_is_built_from_the_truth_of_a_sample(request_of, sample_folder, tmp_path):
    labels = truth_labels(sample_folder / "scenes", per_code=12, images=5)
    request = request_of(through_a_file(labels, tmp_path / "labels.csv"))
    report = carry_out(request)
    assert report.state is TrainingState.FINISHED, report.message
    model = files.find("mine", request.run.models_folder)
    assert model.title == "Mine"
    assert isinstance(model.decision, Table)
    assert set(model.features) <= set(NAMES)
    assert 0 <= model.cutoff < 1
    assert report.model_path == request.run.models_folder / "mine.json"
    assert "balanced accuracy" in report.message
    page = report.report_path.read_text()
    assert "Judged on" in page
    whole, *parts = report.rows
    assert whole.labels == sum(part.labels for part in parts)
    held_out = {part.name for part in parts}
    assert held_out < {label.image for label in labels}
    assert all(image in model.provenance["Judged on"] for image in held_out)
    assert not any(image in model.provenance["Learnt from"] for image in held_out)
    assert model.scores["balanced_accuracy"] == whole.balanced_accuracy
    assert f"of {len(labels)} given" in model.provenance["Labels"]
    assert model.provenance["Features"]["number_of_images"] == 3
    assert model.provenance["Dates"] == "2022-11-02 to 2022-11-22"
    written = report.model_path.read_bytes()
    assert carry_out(request).model_path.read_bytes() == written


def test_a_cancelled_build_says_so_and_goes_on_later(request_of, sample_folder):
    request = request_of(truth_labels(sample_folder / "scenes", per_code=8, images=4))
    done: list[int] = []
    report = train(request, lambda at, total: done.append(at), lambda: len(done) > 2)
    assert report.state is TrainingState.CANCELLED
    assert report.model_path is None
    kept = len(list((request.work_folder / "labels").glob("*.json")))
    assert 1 <= kept < 4
    assert carry_out(request).state is TrainingState.FINISHED


def some_labels(cloudy: int = 30, clear: int = 30, images: int = 6) -> list[Label]:
    kinds = ["cloud"] * cloudy + ["clear"] * clear
    return [Label(16.9 + n / 1000, 48.3, f"image{n % images}", kind) for n, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": tuple(some_labels(10, 9))}, "19 labels are too few to learn from; give at least 20"),
        ({"labels": tuple(some_labels(30, 0))}, "All labels say cloud"),
        ({"labels": tuple(some_labels(0, 30))}, "No label says cloud"),
        ({"labels": (*some_labels(), Label(16.9, 48.3, "image1", "fog"))}, "The class fog is unknown"),
        ({"name": "Not a name"}, "The model cannot be built: a model's name is made of small letters"),
        ({"name": "../published"}, "not '../published'. Choose another name."),
        ({"name": "published"}, "ships with the plugin; choose another name"),
        ({"features": ("percentile9",)}, "There is no feature percentile9"),
    ],
)
def test_what_no_sampling_can_mend_is_refused_at_once(request_of, change, message):
    report = carry_out(replace(request_of(some_labels()), **change))
    assert report.state is TrainingState.REFUSED
    assert message in report.message
    assert report.model_path is None


def test_folders_that_are_none_are_refused(request_of, tmp_path):
    request = request_of(some_labels())
    without = replace(request, run=replace(request.run, models_folder=None))
    assert "no folder for models" in carry_out(without).message
    (tmp_path / "work").write_text("a file")
    assert "cannot be written" in carry_out(request).message


def test_labels_of_images_that_are_not_there_are_refused_with_their_names(request_of):
    report = carry_out(request_of(some_labels()))
    assert report.state is TrainingState.REFUSED
    assert "nothing to learn from" in report.message
    assert report.notes[-1].startswith("There is no image for 60 labels, which were left out: image0 (10), image1 (10)")


def made_up(labels: Sequence[Label], values: Callable[[Label], tuple[float | None, ...]]) -> LabelFeatures:
    rows = tuple(LabelRow(label, (label.longitude, label.latitude), values(label)) for label in labels)
    return LabelFeatures(NAMES, rows, {label.image: "2023-06-10" for label in labels}, ())


def truthful(label: Label) -> tuple[float | None, ...]:
    return (float(label.kind == "cloud"), 0.0, 1.0)


@pytest.fixture
def build_from(request_of, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[TrainingReport, list[str]]]:
    """Builds from features that are given instead of sampled."""

    def built(found: LabelFeatures, **change: object) -> tuple[TrainingReport, list[str]]:
        request = replace(request_of([row.label for row in found.rows]), **{"features": (), **change})
        request.work_folder.mkdir(parents=True, exist_ok=True)
        monkeypatch.setattr(training, "features_at", lambda *arguments: found)
        notes: list[str] = []
        return train_on(None, request, notes, lambda done, total: None, lambda: False), notes

    return built


def test_the_best_feature_is_found_and_judged_on_other_images(build_from):
    report, notes = build_from(made_up(some_labels(60, 60), truthful))
    assert report.rows[0].balanced_accuracy == 1.0
    assert files.read(report.model_path).features == ("percentile1",)
    assert notes == []


def test_labels_that_share_a_pixel_count_once_and_contradictions_not_at_all(build_from):
    labels = some_labels(40, 40)
    found = made_up(labels, truthful)
    twin, liar = found.rows[0], replace(found.rows[1].label, kind="shadow")
    rows = (*found.rows, twin, replace(found.rows[1], label=liar))
    report, notes = build_from(replace(found, rows=rows))
    assert "1 pixels were left out, because their labels contradict each other." in notes
    assert "1 labels lie in the same pixel as another one of their class and do not count." in notes
    assert files.read(report.model_path).provenance["Labels"].startswith("79 of 82 given: 40 clear, 39 cloud, 0 shadow")


def test_features_that_an_image_lacks_are_left_out_unless_asked_for(build_from):
    def lacking(label: Label) -> tuple[float | None, ...]:
        return (None if label.image == "image0" else 0.0, float(label.kind == "cloud"), 0.0)

    found = made_up(some_labels(60, 60), lacking)
    report, notes = build_from(found)
    assert notes == ["Without percentile1: these need bands or backgrounds that image0 does not have."]
    assert report.rows[0].balanced_accuracy == 1.0
    asked, notes = build_from(found, features=NAMES)
    assert notes == ["20 labels were left out, because a feature is unknown there."]
    assert asked.state is TrainingState.FINISHED


def test_groups_have_their_own_lines(build_from):
    labels = [replace(label, group="water" if n % 5 else "") for n, label in enumerate(some_labels(60, 60))]
    report, _ = build_from(made_up(labels, truthful))
    assert [row.name for row in report.rows if not row.name.startswith("image")] == [
        "All held-out labels",
        "not given",
        "water",
    ]


def test_more_labels_than_asked_for_are_left_out_and_counted(build_from, monkeypatch):
    parameters = TrainingParameters(labels_per_image=10)
    _, notes = build_from(made_up(some_labels(300, 300), truthful), parameters=parameters)
    assert notes == ["120 of 600 labels were taken: at most 10 of a class from an image, the same label once."]


def test_all_features_are_sampled_where_none_is_named(request_of, monkeypatch):
    asked: list[Sequence[str]] = []

    def remember(engine: object, labels: object, names: Sequence[str], *others: object) -> LabelFeatures:
        asked.append(names)
        return made_up([], truthful)

    monkeypatch.setattr(training, "features_at", remember)
    report = carry_out(replace(request_of(some_labels()), features=()))
    assert report.state is TrainingState.REFUSED
    assert asked == [tuple(FEATURES)]


def test_a_model_that_could_not_be_judged_says_so(build_from):
    labels = [label for label in some_labels(80, 80, 4) if label.kind == "clear" or label.image in ("image0",)]
    report, _ = build_from(made_up(labels, truthful), parameters=TrainingParameters(choose_features=False))
    assert report.state is TrainingState.FINISHED
    assert "It was not judged" in report.message
    assert report.rows[0].balanced_accuracy is None
