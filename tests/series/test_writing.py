from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.engines.errors import CancelledError, StorageError
from s2mask_qgis.series import writing
from s2mask_qgis.series.reading import Window
from s2mask_qgis.series.writing import OutputBand, OutputFile, Writer, key_of
from tests.series.dated_rasters import read

GRID = Grid("EPSG:32633", (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_100_000.0), (40, 600))
TILE = (16, 256)
BANDS = (OutputBand("NDVI", scale=1e-4), OutputBand("quality"))
VALUES = np.random.default_rng(1).uniform(-1, 1, (2, *GRID.shape_yx)).astype(np.float32)
VALUES[1] = np.rint(VALUES[1] * 100)
VALUES[:, 3, 5] = np.nan


def windows():
    for row in range(0, 40, 16):
        for column in range(0, 600, 256):
            yield Window(row, column, min(16, 40 - row), min(256, 600 - column))


def part(window):
    return VALUES[:, window.row : window.row + window.rows, window.column : window.column + window.columns]


def stopper(is_cancelled):
    def check():
        if is_cancelled():
            raise CancelledError("stopped")

    return check


def write(folder, *files, is_cancelled=lambda: False):
    writer = Writer(folder, GRID, TILE, files)
    try:
        with ThreadPoolExecutor(2) as threads:
            for window in windows():
                for file in files:
                    writer.write(file, part(window), window)
            writer.finish(threads, lambda: None, stopper(is_cancelled))
    finally:
        writer.discard()


@pytest.mark.parametrize("is_cog", [False, True])
def test_floating_values_come_back_as_they_were(tmp_path, is_cog):
    file = OutputFile(tmp_path / "a" / "20230501.tif", BANDS, is_cog=is_cog, items={"DATE": "2023-05-01"})
    write(tmp_path, file)
    found = read(file.path)
    np.testing.assert_array_equal(found.values, VALUES)
    assert found.names == ("NDVI", "quality")
    assert np.isnan(found.nodata)
    assert found.items["DATE"] == "2023-05-01"
    assert found.transform == (500_000.0, 10.0, 0.0, 5_100_000.0, 0.0, -10.0)
    assert found.overviews > 0


def test_whole_numbers_have_a_scale_and_nodata(tmp_path):
    file = OutputFile(tmp_path / "20230501.tif", BANDS, is_int16=True)
    write(tmp_path, file)
    found = read(file.path)
    missing = np.isnan(VALUES[0])
    assert found.values.dtype == np.int16
    assert found.nodata == -32768
    assert found.scales[0] == 1e-4
    assert found.scales[1] in (None, 1.0)
    np.testing.assert_array_equal(found.values[0] == -32768, missing)
    assert np.abs(found.values[0] * 1e-4 - VALUES[0])[~missing].max() <= 0.51e-4
    np.testing.assert_array_equal(found.values[1][~missing], VALUES[1][~missing])


def test_what_is_not_written_is_no_data(tmp_path):
    file = OutputFile(tmp_path / "20230501.tif", BANDS, is_int16=True)
    writer = Writer(tmp_path, GRID, TILE, [file])
    with ThreadPoolExecutor(1) as threads:
        writer.finish(threads, lambda: None, lambda: None)
    assert (read(file.path).values == -32768).all()


def test_nothing_stands_at_the_final_path_before_the_end_and_nothing_is_left_after_a_failure(tmp_path):
    file = OutputFile(tmp_path / "20230501.tif", BANDS)
    writer = Writer(tmp_path, GRID, TILE, [file])
    writer.write(file, part(Window(0, 0, 16, 256)), Window(0, 0, 16, 256))
    assert not file.path.exists()
    writer.discard()
    assert list(tmp_path.iterdir()) == []


def test_more_files_than_may_be_open_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "OPEN_FILES", 3)
    files = [OutputFile(tmp_path / f"{number}.tif", BANDS) for number in range(10)]
    write(tmp_path, *files)
    for file in files:
        np.testing.assert_array_equal(read(file.path).values, VALUES)


def test_cancelling_between_files_keeps_those_in_place(tmp_path):
    files = [OutputFile(tmp_path / f"{number}.tif", BANDS) for number in range(12)]
    with pytest.raises(CancelledError):
        write(tmp_path, *files, is_cancelled=lambda: all(file.path.exists() for file in files[:4]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.tif", "1.tif", "2.tif", "3.tif"]
    np.testing.assert_array_equal(read(files[3].path).values, VALUES)


@pytest.mark.parametrize("is_cog", [False, True])
def test_cancelling_while_a_file_is_completed_stops_it(tmp_path, is_cog):
    answers = iter([False])  # for the question before the file; from then on the answer is yes
    with pytest.raises(CancelledError):
        write(tmp_path, OutputFile(tmp_path / "a.tif", BANDS, is_cog=is_cog), is_cancelled=lambda: next(answers, True))
    assert list(tmp_path.iterdir()) == []


def test_keys_tell_results_from_other_files(tmp_path):
    file = OutputFile(tmp_path / "a.tif", BANDS, items={writing.KEY_ITEM: "abc"})
    write(tmp_path, file)
    (tmp_path / "text.tif").write_text("text", encoding="utf-8")
    assert key_of(file.path) == "abc"
    assert key_of(tmp_path / "text.tif") is None
    assert key_of(tmp_path / "nowhere.tif") is None


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from tests.series import test_writing as case
from s2mask_qgis.engines.errors import StorageError
folder = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    case.write(folder, case.OutputFile(folder / "20230501.tif", case.BANDS, is_cog=sys.argv[2] == "cog"))
except StorageError as error:
    print(error)
print(sorted(path.name for path in folder.iterdir()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the size of files is limited with setrlimit, which Windows lacks")
@pytest.mark.parametrize("kind", ["plain", "cog"])
def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path, kind):
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), kind],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = done.stdout.strip().splitlines()[-2:]
    assert "cannot be written" in first
    assert "free some space" in first
    assert second == "[]"


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot be written"):
        Writer(tmp_path / "file", GRID, TILE, [OutputFile(tmp_path / "file" / "a.tif", BANDS)])
