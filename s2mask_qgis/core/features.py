"""What a model may read of a pixel: 13 binary features and the measures, with the bands and backgrounds they need."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from .scenes import BANDS

VISIBLE = ("B2", "B3", "B4")
NEAR_INFRARED = "B8A or B8"
"""The near infrared, from whichever of the two bands there is, B8A first."""

PERCENTILE, PERSISTENCE, TREE = "percentile", "persistence", "tree"
METHODS = (1, 2, 3, 4, 5)
"""The ways to choose the images of a background, as the published scripts count them (see core/backgrounds.py)."""

CLEAREST = 5
"""The method whose background measures are taken against."""


@dataclass(frozen=True)
class Feature:
    """A binary map (1 = cloud). ``family`` is percentile, persistence or tree, ``number`` the method or the tree;
    ``bands`` are those it cannot do without."""

    family: str
    number: int
    label: str
    bands: tuple[str, ...]

    @property
    def name(self) -> str:
        """Such as percentile1."""
        return f"{self.family}{self.number}"


@dataclass(frozen=True)
class Measure:
    """A continuous map in reflectance or of an index; ``bands`` are those it needs (alternatives as "B8A or B8"),
    ``compares`` whether it needs the background too."""

    name: str
    label: str
    bands: tuple[str, ...]
    compares: bool


_IMAGES = {
    1: "the nearest images",
    2: "the nearest cloudy images",
    3: "the cloudiest images of the archive",
    4: "the cloudiest of the nearest images",
    5: "the clearest of the nearest images",
}
_TREE_BANDS = {
    1: ("B3", "B4", "B7", "B8A", "B10", "B11"),
    2: ("B2", "B3", "B6", "B8A", "B10", "B11"),
    3: ("B1", "B2", "B5", "B8A", "B10", "B11", "B12"),
}

FEATURES = {
    feature.name: feature
    for feature in (
        *(Feature(PERCENTILE, n, f"Brighter than the median of {_IMAGES[n]}", VISIBLE) for n in METHODS),
        *(Feature(PERSISTENCE, n, f"Brighter than the most complete of {_IMAGES[n]}", VISIBLE) for n in METHODS),
        *(Feature(TREE, n, f"Decision tree {n} of the image alone", bands) for n, bands in _TREE_BANDS.items()),
    )
}
"""The 13 features by name. Sources: the published scripts; Hollstein et al. 2016, Remote Sensing 8(8):666 (trees);
Mateo-García et al. 2018, Remote Sensing 10(7):1079 (differences to a background)."""

MEASURES = {
    measure.name: measure
    for measure in (
        Measure("brightening", "Rise of the blue that no change of the ground explains", ("B2", "B4", "B11"), True),
        Measure("white", "Bright in the blue and not dark in the short-wave infrared", ("B2", "B11"), False),
        Measure("nir_swir", "Near infrared less short-wave infrared", (NEAR_INFRARED, "B11"), False),
        Measure("swir_rise", "Rise of the short-wave infrared where it is bright", ("B2", "B11"), True),
        Measure("snow_index", "Snow index of the red and the short-wave infrared", ("B4", "B11"), False),
        Measure("snow_change", "Rise of the red while the short-wave infrared falls", ("B4", "B11"), True),
        Measure("cirrus", "Rise of the cirrus band above twice its background", ("B10",), True),
        Measure("cirrus_level", "The cirrus band", ("B10",), False),
    )
}
"""The measures by name; core/measures.py has what they are. They are in reflectance, the snow index from -1 to 1."""


def missing_bands(names: Iterable[str], available: Collection[str]) -> tuple[str, ...]:
    """The bands that these features or measures need and that are not among ``available``, in order of BANDS."""
    return missing_of({band for name in names for band in (FEATURES.get(name) or MEASURES[name]).bands}, available)


def missing_of(needed: Iterable[str], available: Collection[str]) -> tuple[str, ...]:
    """Those of the ``needed`` bands (alternatives as "B8A or B8") that are not ``available``, in order of BANDS."""
    missing = [band for band in needed if not any(one in available for one in band.split(" or "))]
    return tuple(sorted(missing, key=lambda band: BANDS.index(band.split(" or ")[0])))


def near_infrared(available: Collection[str]) -> str:
    """The band that stands for the near infrared: B8A where there is one, else B8."""
    return "B8A" if "B8A" in available else "B8"
