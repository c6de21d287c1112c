"""The functions behind the search for scenes, as one value: the real ones load their modules on first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..jobs.scene_request import DownloadReport, FoundScene, Wish
from .services import CountCallback, IsCancelled

if TYPE_CHECKING:
    from ..catalogues.products import Offer


@dataclass(frozen=True)
class SceneServices:
    """What the search can have done.

    ``account(config_id)`` reads user and password from QGIS's authentication database, in the main thread; the others
    are called in tasks: ``find(source, wish, scenes_folder, on_count, is_cancelled)`` looks for scenes, and
    ``download(source, account, offers, scenes_folder, on_count, is_cancelled)`` brings them, counting megabytes.
    """

    account: Callable[[str], Any]
    find: Callable[[str, Wish, Path, CountCallback, IsCancelled], tuple[FoundScene, ...]]
    download: Callable[[str, Any, Sequence[Offer], Path, CountCallback, IsCancelled], DownloadReport]


def real_scene_services() -> SceneServices:
    """The plugin's own functions, over QGIS's network."""
    return SceneServices(_account, _find, _download)


def _account(config_id: str) -> Any:
    from ..gis.network import account_of

    return account_of(config_id)


def _find(
    source: str, wish: Wish, scenes_folder: Path, on_count: CountCallback, is_cancelled: IsCancelled
) -> tuple[FoundScene, ...]:
    from ..gis.network import qgis_fetch
    from ..jobs.scene_download import find, open_catalogue

    catalogue = open_catalogue(source, None, qgis_fetch(is_cancelled), is_cancelled)
    return find(catalogue, wish, scenes_folder, on_count)


def _download(
    source: str,
    account: Any,
    offers: Sequence[Offer],
    scenes_folder: Path,
    on_count: CountCallback,
    is_cancelled: IsCancelled,
) -> DownloadReport:
    from ..gis.network import qgis_fetch
    from ..jobs.scene_download import download, open_catalogue

    catalogue = open_catalogue(source, account, qgis_fetch(is_cancelled), is_cancelled)
    return download(offers, scenes_folder, catalogue, on_count)
