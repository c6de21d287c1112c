"""Results that lie on Earth Engine, looked at on a map: which views there are of an image, and their addresses."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.pictures import LOOKS, boxes, picture
from ..core.scenes import COLLECTION_OF
from ..engines.base import Engine, TileStyle
from ..engines.errors import BadRequestError, CancelledError
from .report import ImageOutcome
from .request import FOLDER

if TYPE_CHECKING:
    from ..engines.earth_engine.engine import EarthEngine
    from ..google.account import Connection

MAP_LIFETIME_S = 3 * 3600.0
"""A map's address is asked for again after so long: Earth Engine keeps it for "a few hours" (reference of the REST
call projects.maps.create), how many it does not say."""

_ASSET = re.compile(r"(projects/[a-z0-9:.-]+/assets/|COPERNICUS/)[\w/.-]{1,400}", re.ASCII)

Box = tuple[float, float, float, float]
SCENE_WAY = "true_colour"
"""The way to look at a scene itself; all others are looks at results."""
WAYS_OF = {
    "mask": ("outline", "shadow_outline", "mask", "probability"),
    "ndvi": ("ndvi",),
    "evi2": ("evi2",),
    "kndvi": ("kndvi",),
}
"""The ways to look at each kind of result."""


@dataclass(frozen=True)
class TileView:
    """One way (of core.pictures.LOOKS) to look at one image asset."""

    way: str
    asset: str

    def to_json(self) -> dict[str, str]:
        """As a project file keeps it."""
        return {"way": self.way, "asset": self.asset}

    @classmethod
    def from_json(cls, described: Any) -> TileView:
        """From a project file, which anybody may have written. ValueError where it is no view."""
        if not isinstance(described, Mapping):
            raise ValueError("not a view")
        way, asset = described.get("way"), described.get("asset")
        if not isinstance(way, str) or way not in LOOKS or not isinstance(asset, str) or not _ASSET.fullmatch(asset):
            raise ValueError("not a view of an image on Earth Engine")
        return cls(way, asset)


@dataclass(frozen=True)
class Tiles:
    """The address of a view's map tiles, with {z}, {x} and {y} to be filled in, made at ``made_s`` (s since 1970).

    ``box`` is west, south, east, north of the image in degrees, None where that is not known. An address needs no
    sign-in: it shows this one picture to whoever knows it, until it expires.
    """

    view: TileView
    address: str = field(repr=False)
    made_s: float
    box: Box | None = None


def views_of(outcome: ImageOutcome, level: str) -> tuple[TileView, ...]:
    """The views of an image whose results are assets, the one worth seeing first in front; none where they are files.

    ``level`` is that of the scenes (L1C, L2A), of which the true colours are shown.
    """
    assets = {kind: output for kind, output in outcome.outputs.items() if is_asset(output)}
    views = [TileView(way, assets[kind]) for kind, ways in WAYS_OF.items() if kind in assets for way in ways]
    if not outcome.shadow_share:
        views = [view for view in views if view.way != "shadow_outline"]
    if not views:
        return ()
    return (TileView(SCENE_WAY, f"{COLLECTION_OF[level]}/{outcome.index}"), *views)


def is_asset(output: str) -> bool:
    """True for the id of an asset; other results are files, here or in Drive."""
    return bool(_ASSET.fullmatch(output))


@dataclass(frozen=True)
class TileAnswers:
    """Tiles of the views that could be had, and why the others could not, a sentence each."""

    tiles: tuple[Tiles, ...]
    problems: dict[TileView, str] = field(default_factory=dict)


def tiles_of(
    engine: Engine,
    views: Iterable[TileView],
    with_boxes: bool,
    now: Callable[[], float] = time.time,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> TileAnswers:
    """The tiles of each view, and where its image lies if that is asked for: a request each, and one for all boxes.

    A view that is refused, of an asset that was deleted perhaps, does not keep the others from being had; what concerns
    all of them (the sign-in, the connection) is raised.
    """
    wanted = list(views)
    known = boxes_of(engine, wanted) if with_boxes else {}
    found, problems = [], {}
    for view in wanted:
        if is_cancelled():
            raise CancelledError("Stopped.")
        try:
            address = engine.tile_url(picture(view.way, view.asset), style_of(view.way))
        except BadRequestError as error:
            problems[view] = str(error)
        else:
            found.append(Tiles(view, address, now(), known.get(_index(view))))
    return TileAnswers(tuple(found), problems)


def boxes_of(engine: Engine, views: Iterable[TileView]) -> dict[str, Box]:
    """West, south, east and north of images in degrees by system:index, as their scenes tell them.

    Left out are images on both sides of the antimeridian, and all where the service does not know one of the scenes.
    """
    scenes = sorted({view.asset for view in views if view.way == SCENE_WAY})
    if not scenes:
        return {}
    try:
        rings = engine.value(boxes(scenes))
    except BadRequestError:
        return {}
    found = {scene.rpartition("/")[2]: _bounds(ring[0]) for scene, ring in zip(scenes, rings)}
    return {index: box for index, box in found.items() if box is not None}


def _index(view: TileView) -> str:
    """The system:index of a view's image: results are called as their scenes are."""
    return view.asset.rpartition("/")[2]


def _bounds(ring: Iterable[tuple[float, float]]) -> Box | None:
    lons, lats = zip(*ring)
    west, east = float(min(lons)), float(max(lons))
    return (west, float(min(lats)), east, float(max(lats))) if east - west < 180.0 else None


def style_of(way: str) -> TileStyle:
    """How a service colours a view; its opacity is left to the map."""
    look = LOOKS[way]
    return TileStyle((), look.minimum, look.maximum, look.palette, look.gamma)


def fetched(engine: Engine, assets: Iterable[str], is_cancelled: Callable[[], bool] = lambda: False) -> dict[str, Path]:
    """Assets as GeoTIFFs on this computer, each whole or not at all."""
    found = {}
    for asset in assets:
        if is_cancelled():
            raise CancelledError("Stopped.")
        found[asset] = engine.fetch(asset)
    return found


def tiles_from_earth_engine(
    connection: Connection,
    project: str,
    views: Iterable[TileView],
    with_boxes: bool,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> TileAnswers:
    """:func:`tiles_of` on Earth Engine, charged to a Cloud project."""
    with closing(_earth_engine(connection, project, Path(), is_cancelled)) as engine:
        return tiles_of(engine, views, with_boxes, is_cancelled=is_cancelled)


def fetched_from_earth_engine(
    connection: Connection,
    project: str,
    folder: Path,
    assets: Iterable[str],
    is_cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Path]:
    """:func:`fetched` from Earth Engine into a folder."""
    with closing(_earth_engine(connection, project, folder, is_cancelled)) as engine:
        return fetched(engine, assets, is_cancelled)


def _earth_engine(connection: Connection, project: str, folder: Path, is_cancelled: Callable[[], bool]) -> EarthEngine:
    from ..engines.earth_engine.engine import EarthEngine, Places

    places = Places(project, FOLDER, "", "", folder)
    return EarthEngine(connection, places, is_cancelled)
