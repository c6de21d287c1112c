"""Building a model from the toolbox: from a layer or a file to a model and its report, and every reason not to."""

from __future__ import annotations

from pathlib import Path

import pytest
from qgis.core import QgsProcessingContext

from s2mask_qgis.core.models import files
from s2mask_qgis.core.training.parameters import TrainingParameters
from s2mask_qgis.processing.build_model import BuildModel
from tests.processing.conftest import SMALL, KeptFeedback

FIELDS = {"IMAGE_FIELD": "shot", "CLASS_FIELD": "seen"}


@pytest.fixture
def values(sample, tmp_path):
    """A model of three features; labels are still to be given."""
    folders = {"SCENES": str(sample / "scenes"), "LIBRARY": str(sample / "library")}
    return {**folders, "NAME": "mine", "FEATURES": ["percentile1", "tree2", "tree3"], "SCALE_M": "30", **SMALL}


def test_a_layer_of_labels_gives_a_model_and_its_report(execute, values, label_layer, tmp_path):
    given = {**values, "LABELS": label_layer, **FIELDS, "GROUP_FIELD": "ground", "TITLE": "Mine alone"}
    ended = execute(BuildModel(), given)
    assert ended.is_fine, ended.refusal
    model = files.read(Path(ended.results["MODEL"]))
    assert Path(ended.results["MODEL"]) == tmp_path / "models" / "mine.json"
    assert (model.name, model.title) == ("mine", "Mine alone")
    assert set(model.features) <= {"percentile1", "tree2", "tree3"}
    assert model.provenance["Features"]["number_of_images"] == 2
    assert "Judged on" in Path(ended.results["REPORT"]).read_text()
    assert Path(ended.results["REPORT"]).parent == tmp_path / "training" / "mine"
    for score in ("balanced_accuracy", "recall", "precision"):
        assert ended.results[score.upper()] == model.scores[score]
    told = ended.feedback.infos[-1].splitlines()
    assert told[1].split() == ["labels", "cloudy", "balanced", "accuracy", "precision", "recall", "f1"]
    assert {line.split()[0] for line in told[-2:]} == {"field", "wood"}
    assert len({len(line) for line in told[1:]}) == 1


def test_a_file_of_labels_gives_the_same_model_whatever_the_order_of_its_axes(execute, values, label_layer, label_file):
    by_layer = execute(BuildModel(), {**values, "LABELS": label_layer, **FIELDS})
    of_layer = files.read(Path(by_layer.results["MODEL"])).decision
    label_file.write_text(label_file.read_text().replace("lon,lat", "lat,lon", 1))
    by_file = execute(BuildModel(), {**values, "LABELS_CSV": str(label_file), "NAME": "other"})
    assert by_file.is_fine, by_file.refusal
    assert files.read(Path(by_file.results["MODEL"])).decision == of_layer
    assert any("swapped" in warning for warning in by_file.feedback.warnings)


def test_a_cancelled_build_leaves_no_model_and_is_taken_up_again(execute, values, label_file, tmp_path):
    given = {**values, "LABELS_CSV": str(label_file)}
    first = execute(BuildModel(), given, KeptFeedback(lambda feedback: 0 < max(feedback.shares, default=0) < 100))
    assert first.is_fine
    assert "MODEL" not in first.results
    assert "Cancelled" in first.feedback.infos[-1]
    assert not (tmp_path / "models").exists()
    assert list((tmp_path / "training" / "mine" / "labels").glob("*.json"))
    assert "MODEL" in execute(BuildModel(), given).results


def test_labels_and_parameters_that_are_wrong_are_told_in_one_message(values, project, label_layer):
    context = QgsProcessingContext()
    context.setProject(project)
    algorithm = BuildModel()
    algorithm.initAlgorithm({})
    wrong = {**values, "MOST_FEATURES": 99, "SEED": -1, "CUTOFF_BY": "luck"}
    is_fine, text = algorithm.checkParameterValues(wrong, context)
    assert not is_fine
    assert text.splitlines() == [
        "labels: neither a layer nor a CSV file is given; give one of them.",
        "seed: -1 cannot be used; allowed is a whole number from 0 to 2147483647.",
        "most_features: 99 cannot be used; allowed is a whole number from 1 to 13 features.",
        "cutoff_by: 'luck' is not offered; choose one of best balanced accuracy, target recall.",
    ]
    both = {**values, "LABELS": label_layer, "LABELS_CSV": "labels.csv"}
    assert "both a layer and a CSV file" in algorithm.checkParameterValues(both, context)[1]
    assert algorithm.checkParameterValues({**values, "LABELS": label_layer}, context) == (True, "")


def test_one_seed_serves_sampling_and_training(values, project, label_layer):
    context = QgsProcessingContext()
    context.setProject(project)
    algorithm = BuildModel()
    algorithm.initAlgorithm({})
    wanted = algorithm.snapshot({**values, "LABELS": label_layer, **FIELDS, "SEED": 5}, context)
    assert wanted.parameters == TrainingParameters(seed=5)
    assert wanted.labels.run.parameters.seed == 5
    assert wanted.labels.run.parameters.cluster_count == 4


def test_all_features_may_be_read_where_none_is_chosen(values, project, label_file):
    algorithm = BuildModel()
    algorithm.initAlgorithm({})
    given = {name: values[name] for name in values if name != "FEATURES"} | {"LABELS_CSV": str(label_file)}
    assert algorithm.snapshot(given, QgsProcessingContext()).features == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "has no field for the image and the class"),
        ({"IMAGE_FIELD": "shot", "CLASS_FIELD": "nothing"}, "has no field “nothing”"),
        ({**FIELDS, "NAME": "Not a name"}, "a model's name is made of small letters"),
        ({**FIELDS, "NAME": "published"}, "ships with the plugin; choose another name"),
        ({**FIELDS, "FEATURES": "tree2,tree9"}, "There is no feature tree9"),
        ({**FIELDS, "SCENES": "/nowhere/at/all"}, "/nowhere/at/all"),
    ],
)
def test_what_cannot_be_built_is_refused_with_a_sentence(execute, values, label_layer, change, message):
    ended = execute(BuildModel(), {**values, "LABELS": label_layer, **change})
    assert not ended.is_fine
    assert message in ended.refusal


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lon,lat,image,class\n16.9,48.3,a,cloud\n", "1 labels are too few to learn from"),
        ("a,b\n1,2\n", "has no column for"),
        ("lon,lat,image,class\n16.9,48.3,a,fog\n", "the class “fog” is unknown"),
        (None, "cannot be read"),
    ],
)
def test_files_that_hold_no_labels_are_refused_with_a_sentence(execute, values, tmp_path, text, message):
    path = tmp_path / "wrong.csv"
    if text is not None:
        path.write_text(text)
    ended = execute(BuildModel(), {**values, "LABELS_CSV": str(path)})
    assert not ended.is_fine
    assert message in ended.refusal
