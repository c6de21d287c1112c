"""Files are written whole, or stay as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from s2mask_qgis.core.whole_files import write_whole


def test_a_file_is_made_and_replaced(tmp_path: Path):
    path = tmp_path / "page.html"
    write_whole(path, "über")
    assert path.read_bytes() == "über".encode()
    write_whole(path, "more")
    assert path.read_text(encoding="utf-8") == "more"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "page.html"
    path.write_text("before")

    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "after")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("page.html", "before")]


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_whole(tmp_path / "file" / "page.html", "after")
