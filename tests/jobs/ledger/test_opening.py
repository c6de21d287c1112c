"""Who may write a ledger, which files are none, and ledgers of other versions."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from s2mask_qgis.engines.errors import StorageError
from s2mask_qgis.jobs.ledger import migration, store
from s2mask_qgis.jobs.ledger.errors import LedgerError
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.reading import read
from s2mask_qgis.jobs.ledger.rows import RowState
from tests.jobs.ledger.images import HEADER, export, scene

ROOT = Path(__file__).resolve().parents[3]

OTHER_PROCESS = """
import sys
from pathlib import Path
from s2mask_qgis.jobs.ledger.ledger import Ledger
ledger = Ledger.open(Path(sys.argv[1]))
print(ledger.is_read_only, flush=True)
sys.stdin.read()
"""


def other_process(path):
    """Another process that has opened the ledger, until its input is closed; and whether it got it read-only."""
    command = [sys.executable, "-c", OTHER_PROCESS, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return process, process.stdout.readline().strip()


def test_a_new_ledger_is_held_for_writing(ledger):
    assert not ledger.is_read_only
    assert ledger.holder == ""


def test_a_ledger_is_not_made_over_another(ledger, path):
    ledger.add([scene(0)])
    ledger.close()
    with pytest.raises(LedgerError, match="already"):
        Ledger.create(path, HEADER)
    with closing(Ledger.open(path)) as again:
        assert again.counts()[RowState.WAITING] == 1


def test_the_log_of_a_ledger_that_was_removed_is_not_taken_up(ledger, path):
    ledger.add([scene(0)])
    (path.parent / "kept-wal").write_bytes(path.with_name(f"{path.name}-wal").read_bytes())
    ledger.close()
    path.unlink()
    (path.parent / "kept-wal").rename(path.with_name(f"{path.name}-wal"))
    with closing(Ledger.create(path, HEADER)) as anew:
        assert sum(anew.counts().values()) == 0


def test_the_second_process_only_reads_and_says_who_writes(path):
    Ledger.create(path, HEADER).close()
    process, is_read_only = other_process(path)
    try:
        assert is_read_only == "False"
        with closing(Ledger.open(path)) as second:
            assert second.is_read_only
            assert re.fullmatch(
                rf"{path.name} is being written by QGIS on \S+ \(process {process.pid}\) since \d\d:\d\d; "
                "it is shown read-only\\.",
                second.holder,
            )
            with pytest.raises(LedgerError, match="being written by QGIS"):
                second.add([scene(0)])
    finally:
        process.communicate("")


@pytest.mark.parametrize("noted", ["", "{", "5", "{}", '{"since_s": "x", "host": "h", "process": 1}'])
def test_a_note_of_the_holder_that_cannot_be_read_is_no_obstacle(ledger, path, noted):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE run SET value = ? WHERE name = 'holder'", [noted])
    with closing(Ledger.open(path)) as second:
        assert second.is_read_only
        assert "another program" in second.holder


def test_the_second_opening_in_one_process_only_reads(ledger, path):
    ledger.add([scene(0)])
    with closing(Ledger.open(path)) as second:
        assert (second.is_read_only, second.counts()[RowState.WAITING]) == (True, 1)
        ledger.add([scene(1)])
        assert second.counts()[RowState.WAITING] == 2
    with closing(Ledger.open(path)) as third:
        assert third.is_read_only


def test_a_killed_process_holds_nothing(path):
    Ledger.create(path, HEADER).close()
    process, _ = other_process(path)
    process.kill()
    process.communicate()
    assert path.with_name(f"{path.name}.lock").exists()
    with closing(Ledger.open(path)) as ledger:
        assert not ledger.is_read_only


def test_a_closed_ledger_is_one_file(ledger, path):
    ledger.add([scene(0)])
    ledger.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_ledger_opened_for_reading_refuses_to_write(ledger, path):
    with closing(Ledger.open(path, read_only=True)) as reader:
        assert (reader.is_read_only, reader.holder) == (True, "")
        with pytest.raises(LedgerError, match="for reading only"):
            reader.add([scene(0)])


def test_a_ledger_that_is_not_there_is_told(path):
    for look in (Ledger.open, read):
        with pytest.raises(LedgerError, match="no ledger"):
            look(path)
    assert list(path.parent.iterdir()) == []


def damaged(path):
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)


def other_geopackage(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE run (name TEXT, value TEXT)")
        connection.commit()


FILES = {
    "a text": lambda path: path.write_text("image;state\n" * 500),
    "nothing": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:6000]),
    "damaged": damaged,
    "another database": other_geopackage,
}


@pytest.mark.parametrize("spoil", FILES.values(), ids=FILES.keys())
def test_what_is_no_ledger_is_told_and_left_as_it_is(ledger, path, spoil):
    ledger.add([scene(n) for n in range(100)])
    ledger.close()
    spoil(path)
    before = path.read_bytes()
    for look in (Ledger.open, read, lambda file: Ledger.open(file, read_only=True)):
        with pytest.raises(LedgerError) as caught:
            look(path)
        assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert not path.with_name(f"{path.name}.lock").exists()


@pytest.mark.parametrize("name", ["request", "created_s"])
def test_a_ledger_without_its_header_is_told(ledger, path, name):
    ledger.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM run WHERE name = ?", [name])
        connection.commit()
    with pytest.raises(LedgerError, match="does not tell what the run"):
        Ledger.open(path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        Ledger.create(tmp_path / "file" / "run.gpkg", HEADER)


# Versions


def of_version_1(path):
    """A ledger as version 1 wrote it: without the shares of shadow and NDVI. Returns what its images looked like."""
    with closing(Ledger.create(path, HEADER)) as ledger:
        ledger.add([scene(n) for n in range(20)])
        ledger.send(export(scene(0)))
        ledger.sent(export(scene(0)).request_id, "op")
        ledger.finish(scene(1).index, RowState.DONE, outputs={"mask": "here"}, cloud_share=0.5)
        rows = list(ledger.images())
    with closing(sqlite3.connect(path)) as connection:
        for column in ("shadow_share", "ndvi_share"):
            connection.execute(f"ALTER TABLE images DROP COLUMN {column}")
        connection.execute("UPDATE run SET value = '1' WHERE name = 'schema'")
        connection.commit()
    return rows


def columns_of(path):
    with closing(sqlite3.connect(path)) as connection:
        return {row[1] for row in connection.execute("PRAGMA table_info(images)")}


def test_there_is_a_step_from_each_version_to_the_next():
    assert len(migration.STEPS) == migration.VERSION - 1


def test_an_earlier_version_is_brought_up_to_date_and_kept(path):
    rows = of_version_1(path)
    with closing(Ledger.open(path)) as ledger:
        assert list(ledger.images()) == rows
        assert [row.operation for row in ledger.open_exports()] == ["op"]
        ledger.finish(scene(0).index, RowState.DONE, shadow_share=0.25, ndvi_share=0.75)
    assert read(path).rows[0].ndvi_share == 0.75
    kept = path.with_name("run-0a1b2c3d.v1.gpkg")
    assert columns_of(path) - columns_of(kept) == {"shadow_share", "ndvi_share"}
    assert {file.name for file in path.parent.iterdir()} == {path.name, kept.name}


def test_an_earlier_version_is_not_touched_by_who_only_looks(path):
    of_version_1(path)
    before = path.read_bytes()
    for look in (read, lambda file: Ledger.open(file, read_only=True)):
        with pytest.raises(LedgerError, match="earlier version"):
            look(path)
    assert path.read_bytes() == before


def test_what_an_earlier_version_left_in_its_log_is_not_lost(path):
    of_version_1(path)
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA journal_mode = WAL');"
        "c.execute(\"UPDATE images SET reason = 'late'\"); c.commit(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert path.with_name(f"{path.name}-wal").stat().st_size > 0
    with closing(Ledger.open(path)) as ledger:
        assert {row.reason for row in ledger.images()} == {"late"}


def test_an_earlier_version_that_is_being_read_is_not_replaced(path, monkeypatch):
    of_version_1(path)
    monkeypatch.setattr(store, "PATIENCE_S", 0.1)
    with closing(sqlite3.connect(path)) as writer, closing(sqlite3.connect(path)) as reader:
        writer.execute("PRAGMA journal_mode = WAL")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM images").fetchone()
        writer.execute("UPDATE images SET reason = 'late'")
        writer.commit()
        with pytest.raises(StorageError, match="Another program"):
            Ledger.open(path)
    with closing(Ledger.open(path)) as ledger:
        assert {row.reason for row in ledger.images()} == {"late"}


@pytest.mark.parametrize("moment", range(4))
def test_an_upgrade_that_is_cut_short_loses_nothing(path, monkeypatch, moment):
    rows = of_version_1(path)
    reached = []

    def cut(*_):
        reached.append(0)
        if len(reached) == moment + 1:
            raise KeyboardInterrupt

    for name in ("_gather", "_copy", "_upgrade"):
        real = getattr(migration, name)
        monkeypatch.setattr(migration, name, lambda *given, real=real: (cut(), real(*given)))
    with pytest.raises(KeyboardInterrupt):
        Ledger.open(path)
    monkeypatch.undo()
    with closing(Ledger.open(path)) as ledger:
        assert list(ledger.images()) == rows


def test_a_step_that_fails_leaves_the_earlier_version(path, monkeypatch):
    of_version_1(path)

    def fail(connection):
        connection.execute("ALTER TABLE images ADD COLUMN shadow_share DOUBLE")
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(migration, "STEPS", (fail,))
    with pytest.raises(StorageError, match="disk is full"):
        Ledger.open(path)
    assert "shadow_share" not in columns_of(path)


def test_a_later_version_is_refused_and_left_as_it_is(ledger, path):
    ledger.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE run SET value = '99' WHERE name = 'schema'")
        connection.commit()
    before = path.read_bytes()
    for look in (Ledger.open, read):
        with pytest.raises(LedgerError, match=r"newer plugin \(version 99.*update the plugin"):
            look(path)
    assert path.read_bytes() == before


def test_a_header_may_hold_any_json(path):
    header = replace(HEADER, request={"text": 'ü"\\', "list": [1, {"a": None}]}, listed_s=5.5)
    Ledger.create(path, header).close()
    assert read(path).header == header
