"""Google Earth Engine behind the interface of engines: the project and the places that a run was given."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ...core.area import Area
from ...core.grid import Grid
from ...core.scenes import COLLECTION, Scene
from ..asset_names import asset_name, folder_name, root_of
from ..base import (
    AssetDestination,
    CountCallback,
    Destination,
    DriveDestination,
    EngineTraits,
    Export,
    FileDestination,
    Operation,
    Pyramiding,
    Quota,
    TileStyle,
    TrueColour,
)
from ..calls import Call, understood
from ..client import ServiceClient, asset_grid
from ..errors import BadRequestError, SignInError, StorageError, TransientError
from ..export_requests import allowed_description, description_of
from ..limits import SAMPLE_PAGE_SIZE, ServiceLimits
from ..local.asset_files import read_mark
from .file_exports import BLOCKS_AT_ONCE, PREFIX, FileExports
from .image_files import ImageOrder, remove_partial, write_image
from .refusals import ExistsError
from .sampling import sample_of
from .shelf import Shelf
from .watching import Watch
from .web_calls import PATIENCE, Urls, WebCalls

if TYPE_CHECKING:
    import ee

    from ...google.account import Connection
    from ...web.session import Patience

ASSETS, DRIVE, FOLDER = "assets", "drive", "folder"
CONCURRENT_CALLS = 8
"""Calls that a run waits for at once, of the 40 that a project may have with all that its users do elsewhere."""
FILES_ACTIVE = 8
"""Files that are asked for at once: two are written, the others wait."""
WINDOWS = (("2020-06-01", "2020-06-20"), ("2019-12-01", "2019-12-20"))
"""Days in which every tile over land is taken several times: two satellites come by every five days. In the dark of
winter, polar tiles are left out; one of the windows lies in each half's summer."""


@dataclass(frozen=True)
class Places:
    """Where a run computes and where its results go: ``destination`` is assets, drive or folder.

    ``asset_folder`` is an asset's name or a path within the project; ``drive_folder`` the name of a folder of Drive.
    """

    project: str
    destination: str
    asset_folder: str
    drive_folder: str
    output_folder: Path


class EarthEngine:
    """Runs at Google Earth Engine in the name of a project; see base.Engine for the methods.

    ``is_cancelled`` ends whatever is waited for; ``on_log`` hears of calls that are made again, on any thread.
    Nothing is asked before a method is called. Use it in a ``with`` block, or close it.
    """

    def __init__(
        self,
        connection: Connection,
        places: Places,
        is_cancelled: Callable[[], bool] = lambda: False,
        on_log: Callable[[str], None] = lambda line: None,
        urls: Urls = Urls(),  # noqa: B008 (a frozen value)
        patience: Patience = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not places.project:
            raise SignInError("Choose a Google Cloud project that is registered for Earth Engine.")
        self._connection = connection
        self._places = places
        self._is_cancelled = is_cancelled
        self._urls, self._patience, self._sleep = urls, patience, sleep
        self._on_log = on_log
        self._client = self._client_of(is_cancelled)
        self._folder = folder_name(places.asset_folder, places.project)
        self._shelf = Shelf(self._client, self._folder)
        self._watch = Watch(self._client)
        self._files = FileExports(self._client_of, is_cancelled)
        self._fetching = threading.Lock()

    def __enter__(self) -> EarthEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _client_of(self, is_cancelled: Callable[[], bool]) -> ServiceClient:
        """A client whose calls end once they are cancelled."""
        project = self._places.project
        fetch = self._connection.authorized(is_cancelled, project)
        calls = WebCalls(fetch, project, self._urls, is_cancelled, self._patience, self._sleep, on_log=self._on_log)
        return ServiceClient(calls, project, SAMPLE_PAGE_SIZE)  # fewer requests: each may be computed anew

    @property
    def traits(self) -> EngineTraits:
        """See base.Engine."""
        is_folder = self._places.destination == FOLDER
        return EngineTraits(
            title="Google Earth Engine",
            active_limit=FILES_ACTIVE if is_folder else ServiceLimits().pending_operations,
            refresh_seconds=1.0 if is_folder else None,
            concurrent_calls=CONCURRENT_CALLS,
            has_local_results=is_folder,
            stores_masks=self._places.destination == ASSETS,
        )

    def tiles(self, area: Area | None = None, collection: str = COLLECTION) -> list[str]:
        """The tiles of an area, found by a few weeks of scenes: all of them would be hundreds of thousands.

        Where there are none in these weeks, all scenes of the area are looked through.
        """
        found = {tile for dates in WINDOWS for tile in self._client.tiles(area, collection, dates)}
        return sorted(found) or self._client.tiles(area, collection)

    def scenes(
        self,
        area: Area | None = None,
        tiles: Sequence[str] | None = None,
        collection: str = COLLECTION,
        dates: tuple[str, str] | None = None,
    ) -> list[Scene]:
        """See base.Engine."""
        return self._client.scenes(area, tiles, collection, dates)

    def grid(self, scene: Scene) -> Grid:
        """See base.Engine."""
        return self._client.grid(scene)

    def true_colour(self, scene: Scene) -> TrueColour | None:
        """There is no file of the scene here."""
        return None

    def prepare(self, scenes: Iterable[Scene], on_count: CountCallback) -> dict[str, str]:
        """The service has its scenes ready."""
        return {}

    def source_problem(self, source: str) -> str | None:
        """The service has all sources of masks."""
        return None

    def sample(self, image: ee.Image, grid: Grid, size: int, seed: int) -> dict[str, list[float]]:
        """See base.Engine; what is too heavy for one answer is computed in smaller parts."""
        return sample_of(self._client, image, grid, size, seed)

    def value(self, computation: ee.ComputedObject) -> Any:
        """See base.Engine."""
        return self._client.value(computation)

    def tile_url(self, image: ee.Image, style: TileStyle) -> str:
        """See base.Engine; it works without a sign-in, for some hours."""
        return f"{self._urls.api}/v1/{self._client.map_name(image, style)}/tiles/{{z}}/{{x}}/{{y}}"

    def start(self, export: Export) -> str:
        """See base.Engine."""
        destination = export.destination
        if isinstance(destination, FileDestination):
            return self._files.start(export, destination)
        if isinstance(destination, AssetDestination):
            self._shelf.note_change(destination.asset)
        try:
            return self._client.start(export)
        except ExistsError as error:
            return self._started_before(description_of(export), error)

    def start_table(self, table: ee.FeatureCollection, asset: str, request_id: str, description: str) -> str:
        """Start to store a computed table, such as the land of a layer, as an asset, which must not be there yet; the
        name of the operation. The same request id never starts a second one: descriptions tell them apart."""
        try:
            return self._client.start_table(table, asset_name(asset), request_id, description)
        except ExistsError as error:
            return self._started_before(allowed_description(description), error)

    def _started_before(self, wanted: str, error: ExistsError) -> str:
        """The operation that a request id has started, found by its description."""
        for page in self._client.operation_pages():
            for operation in page:
                if operation.description == wanted:
                    return operation.name
        raise TransientError(f"The task {wanted} was asked for before, but is not listed yet. Try again.") from error

    def operations(self, names: Collection[str] = ()) -> dict[str, Operation]:
        """See base.Engine."""
        own = {name for name in names if name.startswith(PREFIX)}
        if self._places.destination == FOLDER and len(own) == len(names):
            return self._files.operations(own)
        return self._files.operations(own) | self._watch.look(set(names) - own)

    def cancel(self, operation_name: str) -> None:
        """See base.Engine; one that has ended meanwhile is left alone."""
        if operation_name.startswith(PREFIX):
            self._files.cancel(operation_name)
            return
        try:
            self._client.cancel(operation_name)
        except BadRequestError:
            operation = self._client.operation(operation_name)
            if operation is not None and not operation.state.is_final:
                raise

    def asset_properties(self, asset: str) -> Mapping[str, Any] | None:
        """See base.Engine."""
        return self._client.asset_properties(asset)

    def asset_changed(self, asset: str) -> str:
        """See base.Engine."""
        return self._client.asset_changed(asset)

    def asset_id(self, kind: str, index: str) -> str:
        """See base.Engine."""
        return self._shelf.asset(kind, index)

    def destination(self, kind: str, index: str) -> Destination:
        """See base.Engine; in Drive each kind has a folder of its own, so that files are called as their images."""
        places = self._places
        if places.destination == ASSETS:
            return AssetDestination(self.asset_id(kind, index))
        if places.destination == DRIVE:
            return DriveDestination(f"{places.drive_folder}-{kind}", index)
        return FileDestination(self._file(kind, index))

    def _file(self, kind: str, index: str) -> Path:
        return self._places.output_folder / kind / f"{index}.tif"

    def open_destinations(self, kinds: Sequence[str]) -> None:
        """See base.Engine; folders of Drive are made by the first export into them."""
        if self._places.destination == ASSETS:
            self._shelf.open(kinds)
        elif self._places.destination == FOLDER:
            for kind in kinds:
                _make_folder(self._places.output_folder / kind)

    def stored(self, kind: str, indexes: Collection[str]) -> dict[str, Mapping[str, Any]]:
        """See base.Engine; Drive tells no properties."""
        if self._places.destination == ASSETS:
            return self._shelf.stored(kind, indexes)
        if self._places.destination == DRIVE:
            return {}
        from ..local.assets import read_properties

        paths = {index: self._file(kind, index) for index in indexes}
        return {index: read_properties(path) for index, path in paths.items() if path.is_file()}

    def quota(self) -> Quota | None:
        """See base.Engine; that of the project, or of the old home that the folder of assets lies in."""
        root = root_of(self._folder)
        told = self._client.ask(Call("GET", f"{root}/" if root.endswith("/assets") else root)).get("quota") or {}
        active = sum(not operation.state.is_final for operation in self._watch.look(()).values())
        with understood():
            return Quota(
                assets=_whole(told, "assetCount") or 0,
                most_assets=_whole(told, "maxAssets", "maxAssetCount"),
                store_bytes=_whole(told, "sizeBytes") or 0,
                most_store_bytes=_whole(told, "maxSizeBytes"),
                active_tasks=active,
                most_active_tasks=ServiceLimits().pending_operations,
            )

    def fetch(self, asset: str) -> Path:
        """The asset as a GeoTIFF in the output folder, downloaded unless it is there as it is at the service."""
        name = asset_name(asset)
        described = self._client.asset(name)
        mark = hashlib.sha256(json.dumps([name, described.get("updateTime")]).encode()).hexdigest()[:24]
        inside = name.removeprefix(f"{self._folder}/") if name.startswith(f"{self._folder}/") else Path(name).name
        path = self._places.output_folder / f"{inside}.tif"
        with self._fetching:
            if read_mark(path) == mark:
                return path
            grid = asset_grid(name, described)
            order = ImageOrder(self._client.ee.Image(asset), grid, path, mark, Pyramiding.SAMPLE)
            with ThreadPoolExecutor(BLOCKS_AT_ONCE, "s2mask-fetch") as threads:
                for _share in write_image(self._client, order, threads):
                    continue
            remove_partial(path.parent)
        return path

    def close(self) -> None:
        """Stop the files that are being written; tasks of the service go on."""
        self._files.close()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The folder {folder} cannot be made ({error.strerror}); choose another.") from None


def _whole(told: Mapping[str, Any], *names: str) -> int | None:
    """A whole number that the service writes as text, under the first of its names that is there."""
    for name in names:
        if str(told.get(name, "")).isdecimal():
            return int(told[name])
    return None
