"""Presets as files: what is written comes back, and whatever is wrong is told at once, with nothing half taken over."""

from __future__ import annotations

import json

import pytest

from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.core.models import files
from s2mask_qgis.core.models.model import Model, ModelError, Table
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.engines.errors import StorageError
from s2mask_qgis.jobs import presets

OWN = Model("mine", "My own", Table(("percentile5",), (0.1, 0.9)), 0.4, {"labels": "200"}, {"accuracy": 0.9})
DEFAULT = RunParameters.model
SHIPPED = Model(DEFAULT, "Shipped", Table(("tree2",), (0.2, 0.8)), 0.29)


@pytest.fixture(autouse=True)
def shipped(tmp_path, monkeypatch):
    """One model ships, so that these tests do not depend on which do."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / f"{DEFAULT}.json").write_text(files.text_of(SHIPPED), encoding="utf-8")
    monkeypatch.setattr(files, "SHIPPED", folder)


@pytest.fixture
def models(tmp_path):
    """A folder with one model of the user's own."""
    folder = tmp_path / "models"
    files.write(OWN, folder)
    return folder


def preset_file(tmp_path, **changes):
    path = tmp_path / "shared.json"
    path.write_text(json.dumps({"format": 1, "parameters": {}, **changes}), encoding="utf-8")
    return path


def texts(error) -> str:
    return "\n".join(problem.text for problem in error.value.problems)


def test_what_is_saved_is_loaded(tmp_path):
    values = {"model": DEFAULT, "cutoff": 0.4, "shadow": False, "number_of_images": 12}
    presets.write(tmp_path / "dry.json", values, None)
    assert presets.read(tmp_path / "dry.json", None) == presets.Preset(values)
    assert [path.name for path in tmp_path.glob("dry*")] == ["dry.json"]


def test_the_file_names_its_format_and_the_file_of_its_model(tmp_path):
    presets.write(tmp_path / "dry.json", {"seed": 7}, None)
    stored = json.loads((tmp_path / "dry.json").read_text())
    assert stored == {"format": 1, "parameters": {"seed": 7}, "model": {"file": f"{DEFAULT}.json"}}


def test_a_model_of_ones_own_comes_along_to_somebody_who_lacks_it(tmp_path, models):
    path = tmp_path / "mine.json"
    presets.write(path, {"model": "mine"}, models)
    elsewhere = tmp_path / "elsewhere"
    preset = presets.read(path, elsewhere)
    assert preset.model == OWN
    assert not elsewhere.exists()
    presets.install(preset, elsewhere)
    assert files.find("mine", elsewhere) == OWN
    assert presets.read(path, elsewhere).model is None


def test_a_model_of_the_same_name_is_never_replaced(tmp_path, models):
    path = tmp_path / "mine.json"
    presets.write(path, {"model": "mine"}, models)
    elsewhere = tmp_path / "elsewhere"
    files.write(Model("mine", "Another", Table(("tree1",), (0.3, 0.7)), 0.5), elsewhere)
    with pytest.raises(ParameterError) as error:
        presets.read(path, elsewhere)
    assert "another one of that name" in texts(error)


def test_a_model_that_is_nowhere_is_told(tmp_path):
    with pytest.raises(ParameterError) as error:
        presets.read(preset_file(tmp_path, parameters={"model": "gone"}), None)
    assert "no model called “gone”" in texts(error)
    with pytest.raises(ModelError, match="no model called"):
        presets.write(tmp_path / "x.json", {"model": "gone"}, None)
    assert not (tmp_path / "x.json").exists()


def test_a_model_that_was_changed_on_the_way_is_refused(tmp_path, models):
    path = tmp_path / "mine.json"
    presets.write(path, {"model": "mine"}, models)
    stored = json.loads(path.read_text())
    stored["model"]["content"]["table"] = [0.0, 1.0]
    path.write_text(json.dumps(stored))
    with pytest.raises(ParameterError) as error:
        presets.read(path, tmp_path / "elsewhere")
    assert "checksum does not fit" in texts(error)


def test_a_model_that_is_not_the_named_one_is_refused(tmp_path):
    content = json.loads(files.text_of(OWN))
    path = preset_file(tmp_path, parameters={"model": "other"}, model={"file": "other.json", "content": content})
    with pytest.raises(ParameterError) as error:
        presets.read(path, None)
    assert "names the model “other”, but “mine” came along" in texts(error)


def test_every_problem_is_told_at_once(tmp_path):
    path = preset_file(tmp_path, parameters={"cutoff": 7, "no_such": 1, "seed": "x", "model": "gone"}, extra=1)
    with pytest.raises(ParameterError) as error:
        presets.read(path, None)
    assert {problem.field for problem in error.value.problems} == {"cutoff", "no_such", "seed", "model", "preset"}


def test_values_that_contradict_each_other_are_told(tmp_path):
    path = preset_file(tmp_path, parameters={"number_preselect": 3})
    with pytest.raises(ParameterError) as error:
        presets.read(path, None)
    assert "fewer than number_of_images" in texts(error)


def test_names_of_the_published_scripts_are_understood(tmp_path):
    path = preset_file(tmp_path, parameters={"CUTTOF": 0.3, "scale": 20})
    assert presets.read(path, None).parameters == {"cutoff": 0.3, "scale_m": 20}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{broken", "no valid JSON"),
        ("[1]", "does not say its format"),
        ('{"parameters": {}}', "does not say its format"),
        ('{"format": 2, "parameters": {}}', "of format 2, this version reads 1"),
        ('{"format": 1}', "no parameters"),
        ('{"format": 1, "parameters": [1]}', "no parameters"),
        ('{"format": 1, "parameters": {}, "model": 3}', "does not tell its model"),
        ('{"format": 1, "parameters": {"cutoff": NaN}}', "cutoff: nan cannot be used"),
        ("[" * 100_000, "no valid JSON"),
    ],
)
def test_a_file_that_is_no_preset_is_refused(tmp_path, content, told):
    path = tmp_path / "broken.json"
    path.write_text(content)
    with pytest.raises(ParameterError) as error:
        presets.read(path, None)
    assert told in texts(error)


def test_files_that_cannot_be_read_or_written_are_sentences(tmp_path):
    with pytest.raises(ParameterError) as error:
        presets.read(tmp_path / "gone.json", None)
    assert "cannot be read (No such file" in texts(error)
    with pytest.raises(StorageError, match="cannot be written"):
        presets.write(tmp_path / "no" / "folder" / "x.json", {}, None)
