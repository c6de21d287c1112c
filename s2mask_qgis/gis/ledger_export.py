"""The table of a ledger as a file for spreadsheets: CSV or XLSX, a row an image."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsField,
    QgsFields,
    QgsVectorFileWriter,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QCoreApplication, QDateTime, Qt, QVariant

from ..engines.errors import StorageError
from ..jobs.ledger.ledger import Ledger
from ..jobs.ledger.rows import ImageRow
from .ledger_states import state_titles

MOST_XLSX_ROWS = 1_048_576
"""Rows of a sheet, its head included."""

_FORMATS = {".csv": ("CSV", ["WRITE_BOM=YES"]), ".xlsx": ("XLSX", [])}
"""Without a byte order mark spreadsheets take UTF-8 for something else."""


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("LedgerExport", text)


def export_table(path: Path, target: Path) -> None:
    """Write the images of the ledger ``path`` to ``target`` (.csv or .xlsx), which is replaced when all is written.

    Shares are in percent, times UTC. Raises LedgerError or StorageError, on any thread.
    """
    if target.suffix.lower() not in _FORMATS:
        raise StorageError(tr("{} cannot be written: the name must end with .csv or .xlsx.").format(target.name))
    draft = target.with_name(f"{target.stem}.part{target.suffix}")
    try:
        with closing(Ledger.open(path, read_only=True)) as ledger:
            problem = _write(ledger, draft)
        if problem:
            raise _failure(target, problem)
        draft.replace(target)
    except OSError as error:
        raise _failure(target, error.strerror or str(error)) from error
    finally:
        draft.unlink(missing_ok=True)


def _write(ledger: Ledger, target: Path) -> str:
    """What went wrong, "" where all is written; the file is closed in any case."""
    is_sheet = target.suffix.lower() == ".xlsx"
    if is_sheet and sum(ledger.counts().values()) >= MOST_XLSX_ROWS:
        return tr("a sheet has {} rows at most, CSV any number").format(MOST_XLSX_ROWS)
    if not target.parent.is_dir():
        return tr("there is no such folder")
    fields = _fields(is_sheet)
    writer = _writer(target, fields)
    try:
        rows = ledger.images() if not _problem(writer) else iter(())
        is_written = all(writer.addFeature(_feature(row, fields, is_sheet)) for row in rows)
        is_written = writer.flushBuffer() and is_written
        return _problem(writer) or ("" if is_written else tr("not all of it could be written"))
    finally:
        del writer  # the end of it closes the file


def _writer(target: Path, fields: QgsFields) -> QgsVectorFileWriter:
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerOptions = _FORMATS[target.suffix.lower()]
    options.layerName = tr("Images")
    options.fileEncoding = "UTF-8"
    none = QgsCoordinateReferenceSystem()
    context = QgsCoordinateTransformContext()
    return QgsVectorFileWriter.create(str(target), fields, QgsWkbTypes.Type.NoGeometry, none, context, options)


def _problem(writer: QgsVectorFileWriter) -> str:
    if writer.hasError() == QgsVectorFileWriter.WriterError.NoError:
        return ""
    return writer.errorMessage() or tr("the disk may be full")


def _failure(target: Path, why: str) -> StorageError:
    text = tr("{} could not be written ({}). Close programs that have it open, or choose another folder.")
    return StorageError(text.format(target, why))


def _feature(row: ImageRow, fields: QgsFields, is_sheet: bool) -> QgsFeature:
    feature = QgsFeature(fields)
    feature.setAttributes(_values(row, is_sheet))
    return feature


def _kinds() -> tuple[str, ...]:
    """The kinds of results; their module loads arrays, so it is not loaded with this one."""
    from ..jobs.outputs import KINDS

    return KINDS


def _fields(is_sheet: bool) -> QgsFields:
    """The columns. CSV has no dates of its own, so they are texts there that every program reads."""
    text, number, whole = QVariant.Type.String, QVariant.Type.Double, QVariant.Type.Int
    time = QVariant.Type.DateTime if is_sheet else text
    columns = (
        (tr("Image"), text),
        (tr("Tile"), text),
        (tr("Taken (UTC)"), time),
        (tr("State"), text),
        (tr("Result"), text),
        (tr("Exports"), whole),
        (tr("Reason"), text),
        (tr("Trying again is of no use"), text),
        (tr("Cloud as the producer says (%)"), number),
        (tr("Cloud (%)"), number),
        (tr("Shadow (%)"), number),
        (tr("With NDVI (%)"), number),
        (tr("Seconds"), number),
        (tr("Changed (UTC)"), time),
        *((tr("Where the result {} is").format(kind), text) for kind in _kinds()),
    )
    fields = QgsFields()
    for name, kind in columns:
        fields.append(QgsField(name, kind))
    return fields


def _values(row: ImageRow, is_sheet: bool) -> Sequence[Any]:
    shares = (row.cloud_share, row.shadow_share, row.ndvi_share)
    return [
        row.index,
        row.tile,
        _time(row.time_start_ms / 1000, is_sheet),
        state_titles()[row.state],
        row.kind,
        row.attempts,
        row.reason,
        tr("yes") if row.is_permanent else "",
        row.cloudy_percent,
        *(None if share is None else round(100 * share, 2) for share in shares),
        None if row.seconds is None else round(row.seconds, 1),
        _time(row.updated_s, is_sheet),
        *(row.outputs.get(kind, "") for kind in _kinds()),
    ]


def _time(seconds: float, is_sheet: bool) -> Any:
    if is_sheet:
        return QDateTime.fromMSecsSinceEpoch(round(1000 * seconds), Qt.TimeSpec.UTC)
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
