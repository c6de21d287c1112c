"""Runs the campaigns at full size and prints what they measured; exits with 1 where a promise is broken.

``python -m tests.reliability [throttle kills faults planner disk drive scale] [--scale-images N]``
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from s2mask_qgis.jobs.request import ASSETS, DRIVE

from .campaigns.disk import disk_full, full_file_system, two_runners
from .campaigns.drive import each_byte, random_bytes, troubles
from .campaigns.faults import faults
from .campaigns.kills import kills
from .campaigns.moves import moves, returns
from .campaigns.planner import planner
from .campaigns.scale import scale
from .campaigns.throttle import throttle

DEFAULT = ("throttle", "kills", "faults", "planner", "disk", "drive")


def main(arguments: list[str]) -> int:
    """Run what is asked for; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument("names", nargs="*", default=DEFAULT, metavar="campaign")
    parser.add_argument("--scale-images", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--every", type=int, default=1, help="try troubles at every N-th position only")
    chosen = parser.parse_args(arguments)
    campaigns = _campaigns(chosen)
    unknown = set(chosen.names) - campaigns.keys()
    if unknown:
        parser.error(f"no such campaign: {', '.join(sorted(unknown))}; there are {', '.join(campaigns)}")
    broken: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen.names:
            began_s = time.monotonic()
            for title, value in campaigns[name](Path(folder)):
                broken += [f"{name}: {text}" for text in value.broken]
                _print(title, value)
            _say(f"{name} took {time.monotonic() - began_s:.0f} s\n")
    for text in broken[:50]:
        _say(f"BROKEN {text}")
    _say("All promises hold." if not broken else f"{len(broken)} promises are broken.")
    return 1 if broken else 0


Results = Iterable[tuple[str, Any]]


def _campaigns(chosen: argparse.Namespace) -> dict[str, Callable[[Path], Results]]:
    return {
        "throttle": _throttle,
        "kills": lambda folder: [("kill -9", kills(folder, chosen.kills, 200))],
        "faults": lambda folder: _faults(folder, chosen.every),
        "planner": lambda folder: [("real planner", planner(folder, 20))],
        "disk": _disk,
        "drive": lambda folder: _drive(folder, chosen.kills, chosen.every),
        "scale": lambda folder: _scale(folder, chosen.scale_images),
    }


def _throttle(folder: Path) -> Results:
    yield "10,000 images, 30 active", throttle(folder, 10_000, allowed=30, running=25, foreign=10)
    yield "10,000 images, 3,000 active", throttle(folder, 10_000, allowed=3000, running=1000, foreign=500)


def _faults(folder: Path, every: int) -> Results:
    for destination in (ASSETS, DRIVE):
        yield f"troubles of 20 images to {destination}", faults(folder, 20, destination, every)


def _disk(folder: Path) -> Results:
    for one in disk_full(folder, 200, (64, 160, 200, 240, 300, 400)):
        yield f"files of {one.room_kb} kB at most", one
    for one in full_file_system(folder, 200, (100, 250, 500, 1000, 3000, 3400, 3800)):
        yield f"file system of {one.room_kb} kB", one
    yield "two runners", two_runners(folder)


def _drive(folder: Path, kills: int, every: int) -> Results:
    yield "a file of Drive cut off at each byte", each_byte(folder, every)
    yield "a large image in parts cut off at 1,000 random bytes", random_bytes(folder, 1000)
    yield "troubles with files of Drive", troubles(folder)
    yield "kill -9 of moves out, with deletions", moves(folder, kills, 30)
    yield "kill -9 of moves back", returns(folder, kills, 30)


def _scale(folder: Path, images: int) -> Results:
    """A small project, a larger one, and as many images as are asked for."""
    yield "2 tasks at once", scale(folder, 2_000, running=2, refresh_s=30.0, allowed=30)
    yield "20 tasks at once", scale(folder, 5_000, running=20, refresh_s=30.0, allowed=100)
    yield f"{images:,} images", scale(folder, images, say=lambda line: _say(f"  {line}"))


def _print(title: str, value: Any) -> None:
    """A campaign's figures, one a line."""
    _say(title)
    if is_dataclass(value):
        for item in fields(value):
            _say(f"  {item.name:18} {_text(getattr(value, item.name))}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_text(each)}" for key, each in value.items()) or "none"
    if isinstance(value, tuple):
        return "; ".join(map(_text, value[:12])) or "none"
    return str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
