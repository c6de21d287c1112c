"""The texts of the window that moves collections."""

from __future__ import annotations

from ..jobs.moving_request import MoveProgress, MoveReport
from .wording import counted, images_text, tr


def counts_text(report: MoveReport) -> str:
    """ "5 images exported, 5 verified on this computer, 0 deleted from Earth Engine"; empty where there are none."""
    if not report.exported and not report.here:
        return ""
    text = tr("{} exported, {:,} verified on this computer, {:,} deleted from Earth Engine")
    return text.format(images_text(report.exported), report.here, report.deleted)


def delete_button_text(count: int) -> str:
    """What the button says that deletes."""
    if not count:
        return tr("Delete assets…")
    return tr("Delete {}…").format(counted(count, tr("asset"), tr("assets")))


def confirm_text(count: int) -> str:
    """The question before a deletion."""
    return tr(
        "Delete {} from Earth Engine? Their files on this computer were verified and are compared once more before "
        "each is deleted. This cannot be undone; images can be brought back from their files."
    ).format(counted(count, tr("asset"), tr("assets")))


def progress_text(progress: MoveProgress) -> str:
    """ "Exporting to Google Drive: 3 of 10, 2 active, 1 failed. …"."""
    text = tr(progress.stage.value)
    if progress.total:
        text += tr(": {:,} of {:,}").format(progress.done, progress.total)
    if progress.active:
        text += tr(", {:,} active").format(progress.active)
    if progress.failed:
        text += tr(", {:,} failed").format(progress.failed)
    return f"{text}. {progress.hint}" if progress.hint else text


def failure_text(name: str, reason: str) -> str:
    """Why an image failed, after its name, which many reasons begin with themselves."""
    return reason if reason.startswith(name) else f"{name}: {reason}"
