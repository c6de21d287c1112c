"""Folders that are to be written, checked before anything starts."""

from __future__ import annotations

import os
from pathlib import Path

from .wording import tr


def output_problem(folder: Path | None) -> str:
    """Why nothing can be written to a folder; empty where it can."""
    if folder is None:
        return tr("Choose a folder for the results.")
    if not folder.is_absolute():
        return tr("{} does not say where it is. Choose the folder with its full path.").format(folder)
    existing = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    if not existing.is_dir():
        return tr("{} is a file, not a folder. Choose another folder for the results.").format(existing)
    if not os.access(existing, os.W_OK | os.X_OK):
        return tr("{} cannot be written. Choose another folder for the results.").format(existing)
    return ""
