"""Judge gap filling on clear observations that were held out, beside others, and write docs/accuracy-ndvi.md."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import ndvi_peers  # noqa: E402
from ndvi_holdouts import DATES, PIXELS, Split, fewer_pixels, splits_of  # noqa: E402
from ndvi_series import all_series  # noqa: E402
from s2mask_qgis.core.filling.curves import fit_curves  # noqa: E402
from s2mask_qgis.core.filling.parameters import FillParameters  # noqa: E402
from s2mask_qgis.core.filling.plan import make_plan  # noqa: E402
from s2mask_qgis.core.filling.quality import words  # noqa: E402

PIXELS_EACH, SEEDS = 40, 3
OURS = ("harmonic", "published", "whittaker")
KINDS = {PIXELS: "single values", DATES: "single dates"}
NAMES = {
    "harmonic": "harmonic (default)",
    "straight": "np.interp",
    "scipy": "scipy Savitzky-Golay",
    "eilers": "whittaker-eilers, cross-validated",
}
DOCUMENT = ROOT / "docs" / "accuracy-ndvi.md"
START, END = "<!-- figures: start -->", "<!-- figures: end -->"


@dataclass(frozen=True)
class Errors:
    """Of one method on one split: ``found`` less what was held out, known values only; for ours also quality codes
    and the errors in units of the stated uncertainty."""

    split: Split
    method: str
    errors: np.ndarray
    against_truth: np.ndarray
    quality: np.ndarray
    in_sigmas: np.ndarray


def judge(splits: list[Split]) -> list[Errors]:
    """Every method on every split; the Whittaker package runs beside the others."""
    running = ndvi_peers.start_whittaker(splits)
    results = []
    for split in splits:
        results += [of_ours(split, method) for method in OURS]
        results.append(of_peer(split, "straight", ndvi_peers.straight_lines(split)))
        results.append(of_peer(split, "scipy", ndvi_peers.savitzky_golay(split)))
    peers = ndvi_peers.whittaker_results(running)
    return results + [of_peer(split, "eilers", found) for split, found in zip(splits, peers, strict=True)]


def of_ours(split: Split, method: str) -> Errors:
    """One of our methods as a user gets it: plan from the pixels, robust refit on."""
    plan = make_plan(split.days, split.values, FillParameters(method=method))
    curves = fit_curves(split.days, split.values, split.targets, plan)
    known = np.isfinite(split.asked) & np.isfinite(curves.values)
    return _errors(split, method, curves.values, curves.quality[known], curves.standard_error)


def of_peer(split: Split, method: str, found: np.ndarray) -> Errors:
    """A peer's values."""
    known = np.isfinite(split.asked) & np.isfinite(found)
    return _errors(split, method, found, np.zeros(int(known.sum()), np.int16), np.ones_like(found))


def _errors(split: Split, method: str, found: np.ndarray, quality: np.ndarray, sigma: np.ndarray) -> Errors:
    known = np.isfinite(split.asked) & np.isfinite(found)
    errors = (found - split.asked)[known].astype(float)
    truth = np.zeros(0) if split.true is None else (found - split.true)[known]
    return Errors(split, method, errors, truth, quality, errors / sigma[known])


def rmse(results: Iterable[Errors]) -> float:
    """The root of the mean over splits of the mean squared error; NaN where nothing could be compared."""
    squares = [float(np.square(result.errors).mean()) for result in results if len(result.errors)]
    return float(np.sqrt(np.mean(squares))) if squares else float("nan")


def table(results: list[Errors]) -> list[str]:
    """RMSE by series, kind and method, bias and count."""
    kinds = sorted({result.split.kind_days for result in results})
    titles = [KINDS.get(kind, f"{kind} days") for kind in kinds]
    lines = [f"| series | method | {' | '.join(titles)} | all | bias | values |", "|---" * (len(kinds) + 5) + "|"]
    for name in dict.fromkeys(result.split.series.name for result in results):
        for method in dict.fromkeys(result.method for result in results):
            chosen = [result for result in results if result.split.series.name == name and result.method == method]
            by_kind = [rmse(result for result in chosen if result.split.kind_days == kind) for kind in kinds]
            every = np.concatenate([result.errors for result in chosen])
            figures = " | ".join("–" if np.isnan(value) else f"{value:.3f}" for value in [*by_kind, rmse(chosen)])
            bias = f"{every.mean():+.3f}" if len(every) else "–"
            lines.append(f"| {name} | {NAMES.get(method, method)} | {figures} | {bias} | {len(every)} |")
    return lines


def ratios(results: list[Errors]) -> list[str]:
    """The default's RMSE over those of straight lines and of the Whittaker package, and the splits in which it wins."""
    lines = [
        "| series | default / np.interp | its worst kind | default / whittaker-eilers | splits no worse than it "
        "| within 2 standard errors | against the truth |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(result.split.series.name for result in results):
        mine, straight, eilers = (
            [result for result in results if result.split.series.name == name and result.method == method]
            for method in ("harmonic", "straight", "eilers")
        )
        wins = sum(rmse([a]) <= rmse([b]) for a, b in zip(mine, eilers, strict=True))
        truth = _truth_ratio(mine, straight)
        lines.append(
            f"| {name} | {rmse(mine) / rmse(straight):.2f} | {_worst(mine, straight)} "
            f"| {rmse(mine) / rmse(eilers):.2f} | {wins} of {len(mine)} | {_within(mine):.0%} | {truth} |"
        )
    return lines


def _worst(mine: list[Errors], straight: list[Errors]) -> str:
    """The kind in which the default does worst beside straight lines."""
    kinds = sorted({result.split.kind_days for result in mine})
    of_kind = [
        rmse(a for a in mine if a.split.kind_days == kind) / rmse(b for b in straight if b.split.kind_days == kind)
        for kind in kinds
    ]
    worst = int(np.argmax(of_kind))
    return f"{of_kind[worst]:.2f} ({KINDS.get(kinds[worst], f'{kinds[worst]} days')})"


def _within(mine: list[Errors]) -> float:
    """The share of errors within two standard errors, each split counting alike."""
    return float(np.mean([(np.abs(result.in_sigmas) < 2).mean() for result in mine if len(result.in_sigmas)]))


def _truth_ratio(mine: list[Errors], straight: list[Errors]) -> str:
    squares = [
        np.mean([np.square(result.against_truth).mean() for result in chosen if len(result.against_truth)] or [np.nan])
        for chosen in (mine, straight)
    ]
    return "–" if np.isnan(squares[0]) else f"{np.sqrt(squares[0] / squares[1]):.2f} of np.interp"


def classes(results: list[Errors]) -> list[str]:
    """The default and the published method by quality class: RMSE, bias, and how often the uncertainty holds."""
    lines = [
        "| method | quality | RMSE | bias | within 2 standard errors | values |",
        "|---|---|---|---|---|---|",
    ]
    for method in ("harmonic", "published"):
        chosen = [result for result in results if result.method == method]
        quality, errors, sigmas = (
            np.concatenate([getattr(result, name) for result in chosen]) for name in ("quality", "errors", "in_sigmas")
        )
        for code in np.unique(quality):
            of_class = quality == code
            lines.append(
                f"| {method} | {code}: {words(int(code))} | {np.sqrt(np.square(errors[of_class]).mean()):.3f} "
                f"| {errors[of_class].mean():+.3f} | {(np.abs(sigmas[of_class]) < 2).mean():.0%} | {of_class.sum()} |"
            )
    return lines


def write(lines: list[str]) -> None:
    """Put the figures between the markers of the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    DOCUMENT.write_text("\n".join([before + START, *lines, END]) + after, encoding="utf-8")


def main() -> None:
    """Judge, print and write."""
    series = [fewer_pixels(one, PIXELS_EACH) for one in all_series()]
    splits = [split for one in series for split in splits_of(one, SEEDS)]
    results = judge(splits)
    lines = ["", *ratios(results), "", *table(results), "", *classes(results), ""]
    print("\n".join(lines))
    write(lines)


if __name__ == "__main__":
    main()
