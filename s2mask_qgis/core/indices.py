"""Vegetation indices of an image where its mask is clear, as expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clusters import REFLECTANCE_UNIT

if TYPE_CHECKING:
    import ee

NDVI_BAND, EVI2_BAND, KNDVI_BAND = "NDVI", "EVI2", "kNDVI"
NEAR_INFRARED, RED = "B8A?", "B4"
"""The first band that matches is the near infrared: B8, or B8A of an image that has no B8."""


def ndvi(image: ee.Image) -> ee.Image:
    """NDVI = (NIR - red) / (NIR + red), -1 to 1; masked where a band is negative or both are 0.

    Rouse et al. 1974, Monitoring vegetation systems in the Great Plains with ERTS, NASA SP-351, 309-317.
    """
    return _near_infrared_and_red(image).normalizedDifference().rename([NDVI_BAND])


def evi2(image: ee.Image) -> ee.Image:
    """EVI2 = 2.5 (NIR - red) / (NIR + 2.4 red + 1) in reflectance, of an image of reflectance x 10000.

    Jiang et al. 2008, Development of a two-band enhanced vegetation index without a blue band, Remote Sensing of
    Environment 112, 3833-3845.
    """
    bands = _near_infrared_and_red(image)
    near_infrared, red = bands.select([0]), bands.select([1])
    below = near_infrared.add(red.multiply(2.4)).add(REFLECTANCE_UNIT)
    return near_infrared.subtract(red).multiply(2.5).divide(below).rename([EVI2_BAND])


def kndvi(image: ee.Image) -> ee.Image:
    """kNDVI = tanh(NDVI^2), 0 to .762: the kernel NDVI whose length scale is the mean of NIR and red.

    Camps-Valls et al. 2021, A unified vegetation index for quantifying the terrestrial biosphere, Science Advances 7,
    eabc7447.
    """
    index = ndvi(image)
    return index.multiply(index).tanh().rename([KNDVI_BAND])


def _near_infrared_and_red(image: ee.Image) -> ee.Image:
    return image.select([NEAR_INFRARED]).select([0]).addBands(image.select([RED]))


def index_image(band: str, image: str, mask: str | ee.Image) -> ee.Image:
    """The index called ``band`` of an image (asset id) where its mask, stored or not, is 0, else masked; float."""
    import ee

    index = {NDVI_BAND: ndvi, EVI2_BAND: evi2, KNDVI_BAND: kndvi}[band](ee.Image(image))
    return index.toFloat().updateMask(ee.Image(mask).select("mask").eq(0))
