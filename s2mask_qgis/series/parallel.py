"""Work shared out to threads, awaited to the last piece even where one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Executor, wait
from typing import TypeVar

Item = TypeVar("Item")


def each(threads: Executor, work: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Do ``work`` for all items. After a failure no new piece is begun, and when none is running any more it is raised:
    whoever cleans up afterwards is alone."""
    pieces = [threads.submit(work, item) for item in items]
    finished, unfinished = wait(pieces, return_when=FIRST_EXCEPTION)
    running = [piece for piece in unfinished if not piece.cancel()]
    wait(running)
    for piece in (*finished, *running):
        piece.result()
