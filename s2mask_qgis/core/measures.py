"""The measures as expressions of a plan: how bright, how white, how changed against the clearest background."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .differences import median, reflectance
from .features import near_infrared
from .plan import ImagePlan

if TYPE_CHECKING:
    import ee

_BANDS = ("B2", "B4", "B8A", "B8", "B10", "B11")
"""All bands that any measure reads, so that measures share one background."""

CLOUD_BLUE, CLOUD_SWIR = 0.7, 0.25
"""Reflectance of a thick cloud in B2 and B11, as bright ones have it."""

GROUND_SHARE = 0.3
"""Part of a change of the red that is taken for one of the ground, whose red changes more than its blue."""

SNOW_ALLOWANCE, SNOW_SHARE = 0.045, 0.3
"""A rise of the blue without the short-wave infrared that a cloud would bring counts up to this much, and less by this
share of what is missing: fresh snow brightens the blue alone."""

BRIGHT_BLUE = 0.2
"""Where the blue is darker than this, a rise of the short-wave infrared tells nothing about clouds."""


class _Seen:
    """What measures read: bands of the image and of the background in reflectance, by name."""

    def __init__(self, plan: ImagePlan) -> None:
        import ee

        bands = [band for band in _BANDS if band in plan.bands]
        self._image = reflectance(ee.Image(plan.image).select(bands))
        self._background = reflectance(median(plan.clearest, bands)) if plan.clearest else None
        self.near_infrared = near_infrared(plan.bands)

    def image(self, band: str) -> ee.Image:
        """A band of the image."""
        return self._image.select([band])

    def background(self, band: str) -> ee.Image:
        """A band of the background. ValueError where the plan has none."""
        if self._background is None:
            raise ValueError("the plan has no images to compare with")
        return self._background.select([band])

    def rise(self, band: str) -> ee.Image:
        """How much brighter the image is than the background."""
        return self.image(band).subtract(self.background(band))


def measure_map(plan: ImagePlan, name: str) -> ee.Image:
    """One measure of an image; masked where a band that it reads is masked."""
    return _EXPRESSIONS[name](_Seen(plan)).rename([name])


def brightening(seen: _Seen) -> ee.Image:
    """min(dB2 - 0.3 dB4, 0.045 + 0.3 gap): the rise of the blue, freed of what the red says of the ground.

    A cloud of the opacity f that the rise of the blue means, (B2 - background) / (0.7 - background) from 0 to 1, would
    bring (1 - f) background + 0.25 f in B11; gap is how much more than that there is.
    """
    before = seen.background("B2")
    opacity = seen.rise("B2").divide(before.multiply(-1).add(CLOUD_BLUE).max(BRIGHT_BLUE)).clamp(0, 1)
    through = opacity.multiply(-1).add(1).multiply(seen.background("B11"))
    gap = seen.image("B11").subtract(through).subtract(opacity.multiply(CLOUD_SWIR))
    rise = seen.rise("B2").subtract(seen.rise("B4").multiply(GROUND_SHARE))
    return rise.min(gap.multiply(SNOW_SHARE).add(SNOW_ALLOWANCE))


def white(seen: _Seen) -> ee.Image:
    """min(B2, 2 B11)."""
    return seen.image("B2").min(seen.image("B11").multiply(2))


def nir_swir(seen: _Seen) -> ee.Image:
    """B8A (or B8) - B11."""
    return seen.image(seen.near_infrared).subtract(seen.image("B11"))


def swir_rise(seen: _Seen) -> ee.Image:
    """min(dB11, B2 - 0.2): over snow, a cloud brings short-wave infrared."""
    return seen.rise("B11").min(seen.image("B2").subtract(BRIGHT_BLUE))


def snow_index(seen: _Seen) -> ee.Image:
    """(B4 - B11) / max(B4 + B11, 0.01), after Hall et al. 1995, Remote Sensing of Environment 54, 127-140."""
    red, swir = seen.image("B4"), seen.image("B11")
    return red.subtract(swir).divide(red.add(swir).max(0.01))


def snow_change(seen: _Seen) -> ee.Image:
    """min(dB4, -dB11)."""
    return seen.rise("B4").min(seen.rise("B11").multiply(-1))


def cirrus(seen: _Seen) -> ee.Image:
    """B10 - 2 background: over dry high ground some light of the surface leaks in, twice as much on dry days."""
    return seen.image("B10").subtract(seen.background("B10").multiply(2))


def cirrus_level(seen: _Seen) -> ee.Image:
    """B10."""
    return seen.image("B10")


_EXPRESSIONS: dict[str, Callable[[_Seen], ee.Image]] = {
    function.__name__: function
    for function in (brightening, white, nir_swir, swir_rise, snow_index, snow_change, cirrus, cirrus_level)
}
