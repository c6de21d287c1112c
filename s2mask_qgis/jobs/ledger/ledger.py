"""The ledger of a run, written by one process: where each image stands, and every export before it is asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.scenes import Scene
from ...engines.local.library.locks import Held
from . import holding, making, migration, statements
from .encoding import (
    date_text,
    export_row,
    export_values,
    header_of,
    header_values,
    image_row,
    packed,
    scene_values,
    unpacked,
)
from .errors import LedgerError, explained
from .rows import ExportRow, ImageRow, RowState, RunHeader
from .statements import SELECT_EXPORTS, SELECT_IMAGES, state_values
from .store import Store, connect, opened

PAGE_ROWS = 500
_BEFORE_ALL_MS = -(2**62)


class Ledger:
    """What is known of a run. Each method's changes are whole and outlast the process when it returns (a batch: when
    that ends). What is written before a request, and each batch, outlasts a power failure too; of what is written
    after an answer the last may be lost to one, then the service is asked again.

    An image is SENDING, QUEUED or RUNNING only while an export of it is; it waits again when the last one has ended
    and nothing else was said, so that a kill at any moment leaves no image behind. Methods may be called from several
    threads. They raise a StorageError where the disk is in the way, a LedgerError where the file is.
    """

    def __init__(self, store: Store, held: Held | None, holder: str, now: Callable[[], float]) -> None:
        self.path = store.path
        self.is_read_only = held is None
        self.holder = holder
        self.header = header_of(self.path, dict(store.rows("SELECT name, value FROM run")))
        self._store, self._held, self._now = store, held, now

    @classmethod
    def create(cls, path: Path, header: RunHeader, now: Callable[[], float] = time.time) -> Ledger:
        """A new ledger without images, held for writing; LedgerError where there is one. Folders are made."""
        held = holding.take(path)
        if held is None:
            raise LedgerError(f"Another program is making the ledger {path}.")
        with holding.released_if_failed(held):
            if path.exists():
                raise LedgerError(f"There is a ledger already: {path}.")
            making.make(path, header)
            return cls._held_for_writing(path, held, now)

    @classmethod
    def open(cls, path: Path, read_only: bool = False, now: Callable[[], float] = time.time) -> Ledger:
        """A ledger that exists; for reading only where another holds it, who is told in :attr:`holder`."""
        if not path.is_file():
            raise LedgerError(f"There is no ledger {path}.")
        held = None if read_only else holding.take(path)
        if held is not None:
            with holding.released_if_failed(held):
                migration.bring_up_to_date(path)
                return cls._held_for_writing(path, held, now)
        with explained(path), closing(connect(path, is_read_only=True)) as connection:
            migration.check_version(connection, path)
        with opened(path, is_read_only=True) as store:
            noted = dict(store.rows("SELECT name, value FROM run WHERE name = 'holder'")).get("holder", "")
            return cls(store, None, "" if read_only else holding.sentence(path, noted), now)

    @classmethod
    def _held_for_writing(cls, path: Path, held: Held, now: Callable[[], float]) -> Ledger:
        with opened(path, is_read_only=False) as store:
            ledger = cls(store, held, "", now)
            store.change("INSERT OR REPLACE INTO run (name, value) VALUES ('holder', ?)", [holding.note(now())])
            return ledger

    def close(self) -> None:
        """Bring everything into the one file, and let others write it. Closing again does nothing."""
        self._store.close()
        held, self._held = self._held, None
        if held is not None:
            held.release()

    def set_header(self, header: RunHeader) -> None:
        """Say anew what the ledger is of."""
        rows = header_values(header).items()
        with self.batch():
            self._store.change_many("INSERT OR REPLACE INTO run (name, value) VALUES (?, ?)", rows)
        self.header = header

    def batch(self) -> AbstractContextManager[None]:
        """Changes that are made at once or, where the block fails, not at all."""
        return self._changes(is_flushed=True)

    def _changes(self, is_flushed: bool = False) -> AbstractContextManager[None]:
        if self.is_read_only:
            raise LedgerError(self.holder or f"{self.path} was opened for reading only.")
        return self._store.transaction(is_flushed)

    # Images

    def add(self, scenes: Iterable[Scene], state: RowState = RowState.WAITING, reason: str = "") -> int:
        """Write down images that are not known yet; returns how many those were."""
        now_s = self._now()
        rows = (scene_values(scene, state, reason, now_s) for scene in scenes)
        with self.batch():
            return self._store.change_many(statements.ADD_IMAGE, rows)

    def counts(self) -> dict[RowState, int]:
        """How many images there are in each state."""
        found = dict(self._store.rows("SELECT state, COUNT(*) FROM images GROUP BY state"))
        return {state: found.get(state.value, 0) for state in RowState}

    def tiles(self, states: Collection[RowState]) -> list[str]:
        """The tiles that have images in one of these states, in order."""
        return [tile for (tile,) in self._store.rows(statements.TILES, state_values(set(states)))]

    def images(self, states: Collection[RowState] | None = None, tile: str | None = None) -> Iterator[ImageRow]:
        """Images in order of tile, time and index, read page by page: what changes meanwhile may be seen or not."""
        wanted = state_values(None if states is None else set(states))
        ends = statements.NEXT_IMAGES if tile is None else statements.NEXT_IMAGES_OF_TILE
        last: tuple[Any, ...] = ("" if tile is None else tile, _BEFORE_ALL_MS, "")
        while page := self._store.rows(SELECT_IMAGES + ends, [*wanted, *last, PAGE_ROWS]):
            rows = [image_row(found) for found in page]
            last = (rows[-1].tile, rows[-1].time_start_ms, rows[-1].index)
            yield from rows

    def image(self, index: str) -> ImageRow | None:
        """One image, None where it is not known."""
        found = self._store.rows(SELECT_IMAGES + " WHERE image = ?", [index])
        return image_row(found[0]) if found else None

    def mark(self, indexes: Collection[str], state: RowState, reason: str = "", is_permanent: bool = False) -> None:
        """Bring images into a state, for a reason."""
        now_s = self._now()
        head = [state.value, reason, is_permanent, now_s, date_text(now_s)]
        with self.batch():
            self._store.change_many(statements.MARK, ([*head, index] for index in indexes))
            if not state.is_open and state is not RowState.WAITING:
                self._store.change_many("DELETE FROM plans WHERE image = ?", ([index] for index in indexes))

    def finish(
        self,
        index: str,
        state: RowState,
        reason: str = "",
        is_permanent: bool = False,
        outputs: Mapping[str, str] | None = None,
        cloud_share: float | None = None,
        shadow_share: float | None = None,
        ndvi_share: float | None = None,
        seconds: float | None = None,
    ) -> None:
        """Say what came of an image; its plan is dropped. ``outputs`` None leaves them as they are."""
        shares = [cloud_share, shadow_share, ndvi_share, seconds]
        told = json.dumps(dict(outputs)) if outputs is not None else None
        with self._changes():
            self.mark([index], state, reason, is_permanent)
            self._store.change(statements.FINISH, [told, *shares, index])

    def retry(self, indexes: Collection[str] | None = None) -> int:
        """Let failed and cancelled images (all, or those of ``indexes``) wait again; returns how many."""
        now_s = self._now()
        head = [now_s, date_text(now_s)]
        with self.batch():
            if indexes is None:
                return self._store.change(statements.RETRY, head)
            of_one = statements.RETRY + " AND image = ?"
            return self._store.change_many(of_one, ([*head, index] for index in indexes))

    # Plans

    def keep_plan(self, index: str, plan: dict[str, Any]) -> None:
        """Write down what an image's exports depend on, JSON values, in place of an earlier plan."""
        with self._changes():
            self._store.change("INSERT OR REPLACE INTO plans (image, plan) VALUES (?, ?)", [index, packed(plan)])

    def plan(self, index: str) -> dict[str, Any] | None:
        """The plan of an open image, None where there is none."""
        found = self._store.rows("SELECT plan FROM plans WHERE image = ?", [index])
        return unpacked(found[0][0]) if found else None

    # Exports

    def send(self, export: ExportRow) -> None:
        """Write down an export before it is asked for. The same request id again opens its row again."""
        now_s = self._now()
        row = replace(export, state=RowState.SENDING, sent_s=export.sent_s or now_s)
        with self.batch():
            is_known = bool(self._store.rows("SELECT 1 FROM exports WHERE request_id = ?", [row.request_id]))
            if is_known:
                self._store.change(statements.REOPEN_EXPORT, [row.state.value, row.request_id])
            else:
                self._store.change(statements.ADD_EXPORT, export_values(row))
            values = [row.state.value, now_s, date_text(now_s), row.kind, not is_known, row.index]
            self._store.change(statements.BEGIN_IMAGE, values)

    def sent(self, request_id: str, operation: str) -> None:
        """Write down the name that the service gave to an export."""
        with self._changes():
            index = self._image_of(request_id)
            self._store.change(statements.NAME_EXPORT, [operation, request_id])
            self._follow(index)

    def running(self, request_ids: Collection[str]) -> None:
        """The service has begun with these exports."""
        with self._changes():
            for request_id in request_ids:
                index = self._image_of(request_id)
                self._store.change(statements.RUN_EXPORT, [request_id])
                self._follow(index)

    def end_export(self, request_id: str, state: RowState, error: str = "", error_code: int = 0) -> None:
        """An export has ended as DONE, FAILED or CANCELLED; its image waits, until more is said, if it was the last."""
        with self._changes():
            index = self._image_of(request_id)
            self._store.change(statements.END_EXPORT, [state.value, error, error_code, self._now(), request_id])
            self._follow(index)

    def open_exports(self) -> list[ExportRow]:
        """The exports that may be under way, in the order in which they were written down."""
        return self._exports(statements.OPEN_EXPORTS, [])

    def exports(self, index: str) -> list[ExportRow]:
        """All exports of an image, in the order in which they were written down."""
        return self._exports(" WHERE image = ? ORDER BY fid", [index])

    def attempts(self, index: str, kind: str) -> int:
        """The highest attempt of this kind of results of an image."""
        sql = "SELECT COALESCE(MAX(attempt), 0) FROM exports WHERE image = ? AND kind = ?"
        return int(self._store.rows(sql, [index, kind])[0][0])

    def durations(self, kind: str, limit: int = 200) -> list[float]:
        """Seconds from sending to the end of the newest exports of a kind that succeeded."""
        return [seconds for (seconds,) in self._store.rows(statements.DURATIONS, [kind, limit])]

    def _exports(self, condition: str, values: list[str]) -> list[ExportRow]:
        return [export_row(found) for found in self._store.rows(SELECT_EXPORTS + condition, values)]

    def _image_of(self, request_id: str) -> str:
        found = self._store.rows("SELECT image FROM exports WHERE request_id = ?", [request_id])
        if not found:
            raise LedgerError(f"The ledger {self.path} knows of no export {request_id}.")
        return str(found[0][0])

    def _follow(self, index: str) -> None:
        """Bring an open image into the state of its newest open export, or let it wait."""
        found = self._store.rows(statements.STATE_OF_NEWEST_EXPORT, [index])
        state, now_s = found[0][0] if found else RowState.WAITING.value, self._now()
        self._store.change(statements.FOLLOW, [state, now_s, date_text(now_s), index])
