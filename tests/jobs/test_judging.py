"""Judging models on labels: all on the same pixels, and what is told where that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.labels import Label, LabelError
from s2mask_qgis.core.models.model import Model, Table
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.jobs import judging
from s2mask_qgis.jobs.judging import JudgingReport, JudgingRequest, judge, judge_on
from s2mask_qgis.jobs.label_features import LabelFeatures, LabelRow
from s2mask_qgis.jobs.request import RunRequest
from s2mask_qgis.jobs.training_request import TrainingState

FIRST = Model("first", "Believes the first", Table(("percentile1",), (0.1, 0.9)), 0.5)
SECOND = Model("second", "Believes the second", Table(("tree2",), (0.1, 0.9)), 0.5)
LABELS = [
    Label(16.9 + n / 1000, 48.3, f"image{n % 3}", "cloud" if n % 2 else "clear", "water" if n % 5 else "sand")
    for n in range(30)
]


def make_request(folder: Path, labels: Sequence[Label] = tuple(LABELS)) -> JudgingRequest:
    run = RunRequest(folder / "scenes", folder / "library", folder, Area(()), RunParameters(), folder / "models")
    return JudgingRequest(run, tuple(labels), (), 500, folder / "out")


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[JudgingReport, list[str]]]:
    """Judges models on features that are given instead of sampled, (percentile1, tree2) a label."""

    def carry_out(
        models: Sequence[Model], values: Callable[[int, Label], tuple[float | None, float | None]]
    ) -> tuple[JudgingReport, list[str]]:
        rows = tuple(LabelRow(one, (one.longitude, one.latitude), values(n, one)) for n, one in enumerate(LABELS))
        found = LabelFeatures(("percentile1", "tree2"), rows, {}, ())
        monkeypatch.setattr(judging, "features_at", lambda *arguments: found)
        (tmp_path / "out").mkdir()
        notes: list[str] = []
        return judge_on(None, make_request(tmp_path), models, notes, lambda done, total: None, lambda: False), notes

    return carry_out


def truth(label: Label) -> float:
    return float(label.kind == "cloud")


def test_the_best_model_comes_first_and_all_are_judged_on_the_same_pixels(judged):
    """The first feature is unknown in six pixels, which then count for no model; the other finds no cloud."""
    report, notes = judged((SECOND, FIRST), lambda n, label: (None if n < 6 else truth(label), 0.0))
    assert [(row.name, row.labels, row.balanced_accuracy) for row in report.rows] == [
        ("first", 24, 1.0),
        ("second", 24, 0.5),
    ]
    assert notes == ["6 labels were left out, because a feature is unknown there."]
    assert report.message == "2 models judged on 24 labels of 3 images. “first” is best: balanced accuracy 100.0 %."


def test_a_model_that_no_label_serves_is_told_and_does_not_keep_the_others_from_being_judged(judged):
    report, notes = judged((FIRST, SECOND), lambda n, label: (None, truth(label)))
    assert [row.name for row in report.rows] == ["second"]
    assert notes[0] == "“first” could not be judged: no label has all that it reads (percentile1)."
    assert report.message == "“second” has a balanced accuracy of 100.0 % on 30 labels of 3 images."


def test_models_without_a_label_in_common_are_not_judged(judged):
    with pytest.raises(LabelError, match="judge fewer models"):
        judged((FIRST, SECOND), lambda n, label: (None, 1.0) if n % 2 else (1.0, None))


def test_the_table_has_a_line_for_all_each_image_and_each_land_cover(judged, tmp_path):
    report, _ = judged((FIRST,), lambda n, label: (truth(label), 0.0))
    lines = [line.split(",")[:4] for line in report.table_path.read_text().splitlines()]
    assert lines == [
        ["model", "part", "name", "labels"],
        ["first", "all", "all", "30"],
        *(["first", "image", f"image{n}", "10"] for n in range(3)),
        ["first", "land cover", "sand", "6"],
        ["first", "land cover", "water", "24"],
    ]
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.*")) == ["first.html", "models.csv", "models.html"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [((), "There are no labels to judge on"), ([Label(16.9, 48.3, "image1", "fog")], "The class fog is unknown")],
)
def test_what_cannot_be_judged_is_refused(tmp_path, labels, message):
    report = judge(make_request(tmp_path, labels), lambda done, total: None, lambda: False)
    assert report.state is TrainingState.REFUSED
    assert message in report.message
