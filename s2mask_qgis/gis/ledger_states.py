"""What users call the states of a run's images."""

from __future__ import annotations

from qgis.PyQt.QtCore import QCoreApplication

from ..jobs.ledger.rows import RowState


def state_titles() -> dict[RowState, str]:
    """The words for all states, in the order in which an image goes through them."""
    return {
        RowState.WAITING: _tr("waiting"),
        RowState.SENDING: _tr("being sent"),
        RowState.QUEUED: _tr("queued"),
        RowState.RUNNING: _tr("running"),
        RowState.DONE: _tr("done"),
        RowState.FAILED: _tr("failed"),
        RowState.CANCELLED: _tr("cancelled"),
        RowState.OUT_OF_AREA: _tr("out of area"),
    }


def _tr(text: str) -> str:
    return QCoreApplication.translate("LedgerStates", text)
