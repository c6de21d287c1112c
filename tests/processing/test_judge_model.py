"""Judging models from the toolbox: several on the same labels, with a page, a report each and a table."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from s2mask_qgis.core.models import files
from s2mask_qgis.core.models.model import Model, Table
from s2mask_qgis.processing.judge_model import JudgeModel
from tests.processing.conftest import SMALL, KeptFeedback


@pytest.fixture
def values(sample, label_file, tmp_path):
    folders = {"SCENES": str(sample / "scenes"), "LIBRARY": str(sample / "library"), "OUTPUT": str(tmp_path / "out")}
    return {**folders, "LABELS_CSV": str(label_file), **SMALL}


@pytest.fixture
def own_models(tmp_path):
    """One that believes the second tree, and one that calls everything cloud."""
    folder = tmp_path / "models"
    files.write(Model("second", "Second tree", Table(("tree2",), (0.1, 0.9)), 0.5), folder)
    files.write(Model("dark", "Gloomy", Table(("tree2",), (0.8, 0.9)), 0.5), folder)


def test_models_are_judged_side_by_side(execute, values, own_models, labels, tmp_path):
    ended = execute(JudgeModel(), {**values, "MODELS": "dark, second"})
    assert ended.is_fine, ended.refusal
    assert ended.results["BEST"] == "second"
    with Path(ended.results["TABLE"]).open(newline="") as file:
        rows = {(row["model"], row["part"], row["name"]): row for row in csv.DictReader(file)}
    gloomy = rows["dark", "all", "all"]
    assert (float(gloomy["recall"]), float(gloomy["false_alarm_rate"])) == (1.0, 1.0)
    assert int(gloomy["labels"]) <= len(labels)
    assert float(gloomy["precision"]) == pytest.approx(int(gloomy["cloudy"]) / int(gloomy["labels"]), abs=1e-6)
    better = rows["second", "all", "all"]
    assert better["labels"] == gloomy["labels"]
    assert ended.results["BALANCED_ACCURACY"] == pytest.approx(float(better["balanced_accuracy"]), abs=1e-6)
    images = [name for model, part, name in rows if model == "second" and part == "image"]
    assert sum(int(rows["second", "image", name]["labels"]) for name in images) == int(better["labels"])
    page = Path(ended.results["REPORT"]).read_text()
    assert page.index("Second tree") < page.index("Gloomy")
    for name in ("dark", "second"):
        assert f"href='reports/{name}.html'" in page
        assert "Confusion matrix" in (tmp_path / "out" / "reports" / f"{name}.html").read_text()
    told = ended.feedback.infos[-1].splitlines()
    assert [line.split()[0] for line in told[2:]] == ["second", "dark"]


def test_all_models_that_can_be_are_judged_where_none_is_named(execute, values, own_models, tmp_path):
    """One of them was changed by hand."""
    damaged = tmp_path / "models" / "dark.json"
    damaged.write_text(damaged.read_text().replace("0.8", "0.1"))
    ended = execute(JudgeModel(), values)
    assert ended.is_fine, ended.refusal
    judged = {path.stem for path in (tmp_path / "out" / "reports").glob("*.html")}
    told = " ".join(ended.feedback.warnings)
    names = [model.name for model in files.available(tmp_path / "models").models]
    assert {"second", "published"} <= judged <= set(names)
    assert all(name in judged or f"“{name}” could not be judged" in told for name in names)
    assert "dark.json was changed after it was written" in told


def test_images_that_a_model_was_trained_on_are_told(execute, values, labels, tmp_path):
    provenance = {"Learnt from": f"60 labels of {labels[0].image}"}
    files.write(Model("biased", "Biased", Table(("tree2",), (0.1, 0.9)), 0.5, provenance), tmp_path / "models")
    ended = execute(JudgeModel(), {**values, "MODELS": ["biased"]})
    assert any("“biased” was trained on 1 of the" in warning for warning in ended.feedback.warnings)


def test_a_cancelled_judgement_says_so(execute, values, own_models):
    ended = execute(JudgeModel(), values, KeptFeedback(lambda feedback: 0 < max(feedback.shares, default=0) < 100))
    assert ended.is_fine
    assert "REPORT" not in ended.results
    assert "Cancelled" in ended.feedback.infos[-1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"MODELS": "nobody"}, "There is no model called “nobody”"),
        ({"SCENES": "/nowhere/at/all"}, "/nowhere/at/all"),
        ({"LABELS_PER_IMAGE": 1}, "labels_per_image: 1 cannot be used"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_a_sentence(execute, values, change, message):
    ended = execute(JudgeModel(), {**values, **change})
    assert not ended.is_fine
    assert message in ended.refusal


def test_labels_of_other_images_are_refused_with_their_names(execute, values, own_models, label_file):
    label_file.write_text("lon,lat,image,class\n16.9,48.3,20200101T100000_20200101T100000_T33UXP,cloud\n")
    ended = execute(JudgeModel(), values)
    assert not ended.is_fine
    assert any("20200101T100000" in warning for warning in ended.feedback.warnings)
