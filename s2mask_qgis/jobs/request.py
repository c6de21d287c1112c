"""What a run is asked to do: a frozen snapshot made on the main thread, the only thing a task sees of the form."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..core.area import Area
from ..core.fields import number
from ..core.land import Land
from ..core.parameters import RunParameters

ASSETS, DRIVE, FOLDER = "assets", "drive", "folder"
DESTINATIONS = (ASSETS, DRIVE, FOLDER)
"""Where results of a run on Earth Engine go: collections of assets, the user's Drive, or straight to this computer."""


@dataclass(frozen=True)
class EarthEngineChoice:
    """Where on Earth Engine a run computes, and where its results go.

    ``project`` is the Cloud project that is charged; ``asset_folder`` (``projects/P/assets/…``) receives a collection
    a kind of result (ASSETS); ``drive_folder`` is the beginning of the names of Drive's folders, one a kind (DRIVE).
    No secrets: the account is handed over beside the request.
    """

    project: str
    destination: str = ASSETS
    asset_folder: str = ""
    drive_folder: str = "s2mask"


@dataclass(frozen=True)
class Throttle:
    """How hard a run may press a service; the ranges are those of the form, tests go below them.

    ``nb_task_max`` tasks of the project are active at once at most, those of others counted; ``refresh_seconds`` lie
    between two looks at the tasks; an image's export is tried ``attempts`` times; ``patience_hours`` a run goes on
    asking a service that does not answer at all, then it pauses.
    """

    nb_task_max: int = number(
        30, 1, 3000, "tasks", "Most tasks of the project that are active at once; those of others count too."
    )
    refresh_seconds: float = number(30.0, 5.0, 3600.0, "s", "Time between two looks at the tasks.")
    attempts: int = number(3, 1, 10, "attempts", "How often an export is tried before its image counts as failed.")
    patience_hours: float = number(
        24.0, 0.1, 720.0, "h", "How long a run goes on asking where Earth Engine does not answer; then it pauses."
    )


@dataclass(frozen=True)
class RunRequest:
    """Masks and NDVI of the images that meet ``area`` within the dates of ``parameters``.

    ``scenes_folder`` holds the L1C products (only read), ``library_folder`` the ingested scenes shared by all runs,
    ``output_folder`` receives the ledger, mask/, ndvi/, features/, evi2/ and kndvi/ as asked for, and report.json;
    ``models_folder`` holds the user's own models, if any. ``done_file`` is a ledger of the published scripts
    (jobs/script_ledgers.py): images that it lists are left out, their masks are elsewhere. ``earth_engine`` is None
    for a run on this computer. Pixels outside ``land`` are masked, images that miss it are left out.
    """

    scenes_folder: Path
    library_folder: Path
    output_folder: Path
    area: Area
    parameters: RunParameters
    models_folder: Path | None = None
    done_file: Path | None = None
    earth_engine: EarthEngineChoice | None = None
    land: Land | None = None
    throttle: Throttle = Throttle()

    def to_json(self) -> dict[str, Any]:
        """As JSON values, for the ledger; :meth:`from_json` makes the same request of them."""
        return {
            "scenes_folder": str(self.scenes_folder),
            "library_folder": str(self.library_folder),
            "output_folder": str(self.output_folder),
            "area": {"name": self.area.name, "geometry": self.area.to_geojson()},
            "parameters": self.parameters.to_json(),
            "models_folder": _text(self.models_folder),
            "done_file": _text(self.done_file),
            "earth_engine": asdict(self.earth_engine) if self.earth_engine else None,
            "land": self.land.to_json() if self.land else None,
            "throttle": asdict(self.throttle),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> RunRequest:
        """The request that :meth:`to_json` described; KeyError, TypeError or ValueError where it is none."""
        return cls(
            scenes_folder=Path(value["scenes_folder"]),
            library_folder=Path(value["library_folder"]),
            output_folder=Path(value["output_folder"]),
            area=Area.from_geojson(value["area"]["geometry"], value["area"]["name"]),
            parameters=RunParameters.from_json(value["parameters"]),
            models_folder=_path(value["models_folder"]),
            done_file=_path(value["done_file"]),
            earth_engine=EarthEngineChoice(**value["earth_engine"]) if value["earth_engine"] else None,
            land=Land.from_json(value["land"]) if value["land"] else None,
            throttle=Throttle(**value["throttle"]),
        )


def _text(path: Path | None) -> str | None:
    return str(path) if path is not None else None


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None
