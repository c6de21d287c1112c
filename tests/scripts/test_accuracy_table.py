"""The table of accuracies: every figure stands in its row and column, and what is unknown is said to be."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import accuracy_runs
import accuracy_table
from accuracy import CLEAR, CLOUD, OUTSIDE, SHADOW, Accuracy
from accuracy_pictures import BLACK, GREEN, ORANGE, RED, differences, mask_colours
from accuracy_runs import Judged, judged
from accuracy_sets import PROXY, TRUTH, DataSet
from s2mask_qgis.core.area import Area
from s2mask_qgis.core.grid import Grid
from s2mask_qgis.engines.local.library.ingest import BandFile, IngestedScene
from s2mask_qgis.simulation.cases import Case
from scene_stacks import Place, write_bands

PLACE = Place(32633, 600_000.0, 5_300_040.0)
GRID = Grid("EPSG:32633", (10.0, 0.0, PLACE.x_m, 0.0, -10.0, PLACE.y_m), (6, 9))
INDEX = "20230601T100000_20230601T100000_T33UXP"


@pytest.fixture
def data(tmp_path) -> DataSet:
    """One image of 2 x 3 pixels at 30 m: cloud, clear, shadow over clear, unknown, clear; two of them on sand."""
    truth = np.array([[CLOUD, CLEAR, SHADOW], [CLEAR, OUTSIDE, CLEAR]], np.uint8)
    surface = np.full((2, 3), Case.ORDINARY, np.uint8)
    surface[1, [0, 2]] = Case.SAND
    for name, classes in (("truth", truth), ("surface", surface)):
        write_bands(tmp_path / name / f"{INDEX}.tif", np.kron(classes, np.ones((3, 3), np.uint8))[None], PLACE, OUTSIDE)
    return DataSet(
        name="small",
        title="small set",
        scenes=tmp_path,
        area=Area(()),
        truth=tmp_path / "truth",
        kind=TRUTH,
        note="made by hand",
        has_shadow=True,
        surfaces=tmp_path / "surface",
    )


def write_masks(folder: Path, *masks: list[list[int]]) -> dict[str, Path]:
    path = folder / "masks" / f"{INDEX}.tif"
    write_bands(path, np.array(masks, np.uint8), Place(PLACE.epsg, PLACE.x_m, PLACE.y_m, 30.0), OUTSIDE)
    return {INDEX: path}


def test_bands_of_a_file_are_judged_as_methods_of_their_own(data, tmp_path):
    masks = write_masks(tmp_path, [[1, 0, 2], [1, 1, 2]], [[0, 1, 255], [0, 0, 0]])
    first, second = judged(data, ["one", "two"], masks, "")
    assert first.counts == Accuracy(
        hits=1, false_alarms=1, correct_clears=3, shadow_hits=1, shadow_false_alarms=1, shadow_on_clear=1
    )
    assert (second.counts.misses, second.counts.false_alarms, second.counts.cloudless) == (1, 1, 3)
    assert first.by_surface[Case.SAND] == Accuracy(
        false_alarms=1, correct_clears=1, shadow_false_alarms=1, shadow_on_clear=1
    )
    assert set(first.by_surface) == {Case.ORDINARY, Case.SAND}
    assert first.by_image == {INDEX: first.counts}


def test_a_method_without_masks_says_why(data):
    (result,) = judged(data, ["published"], {}, "it needs B10")
    assert result.counts is None
    assert result.reason == "it needs B10"


def test_rows_hold_figures_counts_and_surfaces(data, tmp_path, monkeypatch):
    monkeypatch.setattr(accuracy_runs, "model_names", lambda: ["one"])
    masks = write_masks(tmp_path, [[1, 0, 2], [1, 1, 2]])
    results = [*judged(data, ["one"], masks, ""), Judged(data, "two", None, "absent")]
    rows = {row[0]: row[1:] for row in accuracy_table.rows_of(results)}
    assert rows["**small set** (truth)"] == ("", "")
    assert rows["balanced accuracy %"] == ("87.5", "–")
    assert rows["false alarms %"] == ("25.0", "–")
    assert rows["shadow F1 %"] == ("66.7", "–")
    assert rows["pixels of cloud"] == ("1", "–")
    assert rows["pixels without"] == ("4", "–")
    assert rows["sand (2 px): false alarms %"] == ("50.0", "–")
    assert rows["sand: called shadow %"] == ("50.0", "–")
    assert "thin cirrus flagged %" not in rows


def test_columns_have_short_names_and_rows_one_width():
    assert [accuracy_table.short(name) for name in ("percentile5", "tree1", "published")] == ["pc5", "t1", "published"]
    lines = accuracy_table.aligned([("", "a"), ("long name", "1.0"), ("b", "100.0")])
    assert len({len(line) for line in lines}) == 1
    assert lines[1].replace("-", "") == "||:|"


def test_dates_show_what_each_mask_calls_cloud_and_how_bright_they_are(data, tmp_path, monkeypatch):
    monkeypatch.setattr(accuracy_table, "model_names", lambda: ["published"])
    pixels = np.full((2, 6, 9), 1200, np.uint16)
    pixels[1] = 110
    bands = {"B4": 0, "B10": 1}
    files = {name: BandFile(name, tmp_path / "scene.tif", place + 1, GRID, ()) for name, place in bands.items()}
    write_bands(tmp_path / "scene.tif", pixels, PLACE, 65535)
    library = SimpleNamespace(ingest=lambda index: IngestedScene(index, files))
    masks = write_masks(tmp_path, [[1, 0, 0], [0, 0, 255]])
    counts = Accuracy(hits=3, misses=1, false_alarms=1, correct_clears=5)
    lines = accuracy_table.by_date([Judged(data, "published", counts, by_image={INDEX: counts}, masks=masks)], library)
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells == ["2023-06-01", "10", "0.120", "0.011", "40.0", "40.0"]


def test_notes_tell_truth_from_proxy_and_why_figures_are_missing(data, tmp_path):
    proxy = DataSet("p", "taken set", tmp_path, Area(()), tmp_path, PROXY, "from another classification")
    results = [[Judged(data, "one", Accuracy())], [Judged(proxy, "percentile1", None, "it needs B10. Choose another.")]]
    lines = accuracy_table.notes(results, ["eolearn: left out."])
    assert lines == [
        "- small set: truth, made by hand. Masks at 30 m.",
        "- taken set: proxy, from another classification. Masks at 30 m.",
        "  - pc1: no figures: it needs B10.",
        "- eolearn: left out.",
    ]


def test_only_what_stands_between_the_markers_is_written_anew(tmp_path, monkeypatch):
    document = tmp_path / "accuracy.md"
    document.write_text(f"before\n{accuracy_table.START}\nold\n{accuracy_table.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(accuracy_table, "DOCUMENT", document)
    accuracy_table.write(["new"])
    text = document.read_text(encoding="utf-8")
    assert text == f"before\n{accuracy_table.START}\nnew\n{accuracy_table.END}\nafter\n"


def test_pictures_show_where_a_mask_is_wrong(data, tmp_path):
    (result,) = judged(data, ["one"], write_masks(tmp_path, [[0, 1, 0], [0, 1, 255]]), "")
    colours = differences(result, "20230601")
    assert [[tuple(pixel) for pixel in row] for row in colours] == [[RED, ORANGE, GREEN], [GREEN, BLACK, BLACK]]
    assert tuple(mask_colours(result, "20230601")[1, 2]) == BLACK
