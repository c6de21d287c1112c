"""The operations of a project as a run watches them: a look costs a few pages, however many have ended before."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass

from ..base import Operation
from ..client import OPERATIONS_PAGE, ServiceClient

SINGLE_LOOKS = 8
"""So few operations that the pages have not shown yet are asked for one by one, rather than reading on to the end."""
LEAST_PAGE = 50
"""Operations of a page where few are looked for that one page has shown the last time: 25 kB instead of 250 at each
look, some thousand times a day."""
MARGIN_S = 600.0
"""Operations are listed by the time of their creation, as far as that is known; clocks of the service may differ by
less than this."""


@dataclass(frozen=True)
class _Look:
    """What the last look saw: when the latest operation was made, and which had not ended."""

    newest_s: float
    unfinished: frozenset[str]


class Watch:
    """Looks at the operations of a project; several threads may use it, one looks at a time."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client
        self._last: _Look | None = None
        self._known: dict[str, Operation] = {}
        self._is_shallow = False
        self._lock = threading.Lock()

    def look(self, names: Collection[str]) -> dict[str, Operation]:
        """By name: those of ``names`` that are still known, and all of the project that have not ended.

        The first look reads the whole list. Later ones stop where everything has been seen that had not ended at the
        last look, and everything that was made since. A list in another order than by time is read to its end.
        """
        with self._lock:
            last = self._last
            wanted = set(names) | (last.unfinished if last is not None else set())
            found = self._read(wanted, last)
            unfinished = frozenset(name for name, one in found.items() if not one.state.is_final)
            newest_s = max((one.created_s or 0.0 for one in found.values()), default=0.0)
            self._last = _Look(max(newest_s, last.newest_s if last is not None else 0.0), unfinished)
        asked = set(names)
        return {name: one for name, one in found.items() if name in asked or not one.state.is_final}

    def _read(self, wanted: set[str], last: _Look | None) -> dict[str, Operation]:
        """What pages show until no more are needed, of ended ones only those that are wanted and the newest."""
        found: dict[str, Operation] = {}
        missing, previous_s, is_by_time = set(wanted), float("inf"), True
        size = _page_size(len(wanted)) if self._is_shallow else OPERATIONS_PAGE
        known, self._known = self._known, {}
        for number, page in enumerate(self._client.operation_pages(size, known)):
            self._is_shallow = number == 0
            self._known |= {one.name: one for one in page if self._is_shallow or not one.state.is_final}
            for one in page:
                is_by_time &= one.created_s is not None and one.created_s <= previous_s
                previous_s = one.created_s if one.created_s is not None else previous_s
                missing.discard(one.name)
                if not found or not one.state.is_final or one.name in wanted:
                    found[one.name] = one
            reaches_known = last is not None and previous_s < last.newest_s - MARGIN_S
            if reaches_known and is_by_time and len(missing) <= SINGLE_LOOKS:
                return found | self._singly(missing)
        return found

    def _singly(self, names: Collection[str]) -> dict[str, Operation]:
        looked_at = {name: self._client.operation(name) for name in sorted(names)}
        return {name: one for name, one in looked_at.items() if one is not None}


def _page_size(wanted: int) -> int:
    """A page that shows what is looked for in most cases: twice as much, since others may lie in between."""
    return min(max(2 * wanted, LEAST_PAGE), OPERATIONS_PAGE)
