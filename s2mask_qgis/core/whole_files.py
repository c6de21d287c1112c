"""Text files written whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` in UTF-8, over a file of that name.

    OSError where that cannot be done: then the file is as it was before, and nothing lies beside it.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        put_on_disk(partial)
        partial.replace(path)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def put_on_disk(path: Path) -> None:
    """Wait until what was written to a file would outlast a power cut. OSError where the disk does not take it."""
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())
