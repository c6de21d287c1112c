"""Rows of a ledger as the values of its tables, and back."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ...core.scenes import Ring, Scene
from .errors import LedgerError
from .outlines import from_blob, parts, to_blob
from .rows import ExportRow, ImageRow, RowState, RunHeader


def date_text(seconds: float) -> str:
    """A time as GeoPackage writes it, UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def scene_values(scene: Scene, state: RowState, reason: str, now_s: float) -> tuple[Any, ...]:
    """The values of SCENE_COLUMNS."""
    ring = scene.footprint
    return (
        scene.index,
        scene.id,
        scene.tile,
        scene.time_start_ms,
        date_text(scene.time_start_ms / 1000),
        scene.cloudy_percent,
        to_blob(ring),
        None if parts(ring) in ([ring], []) else json.dumps(ring),
        state.value,
        reason,
        now_s,
        date_text(now_s),
    )


def image_row(values: Sequence[Any]) -> ImageRow:
    """The image of a row of IMAGE_COLUMNS."""
    index, asset, tile, time_start_ms, cloudy_percent, geom, outline, state, kind, attempts = values[:10]
    reason, is_permanent, outputs, cloud_share, shadow_share, ndvi_share, seconds, updated_s = values[10:]
    return ImageRow(
        index=index,
        id=asset,
        tile=tile,
        time_start_ms=time_start_ms,
        cloudy_percent=cloudy_percent,
        footprint=_ring(geom, outline),
        state=RowState(state),
        kind=kind,
        attempts=attempts,
        reason=reason,
        is_permanent=bool(is_permanent),
        outputs=json.loads(outputs),
        cloud_share=cloud_share,
        shadow_share=shadow_share,
        ndvi_share=ndvi_share,
        seconds=seconds,
        updated_s=updated_s,
    )


def export_row(values: Sequence[Any]) -> ExportRow:
    """The export of a row of EXPORT_COLUMNS."""
    request_id, index, kind, attempt, key, operation, state, *rest = values
    return ExportRow(request_id, index, kind, attempt, key, operation, RowState(state), *rest)


def export_values(export: ExportRow) -> tuple[Any, ...]:
    """The values of EXPORT_COLUMNS."""
    return tuple(value.value if isinstance(value, RowState) else value for value in astuple(export))


def header_values(header: RunHeader) -> dict[str, str]:
    """The rows of ``run``, by name, each as JSON."""
    return {
        "settings_key": json.dumps(header.settings_key),
        "request": json.dumps(header.request),
        "model": json.dumps(header.model),
        "version": json.dumps(header.version),
        "created_s": json.dumps(header.created_s),
        "listed_s": json.dumps(header.listed_s),
    }


def header_of(path: Path, values: dict[str, str]) -> RunHeader:
    """The header of such rows; LedgerError where they are something else."""
    names = ("settings_key", "request", "model", "version", "created_s", "listed_s")
    try:
        return RunHeader(*(json.loads(values[name]) for name in names))
    except (KeyError, ValueError) as error:
        raise LedgerError(f"{path} is no ledger of a run: it does not tell what the run was asked for.") from error


def packed(plan: dict[str, Any]) -> bytes:
    """A plan as compressed JSON."""
    return zlib.compress(json.dumps(plan, separators=(",", ":")).encode())


def unpacked(blob: bytes) -> dict[str, Any]:
    """What :meth:`packed` was given."""
    plan: dict[str, Any] = json.loads(zlib.decompress(blob))
    return plan


def _ring(geom: bytes | None, outline: str | None) -> Ring:
    if outline is None:
        return from_blob(geom)
    return tuple((x, y) for x, y in json.loads(outline))
