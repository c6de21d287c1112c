"""Images and exports for ledgers, and the clock and header that they are written down with."""

from __future__ import annotations

from dataclasses import dataclass

from s2mask_qgis.core.scenes import Ring, Scene
from s2mask_qgis.jobs.ledger.rows import ExportRow, RunHeader

REQUEST = {"area": {"name": "Vall de Boí"}, "parameters": {"date_start": "2023-01-01", "date_end": "2023-12-31"}}
HEADER = RunHeader("0a1b2c3d", REQUEST, {"name": "m", "odd": [1, 2.5, None]}, "1.2.3", 1.7e9)
SQUARE: Ring = ((0.1, 42.0), (1.3, 42.05), (1.25, 43.0), (0.05, 42.95), (0.1, 42.0))
DAY_MS = 86_400_000


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now_s: float = 1_700_000_000.25

    def __call__(self) -> float:
        return self.now_s


def scene(number: int, tile: str = "31TCH", footprint: Ring = SQUARE) -> Scene:
    """The scene of a day, counted from 0."""
    index = f"{number:08d}T105031_20230101T105031_T{tile}"
    time_ms = 1_672_570_231_024 + number * DAY_MS
    return Scene(f"COPERNICUS/S2_HARMONIZED/{index}", index, tile, time_ms, 12.5, footprint)


def export(image: Scene, kind: str = "mask", attempt: int = 1) -> ExportRow:
    """An export to be sent."""
    request_id = f"{kind}-{image.index[:8]}-{image.tile}-{attempt}"
    return ExportRow(request_id, image.index, kind, attempt, "cafe" * 8)
