"""Where the live checks run: at Earth Engine with an account, or in rehearsal at the embedded service."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.core.scenes import COLLECTION, Scene
from s2mask_qgis.engines.base import Operation
from s2mask_qgis.engines.calls import Call
from s2mask_qgis.engines.client import ServiceClient
from s2mask_qgis.engines.earth_engine.engine import EarthEngine, Places
from s2mask_qgis.engines.earth_engine.web_calls import Urls, WebCalls
from s2mask_qgis.engines.errors import NotFoundError
from s2mask_qgis.engines.local.assets import PROJECT
from s2mask_qgis.engines.local.engine import LocalEngine
from s2mask_qgis.google.account import Connection
from s2mask_qgis.google.credentials import command_account, key_account, read_key
from s2mask_qgis.simulation.sample import write_sample
from s2mask_qgis.simulation.settings import SampleSettings
from s2mask_qgis.web.transport import fetch
from tests.engines.embedded_service import URLS, connection_to, serving

SWITCH, PROJECT_ID, KEY = "S2MASK_LIVE", "S2MASK_LIVE_PROJECT", "S2MASK_LIVE_KEY"
SCENES, DRIVE, DATA_SPACE = "S2MASK_LIVE_SCENES", "S2MASK_LIVE_DRIVE", "S2MASK_LIVE_CATALOGUES"
HALF_SIDE_DEG = 0.009
"""The area is a square of some 2 km around the middle of the scene: 200 pixels of 10 m a side."""
PATIENCE_S = 20 * 60.0
"""How long a task may take: a small one waits for its turn some minutes at most."""
ELSEWHERE = Area((((((1.435, 43.595), (1.455, 43.595), (1.455, 43.61), (1.435, 43.61), (1.435, 43.595))),),))
"""Where to look without scenes on this computer: 1.6 km of Toulouse."""
SUMMER = ("2023-06-01", "2023-06-30")


@dataclass
class Setting:
    """One service, and what the checks need beside it; ``scenes`` is None where none are on this computer.

    ``folder`` is the asset folder of these checks, deleted at their end; ``mark`` stands in the ids of their requests,
    since a service remembers those of earlier times; ``compute_seconds`` adds up what tasks cost.
    """

    is_live: bool
    project: str
    connection: Connection
    urls: Urls
    work: Path
    scenes: Path | None
    mark: str = field(default_factory=lambda: secrets.token_hex(4))
    folder: str = ""
    compute_seconds: float = 0.0
    local: LocalEngine | None = None
    scene: Scene | None = None
    known: list[Scene] = field(default_factory=list)

    def places(self, destination: str = "assets") -> Places:
        return Places(self.project, destination, self.folder, "s2mask-live", self.work / "service")

    @contextmanager
    def engine(self, destination: str = "assets") -> Iterator[EarthEngine]:
        with EarthEngine(self.connection, self.places(destination), urls=self.urls) as engine:
            yield engine

    @property
    def client(self) -> ServiceClient:
        calls = WebCalls(self.connection.authorized(project=self.project), self.project, self.urls)
        return ServiceClient(calls, self.project)

    @property
    def area(self) -> Area:
        """A small square within the scene."""
        if self.scene is None:
            return ELSEWHERE
        lons, lats = zip(*self.scene.footprint)
        x, y = (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
        d = HALF_SIDE_DEG
        return Area(((((x - d, y - d), (x + d, y - d), (x + d, y + d), (x - d, y + d), (x - d, y - d)),),))

    @property
    def dates(self) -> tuple[str, str]:
        """The day of the scene, or some weeks of summer."""
        return (self.scene.date, self.scene.date) if self.scene is not None else SUMMER

    def parameters(self) -> RunParameters:
        """Small backgrounds, no shadows: what is compared is the service's pixels, not the choice of options."""
        first = date.fromisoformat(self.dates[0])
        return RunParameters(
            date_start=first.isoformat(),
            date_end=(first + timedelta(days=1)).isoformat(),
            number_of_images=3,
            number_preselect=4,
            scale_m=10,
            model="published",
            shadow=False,
        )

    def needs_scenes(self) -> tuple[LocalEngine, Scene]:
        """The local engine and its scene; skips where there are none."""
        if self.local is None or self.scene is None:
            pytest.skip(f"{SCENES} names no folder of Level-1C products, at least three dates of one tile")
        return self.local, self.scene

    def ended(self, engine: EarthEngine, name: str) -> Operation:
        """An operation once it has ended."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            operation = engine.operations([name]).get(name)
            if operation is not None and operation.state.is_final:
                self.compute_seconds += operation.compute_seconds or 0.0
                return operation
            time.sleep(10.0 if self.is_live and not name.startswith("local/") else 0.05)
        raise AssertionError(f"{name} has not ended within {PATIENCE_S:.0f} s")

    def say(self, text: str) -> None:
        """Something to learn of the live service; shown with -s."""
        print(f"[{'live' if self.is_live else 'rehearsal'}] {text}")  # noqa: T201 (figures for whoever looks)


@contextmanager
def rehearsal(folder: Path) -> Iterator[Setting]:
    """The embedded service on simulated scenes, behind Earth Engine's addresses."""
    write_sample(folder / "scenes", SampleSettings(size_px=120, dates=5, jp2_products=0))
    with serving(folder / "scenes", folder / "service") as web:
        setting = Setting(False, PROJECT, connection_to(web), URLS, folder, folder / "scenes")
        with _prepared(setting):
            yield setting


@contextmanager
def live(folder: Path) -> Iterator[Setting]:
    """Earth Engine, by the account and project that the environment names; skips where it names none."""
    project = os.environ.get(PROJECT_ID, "")
    if not project:
        pytest.skip(f"{PROJECT_ID} names no Cloud project that is registered for Earth Engine")
    key, scenes = os.environ.get(KEY), os.environ.get(SCENES)
    account = key_account(read_key(Path(key))[0]) if key else command_account()
    connection = Connection(account, lambda _is_cancelled: fetch)
    setting = Setting(True, project, connection, Urls(), folder, Path(scenes) if scenes else None)
    with _prepared(setting):
        yield setting


@contextmanager
def _prepared(setting: Setting) -> Iterator[None]:
    """The local engine where there are scenes, and a folder of assets that is deleted at the end."""
    setting.folder = f"projects/{setting.project}/assets/s2mask_live_{setting.mark}"
    with ExitStack() as stack:
        if setting.scenes is not None:
            local = LocalEngine(setting.scenes, setting.work / "library", setting.work / "local")
            setting.local = stack.enter_context(local)
            local.refresh(lambda done, total: None)
            setting.known = local.scenes()
            setting.scene = min(setting.known, key=lambda scene: abs(scene.cloudy_percent - 30.0))
        stack.callback(_delete, setting)
        yield
    setting.say(f"compute used by tasks: {setting.compute_seconds:.1f} EECU-seconds")


def _delete(setting: Setting) -> None:
    """Delete all that the checks have made; told where something is left."""
    client = setting.client
    with suppress(NotFoundError):
        _delete_below(client.ask, setting.folder)
    left = client.asset_properties(setting.folder)
    assert left is None, f"{setting.folder} could not be deleted: delete it by hand"


def _delete_below(ask: Callable[[Call], dict], name: str) -> None:
    token = None
    children: list[str] = []
    while True:
        page = ask(Call("GET", f"{name}:listAssets", query={"pageToken": token} if token else {}))
        children += [child["name"] for child in page.get("assets", [])]
        token = page.get("nextPageToken")
        if not token:
            break
    kinds = {child: ask(Call("GET", child)).get("type") for child in children}
    for child, kind in kinds.items():
        if kind == "IMAGE":
            ask(Call("DELETE", child))
        else:
            _delete_below(ask, child)
    ask(Call("DELETE", name))


def scene_id(scene: Scene) -> str:
    """The id of a scene on Earth Engine."""
    return f"{COLLECTION}/{scene.index}"
