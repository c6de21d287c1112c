"""Models as files: written whole, read with every check, found by name."""

from __future__ import annotations

import json

import pytest

from s2mask_qgis.core.models import files
from s2mask_qgis.core.models.files import available, find, read, text_of, write
from s2mask_qgis.core.models.model import Model, ModelError, Table
from tests.reference.masking import CELLS

MINE = Model("mine", "Mine", Table(("tree1",), (0.1, 0.9)), 0.5, {"labels": 30}, {"recall": 0.8})


def test_the_published_table_is_that_of_the_published_weights():
    published = find("published")
    assert published.features == ("percentile1", "percentile5", "tree2", "tree3")
    expected = [cloud / (clear + cloud) for _, (clear, cloud) in sorted(CELLS.items())]
    assert published.decision.probabilities == pytest.approx(expected, abs=1e-15)
    assert published.cutoff == 0.29


def test_every_shipped_model_can_be_read():
    found = available()
    assert found.problems == ()
    assert "published" in [model.name for model in found.models]


def test_a_file_gives_the_model_back(tmp_path):
    path = write(MINE, tmp_path / "models")
    assert (path.name, read(path)) == ("mine.json", MINE)
    assert find("mine", tmp_path / "models") == MINE
    assert [model.name for model in available(tmp_path / "models").models][-1] == "mine"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("0.9", "0.8"), "was changed after it was written"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "is of format 2, this version reads 1"),
        (lambda text: text[:-20], "no valid JSON"),
        (lambda text: "[]", "does not say its format"),
        (lambda text: '{"format": 1}', "was changed"),
    ],
)
def test_damaged_and_foreign_files_are_refused_by_name(tmp_path, change, words):
    path = write(MINE, tmp_path)
    path.write_text(change(path.read_text()))
    with pytest.raises(ModelError, match=words) as caught:
        read(path)
    assert str(path) in str(caught.value)
    listed = available(tmp_path)
    assert [model.name for model in listed.models] == [model.name for model in available().models]
    assert len(listed.problems) == 1


def test_a_model_that_fits_its_checksum_but_is_none_is_refused(tmp_path):
    path = write(MINE, tmp_path)
    body = MINE.to_json() | {"table": [0.1]}
    path.write_text(json.dumps({"format": 1, **body, "checksum": files.checksum(body)}))
    with pytest.raises(ModelError, match="has 1 cells; 1 features need 2"):
        read(path)


def test_a_renamed_file_is_refused(tmp_path):
    write(MINE, tmp_path).rename(tmp_path / "yours.json")
    with pytest.raises(ModelError, match="calls itself “mine”"):
        find("yours", tmp_path)


def test_shipped_names_are_taken(tmp_path):
    with pytest.raises(ModelError, match="ships with the plugin"):
        write(Model("published", "Mine", MINE.decision, 0.5), tmp_path)
    (tmp_path / "published.json").write_text("not ours")
    assert find("published", tmp_path) == find("published")
    assert available(tmp_path).problems == ()


def test_an_unknown_name_is_told_those_that_there_are(tmp_path):
    write(MINE, tmp_path)
    with pytest.raises(ModelError, match=r"no model called “yours”; there are .*published.*, mine"):
        find("yours", tmp_path)


@pytest.mark.parametrize("name", ["../shipped/published", "", ".", "a/b", "a\0b", "Published"])
def test_names_with_paths_find_and_replace_nothing(tmp_path, name):
    assert not files.is_shipped(name)
    with pytest.raises(ModelError, match="no model called"):
        find(name, tmp_path)


def test_a_models_folder_that_is_none_leaves_the_shipped_models(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "gone"):
        assert available(folder) == available()
        assert find("published", folder) == find("published")
        with pytest.raises(ModelError, match="no model called “mine”"):
            find("mine", folder)


def test_a_folder_in_the_place_of_a_model_is_told_and_the_others_are_there(tmp_path):
    write(MINE, tmp_path)
    (tmp_path / "other.json").mkdir()
    found = available(tmp_path)
    assert found.models[-1] == MINE
    assert "other.json cannot be read (Is a directory); choose another." in found.problems[0]


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be written to"):
        write(MINE, tmp_path / "file")


def test_nothing_half_written_is_left(tmp_path):
    write(MINE, tmp_path)
    (tmp_path / "other.json").mkdir()
    with pytest.raises(ModelError, match="cannot be written to"):
        write(Model("other", "Mine", MINE.decision, 0.5), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.json", "other.json"]
    assert json.loads(text_of(MINE))["checksum"]
