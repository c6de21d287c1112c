"""Rebuild the published model from the leaves of its tree, compare it, rank subsets, and write docs/models.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import model_document as document  # noqa: E402
import model_published as published  # noqa: E402
from model_leaves import TESTED, Leaves, LeavesError, cell_weights, partition_problem, read_leaves  # noqa: E402
from model_ranking import SIZES, decisions, rankings  # noqa: E402
from s2mask_qgis.core.evaluation.evaluation import SCORES, evaluate  # noqa: E402
from s2mask_qgis.core.evaluation.prediction import model_probabilities  # noqa: E402
from s2mask_qgis.core.fields import ParameterError  # noqa: E402
from s2mask_qgis.core.models.files import SHIPPED, read, text_of  # noqa: E402
from s2mask_qgis.core.models.model import Model, ModelError, Table  # noqa: E402
from s2mask_qgis.core.training.random_forest import fit_forest, forest_table  # noqa: E402
from s2mask_qgis.core.training.samples import CLEAR, CLOUD, LabelledSamples, make_samples  # noqa: E402
from s2mask_qgis.core.training.tables import cell_bits, fit_table, smoothed  # noqa: E402
from s2mask_qgis.engines.errors import StorageError  # noqa: E402
from s2mask_qgis.jobs.evaluation_report import ReportTexts, write_report  # noqa: E402

FAILED = 1
LEAVES = ROOT.parent / "shared" / "data" / "hollstein-feature-table" / "leaves.csv"
DOCUMENT = ROOT / "docs" / "models.md"
REPORT = ROOT / "build" / "model" / "published.html"
START, END = "<!-- figures: start -->", "<!-- figures: end -->"
FOREST_ROWS, FOREST_TREES = 20_000, 500
FITTED_ON = (
    "The published project's training tree: 196,964 bootstrap-weighted pixels of the database of Hollstein et al. "
    "(2016), https://doi.org/10.3390/rs8080666"
)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leaves", type=Path, default=LEAVES, help="CSV of the tree's leaves")
    parser.add_argument("--model", type=Path, default=SHIPPED / "published.json", help="file of the model to write")
    parser.add_argument("--single", type=Path, default=SHIPPED / "single-image.json", help="file of the trees' model")
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="document with markers for the figures")
    parser.add_argument("--report", type=Path, default=REPORT, help="web page with the evaluation to write")
    return parser.parse_args(arguments)


def rebuilt(leaves: Leaves) -> Model:
    """The published model."""
    return _fitted(leaves, "published", "Published forest (percentile 1 and 5, trees 2 and 3)", published.FEATURES)


def of_single_image(leaves: Leaves) -> Model:
    """A model for images that have no others to be compared with: two trees, at the published cutoff."""
    return _fitted(
        leaves, "single-image", "Decision trees 2 and 3, for images without others to compare with", published.TREES
    )


def _fitted(leaves: Leaves, name: str, title: str, features: tuple[str, ...]) -> Model:
    """The cells of the leaves that test all features, without smoothing."""
    weights = cell_weights(leaves, features, TESTED)
    probability = smoothed(weights, laplace=0.0)
    counts = decisions(weights, probability, published.CUTOFF)
    return Model(
        name=name,
        title=title,
        decision=Table(features, tuple(probability.tolist())),
        cutoff=published.CUTOFF,
        provenance={"fitted_on": FITTED_ON, "judged_on": "the same pixels (in sample)", "made_by": "make model"},
        scores={score: round(getattr(counts, score), 4) for score in SCORES},
    )


def compared(model: Model, path: Path) -> str:
    """A sentence on how the model in a file differs from ``model``."""
    if not path.is_file():
        return f"{path.name} does not exist yet."
    try:
        before = read(path)
    except ModelError as error:
        return str(error)
    if before.digest == model.digest:
        return f"{path.name} held the same model: all probabilities and the cutoff are equal."
    if before.features != model.features or not isinstance(before.decision, Table):
        return f"{path.name} held another kind of model."
    gaps = np.abs(np.subtract(before.to_json()["table"], model.to_json()["table"]))
    changed = f"{(gaps > 0).sum()} cells differ, by up to {gaps.max():.2g}"
    return f"{path.name} held another table: {changed}; its cutoff is {before.cutoff}."


def as_samples(weights: np.ndarray, names: tuple[str, ...]) -> LabelledSamples:
    """Cell weights (cells, 2) as labelled pixels: one row a cell and class that has weight."""
    cell, kind = np.nonzero(weights)
    classes = np.where(kind == 1, CLOUD, CLEAR)
    images = np.full(len(cell), "published training tree")
    return make_samples(names, cell_bits(len(names))[cell], classes, images, weights[cell, kind])


def forest_difference(samples: LabelledSamples) -> float | None:
    """How far a forest is from the table, on pixels drawn from the samples by weight; None without scikit-learn."""
    chosen = np.random.default_rng(0).choice(len(samples), FOREST_ROWS, p=samples.weights / samples.weights.sum())
    drawn = make_samples(samples.names, *(part[chosen] for part in (samples.features, samples.classes, samples.images)))
    try:
        forest = fit_forest(drawn, drawn.names, FOREST_TREES)
    except ParameterError:
        return None
    gaps = np.abs(forest_table(forest, drawn) - fit_table(drawn, drawn.names, laplace=0.0))
    counts = np.bincount(drawn.features.astype(int) @ (1 << np.arange(len(drawn.names))[::-1]), minlength=len(gaps))
    return float(gaps[counts >= FOREST_ROWS / 1000].max())


def report(model: Model, samples: LabelledSamples, path: Path) -> None:
    """Write the web page of the model on the pixels that it was fitted on."""
    evaluation = evaluate(samples, model_probabilities(model, samples), model.cutoff)
    texts = ReportTexts(
        f"Evaluation of “{model.name}”",
        "The published table on the pixels of the tree that it was made from: figures in sample, not a test.",
        ("Each label stands for one cell and class, weighted by its bootstrap-weighted pixels.",),
        {"title": model.title, "features": model.features, **model.provenance},
    )
    write_report(path, evaluation, texts)


def figure_lines(leaves: Leaves, samples: LabelledSamples) -> list[str]:
    """All figures of the document."""
    ranked = rankings(leaves, published.CUTOFF)
    lines = ["", "### Cells", "", *document.cell_lines(leaves), "", "### Features alone: accuracy", ""]
    lines += [
        *document.feature_lines(leaves),
        "",
        "### The published four and all 13",
        "",
        *document.model_lines(leaves),
    ]
    difference = forest_difference(samples)
    lines += ["", document.forest_line(difference, FOREST_ROWS, FOREST_TREES), ""]
    for size in SIZES:
        lines += [f"### Subsets of {size}", "", *document.ranking_lines(ranked, size), ""]
    return lines


def write_document(lines: list[str], path: Path) -> None:
    """Put the figures between the markers of the document."""
    before, rest = path.read_text(encoding="utf-8").split(START)
    path.write_text("\n".join([before + START, *lines, END]) + rest.split(END)[1], encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Rebuild, compare, rank, print and write."""
    options = parse_arguments(arguments)
    try:
        leaves = read_leaves(options.leaves, tuple(published.ACCURACY))
        problem = partition_problem(leaves)
        if problem:
            raise LeavesError(f"{options.leaves} is not the leaves of a tree: {problem}")
        model = rebuilt(leaves)
        samples = as_samples(cell_weights(leaves, published.FEATURES, TESTED), published.FEATURES)
        lines = figure_lines(leaves, samples)
        print("\n".join(lines))
        print(compared(model, options.model))
        report(model, samples, options.report)
        options.model.write_text(text_of(model), encoding="utf-8")
        options.single.write_text(text_of(of_single_image(leaves)), encoding="utf-8")
        write_document(lines, options.document)
    except (LeavesError, StorageError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED
    print(f"Written: {options.model}, {options.single}, {options.document}, {options.report}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
