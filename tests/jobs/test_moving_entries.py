"""The metadata JSON: every entry is on disk at once, survives a kill at any byte, and counts as done for later runs."""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from s2mask_qgis.engines.errors import EngineError, StorageError
from s2mask_qgis.google.assets import ImageAsset
from s2mask_qgis.jobs import kept_entries
from s2mask_qgis.jobs.kept_entries import journal_of, open_entries, read_entries
from s2mask_qgis.jobs.metadata_json import ImageMetadata, metadata_of, milliseconds, read_metadata, timestamp
from s2mask_qgis.jobs.script_ledgers import already_done

ROOT = Path(__file__).resolve().parents[2]
INDEX = "20180101T105441_20180101T105435_T31UDT"
RING = {"type": "Polygon", "coordinates": [[[0, 50], [1, 50], [1, 51], [0, 50]]]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metadata.json"


def test_what_is_added_is_there_before_the_file_is_closed(path):
    with open_entries(path) as kept:
        kept.add("users/ann/masks/a", {"system:time_start": 5})
        assert read_entries(path) == {"users/ann/masks/a": {"system:time_start": 5}}
    assert json.loads(path.read_text()) == {"users/ann/masks/a": {"system:time_start": 5}}
    assert list(path.parent.iterdir()) == [path]


def test_entries_of_earlier_sessions_stay_and_can_be_replaced(path):
    path.write_text('{"old": {"system:time_start": 1}, "other": {}}')
    with open_entries(path) as kept:
        assert "old" in kept
        kept.add("old", {"system:time_start": 2})
        kept.add("ümlaut", {})
    assert json.loads(path.read_text(encoding="utf-8")) == {"old": {"system:time_start": 2}, "other": {}, "ümlaut": {}}


def test_a_journal_cut_at_any_byte_loses_no_whole_entry(path):
    with open_entries(path) as kept:
        kept.add("a", {"x": 1})
        kept.add("b", {"x": 2})
        lines = journal_of(path).read_bytes()
    path.unlink()
    first = lines.index(b"\n") + 1
    for end in range(len(lines) + 1):
        journal_of(path).write_bytes(lines[:end])
        expected = {"a": {"x": 1}} if end >= first else {}
        expected |= {"b": {"x": 2}} if end == len(lines) else {}
        assert read_entries(path) == expected
        with open_entries(path) as kept:
            kept.add("c", {})
        assert json.loads(path.read_text()) == {**expected, "c": {}}
        assert not journal_of(path).exists()
        path.unlink()


def test_many_entries_are_folded_now_and_then_only(path, monkeypatch):
    written = []
    original = kept_entries.write_whole

    def counted(target, text):
        written.append(len(text))
        original(target, text)

    monkeypatch.setattr(kept_entries, "write_whole", counted)
    monkeypatch.setattr(kept_entries, "FOLD_BYTES", 1000)
    with open_entries(path) as kept:
        for number in range(2000):
            kept.add(f"image {number}", {"system:time_start": number})
    assert len(json.loads(path.read_text())) == 2000
    assert sum(written) < 8 * path.stat().st_size


def test_what_is_removed_stays_away(path):
    path.write_text('{"a": {}, "b": {}}')
    with open_entries(path) as kept:
        kept.remove("a")
        kept.remove("never there")
        assert read_entries(path) == {"b": {}}
        kept.add("c", {})
        kept.remove("c")
    assert json.loads(path.read_text()) == {"b": {}}


def test_a_second_writer_is_refused_and_the_first_goes_on(path):
    with open_entries(path) as kept:
        with pytest.raises(StorageError, match="written by another"), open_entries(path):
            raise AssertionError
        kept.add("a", {})
    assert read_entries(path) == {"a": {}}


def test_a_full_disk_is_told_and_changes_nothing(path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with open_entries(path) as kept:
        kept.add("a", {})
        with monkeypatch.context() as patched:
            patched.setattr(kept_entries.os, "fsync", full)
            with pytest.raises(StorageError, match="is full"):
                kept.add("b", {})
        assert read_entries(path) == {"a": {}}
        kept.add("b", {"x": 1})
    assert read_entries(path) == {"a": {}, "b": {"x": 1}}


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', "{", "\ufeff{]"])
def test_another_file_is_refused(path, text):
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EngineError):
        read_entries(path)


WRITER = """
import sys
from pathlib import Path
from s2mask_qgis.jobs import kept_entries
kept_entries.FOLD_BYTES = 400
with kept_entries.open_entries(Path(sys.argv[1])) as kept:
    for number in range(len(kept), 100_000):
        kept.add(f"image {number}", {"n": number})
        print(number, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_it_had_added(path):
    told = -1
    for round_number in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        lines = [process.stdout.readline() for _ in range(30 + 7 * round_number)]
        time.sleep(0.003 * round_number)
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0].splitlines()
        told = int([line for line in [*lines, *rest] if line.strip().isdigit()][-1])
        entries = read_entries(path)
        assert [entry["n"] for entry in entries.values()] == list(range(len(entries)))
        assert len(entries) > told


def test_what_is_written_counts_as_done_for_the_scripts_reader(path):
    asset = ImageAsset(f"projects/earthengine-legacy/assets/users/ann/masks/{INDEX}", INDEX, geometry=RING)
    with open_entries(path) as kept:
        known = metadata_of(asset, 255.0)
        kept.add(known.path, known.to_json())
        assert already_done(path) == {INDEX}, "before it is folded"
    assert already_done(path) == {INDEX}
    listed = json.loads(path.read_text())
    assert list(listed) == [f"users/ann/masks/{INDEX}"]
    assert listed[f"users/ann/masks/{INDEX}"]["geometry"] == RING
    assert listed[f"users/ann/masks/{INDEX}"]["system:time_start"] == 1514804081000


def test_what_the_scripts_wrote_is_read(path):
    path.write_text(json.dumps({f"users/ann/masks/{INDEX}": {"geometry": RING, "system:time_start": 1514804240000}}))
    (found,) = read_metadata(path).values()
    assert (found.index, found.start_ms, found.end_ms, found.name) == (INDEX, 1514804240000, None, INDEX)


def test_metadata_survive_the_way_through_the_file(path):
    asset = ImageAsset(
        "projects/p/assets/masks/a",
        "a",
        "2018-01-01T10:57:20.024Z",
        "2018-01-01T10:57:21Z",
        RING,
        ({"id": "mask", "dataType": {"precision": "INT", "range": {"max": 2}}, "grid": {}},),
        {"MGRS_TILE": "31UDT", "share": 0.25},
    )
    known = metadata_of(asset, 255.0, "sub__a")
    assert ImageMetadata.from_json(known.path, json.loads(json.dumps(known.to_json()))) == known
    assert known.start_ms == 1514804240024
    assert known.end_ms == 1514804241000
    assert known.items()["share"] == "0.25"
    assert known.items()["MGRS_TILE"] == "31UDT"


@pytest.mark.parametrize("entry", [{"system:time_start": "soon"}, {"bands": 3}, {"nodata": "none"}])
def test_an_entry_that_makes_no_sense_is_named(entry):
    with pytest.raises(EngineError, match="masks/a"):
        ImageMetadata.from_json("masks/a", entry)


@pytest.mark.parametrize("time_ms", [0, 1, 999, 1514804240024, -1])
def test_times_survive_the_way_through_text(time_ms):
    assert milliseconds(timestamp(time_ms)) == time_ms


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2018-01-01T00:00:00.123456789Z", 1514764800123), ("2018-01-01T01:00:00+01:00", 1514764800000), ("", None)],
)
def test_times_of_the_service_are_read(text, expected):
    assert milliseconds(text) == expected


def test_a_missing_file_is_told(path):
    with pytest.raises(EngineError, match="There is no file"):
        read_metadata(path)
