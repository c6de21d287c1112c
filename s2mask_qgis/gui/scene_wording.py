"""The sentences of the search for scenes: sizes, shares of cloud, and what came of a download."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..jobs.scene_request import DownloadReport, FoundScene
from .wording import counted, tr

if TYPE_CHECKING:
    from ..catalogues.products import Offer

FAILURES_SHOWN = 2


def size_text(size_bytes: float | None) -> str:
    """A size: "812 MB", "1.4 GB", "0.5 MB"; "?" where nobody tells."""
    if size_bytes is None:
        return "?"
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:,.1f} GB"
    return f"{size_bytes / 1e6:.0f} MB" if size_bytes >= 1e6 or not size_bytes else f"{size_bytes / 1e6:.1f} MB"


def cloud_text(offer: Offer) -> str:
    """The producer's share of cloud: "24 %"."""
    return "?" if offer.cloudy_percent is None else f"{offer.cloudy_percent:.0f} %"


def state_text(scene: FoundScene) -> str:
    """Whether the folder has the scene."""
    return tr("in the folder") if scene.is_there else tr("missing")


def total_text(scenes: Sequence[FoundScene]) -> str:
    """The button's text: "Download 12 scenes (9.7 GB)"."""
    if not scenes:
        return tr("&Download")
    known = [scene.offer.size_bytes for scene in scenes if scene.offer.size_bytes is not None]
    size = f" ({size_text(sum(known))})" if len(known) == len(scenes) else ""
    return tr("&Download {}{}").format(counted(len(scenes), tr("scene"), tr("scenes")), size)


def looked_at_text(done: int, total: int) -> str:
    """How far a search is; the total is 0 where nobody knows it."""
    if total:
        return tr("Looking for scenes: {} of {}").format(done, total)
    return tr("Looking for scenes: {} so far").format(counted(done, tr("product"), tr("products")))


def folder_missing_text() -> str:
    """There is no place for scenes yet."""
    return tr("First choose the folder of the scenes in the dock: that is where they are stored.")


def report_text(report: DownloadReport) -> str:
    """What came of a download, with the first failures and what to do about the rest."""
    parts = [tr("{} downloaded").format(counted(len(report.downloaded), tr("scene"), tr("scenes")))]
    if report.skipped:
        parts.append(tr("{} there already").format(len(report.skipped)))
    if report.failed:
        parts.append(tr("{} failed").format(len(report.failed)))
    lines = [", ".join(parts) + "."]
    if report.problem:
        lines.append(report.problem)
    lines += [f"{name}: {reason}" for name, reason in report.failed[:FAILURES_SHOWN] if reason != report.problem]
    if len(report.failed) > FAILURES_SHOWN:
        lines.append(tr("… and {} more, see the message log.").format(len(report.failed) - FAILURES_SHOWN))
    return "\n".join(lines)
