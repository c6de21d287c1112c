"""For users of the published scripts: what those did on Earth Engine, as few functions that need no QGIS.

docs/from-the-scripts.md maps the functions of the scripts to these and shows an example. Everything raises EngineErrors
with a sentence for the user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..engines.base import Engine, Operation
from ..engines.earth_engine.engine import EarthEngine, Places
from ..google.account import Connection
from ..google.assets import Assets, ImageAsset
from ..google.credentials import command_account, key_account, read_key
from ..web.session import Session
from ..web.transport import Fetch, fetch
from .metadata_json import ImageMetadata, read_metadata
from .moving import connected, move_out
from .moving_request import MoveProgress, MoveReport, MoveRequest
from .opening import Interrupt
from .orders import Orders
from .report import ImageOutcome, Progress, RunReport
from .request import DRIVE, RunRequest
from .runner import run


def sign_in(key_file: Path | None = None, send: Fetch = fetch) -> Connection:
    """The account of the ``earthengine`` command, or that of a service account's key file; nothing is asked yet.

    Requests go by ``send``, at first the standard library's way, which heeds HTTPS_PROXY.
    """
    account = command_account() if key_file is None else key_account(read_key(key_file)[0])
    return Connection(account, lambda is_cancelled: send)


@dataclass(frozen=True)
class Service:
    """Earth Engine in the name of a project, open until the ``with`` block ends; see :func:`earth_engine`."""

    engine: Engine
    assets: Assets
    project: str
    connection: Connection = field(repr=False)


@contextmanager
def earth_engine(connection: Connection, project: str) -> Iterator[Service]:
    """Earth Engine, charged to a Cloud project that is registered for it."""
    with EarthEngine(connection, Places(project, DRIVE, "", "s2mask", Path())) as engine:
        assets = Assets.over(Session(connection.authorized(project=project)))
        yield Service(engine, assets, project, connection)


def task_list(service: Service) -> list[Operation]:
    """The tasks of the project that have not ended, whoever started them."""
    return [one for one in service.engine.operations().values() if not one.state.is_final]


def number_active_tasks(service: Service) -> int:
    """How many tasks of the project wait or run."""
    return len(task_list(service))


def cancel_tasks(service: Service, which: Callable[[Operation], bool]) -> int:
    """Cancel the unfinished tasks for which ``which`` is true, for all of the project ``lambda task: True``; returns
    how many those are."""
    chosen = [task for task in task_list(service) if which(task)]
    for task in chosen:
        service.engine.cancel(task.name)
    return len(chosen)


def images_in(service: Service, path: str) -> Iterator[ImageAsset]:
    """All images of a collection, or of a folder and what lies in it, page by page, with their properties.

    ``path`` is an asset id, ``users/…`` too.
    """
    from ..engines.asset_names import asset_name

    return service.assets.images(asset_name(path.strip("/")))


def process(
    request: RunRequest,
    connection: Connection,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_image: Callable[[ImageOutcome], None] = lambda outcome: None,
) -> RunReport:
    """Mask the images of a request, at most ``request.throttle.nb_task_max`` tasks at once; goes on where an earlier
    call with the same request and output folder stopped, however that was."""
    return run(request, connection, Orders(), on_progress, on_image)


def export_to_drive(
    request: MoveRequest, connection: Connection, on_progress: Callable[[MoveProgress], None] = lambda progress: None
) -> MoveReport:
    """Export a folder or collection to Drive with its metadata JSON, and download it; deletes nothing."""
    orders = Orders()
    interrupt = Interrupt(orders)
    return move_out(request, connected(connection, interrupt, request.project), orders, interrupt, on_progress)


def images_between(metadata_file: Path, first_ms: int, end_ms: int) -> list[ImageMetadata]:
    """The images of a metadata JSON that were taken from ``first_ms`` on and before ``end_ms`` (ms since 1970)."""
    found = [image for image in read_metadata(metadata_file).values() if image.start_ms is not None]
    chosen = [image for image in found if image.start_ms is not None and first_ms <= image.start_ms < end_ms]
    return sorted(chosen, key=lambda image: (image.start_ms or 0, image.path))
