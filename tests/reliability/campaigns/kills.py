"""kill -9 at random instants of a real process with a real ledger, resumed each time: nothing lost, nothing twice."""

from __future__ import annotations

import itertools
import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from s2mask_qgis.engines.limits import ServiceLimits
from s2mask_qgis.jobs.clock import SystemClock
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.rows import RowState
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.request import ASSETS, DRIVE, Throttle

from ..beside import Figures, figures_at, loopback, over_http
from ..killing import lived
from ..running import Plan, run, states
from ..service import Behaviour, SimulatedService, varied

TASK_S = 0.1
RUNNING = 20
THROTTLE = Throttle(nb_task_max=30, refresh_seconds=0.05)
LONGEST_SESSION_S = 120.0
FIRST_LIFE_S, SHORT_LIFE_S, LONG_LIFE_S = 0.08, 0.12, 0.6
FIRST_LIVES = 6
SHORT_SHARE = 0.35
"""Lives are drawn evenly up to the long one, a share of them up to the short one, in which a session opens the ledger
and asks what became of its exports; the first lives of a run are shorter still, so that they end while the ledger is
made and the images are listed."""


@dataclass(frozen=True)
class Killed:
    """What came of a campaign; ``phases`` counts what the ledger held at the kills."""

    kills: int
    runs: int
    images: int
    lost: int
    duplicates: int
    corrupt: int
    started: int
    phases: dict[str, int]
    broken: tuple[str, ...]


def kills(folder: Path, count: int, images: int, seed: int = 0) -> Killed:
    """So many kills over as many runs as that takes, to assets and to Drive in turns."""
    draw = random.Random(seed)
    phases: Counter[str] = Counter()
    broken: list[str] = []
    done = runs = lost = duplicates = corrupt = started = 0
    while done < count:
        plan = Plan(images, destination=(ASSETS, DRIVE)[runs % 2], throttle=THROTTLE)
        path = folder / f"killed-{runs}.gpkg"
        with over_http(lambda clock: SimulatedService(clock, _behaviour())) as address:
            for session in itertools.count():
                life_s = _life_s(draw, session) if done < count else LONGEST_SESSION_S
                ended = lived(partial(_run, address, plan, path), path.with_suffix(".txt"), life_s)
                if ended is not None:
                    broken += [f"a session ended with {ended}"] if ended else []
                    break
                done += 1
                corrupt += _inspect(path, phases, broken)
                if life_s == LONGEST_SESSION_S:
                    broken.append(f"a session did not end within {LONGEST_SESSION_S:.0f} s")
                    break
            figures = figures_at(address)
        runs += 1
        started += figures.started
        lost += _lost(path, plan, figures, broken)
        duplicates += figures.made_twice + len(figures.problems)
        broken += figures.problems[:3]
    broken += [f"{lost} lost"] * (lost > 0) + [f"{duplicates} duplicates"] * (duplicates > 0)
    broken += [f"{corrupt} corrupt ledgers"] * (corrupt > 0)
    return Killed(done, runs, images, lost, duplicates, corrupt, started, dict(phases), tuple(broken))


def _behaviour() -> Behaviour:
    return Behaviour(ServiceLimits(running_operations=RUNNING), varied(TASK_S), keeps_started=False)


def _life_s(draw: random.Random, session: int) -> float:
    if session < FIRST_LIVES:
        return draw.uniform(0.0, FIRST_LIFE_S)
    return draw.uniform(0.0, SHORT_LIFE_S if draw.random() < SHORT_SHARE else LONG_LIFE_S)


def _run(address: str, plan: Plan, path: Path) -> str:
    """One session of the run; what is wrong with its end."""
    ended = run(loopback(address), SystemClock(), plan, path)
    return "" if ended.state is RunState.FINISHED else f"{ended.state} {ended.message}"


def _inspect(path: Path, phases: Counter[str], broken: list[str]) -> int:
    """Look at what a kill left behind, in a copy; 1 where it is damaged."""
    if not path.exists():
        phases["before there was a ledger"] += 1
        return 0
    copy = path.with_name("copy.gpkg")
    for suffix in ("", "-wal"):
        source, target = Path(f"{path}{suffix}"), Path(f"{copy}{suffix}")
        target.unlink(missing_ok=True)
        if source.exists():
            shutil.copyfile(source, target)
    Path(f"{copy}-shm").unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(copy)) as connection:
            (checked,) = connection.execute("PRAGMA integrity_check").fetchone()
            counts = dict(connection.execute("SELECT state, COUNT(*) FROM images GROUP BY state"))
    except sqlite3.Error as error:
        broken.append(f"a ledger cannot be read: {error}")
        return 1
    phases[_phase(counts)] += 1
    if checked != "ok":
        broken.append(f"a ledger is damaged: {checked[:200]}")
    return checked != "ok"


def _phase(counts: dict[str, int]) -> str:
    if not counts:
        return "before the images were listed"
    if counts.get(RowState.SENDING.value):
        return "while a request was under way"
    if counts.get(RowState.QUEUED.value) or counts.get(RowState.RUNNING.value):
        return "while exports were under way"
    return "while none was under way"


def _lost(path: Path, plan: Plan, figures: Figures, broken: list[str]) -> int:
    """How many images the ledger or the service does not have at the end; what they disagree on is broken, too."""
    note = path.with_suffix(".txt")
    if note.exists():
        broken.append(note.read_text()[-500:])
    wanted = plan.images * len(plan.kinds)
    in_ledger = states(path).get(RowState.DONE, 0)
    with closing(Ledger.open(path)) as ledger:
        still_open = len(ledger.open_exports())
    if still_open or figures.active:
        broken.append(f"at the end {still_open} exports are open in the ledger, {figures.active} at the service")
    return max(plan.images - in_ledger, wanted - figures.made)
