"""A run as the campaigns make it: the real runner, ledger and engine, with a service that is simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s2mask_qgis.engines.base import Engine
from s2mask_qgis.engines.earth_engine.engine import EarthEngine, Places
from s2mask_qgis.google.account import Account, Connection
from s2mask_qgis.jobs.clock import Clock
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.rows import RowState, RunHeader
from s2mask_qgis.jobs.opening import Interrupt
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.recipe import Recipe
from s2mask_qgis.jobs.report import ImageOutcome, Progress
from s2mask_qgis.jobs.request import ASSETS, Throttle
from s2mask_qgis.jobs.runner import Ended, Work, carry_out
from s2mask_qgis.web.transport import Fetch

from .cheap_recipe import CheapRecipe
from .clock import START_S
from .service import PROJECT, TOKEN_HOST

FOLDER = f"projects/{PROJECT}/assets/s2mask"
MakeRecipe = Callable[[Engine], Recipe]


@dataclass(frozen=True)
class Plan:
    """What a campaign runs: images, their kinds, where results go, and how hard the run may press."""

    images: int
    kinds: tuple[str, ...] = ("mask", "ndvi")
    destination: str = ASSETS
    throttle: Throttle = field(default_factory=Throttle)
    recipe: Callable[[Engine], Recipe] | None = None

    def recipe_on(self, engine: Engine) -> Recipe:
        """The recipe of the run."""
        return self.recipe(engine) if self.recipe else CheapRecipe(engine, self.images, self.kinds)


@dataclass
class Watch:
    """What to do as a run goes on, and the orders that it obeys."""

    orders: Orders = field(default_factory=Orders)
    on_progress: Callable[[Progress], None] = lambda progress: None
    on_image: Callable[[ImageOutcome], None] = lambda outcome: None


def connection(fetch: Fetch) -> Connection:
    """Somebody who is signed in, and whose requests all go through ``fetch``."""
    from google.oauth2.credentials import Credentials

    credentials = Credentials(
        "simulated", "renewing", None, f"https://{TOKEN_HOST}/token", "simulated client", "simulated secret"
    )
    return Connection(Account("simulated user", credentials), lambda is_cancelled: fetch)


@contextmanager
def opened_engine(fetch: Fetch, plan: Plan, folder: Path, interrupt: Interrupt, **more: Any) -> Iterator[EarthEngine]:
    """The real engine, speaking through ``fetch``."""
    places = Places(PROJECT, plan.destination, FOLDER, "s2mask", folder)
    with closing(EarthEngine(connection(fetch), places, interrupt, **more)) as engine:
        yield engine


@contextmanager
def opened_ledger(path: Path, clock: Clock) -> Iterator[Ledger]:
    """The ledger of the run, made where there is none."""
    if path.exists():
        ledger = Ledger.open(path, now=clock.now_s)
    else:
        header = RunHeader("reliability", {}, {}, "simulated", START_S)
        ledger = Ledger.create(path, header, now=clock.now_s)
    with closing(ledger):
        yield ledger


def run(fetch: Fetch, clock: Clock, plan: Plan, path: Path, watch: Watch | None = None, **more: Any) -> Ended:
    """One session of a run, from its ledger to its end; see jobs.runner.carry_out for what it raises."""
    watch = watch or Watch()
    interrupt = Interrupt(watch.orders)
    with opened_engine(fetch, plan, path.parent, interrupt, **more) as engine, opened_ledger(path, clock) as ledger:
        work = Work(
            engine,
            ledger,
            plan.recipe_on(engine),
            plan.throttle,
            watch.orders,
            interrupt,
            watch.on_progress,
            watch.on_image,
            clock,
        )
        return carry_out(work)


def states(path: Path) -> dict[RowState, int]:
    """How many images a ledger has in each state, those with none left out."""
    with closing(Ledger.open(path, read_only=True)) as ledger:
        return {state: count for state, count in ledger.counts().items() if count}
