"""The words of labels: what columns are called, which class a word means, and how images are named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .labels import CLEAR, CLOUD, SHADOW
from .scenes import Scene

LONGITUDE, LATITUDE, IMAGE, CLASS, GROUP = "longitude", "latitude", "image", "class", "group"
NEEDED = (LONGITUDE, LATITUDE, IMAGE, CLASS)

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    LONGITUDE: ("longitude", "lon", "long", "lng", "x"),
    LATITUDE: ("latitude", "lat", "y"),
    IMAGE: (
        "image", "imageid", "systemindex", "index", "imageindex", "scene", "sceneid", "product", "productid", "asset",
        "assetid",
    ),
    CLASS: ("class", "label", "kind", "classname", "classification", "type"),
    GROUP: ("group", "landcover", "landuse", "surface", "stratum"),
}  # fmt: skip
"""Spellings of each column, the most telling first, as :func:`_plain` leaves them."""

_CLASSES: Mapping[str, tuple[str, ...]] = {
    CLEAR: ("clear", "clearsky", "cloudfree", "nocloud", "notcloud", "noncloud", "0"),
    CLOUD: (
        "cloud", "clouds", "cloudy", "cirrus", "thincloud", "thickcloud", "lowcloud", "lowclouds", "highcloud",
        "highclouds", "opaquecloud", "1",
    ),
    SHADOW: ("shadow", "shadows", "cloudshadow", "cloudshadows", "cloudsshadow", "cloudsshadows", "2"),
}  # fmt: skip
_CLASS_OF = {word: kind for kind, words in _CLASSES.items() for word in words}

CLEAR_SURFACES = ("land", "water", "snow", "ice", "soil", "sand", "vegetation", "forest", "urban")
"""Words that operators of label tools use for what lies under a clear sky; they mean clear, and name the group."""

_ENDING = re.compile(r"\.(safe|zip|tif|tiff|json)$", re.IGNORECASE)
_TILE = re.compile(r"_T(\d{2}[C-HJ-NP-X][A-Z]{2})(?=_|\.|$)")
_PRODUCT = re.compile(r"S2[A-Z]_MSIL(1C|2A)_(\d{8}T\d{6})_N\d{4}_R\d{3}_T(\w{5})_\d{8}T\d{6}")


def columns_of(names: Iterable[str]) -> dict[str, str]:
    """The column that holds each of longitude, latitude, image, class and group, among ``names``; those not found are
    left out. Of several that would do, the one with the most telling name is taken."""
    plain: dict[str, str] = {}
    for name in names:
        plain.setdefault(_plain(name), name)
    found = {}
    for role, spellings in _COLUMNS.items():
        for spelling in spellings:
            if spelling in plain:
                found[role] = plain[spelling]
                break
    return found


def class_of(text: str) -> tuple[str, str] | None:
    """The class (one of CLASSES) that a word or number means, and the surface that it names (""); None for others."""
    word = re.sub(r"^(\d+)[.,]0+$", r"\1", text.strip())
    plain = _plain(word)
    if plain in CLEAR_SURFACES:
        return CLEAR, plain
    kind = _CLASS_OF.get(plain)
    return None if kind is None else (kind, "")


def _plain(text: str) -> str:
    """A word without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", text).lower()


class ImageNames:
    """Finds images by what people call them: system:index, asset id, or the name of the product."""

    def __init__(self, scenes: Iterable[Scene]) -> None:
        self._indexes: dict[str, str] = {}
        self._by_sensing: dict[tuple[str, str], set[str]] = {}
        for scene in scenes:
            self._indexes[scene.index] = scene.index
            key = scene.index.partition("_")[0], scene.tile
            self._by_sensing.setdefault(key, set()).add(scene.index)

    def index(self, name: str) -> str | None:
        """The system:index of the image that ``name`` means, None where there is none or it could be several."""
        plain = bare(name)
        if plain in self._indexes:
            return plain
        product = _PRODUCT.fullmatch(plain)
        if product is None:
            return None
        fitting = self._by_sensing.get((product[2], product[3]), set())
        return next(iter(fitting)) if len(fitting) == 1 else None


def bare(name: str) -> str:
    """The name of an image without folders and file endings."""
    return _ENDING.sub("", re.split(r"[/\\]", name.strip().rstrip("/\\"))[-1])


def tile_of(name: str) -> str | None:
    """The tile that the name of an image or product tells, such as 33UXP; None where it tells none."""
    found = _TILE.search(bare(name))
    return found[1] if found else None
