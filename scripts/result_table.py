"""The table that `make run` prints: one line an image, one line for all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from accuracy import Accuracy, total

HEAD = ("image", "date", "cloud", "NDVI", "seconds")
ACCURACY_HEAD = ("bal. accuracy", "recall", "false alarms", "cirrus flagged", "shadow F1")


def percent(share: float | None) -> str:
    """A share 0-1 as a percentage; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.1f} %"


def table(images: Sequence[dict[str, Any]], accuracies: dict[str, Accuracy]) -> str:
    """The table of the images of an outcome; with columns of accuracy where there is a truth for any of them."""
    head = HEAD + (ACCURACY_HEAD if accuracies else ())
    rows = [head]
    for image in images:
        row = _facts(image)
        rows.append(row + _accuracy_cells(accuracies.get(image["index"])) if accuracies else row)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(lines)


def summary(outcome: dict[str, Any], accuracies: dict[str, Accuracy], seconds: float) -> str:
    """What came of the run in two lines at most."""
    images = outcome["images"]
    made = [image for image in images if image["state"] != "failed"]
    failed = len(images) - len(made)
    text = f"{len(made)} of {len(images)} images masked in {seconds:.0f} s ({outcome['state']})"
    lines = [f"{text}; {failed} failed." if failed else f"{text}."]
    if accuracies:
        lines.append(f"Against the simulated truth, all pixels together: {_in_words(total(accuracies.values()))}.")
    return "\n".join(lines)


def _facts(image: dict[str, Any]) -> tuple[str, ...]:
    moment = datetime.fromtimestamp(image["time_start_ms"] / 1000, timezone.utc)
    cloud = image["reason"] if image["state"] == "failed" else percent(image["cloud_share"])
    return (image["index"], f"{moment:%Y-%m-%d}", cloud, percent(image["ndvi_share"]), f"{image['seconds']:.1f}")


def _in_words(accuracy: Accuracy) -> str:
    names = ("balanced accuracy", "recall", "false alarms", "thin cirrus flagged", "shadow F1")
    return ", ".join(f"{name} {cell}" for name, cell in zip(names, _accuracy_cells(accuracy), strict=True))


def _accuracy_cells(accuracy: Accuracy | None) -> tuple[str, ...]:
    if accuracy is None:
        return ("–",) * len(ACCURACY_HEAD)
    shares = (
        accuracy.balanced_accuracy,
        accuracy.recall,
        accuracy.false_alarm_rate,
        accuracy.cirrus_share_flagged,
        accuracy.shadow_f1,
    )
    return tuple(percent(share) for share in shares)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Text to the left, numbers to the right."""
    return [
        cell.ljust(width) if column < 2 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
