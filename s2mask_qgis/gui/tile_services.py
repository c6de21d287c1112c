"""What layers of Earth Engine need of it, as one value: addresses of map tiles, and downloads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..jobs.tile_views import TileAnswers, TileView
from .services import IsCancelled

if TYPE_CHECKING:
    from ..google.account import Connection


@dataclass(frozen=True)
class Access:
    """Who asks Earth Engine, and the Cloud project that is charged."""

    connection: Connection
    project: str


@dataclass(frozen=True)
class TileServices:
    """Called in tasks. ``ask(access, views, with_boxes, is_cancelled)`` gives the tiles of views;
    ``fetch(access, folder, assets, is_cancelled)`` brings images into a folder, by their asset."""

    ask: Callable[[Access, Sequence[TileView], bool, IsCancelled], TileAnswers]
    fetch: Callable[[Access, Path, Collection[str], IsCancelled], dict[str, Path]]


def real_tile_services() -> TileServices:
    """The plugin's own functions."""
    return TileServices(_ask, _fetch)


def _ask(access: Access, views: Sequence[TileView], with_boxes: bool, is_cancelled: IsCancelled) -> TileAnswers:
    from ..jobs.tile_views import tiles_from_earth_engine

    return tiles_from_earth_engine(access.connection, access.project, views, with_boxes, is_cancelled)


def _fetch(access: Access, folder: Path, assets: Collection[str], is_cancelled: IsCancelled) -> dict[str, Path]:
    from ..jobs.tile_views import fetched_from_earth_engine

    return fetched_from_earth_engine(access.connection, access.project, folder, assets, is_cancelled)
