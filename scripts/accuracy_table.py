"""Judge every cloud mask on every set of images at hand, print one table, and write docs/accuracy.md."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import accuracy_pictures  # noqa: E402
from accuracy import Accuracy  # noqa: E402
from accuracy_peers import median_reflectance  # noqa: E402
from accuracy_real import REAL, toulouse_points  # noqa: E402
from accuracy_runs import OWN, PEER, Judged, judge, methods, model_names  # noqa: E402
from accuracy_sets import AbsentError, DataSet, all_sets, simulated, surfaces  # noqa: E402
from s2mask_qgis.engines.local.library.library import SceneLibrary  # noqa: E402
from s2mask_qgis.simulation.cases import Case  # noqa: E402

FOLDER = ROOT / "build" / "accuracy"
DOCUMENT = ROOT / "docs" / "accuracy.md"
START, END = "<!-- figures: start -->", "<!-- figures: end -->"
NONE = "–"

SHORT = {"percentile": "pc", "persistence": "ps", "tree": "t"}
"""How the columns call the families of features."""

Figure = Callable[[Accuracy], "float | None"]

CLOUD_ROWS: tuple[tuple[str, Figure], ...] = (
    ("balanced accuracy %", lambda counts: counts.balanced_accuracy),
    ("recall of cloud %", lambda counts: counts.recall),
    ("false alarms %", lambda counts: counts.false_alarm_rate),
    ("F1 of cloud %", lambda counts: counts.f1),
    ("thin cirrus flagged %", lambda counts: counts.cirrus_share_flagged),
)
SHADOW_ROWS: tuple[tuple[str, Figure], ...] = (
    ("shadow precision %", lambda counts: counts.shadow_precision),
    ("shadow recall %", lambda counts: counts.shadow_recall),
    ("shadow F1 %", lambda counts: counts.shadow_f1),
)
COUNT_ROWS: tuple[tuple[str, Callable[[Accuracy], int]], ...] = (
    ("pixels of cloud", lambda counts: counts.cloud),
    ("pixels without", lambda counts: counts.cloudless),
    ("pixels of shadow", lambda counts: counts.shadow),
)
MAKERS: dict[str, Callable[[Path], DataSet]] = {"simulated": simulated, "surfaces": surfaces, **REAL}

DATED, BRIGHTNESS = "eolearn", ("B4", "B10")
DATED_TITLE = "Share called cloud on each date of eolearn-l1c, with the median reflectance of its pixels:"

Row = tuple[str, ...]


def rows_of(results: Sequence[Judged]) -> list[Row]:
    """The rows of a set: a row a figure, a column a method; figures that no method has are left out."""
    data = results[0].data
    head = (f"**{data.title}** ({data.kind})", *[""] * len(results))
    rows = [(name, *(percent(result.counts, figure) for result in results)) for name, figure in CLOUD_ROWS]
    if data.has_shadow:
        dark = [result.counts if result.tells_shadow else None for result in results]
        rows += [(name, *(percent(counts, figure) for counts in dark)) for name, figure in SHADOW_ROWS]
    rows += [
        (name, *(NONE if result.counts is None else f"{figure(result.counts)}" for result in results))
        for name, figure in COUNT_ROWS
        if data.has_shadow or figure is not COUNT_ROWS[-1][1]
    ]
    return [head, *(row for row in rows + surface_rows(results) if set(row[1:]) - {NONE, "0"})]


def surface_rows(results: Sequence[Judged]) -> list[Row]:
    """False alarms on each surface: of cloud, and of shadow where the ground is neither in shadow nor cloud."""
    codes = sorted({code for result in results for code in result.by_surface})
    rows = []
    for code in codes:
        counts = [result.by_surface.get(code) for result in results]
        dark = [one if result.tells_shadow else None for one, result in zip(counts, results)]
        name = Case(code).name.lower().replace("_", " ")
        most = max(one.cloudless for one in counts if one is not None)
        rows += [
            (f"{name} ({most} px): false alarms %", *(percent(one, CLOUD_ROWS[2][1]) for one in counts)),
            (f"{name}: called shadow %", *(percent(one, false_shadow_rate) for one in dark)),
        ]
    return rows


def false_shadow_rate(counts: Accuracy) -> float | None:
    """Share of the clear ground that a mask calls shadow, 0-1."""
    clear = counts.cloudless - counts.shadow
    return counts.shadow_on_clear / clear if clear else None


def percent(counts: Accuracy | None, figure: Figure) -> str:
    """A share as a percentage without its sign, or a dash."""
    share = None if counts is None else figure(counts)
    return NONE if share is None else f"{100 * share:.1f}"


def table(results: Sequence[Sequence[Judged]]) -> list[str]:
    """All sets below one head, as a table of Markdown that is readable as text."""
    head = ("", *map(short, methods()))
    rows = [row for one in results for row in rows_of(one)] + points_rows(len(head) - 1)
    return aligned([head, *rows])


def points_rows(columns: int) -> list[Row]:
    """The labelled points, at which only the product's own mask is known."""
    try:
        counts = toulouse_points()
    except AbsentError:
        return []
    place = methods().index(OWN)

    def row(name: str, cell: str) -> Row:
        return (name, *(cell if column == place else NONE for column in range(columns)))

    shares = [row(name, percent(counts, figure)) for name, figure in CLOUD_ROWS[:4]]
    numbers = [row(name.replace("pixels", "points"), str(figure(counts))) for name, figure in COUNT_ROWS[:2]]
    return [("**alcd-toulouse points** (truth)", *[""] * columns), *shares, *numbers]


def short(method: str) -> str:
    """The name of a method as a column has it."""
    for family, letters in SHORT.items():
        if method.startswith(family):
            return letters + method.removeprefix(family)
    return method


def aligned(rows: Sequence[Row]) -> list[str]:
    """Rows as lines of Markdown, the first the head; names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
        lines.append(f"| {' | '.join(cells)} |")
    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return [lines[0], rule, *lines[1:]]


def by_date(results: Sequence[Judged], library: SceneLibrary) -> list[str]:
    """What each model and each other mask calls cloud on each date of a set, beside what is known and how bright the
    image is in red and in the band of cirrus, which over clear ground is about 0.001."""
    chosen = [result for result in results if result.method in (*model_names(), OWN, PEER) and result.counts]
    dates = sorted({index for result in chosen for index in result.by_image})
    rows: list[Row] = [("date", "pixels", *BRIGHTNESS, "known cloud %", *(f"{result.method} %" for result in chosen))]
    for index in dates:
        shown = next(result for result in chosen if index in result.by_image)
        counts = shown.by_image[index]
        pixels = counts.cloud + counts.cloudless
        bright = median_reflectance(library.ingest(index), shown.masks[index], BRIGHTNESS)
        known = [str(pixels), *(f"{value:.3f}" for value in bright), f"{100 * counts.cloud / pixels:.1f}"]
        cells = [percent(result.by_image.get(index), flagged_share) for result in chosen]
        rows.append((f"{index[:4]}-{index[4:6]}-{index[6:8]}", *known, *cells))
    return aligned(rows)


def flagged_share(counts: Accuracy) -> float | None:
    """Share of the counted pixels that a mask calls cloud, 0-1; thin cirrus is left out."""
    whole = counts.cloud + counts.cloudless
    return (counts.hits + counts.false_alarms) / whole if whole else None


def notes(results: Sequence[Sequence[Judged]], absent: Sequence[str]) -> list[str]:
    """Whose word is taken for each set, and why a method has no figures there."""
    lines = []
    for one in results:
        data = one[0].data
        lines.append(f"- {data.title}: {data.kind}, {data.note}. Masks at {data.scale_m} m.")
        reasons: dict[str, list[str]] = {}
        for result in one:
            if result.counts is None:
                reasons.setdefault(result.reason.partition(". ")[0].rstrip("."), []).append(short(result.method))
        lines += [f"  - {', '.join(names)}: no figures: {reason}." for reason, names in reasons.items()]
    return [*lines, *(f"- {line}" for line in absent)]


def write(lines: Sequence[str]) -> None:
    """Put the figures between the markers of the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    DOCUMENT.write_text("\n".join([before + START, *lines, END]) + after, encoding="utf-8")


def main() -> int:
    """Judge, print, draw and write; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "sets", nargs="*", metavar="SET", help=f"of {', '.join(MAKERS)} (default: all, and the document)"
    )
    chosen = parser.parse_args().sets
    if unknown := set(chosen) - set(MAKERS):
        parser.error(f"there is no set {', '.join(sorted(unknown))}; there are {', '.join(MAKERS)}")
    began = time.monotonic()
    results: list[list[Judged]] = []
    absent: list[str] = []
    for data in all_sets(FOLDER, {name: MAKERS[name] for name in chosen or MAKERS}):
        if isinstance(data, str):
            absent.append(data)
            continue
        found = {result.method: result for result in judge(data, FOLDER / data.name / "runs")}
        results.append([found[method] for method in methods()])
        print(f"{data.title}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    lines = [*table(results), "", *notes(results, absent)]
    for one in results:
        if one[0].data.name == DATED:
            library = SceneLibrary(one[0].data.scenes, FOLDER / DATED / "runs" / "library")
            lines += ["", DATED_TITLE, "", *by_date(one, library)]
    print("\n".join(lines))
    accuracy_pictures.draw_all(results, FOLDER, None if chosen else ROOT / "docs" / "images")
    if not chosen:
        write(["", *lines, ""])
    print(f"\n{time.monotonic() - began:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
