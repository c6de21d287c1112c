"""The real images beside the repository as sets of scenes: who classified them, and what that makes of their pixels."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from osgeo import gdal

import accuracy
from accuracy import CIRRUS, CLEAR, CLOUD, MASK_CLOUD, MASK_SHADOW, OUTSIDE, SHADOW, Accuracy
from accuracy_sets import PROXY, TRUTH, AbsentError, DataSet, emptied
from scene_stacks import NODATA, Place, area_around, scene_properties, write_bands, write_stack
from tests import scene_folders

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

_SCL_CLASSES = {3: SHADOW, 4: CLEAR, 5: CLEAR, 6: CLEAR, 8: CLOUD, 9: CLOUD, 10: CIRRUS, 11: CLEAR}
"""Level-2A's scene classification as classes of a truth; dark, unclassified and saturated pixels are not counted.
Source: Sentinel-2 Level-2A algorithm theoretical basis document, section on the scene classification."""

_SCL_MASK = {**dict.fromkeys((2, 4, 5, 6, 7, 11), 0), 3: MASK_SHADOW, **dict.fromkeys((8, 9, 10), MASK_CLOUD)}
"""The same as a mask."""

_WRONG_RADIOMETRY = ("20220620",)
_TOULOUSE = Place(32631, 350000.0, 4850020.0)
_BARBELLINO = Place(32632, 580560.0, 5102120.0)
_BARBELLINO_TIMES = {"20170703": "2017-07-03T10:20:21", "20190723": "2019-07-23T10:20:31"}


def eolearn_complete(folder: Path) -> DataSet:
    """The five complete dates of a hilly patch, two of them cloudy."""
    return _eolearn(folder / "eolearn-2015", scene_folders.COMPLETE_DATES, "", None)


def eolearn(folder: Path) -> DataSet:
    """The same with five winter dates, of which only the pixels are there that its authors call valid."""
    place = folder / "eolearn"
    return _eolearn(place, None, "; own mask: SCL of the five winter dates", emptied(place / "own"))


def _eolearn(place: Path, count: int | None, remark: str, own: Path | None) -> DataSet:
    source = _existing("eolearn-l1c")
    scenes, truth = (emptied(place / part) for part in ("scenes", "truth"))
    where = Place(scene_folders.EPSG, *scene_folders.upper_left())
    with np.load(source / "s2_l1c_10dates_13bands.npz") as patch, np.load(source / "scl_36dates.npz") as classified:
        classes = {str(time): scl for time, scl in zip(classified["times"], classified["scl"])}
        dates = list(zip(map(str, patch["times"]), patch["dn"], patch["clm"]))[:count]
    for time, pixels, cloud in dates:
        known = (pixels != NODATA).all(axis=0)
        moment = _moment(time, "%Y-%m-%dT%H:%M:%S")
        properties = scene_properties(moment, scene_folders.TILE, 100.0 * float(cloud[known].mean()))
        write_stack(scenes, properties, pixels, scene_folders.BANDS, where)
        name = f"{properties['system:index']}.tif"
        _write_classes(truth / name, np.where(known, cloud, OUTSIDE), where)
        if own is not None and time in classes:
            _write_classes(own / name, np.where(known, _mapped(classes[time], _SCL_MASK), OUTSIDE), where)
    return DataSet(
        name=place.name,
        title=f"eolearn-l1c, {len(dates)} dates",
        scenes=scenes,
        area=area_around(where, (101, 100)),
        truth=truth,
        kind=PROXY,
        note=f"s2cloudless masks that came with the data{remark}",
        own=own,
    )


def toulouse(folder: Path) -> DataSet:
    """Two crops, one wholly cloudy and one wholly clear to the eye."""
    source = _existing("alcd-toulouse")
    place = folder / "toulouse"
    scenes, truth = (emptied(place / part) for part in ("scenes", "truth"))
    for product in sorted(source.glob("*.SAFE")):
        (scenes / product.name).symlink_to(product, target_is_directory=True)
        (tile,) = product.glob("GRANULE/*")
        index = f"{product.name[11:26]}_{tile.name[-15:]}_T31TCJ"
        cloudy = product.name[11:19] == "20240305"
        crop = np.full((30, 30), CLOUD if cloudy else CLEAR, np.uint8)
        _write_classes(truth / f"{index}.tif", crop, _TOULOUSE)
    return DataSet(
        name="toulouse",
        title="alcd-toulouse crops, 2 dates",
        scenes=scenes,
        area=area_around(_TOULOUSE, (30, 30)),
        truth=truth,
        kind=TRUTH,
        note="both crops judged by eye, one wholly cloud, one wholly clear; own mask: MSK_CLASSI",
        scale_m=10,
        has_own_mask=True,
    )


def toulouse_points() -> Accuracy:
    """The product's own mask at the points that an operator labelled over the whole tile; shadow, land and water are
    cloudless. There are no pixels of the bands there."""
    path = _existing("alcd-toulouse") / "labelled_points_20240305.csv"
    with path.open(newline="", encoding="utf-8") as file:
        points = list(csv.DictReader(file))
    kinds = {"low_clouds": CLOUD, "high_clouds": CLOUD, "clouds_shadows": SHADOW}
    classes = np.array([kinds.get(point["label"], CLEAR) for point in points])
    flagged = np.array([int(point["msk_opaque"]) or int(point["msk_cirrus"]) for point in points])
    return accuracy.count(flagged, classes, np.ones(len(points), bool))


def barbellino_l1c(folder: Path) -> DataSet:
    """Two summer dates of an alpine lake without B8A."""
    bands = tuple(band for band in scene_folders.BANDS if band != "B8A")
    return _barbellino(folder / "barbellino-l1c", "L1C", "1C", "TOA", bands)


def barbellino_l2a(folder: Path) -> DataSet:
    """The same two dates as surface reflectance, without B9 and B10."""
    bands = tuple(band for band in scene_folders.BANDS if band not in ("B9", "B10"))
    return _barbellino(folder / "barbellino-l2a", "L2A", "2A", "BOA", bands)


def _barbellino(place: Path, level: str, code: str, kind: str, bands: tuple[str, ...]) -> DataSet:
    source = _existing("sen2r-barbellino")
    scenes, truth = (emptied(place / part) for part in ("scenes", "truth"))
    for date, time in _BARBELLINO_TIMES.items():
        pixels = gdal.Open(str(source / f"S2A{code}_{date}_022_Barbellino_{kind}_10.tif")).ReadAsArray()
        scl = gdal.Open(str(source / f"S2A2A_{date}_022_Barbellino_SCL_10.tif")).ReadAsArray()
        cloudy = 100.0 * float(np.isin(scl, (8, 9, 10)).mean())
        properties = scene_properties(_moment(time, "%Y-%m-%dT%H:%M:%S"), "32TNS", cloudy)
        write_stack(scenes, _of_level(properties, level), pixels, bands, _BARBELLINO)
        classes = np.kron(_mapped(scl, _SCL_CLASSES), np.ones((2, 2), np.uint8))
        _write_classes(truth / f"{properties['system:index']}.tif", classes, _BARBELLINO)
    return DataSet(
        name=place.name,
        title=f"sen2r-barbellino {level}, 2 dates",
        scenes=scenes,
        area=area_around(_BARBELLINO, (42, 24)),
        truth=truth,
        kind=PROXY,
        note="SCL, the scene classification of Level-2A",
        level=level,
        scale_m=10,
        has_shadow=True,
    )


@dataclass(frozen=True)
class _Farm:
    name: str
    tile: str


_FARMS = (_Farm("strickhof", "32TMT"), _Farm("swissfuturefarm", "32TMT"), _Farm("witzwil", "32TLT"))


def farms() -> dict[str, Callable[[Path], DataSet]]:
    """Makers of the sets of wheat parcels in Switzerland, by name."""

    def maker(farm: _Farm) -> Callable[[Path], DataSet]:
        return lambda folder: _farm(folder / f"farm-{farm.name}", farm)

    return {f"farm-{farm.name}": maker(farm) for farm in _FARMS}


def _farm(place: Path, farm: _Farm) -> DataSet:
    """Wheat from spring to after the harvest, clear pixels only."""
    source = _existing("swiss-farms-l2a") / f"{farm.name}_l2a.npz"
    scenes, truth = (emptied(place / part) for part in ("scenes", "truth"))
    with np.load(source) as stored:
        bands = tuple(f"B{band[1:].lstrip('0')}" for band in map(str, stored["bands"]))
        x, y = float(stored["transform"][0]), float(stored["transform"][3])
        where = Place(int(stored["epsg"]), x, y)
        dates = list(zip(map(str, stored["times"]), map(str, stored["products"]), stored["dn"], stored["scl"]))
    shape = dates[0][2].shape[1:]
    for time, product, pixels, scl in dates:
        known = (pixels > 0).all(axis=0)
        if time.startswith(_WRONG_RADIOMETRY) or "N9999" in product or not known.any():
            continue
        cloudy = 100.0 * float(np.isin(scl, (8, 9, 10)).mean())
        index = f"{time}_{product[-15:]}_T{product[39:44]}"
        properties = scene_properties(_moment(time, "%Y%m%dT%H%M%S"), farm.tile, cloudy, index)
        write_stack(scenes, _of_level(properties, "L2A"), np.where(known, pixels, NODATA), bands, where)
        clear = known & np.isin(scl, (4, 5, 6))
        _write_classes(truth / f"{index}.tif", np.where(clear, CLEAR, OUTSIDE), where)
    return DataSet(
        name=place.name,
        title=f"swiss-farms {farm.name} L2A, {len(list(truth.glob('*.tif')))} dates",
        scenes=scenes,
        area=area_around(where, shape),
        truth=truth,
        kind=PROXY,
        note="clear by SCL; its authors blanked the rest, so false alarms alone can be counted",
        level="L2A",
        scale_m=10,
    )


def _of_level(properties: dict[str, object], level: str) -> dict[str, object]:
    return properties | {"PROCESSING_LEVEL": "Level-2A" if level == "L2A" else "Level-1C"}


def _existing(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        raise AbsentError(f"there is no {folder.name} in {SHARED}")
    return folder


def _moment(text: str, pattern: str) -> datetime:
    return datetime.strptime(text, pattern).replace(tzinfo=timezone.utc)


def _mapped(values: np.ndarray, codes: dict[int, int]) -> np.ndarray:
    """``values`` with each code replaced, OUTSIDE where it has none (uint8)."""
    table = np.full(256, OUTSIDE, np.uint8)
    table[list(codes)] = list(codes.values())
    return table[values]


def _write_classes(path: Path, classes: np.ndarray, where: Place) -> None:
    write_bands(path, classes.astype(np.uint8)[None], where, OUTSIDE)


REAL = {
    "eolearn-2015": eolearn_complete,
    "eolearn": eolearn,
    "toulouse": toulouse,
    "barbellino-l1c": barbellino_l1c,
    "barbellino-l2a": barbellino_l2a,
    **farms(),
}
"""Makers of the real sets by name."""
