"""What a run is asked to do: a frozen snapshot made on the main thread, the only thing a task sees of the form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core.area import Area
from ..core.parameters import RunParameters


@dataclass(frozen=True)
class RunRequest:
    """Masks and NDVI of the images that meet ``area`` within the dates of ``parameters``.

    ``scenes_folder`` holds the L1C products (only read), ``library_folder`` the ingested scenes shared by all runs,
    ``output_folder`` receives mask/, ndvi/, features/, evi2/ and kndvi/ as asked for, and report.json;
    ``models_folder`` holds the user's own models, if any. ``done_file`` is a ledger of the published scripts
    (jobs/script_ledgers.py): images that it lists are left out, their masks are elsewhere.
    """

    scenes_folder: Path
    library_folder: Path
    output_folder: Path
    area: Area
    parameters: RunParameters
    models_folder: Path | None = None
    done_file: Path | None = None
