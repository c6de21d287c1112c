"""What else stands in a parameters.py of the published scripts than parameters of a run, and where it goes here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

GROUPS = ("PARAMS_SELECTBACKGROUND_DEFAULT", "PARAMS_CLOUDCLUSTERSCORE_DEFAULT")
"""Dictionaries whose entries are parameters."""

MARGINS: Mapping[str, str] = {
    "nb_days_before": "date_start",
    "day_gap_before": "date_start",
    "nb_days_after": "date_end",
    "day_gap_after": "date_end",
}
"""Days by which a date is widened: of masking, and of interpolation."""

_REGIONS = ("geometry", "GEOMETRY", "ROI")
_ASSETS = ("land_geometry", *_REGIONS)
_LEDGERS = ("excel_file", "JSON_FILE")

_USUAL: Mapping[str, tuple[Any, ...]] = {
    "COEF_NORMALISATION": (10_000,),
    "bands_thresholds": (["B4", "B3", "B2"], ["B2", "B3", "B4"]),
    "dependent": ("NDVI",),
    "harmo_10": (10,),
    "harmo_5": (5,),
    "harmo_1": (1,),
    "sentinel_coll_name": ("COPERNICUS/S2", "COPERNICUS/S2_HARMONIZED"),
}
"""Values that are not told since they are what is done here; others of these names cannot be chosen."""

_FOLDER = "is entered as the asset folder of a run on Earth Engine, in the section Run."
_TASKS = "is entered for runs on Earth Engine, in the section Run under “Tasks and attempts”."
_TILE_SCALE = "is raised by itself where Earth Engine runs out of memory."
_IDLE = "had no effect on the masks of the scripts."
_THRESHOLDS = (
    "compared with unscaled numbers in the scripts, where 0.04 and 0.175 decide nothing: clusters are judged by their "
    "sign. Choose “reflectance” in the form to apply 0.04 and 0.175; other values cannot be chosen."
)
_NOTES: Mapping[str, str] = {
    "folder_GEE": _FOLDER,
    "nb_task_max": _TASKS,
    "tileScale": _TILE_SCALE,
    "sampling_factor": _IDLE,
    "lmbda": _IDLE,
    "gamma": _IDLE,
    "trainlocal": _IDLE,
    "with_task": _IDLE,
    "with_cross_validation": _IDLE,
    "threshold_dif_cloud": _THRESHOLDS,
    "threshold_reflectance": _THRESHOLDS,
    "NUMBER_TREES": "the forest is kept as the table of 16 probabilities that it amounts to, whatever the trees.",
    "LOG_FILE": "the ledger and report.json in the folder of results take its place.",
    "SENTINEL2_BANDNAMES": "",
}

_ASSET = (
    "an asset of Earth Engine. Choose the outline as a layer or a file; on Earth Engine its id can be the land limit "
    "of the area."
)
_LEDGER = (
    "images listed there can count as done: give the file to the algorithm “Mask clouds and shadows, compute NDVI” of "
    "the toolbox."
)


def is_known(name: str) -> bool:
    """Whether the scripts have a parameter of this name that is none of a run."""
    return name in (*_NOTES, *_USUAL, *_ASSETS, *_LEDGERS, *MARGINS)


def note_on(name: str, value: Any) -> str:
    """What the user should know about the value of a name that :func:`is_known`; empty where there is nothing."""
    if name in _USUAL:
        usual = _USUAL[name]
        is_usual = (list(value) if isinstance(value, tuple) else value) in usual
        return "" if is_usual else f"cannot be chosen here, it is always {usual[0]}."
    if name in MARGINS or value is None:
        return ""
    if name in _LEDGERS:
        return _LEDGER
    if name in _ASSETS:
        return _ASSET if isinstance(value, str) else _outline_note(value)
    return _NOTES[name]


def _outline_note(value: Any) -> str:
    """How far an outline reaches, so that it is found again; the area of a run is chosen in the form."""
    corners = list(_corners(value))
    if not corners:
        return "no list of corners. Choose the area in the form."
    (west, east), (south, north) = ((min(numbers), max(numbers)) for numbers in zip(*corners))
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        return "its corners are no degrees of longitude and latitude. Choose the area in the form."
    return (
        f"an outline from {west:.4f} to {east:.4f} degrees of longitude and {south:.4f} to {north:.4f} of latitude. "
        "The area is not taken from it: draw it, or choose a layer or a file."
    )


def _corners(value: Any) -> Iterator[tuple[float, float]]:
    """The corners of an outline however deep they lie in it."""
    if not isinstance(value, (list, tuple)):
        return
    if len(value) > 1 and all(isinstance(number, (int, float)) for number in value):
        yield value[0], value[1]
        return
    for part in value:
        yield from _corners(part)
