"""What a ledger goes through without losing anything: kills, a full disk, other programs at the same file."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from osgeo import gdal

from s2mask_qgis.engines.errors import StorageError
from s2mask_qgis.jobs.ledger import store
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.rows import RowState
from tests.jobs.ledger.images import HEADER, export, scene

ROOT = Path(__file__).resolve().parents[3]

WRITER = """
import sys
from pathlib import Path
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.rows import RowState
from tests.jobs.ledger.images import export, scene
ledger, first = Ledger.open(Path(sys.argv[1])), int(sys.argv[2])
print("open", flush=True)
for number in range(first, first + 100_000):
    with ledger.batch():  # one image and its export, both or neither
        ledger.add([scene(number)])
        ledger.keep_plan(scene(number).index, {"a": [1, 2, 3]})
        ledger.send(export(scene(number)))
    ledger.sent(export(scene(number)).request_id, f"op-{number}")
    print(number, flush=True)
    if number % 3 == 0:
        with ledger.batch():
            ledger.end_export(export(scene(number)).request_id, RowState.DONE)
            ledger.finish(scene(number).index, RowState.DONE, cloud_share=0.5)
"""

LOOKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute('SELECT COUNT(*) FROM images').fetchone()[0])
connection.close()
"""


def written_until_killed(path, first, delay_s):
    """Starts a writer, kills it after a while, and returns the numbers that it confirmed."""
    command = [sys.executable, "-c", WRITER, str(path), str(first)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout.readline() == "open\n"
    time.sleep(delay_s)
    process.kill()
    lines = process.communicate()[0].splitlines(keepends=True)
    return [int(line) for line in lines if line.endswith("\n")]


def looked_at(path):
    """How many images another program sees, which opens the file for writing and closes it again."""
    return int(subprocess.run([sys.executable, "-c", LOOKER, str(path)], capture_output=True, check=True).stdout)


def test_kills_at_any_moment_lose_nothing_and_leave_nothing_half_done(path):
    Ledger.create(path, HEADER).close()
    chance, confirmed = random.Random(7), []
    for attempt in range(30):
        confirmed += written_until_killed(path, 1000 * attempt, chance.uniform(0.0, 0.04))
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            ((images, exports, ended, done, plans),) = connection.execute(
                "SELECT (SELECT COUNT(*) FROM images), (SELECT COUNT(*) FROM exports), "
                "(SELECT COUNT(*) FROM exports WHERE state = 'done'), "
                "(SELECT COUNT(*) FROM images WHERE state = 'done'), (SELECT COUNT(*) FROM plans)"
            )
        assert (images, ended, plans) == (exports, done, images - done)
        with closing(Ledger.open(path)) as ledger:
            known = {row.index for row in ledger.images()}
            assert {scene(number).index for number in confirmed} <= known
            operations = {row.operation for number in confirmed[-3:] for row in ledger.exports(scene(number).index)}
            assert operations == {f"op-{number}" for number in confirmed[-3:]}
    assert len(confirmed) > 30


def test_another_program_does_not_take_the_log_away_after_gdal_has_looked(ledger, path):
    """GDAL's look in this process ends the locks by which SQLite tells other processes that the file is in use."""
    ledger.add([scene(0)])
    dataset = gdal.OpenEx(str(path), gdal.OF_VECTOR)
    assert dataset.GetLayerByName("images").GetFeatureCount() == 1
    dataset = None
    assert looked_at(path) == 1
    ledger.add([scene(1)])
    assert looked_at(path) == 2


def test_a_reader_in_the_middle_of_reading_blocks_nothing(ledger, path):
    ledger.add([scene(n) for n in range(300)])
    with closing(sqlite3.connect(path)) as reader:
        cursor = reader.execute("SELECT image FROM images")
        cursor.fetchone()
        ledger.add([scene(n) for n in range(300, 2000)])
        ledger.finish(scene(0).index, RowState.DONE)
        assert len(cursor.fetchall()) == 299
    assert looked_at(path) == 2000


def test_a_program_that_locks_the_file_is_told_and_waited_for(ledger, path, monkeypatch):
    monkeypatch.setattr(store, "PATIENCE_S", 0.1)
    ledger.close()
    with closing(Ledger.open(path)) as impatient, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="Another program holds the ledger"):
            impatient.add([scene(0)])
        other.execute("ROLLBACK")
        assert impatient.add([scene(0)]) == 1


DISK_FULL = """
import resource, sys
from pathlib import Path
from s2mask_qgis.engines.errors import StorageError
from s2mask_qgis.jobs.ledger.ledger import Ledger
from tests.jobs.ledger.images import scene
path = Path(sys.argv[1])
ledger = Ledger.open(path)
ledger.add([scene(n) for n in range(100)])
resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(path.name + "-wal").stat().st_size + 50_000, -1))
added = 100
try:
    for start in range(100, 5000, 100):
        ledger.add([scene(n) for n in range(start, start + 100)])
        added += 100
except StorageError as error:
    print(error)
print(added == sum(ledger.counts().values()))
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
ledger.add([scene(n) for n in range(9000, 9100)])
print(added + 100 == sum(ledger.counts().values()))
ledger.close()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="this system does not limit the size of files")
def test_a_file_that_cannot_grow_is_told_and_gone_on_with_once_it_can(ledger, path):
    ledger.close()
    command = [sys.executable, "-c", DISK_FULL, str(path)]
    told, *checks = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout.splitlines()
    assert str(path) in told
    assert "space" in told or "full" in told
    assert checks == ["True", "True"]
    with closing(Ledger.open(path)) as again:
        assert again.image(scene(9099).index) is not None


def test_a_database_that_is_full_is_told_and_gone_on_with(ledger):
    ledger.add([scene(0)])
    limit = ledger._store.rows("PRAGMA page_count")[0][0] + 2
    ledger._store.rows(f"PRAGMA max_page_count = {limit}")

    def fill():
        with ledger.batch():
            ledger.mark([scene(0).index], RowState.FAILED)
            ledger.add([scene(n) for n in range(1, 500)])

    with pytest.raises(StorageError, match="The disk is full"):
        fill()
    assert ledger.counts()[RowState.WAITING] == 1
    ledger._store.rows("PRAGMA max_page_count = 1000000")
    assert ledger.add([scene(n) for n in range(1, 500)]) == 499


def test_a_batch_that_sqlite_has_ended_by_itself_is_not_gone_on_with(ledger):
    def go_on():
        with ledger.batch():
            ledger.add([scene(0)])
            ledger._store.rows("ROLLBACK")  # as SQLite does after some failures of the disk
            ledger.add([scene(1)])

    with pytest.raises(StorageError, match="was undone"):
        go_on()
    assert sum(ledger.counts().values()) == 0
    assert ledger.add([scene(2)]) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act as somebody else")
def test_a_folder_that_may_not_be_written_is_told(ledger, path):
    ledger.close()
    script = (
        "import os, sys; from pathlib import Path\n"
        "from s2mask_qgis.jobs.ledger.ledger import Ledger\n"
        "from s2mask_qgis.engines.errors import StorageError\n"
        "path = Path(sys.argv[1])\n"
        "os.chmod(path.parent, 0o555); os.chmod(path, 0o444)\n"
        "for folder in path.parents[1:4]: os.chmod(folder, 0o755)\n"
        "os.setuid(65534)\n"
        "try: Ledger.open(path)\n"
        "except StorageError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert str(path) in done.stdout
    assert "Permission denied" in done.stdout


def test_an_export_that_was_begun_before_a_kill_is_open_afterwards(path):
    Ledger.create(path, HEADER).close()
    script = (
        "import os, sys; from pathlib import Path\n"
        "from s2mask_qgis.jobs.ledger.ledger import Ledger\n"
        "from tests.jobs.ledger.images import export, scene\n"
        "ledger = Ledger.open(Path(sys.argv[1]))\n"
        "ledger.add([scene(0)]); ledger.send(export(scene(0))); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, check=False)
    with closing(Ledger.open(path)) as ledger:
        assert [row.request_id for row in ledger.open_exports()] == [export(scene(0)).request_id]
        assert ledger.image(scene(0).index).state is RowState.SENDING
