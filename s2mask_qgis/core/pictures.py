"""Results as pictures on a map: for each way to look at one, an image of what is shown and the rest masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ee

RED_GREEN_BLUE = ("B4", "B3", "B2")
DARKEST, BRIGHTEST = (200.0, 350.0, 600.0), (3500.0, 3500.0, 3500.0)
"""What is shown as black and as full red, green and blue: reflectance x 10000 (resources/styles/true_colour.qml)."""


@dataclass(frozen=True)
class Look:
    """How numbers become colours: from ``minimum`` to ``maximum`` through ``palette`` (RRGGBB, evenly spaced), or as
    they are; the whole is drawn with ``opacity`` (0-1)."""

    minimum: float
    maximum: float
    palette: tuple[str, ...] = ()
    gamma: float = 1.0
    opacity: float = 1.0


_VEGETATION = Look(-0.2, 1.0, ("efe6da", "dfc7a3", "cda468", "a9a44a", "6d9440", "2d7340", "08402f"))
LOOKS = {
    "outline": Look(0.0, 1.0, ("e31a1c", "e31a1c")),
    "shadow_outline": Look(0.0, 1.0, ("965ad2", "965ad2")),
    "mask": Look(1.0, 2.0, ("ffffff", "3f1670"), opacity=0.72),  # from cloud to shadow
    "probability": Look(0.0, 1.0, ("f5f9fd", "bcd5ea", "6fa6d2", "2c6aab", "0b2a5c")),
    "ndvi": _VEGETATION,
    "evi2": _VEGETATION,
    "kndvi": _VEGETATION,
    "true_colour": Look(0.0, 1.0, gamma=1.6),
}
"""Ways to look at results, in the colours of resources/styles, from which the layers of files are drawn."""


def picture(way: str, asset: str) -> ee.Image:
    """What one of LOOKS shows of a stored image: one band, or red, green and blue.

    ``asset`` is a mask (outline, shadow_outline, mask, probability), an index, or the scene itself (true_colour).
    """
    import ee

    from .indices import EVI2_BAND, KNDVI_BAND, NDVI_BAND
    from .mask import CLOUD, MASK_BANDS, SHADOW

    image = ee.Image(asset)
    indices = {"ndvi": NDVI_BAND, "evi2": EVI2_BAND, "kndvi": KNDVI_BAND}
    if way in indices:
        return image.select([indices[way]])
    if way == "probability":
        return image.select([MASK_BANDS[1]])
    if way == "true_colour":
        span = [high - low for low, high in zip(DARKEST, BRIGHTEST)]
        return image.select(list(RED_GREEN_BLUE)).subtract(ee.Image(list(DARKEST))).divide(ee.Image(span))
    mask = image.select([MASK_BANDS[0]])
    if way == "mask":
        return mask.selfMask()
    return _edge(mask.eq(SHADOW if way == "shadow_outline" else CLOUD))


def boxes(assets: Sequence[str]) -> ee.List:
    """The boxes around images, each a list of rings of [longitude, latitude]."""
    import ee

    return ee.List([ee.Image(asset).geometry().bounds(1).coordinates() for asset in assets])


def _edge(inside: ee.Image) -> ee.Image:
    """The inner edge of where ``inside`` is 1, one pixel of the picture wide, the rest masked."""
    return inside.subtract(inside.focalMin(1, "square", "pixels")).selfMask()
