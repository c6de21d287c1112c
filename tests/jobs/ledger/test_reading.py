"""Looking at a ledger: what is seen of it, while it is written and where nothing can be written beside it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from s2mask_qgis.engines.local.library.locks import Held
from s2mask_qgis.jobs.ledger import holding
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.reading import read
from s2mask_qgis.jobs.ledger.rows import RowState
from tests.jobs.ledger.images import HEADER, scene

ROOT = Path(__file__).resolve().parents[3]


def test_a_look_tells_header_counts_and_rows(ledger, path):
    ledger.add([scene(n) for n in (2, 0, 1)])
    ledger.finish(scene(1).index, RowState.DONE, cloud_share=0.5)
    view = read(path)
    assert (view.path, view.header, view.total) == (path, HEADER, 3)
    assert view.counts == ledger.counts()
    assert view.rows == tuple(ledger.images())


def test_a_look_without_rows_still_counts(ledger, path):
    ledger.add([scene(0)])
    view = read(path, with_rows=False)
    assert (view.rows, view.total) == ((), 1)


def test_rows_can_be_asked_for_by_state_and_number(ledger, path):
    ledger.add([scene(n) for n in range(10)])
    ledger.mark([scene(n).index for n in (3, 5, 7)], RowState.FAILED, "why")
    assert [row.index for row in read(path, states={RowState.FAILED}).rows] == [scene(n).index for n in (3, 5, 7)]
    assert [row.index for row in read(path, most_rows=2).rows] == [scene(n).index for n in (0, 1)]


def test_only_what_is_new_can_be_asked_for(ledger, path, clock):
    ledger.add([scene(n) for n in range(10)])
    seen = read(path).seen_s
    assert seen == clock.now_s
    clock.now_s += 1
    ledger.mark([scene(4).index], RowState.FAILED)
    view = read(path, changed_since_s=seen + 0.5)
    assert [row.index for row in view.rows] == [scene(4).index]
    assert (view.seen_s, view.total) == (clock.now_s, 10)


def test_a_look_sees_one_moment_while_others_write(ledger, path):
    """Every batch adds two images: no look ever sees an odd number of them, nor other rows than it counts."""
    is_over = threading.Event()

    def write():
        for number in range(0, 400, 2):
            with ledger.batch():
                ledger.add([scene(number)])
                ledger.add([scene(number + 1)])
        is_over.set()

    thread = threading.Thread(target=write)
    thread.start()
    seen = set()
    while not is_over.is_set():
        view = read(path)
        assert view.total == len(view.rows)
        seen.add(view.total)
    thread.join()
    assert all(total % 2 == 0 for total in seen)
    assert len(seen) > 1


AS_NOBODY = """
import os, sys
from pathlib import Path
from s2mask_qgis.jobs.ledger.reading import read
path = Path(sys.argv[1])
for file in path.parent.iterdir(): os.chmod(file, 0o444)
os.chmod(path.parent, 0o555)
for folder in path.parents[1:4]: os.chmod(folder, 0o755)
os.setuid(65534)
print(read(path).total)
"""

KILLED = """
import os, sys
from pathlib import Path
from s2mask_qgis.jobs.ledger.ledger import Ledger
from tests.jobs.ledger.images import scene
Ledger.open(Path(sys.argv[1])).add([scene(n) for n in range(7)])
os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act as somebody else")
@pytest.mark.parametrize("left", ["", "-wal", "-wal -shm"])
def test_a_ledger_in_a_folder_that_is_only_read(path, left):
    """After a clean end there is nothing beside the file; after a kill there is, or the smaller one is missing."""
    Ledger.create(path, HEADER).close()
    subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, check=False)
    if not left:
        Ledger.open(path).close()
    for ending in {"-wal", "-shm"} - set(left.split()):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    done = subprocess.run([sys.executable, "-c", AS_NOBODY, str(path)], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr == ""
    assert done.stdout == "7\n"


def test_a_ledger_can_be_looked_at_where_it_was_left_by_a_kill(path):
    Ledger.create(path, HEADER).close()
    subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, check=False)
    assert read(path).total == 7
    with closing(Ledger.open(path)) as ledger:
        assert not ledger.is_read_only


def test_a_look_says_who_writes_the_ledger_and_leaves_it_to_them(ledger, path):
    ledger.add([scene(0)])
    assert re.fullmatch(rf"{path.name} is being written by QGIS on \S+ \(process {os.getpid()}\) .*", read(path).holder)
    ledger.add([scene(1)])
    ledger.close()
    assert read(path).holder == ""
    assert not path.with_name(f"{path.name}.lock").exists()


def test_a_lock_that_a_killed_run_left_behind_is_held_by_nobody(ledger, path):
    ledger.close()
    path.with_name(f"{path.name}.lock").touch()
    assert read(path).holder == ""


def test_who_wants_a_ledger_waits_for_one_who_only_looks(ledger, path, monkeypatch):
    ledger.close()
    glance = Held.take(path.with_name(f"{path.name}.lock"))
    monkeypatch.setattr(holding.time, "sleep", lambda _seconds: glance.release())
    with closing(Ledger.open(path)) as again:
        assert not again.is_read_only
