"""The page of an evaluation: complete in itself, escaped, whole or not at all, and of use without matplotlib."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from s2mask_qgis.core.evaluation.evaluation import evaluate
from s2mask_qgis.core.training.samples import make_samples
from s2mask_qgis.engines.errors import StorageError
from s2mask_qgis.jobs.evaluation_report import ReportTexts, report_page, write_report

pytestmark = pytest.mark.filterwarnings("error:::s2mask_qgis")

TEXTS = ReportTexts(
    "Evaluation of <b>“mine”</b>",
    "120 labels & more",
    ("A <note>.",),
    {"fitted on": "a < b", "features": ["tree1", "tree2"], "settings": {"seed": 1, "none": []}},
)
VOID = {"meta", "br", "link", "img", "path", "use"}


class Page(HTMLParser):
    """Collects what a page holds, and whether its elements are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(self.texts)


def evaluation(one_class=False, rows=120):
    rng = np.random.default_rng(0)
    probability = rng.random(rows)
    cloud = np.zeros(rows, bool) if one_class else rng.random(rows) < probability
    images = [f"20230{1 + row % 3}01T101021_T33TVM" for row in range(rows)]
    land_cover = [("crop <i>", "water")[row % 2] for row in range(rows)]
    kinds = np.where(cloud, "cloud", np.where(np.arange(rows) % 7, "clear", "shadow"))
    samples = make_samples(("tree1",), np.zeros((rows, 1)), kinds, images, land_cover=land_cover)
    return evaluate(samples, np.where(np.arange(rows) < 5, np.nan, probability), 0.4)


def test_a_page_is_well_formed_and_needs_nothing_else():
    text = report_page(evaluation(), TEXTS)
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "b", "i", "note"} & set(page.tags)
    assert "http" not in text
    assert not [value for name, value in page.attributes if name in ("src", "href") or name.startswith("on")]
    assert not [value for name, value in page.attributes if name == "xlink:href" and not value.startswith("#")]


def test_texts_are_escaped_and_all_there():
    text = Page(report_page(evaluation(), TEXTS)).text
    for told in ("Evaluation of <b>“mine”</b>", "120 labels & more", "A <note>.", "a < b", "tree1, tree2", "crop <i>"):
        assert told in text
    assert "115 labels of 3 images were judged." in text
    assert "5 labels were left out" in text


def test_the_figures_of_the_evaluation_are_in_the_tables():
    found = evaluation()
    text = Page(report_page(found, TEXTS)).text
    for weight in (weight for row in found.counts.matrix for weight in row):
        assert f"{weight:.0f}" in text
    for share in (found.counts.balanced_accuracy, found.counts.f1, found.by_image[1].counts.accuracy):
        assert f"{100 * share:.1f} %" in text
    assert f"{found.curves.roc_area:.4f}" in text
    assert all(part.name in text for part in (*found.by_image, *found.by_land_cover, *found.by_class))


def test_curves_are_drawn_in_the_colours_of_the_page_with_ids_of_their_own():
    pytest.importorskip("matplotlib")
    text = report_page(evaluation(), TEXTS)
    page = Page(text)
    assert page.tags.count("svg") == page.tags.count("figcaption") == 3
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    referred = set(re.findall(r'(?:xlink:href="|url\()#([\w-]+)', text))
    assert referred <= set(ids)
    assert "currentColor" in text
    assert "var(--mark)" in text
    assert "#0a0b" not in text


def test_the_same_evaluation_gives_the_same_page():
    assert report_page(evaluation(), TEXTS) == report_page(evaluation(), TEXTS)


def test_long_curves_make_no_large_page():
    assert len(report_page(evaluation(rows=20_000), TEXTS)) < 300_000


def test_without_matplotlib_the_page_has_tables_and_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    page = Page(report_page(evaluation(), TEXTS))
    assert "svg" not in page.tags
    assert "matplotlib is missing" in page.text
    assert "Balanced accuracy" in page.text


def test_one_class_has_no_curves_and_dashes_for_what_is_undefined():
    page = Page(report_page(evaluation(one_class=True), TEXTS))
    assert "svg" not in page.tags
    assert "labels are all of one class" in page.text
    assert "–" in page.text
    assert "nan" not in page.text.lower()


def test_a_report_is_written_over_the_one_before(tmp_path):
    path = tmp_path / "new folder" / "report.html"
    write_report(path, evaluation(), TEXTS)
    write_report(path, evaluation(one_class=True), TEXTS)
    assert path.read_text(encoding="utf-8") == report_page(evaluation(one_class=True), TEXTS)
    assert [found.name for found in path.parent.iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(StorageError, match=r"report\.html cannot be written"):
        write_report(tmp_path / "report.html", evaluation(), TEXTS)
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_is_a_file_is_refused_by_name(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"report\.html cannot be written"):
        write_report(tmp_path / "file" / "report.html", evaluation(), TEXTS)
