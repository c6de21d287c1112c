"""The real planner on a small archive: every computation answered truly, every trouble tried on it at a few places."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.models.files import find
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.engines.base import Engine
from s2mask_qgis.engines.limits import ServiceLimits
from s2mask_qgis.jobs.ledger.rows import RowState
from s2mask_qgis.jobs.masking import MaskRecipe
from s2mask_qgis.jobs.recipe import Recipe
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.request import ASSETS, EarthEngineChoice, RunRequest, Throttle

from ..clock import START_S, SimulatedClock
from ..computing import archive
from ..running import FOLDER, Plan, run, states
from ..service import PROJECT, Behaviour, SimulatedService, varied
from ..troubles import Planned, Troubles

WEST, SOUTH, EAST, NORTH = 3.0, 45.1484, 3.0049, 45.1519
"""Within the archive's pixels: 40 x 40 of 10 m at 500000, 5000000 in EPSG:32631."""
AREA = Area(((((WEST, SOUTH), (EAST, SOUTH), (EAST, NORTH), (WEST, NORTH), (WEST, SOUTH)),),))


@dataclass(frozen=True)
class Planned20:
    """A run of real plans: its requests by call, and how long it would have taken."""

    images: int
    requests: dict[str, int]
    hours: float
    plans_kb: float
    broken: tuple[str, ...]


def planner(folder: Path, images: int, planned: tuple[Planned, ...] = ()) -> Planned20:
    """Masks and NDVI of so many images of the archive, planned as in real runs, exported as assets."""
    held = archive(images)
    clock = SimulatedClock(yields=True)
    behaviour = Behaviour(ServiceLimits(running_operations=4), varied(300.0))
    service = SimulatedService(clock, behaviour, held, Troubles(planned))
    plan = Plan(
        images, throttle=Throttle(nb_task_max=30, refresh_seconds=30.0), recipe=lambda engine: recipe(engine, folder)
    )
    path = folder / "planned.gpkg"
    ended = run(service.fetch, clock, plan, path, sleep=clock.advance)
    service.settle()
    checks = {
        f"ended {ended.state.value}: {ended.message}": ended.state is RunState.FINISHED,
        f"ledger says {states(path)}": states(path) == {RowState.DONE: images},
        f"{len(service.made)} of {2 * images} results": len(service.made) == 2 * images,
        f"the service noted {service.problems[:3]}": not service.problems,
        "troubles that did not strike": len(service.troubles.struck) == len(planned),
    }
    plans = [asset.properties.get("s2mask:plan", "") for asset in service.assets.all() if asset.type == "IMAGE"]
    return Planned20(
        images,
        dict(service.requests),
        (clock.now_s() - START_S) / 3600.0,
        max(map(len, plans)) / 1e3,
        tuple(text for text, holds in checks.items() if not holds),
    )


def recipe(engine: Engine, folder: Path) -> Recipe:
    """The recipe of masks as the runner makes it."""
    parameters = replace(RunParameters(), sample_size=300, cluster_count=4, scale_m=10)
    choice = EarthEngineChoice(PROJECT, ASSETS, FOLDER)
    request = RunRequest(folder, folder, folder, AREA, parameters, earth_engine=choice)
    return MaskRecipe(request, find(parameters.model, None), engine, lambda progress: None)
