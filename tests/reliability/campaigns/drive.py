"""Downloads from Drive that are interrupted at any byte, or meet what else Drive can answer and hold: the images come
whole and once, or the reason is told and nothing half is left."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from osgeo import gdal

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.google.drive import Drive
from s2mask_qgis.google.urls import Urls
from s2mask_qgis.jobs.downloading import UNFINISHED
from s2mask_qgis.jobs.moving import download
from s2mask_qgis.jobs.moving_request import DownloadRequest, MoveReport
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.web.session import Patience, Session
from tests.google.drive_stand_in import Answer, Asked, DriveStandIn, json_answer, refused

from ..moving import parts

NAME = "image"
NODATA = 255.0
SMALL_YX, LARGE_YX = (8, 8), (700, 1100)
LARGE_PART_PX = 384
PART_PX = 5
Always = Callable[[Asked, Answer], Answer]


@dataclass(frozen=True)
class Interrupted:
    """Downloads that were cut off: ``bytes_twice`` came although they were here already."""

    downloads: int
    interruptions: int
    file_bytes: int
    lost: int
    bytes_twice: int
    wrong: int
    broken: tuple[str, ...]


@dataclass(frozen=True)
class Troubled:
    """Downloads with each trouble at each file, or of each odd folder, by how they ended at first."""

    downloads: int
    complete: dict[str, int]
    paused: dict[str, int]
    told: dict[str, int]
    lost: int
    wrong: int
    broken: tuple[str, ...]


class Place:
    """A folder of Drive with one image in parts, and downloads of it to folders of their own."""

    def __init__(self, server: DriveStandIn, folder: Path, shape_yx: tuple[int, int], part_px: int, seed: int) -> None:
        self.server = server
        self.pixels = np.random.default_rng(seed).integers(0, 255, shape_yx).astype(np.uint8)
        self.folder = server.folder(f"folder of {folder.name}")
        self.name = f"folder of {folder.name}"
        self._here, self._number, self._part_px = folder, 0, part_px
        self.keys = self.put(self.pixels)
        self.size = sum(len(server.contents[key]) for key in self.keys)

    def put(self, pixels: np.ndarray, created: str = "", leave_out: int | None = None) -> list[str]:
        """Put an export of the image into the folder, without one of its parts if wished; the ids of its files."""
        rows, columns = pixels.shape
        grid = Grid("EPSG:32633", (10.0, 0.0, 600000.0, 0.0, -10.0, 5300040.0), (rows, columns))
        written = enumerate(parts({"mask": pixels}, grid, NODATA, self._part_px))
        return [
            self.server.add(self.folder, f"{NAME}{suffix}.tif", content, created)
            for number, (suffix, content) in written
            if number != leave_out
        ]

    def fresh(self) -> Path:
        """A folder on this computer that holds nothing."""
        self._number += 1
        return self._here / str(self._number)

    def download(self, target: Path, always: Always = lambda asked, answer: answer) -> MoveReport:
        """One download, in which the stand-in's answers are changed."""
        self.server.always = always
        session = Session(patience=Patience(attempts=4), sleep=lambda seconds: None)
        drive = Drive.over(session, Urls(drive=f"{self.server.url}/drive/v3"))
        return download(DownloadRequest(self.name, target), drive, Orders(), lambda progress: None)

    def is_right(self, target: Path) -> bool:
        """Whether the image is there with its own pixels, and nothing beside it."""
        file = target / f"{NAME}.tif"
        found = gdal.Open(str(file)).ReadAsArray() if file.is_file() else None
        return found is not None and np.array_equal(found, self.pixels) and not (target / UNFINISHED).exists()


@contextmanager
def place_of(folder: Path, shape_yx: tuple[int, int], part_px: int, seed: int = 0) -> Iterator[Place]:
    """A place with its stand-in of Drive."""
    folder.mkdir()
    server = DriveStandIn()
    try:
        yield Place(server, folder, shape_yx, part_px, seed)
    finally:
        server.close()


class Cuts:
    """Breaks connections: those of each file at given bytes of it, one after the other; counts what was sent."""

    def __init__(self, at: dict[str, list[int]]) -> None:
        self._at = {key: sorted(cuts) for key, cuts in at.items()}
        self.sent = self.made = 0

    def __call__(self, asked: Asked, answer: Answer) -> Answer:
        """See StandIn.always."""
        if asked.query.get("alt") != "media":
            return answer
        first = int(asked.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        waiting = self._at.get(asked.path.rpartition("/")[2], [])
        if not waiting:
            self.sent += len(answer.body)
            return answer
        cut = max(0, waiting.pop(0) - first)
        self.made += 1
        self.sent += cut
        return replace(answer, cut=cut)


def each_byte(folder: Path, every: int = 1) -> Interrupted:
    """A small file, interrupted at each (every ``every``-th) of its bytes."""
    with place_of(folder / "each byte", SMALL_YX, SMALL_YX[1]) as place:
        (key,) = place.keys
        return _interrupted(place, [{key: [byte]} for byte in range(0, place.size, every)])


def random_bytes(folder: Path, count: int, seed: int = 0) -> Interrupted:
    """A large image in parts, each of them interrupted one to three times, at so many random bytes in all."""
    draw = random.Random(seed)
    with place_of(folder / "random bytes", LARGE_YX, LARGE_PART_PX) as place:
        plans: list[dict[str, list[int]]] = []
        while (left := count - sum(len(cuts) for plan in plans for cuts in plan.values())) > 0:
            plan: dict[str, list[int]] = {}
            for key in place.keys:
                times = min(draw.randint(1, 3), left)
                plan[key] = [draw.randrange(len(place.server.contents[key])) for _ in range(times)]
                left -= times
            plans.append(plan)
        return _interrupted(place, plans)


def _interrupted(place: Place, plans: list[dict[str, list[int]]]) -> Interrupted:
    made = lost = twice = wrong = 0
    broken = []
    for plan in plans:
        cuts, target = Cuts(plan), place.fresh()
        report = place.download(target, cuts)
        made += cuts.made
        twice += max(0, cuts.sent - place.size)
        lost += report.here != 1
        is_wrong = report.here == 1 and not place.is_right(target)
        wrong += is_wrong
        if report.state is not RunState.FINISHED or is_wrong or cuts.sent != place.size:
            broken.append(f"{plan}: {report.state.value}, {cuts.sent} of {place.size} bytes: {report.message}")
    return Interrupted(len(plans), made, place.size, lost, twice, wrong, tuple(broken))


@dataclass(frozen=True)
class Trouble:
    """What Drive answers ``times`` times where the bytes of a file are asked for, how a download ends then, and a word
    of what it tells."""

    name: str
    change: Callable[[Answer], Answer]
    times: int = 1
    ends: RunState = RunState.FINISHED
    word: str = ""


def _damaged(answer: Answer) -> Answer:
    middle = len(answer.body) // 2
    return replace(answer, body=answer.body[:middle] + bytes([answer.body[middle] ^ 1]) + answer.body[middle + 1 :])


ALWAYS = 10**6
TROUBLES = (
    Trouble("503", lambda answer: json_answer({}, 503)),
    Trouble("429", lambda answer: json_answer({}, 429)),
    Trouble("403 rate limit", lambda answer: refused(403, "userRateLimitExceeded")),
    Trouble("lost answer", lambda answer: replace(answer, is_lost=True)),
    Trouble("wrong checksum once", _damaged),
    Trouble("wrong checksum always", _damaged, ALWAYS, RunState.FINISHED_WITH_FAILURES, "damaged"),
    Trouble("403 download quota", lambda answer: refused(403, "downloadQuotaExceeded"), 1, RunState.PAUSED, "tomorrow"),
    Trouble("403 daily limit", lambda answer: refused(403, "dailyLimitExceeded"), 1, RunState.PAUSED, "tomorrow"),
    Trouble("401", lambda answer: json_answer({}, 401), 1, RunState.PAUSED, "rights"),
    Trouble("404", lambda answer: refused(404, "notFound"), 1, RunState.FINISHED_WITH_FAILURES, NAME),
    Trouble("503 always", lambda answer: json_answer({}, 503), ALWAYS, RunState.FINISHED_WITH_FAILURES, "busy"),
)


def troubles(folder: Path) -> Troubled:
    """Each trouble at each part of an image, then each odd folder; all come once the trouble is over."""
    tried: list[_Tried] = []
    with place_of(folder / "troubles", SMALL_YX, PART_PX) as place:
        tried += [_try(place, trouble, key) for trouble, key in itertools.product(TROUBLES, place.keys)]
    for number, (name, prepare, word) in enumerate(ODD):
        with place_of(folder / f"odd {number}", SMALL_YX, PART_PX) as place:
            tried.append(_try_odd(place, name, prepare, word))
    ended = {state: Counter(one.name for one in tried if one.state is state) for state in RunState}
    return Troubled(
        len(tried),
        dict(ended[RunState.FINISHED]),
        dict(ended[RunState.PAUSED]),
        dict(ended[RunState.FINISHED_WITH_FAILURES]),
        sum(one.is_lost for one in tried),
        sum(one.is_wrong for one in tried),
        tuple(f"{one.name}: {text}" for one in tried for text in one.broken),
    )


@dataclass(frozen=True)
class _Tried:
    name: str
    state: RunState
    is_lost: bool
    is_wrong: bool
    broken: tuple[str, ...]


def _try(place: Place, trouble: Trouble, key: str) -> _Tried:
    """A download with one trouble at one file, and another without it where that had to end early."""
    left, target = [trouble.times], place.fresh()

    def always(asked: Asked, answer: Answer) -> Answer:
        if not asked.path.endswith(f"/{key}") or not left[0]:
            return answer
        left[0] -= 1
        return trouble.change(answer)

    first = place.download(target, always)
    broken = [] if first.state is trouble.ends else [f"ended {first.state.value}: {first.message}"]
    told = f"{first.message} {first.failed}"
    broken += [] if trouble.word in told else [f"tells only {told!r}"]
    if trouble.ends is not RunState.FINISHED and list(target.glob("*.tif*")):
        broken.append("left an image that it says has not come")
    return _ended(place, trouble.name, target, first, place.download(target), broken)


def _ended(place: Place, name: str, target: Path, first: MoveReport, last: MoveReport, broken: list[str]) -> _Tried:
    is_lost = last.here != 1 or not (target / f"{NAME}.tif").is_file()
    is_wrong = not is_lost and not place.is_right(target)
    broken += [f"at the end {last.state.value}: {last.message}"] * is_lost + ["wrong pixels"] * is_wrong
    return _Tried(name, first.state, is_lost, is_wrong, tuple(broken))


def _other(place: Place) -> np.ndarray:
    """Pixels of another export of the same name."""
    return np.roll(place.pixels, 1, axis=1)


def _older_export(place: Place) -> None:
    place.put(_other(place), "2020-01-01T00:00:00Z")


def _older_part(place: Place) -> None:
    place.server.add(place.folder, f"{NAME}-0000000000-0000000000.tif", b"older", "2020-01-01T00:00:00Z")


def _newer_half(place: Place) -> None:
    """A newer export of which a part is still on its way."""
    place.put(_other(place), "2027-01-01T00:00:00Z", leave_out=3)


def _older_in_another_folder(place: Place) -> None:
    here, place.folder = place.folder, place.server.folder(place.name)
    place.put(_other(place), "2020-01-01T00:00:00Z")
    place.folder = here


def _deleted(place: Place) -> None:
    """A whole export in the bin."""
    for key in place.put(_other(place), "2027-01-01T00:00:00Z"):
        next(one for one in place.server.entries if one["id"] == key)["trashed"] = True


def _missing_part(place: Place) -> None:
    _hide(place, True)


def _hide(place: Place, is_hidden: bool) -> None:
    next(one for one in place.server.entries if one["id"] == place.keys[2])["trashed"] = is_hidden


ODD: tuple[tuple[str, Callable[[Place], None], str], ...] = (
    ("an older export beside it", _older_export, "4 more files"),
    ("a part of an older export beside it", _older_part, "1 more file "),
    ("an incomplete newer export beside it", _newer_half, "3 more files"),
    ("an older export in another folder of the name", _older_in_another_folder, "4 more files"),
    ("a newer export in the bin", _deleted, ""),
    ("a missing part", _missing_part, f"{NAME}-0000000005-0000000000.tif is missing"),
)


def _try_odd(place: Place, name: str, prepare: Callable[[Place], None], word: str) -> _Tried:
    """A download of a folder that holds more, or less, than the one export; then of the whole export."""
    prepare(place)
    target = place.fresh()
    first = place.download(target)
    told = f"{first.message} {first.failed} {first.notes}"
    broken = [] if word in told else [f"tells only {told!r}"]
    expected = RunState.FINISHED_WITH_FAILURES if prepare is _missing_part else RunState.FINISHED
    broken += [] if first.state is expected else [f"ended {first.state.value}: {first.message}"]
    _hide(place, False)
    return _ended(place, name, target, first, place.download(target), broken)
