"""Images put together of images: joined, laid over each other, held within limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..raster.sources import Elementwise, Pixels, Pixelwise
from ..values import Band, CollectionValue, ComputeError, DateValue, ImageValue, map_sources
from .collections import shapes_of
from .conversions import is_number, to_collection, to_image
from .elementwise import refuse
from .geometry_sets import united
from .images import add_all, clip, masked_by, select_bands
from .opacity import laid_over
from .registry import algorithm


@algorithm("Image.cat", "List images -> Image", takes_opacity=True)
def cat(images: list[Any]) -> ImageValue:
    """All bands of a list of images (numbers are constant images), with the first image's properties and footprint; a
    name that is taken gets a number: a, a_1, a_2."""
    if not images:
        return ImageValue(())
    first, *others = (to_image(image) for image in images)
    for other in others:
        first = add_all(first, other.bands)
    return first


@algorithm("Image.blend", "Image bottom, Image top -> Image", takes_opacity=True)
def blend(bottom: ImageValue, top: ImageValue) -> ImageValue:
    """The top image where it is valid, else the bottom one; masked where both are. A mask of the top between 0 and 1
    is its share, the rest is the bottom's. One band goes with every band of the other. Names, properties and footprint
    are the bottom's."""
    if len(bottom.bands) != len(top.bands) and 1 not in (len(bottom.bands), len(top.bands)):
        raise ComputeError(f"the images have {len(bottom.bands)} and {len(top.bands)} bands; give as many, or one")
    count = max(len(bottom.bands), len(top.bands))
    lower, upper = (image.bands * (count if len(image.bands) == 1 else 1) for image in (bottom, top))
    names = bottom.band_names if len(bottom.bands) == count else top.band_names
    return bottom.with_bands([_blended(name, a, b) for name, a, b in zip(names, lower, upper)])


def _blended(name: str, bottom: Band, top: Band) -> Band:
    source, opacity = laid_over(bottom, top)
    dtype = np.result_type(bottom.dtype, top.dtype, *([np.float32] if opacity is not None else []))
    return Band(name, source, bottom.grid or top.grid, dtype, opacity)


@algorithm("Image.clipToCollection", "Image input, Object collection -> Image", takes_opacity=True)
def clip_to_collection(image: ImageValue, collection: Any) -> ImageValue:
    """The image masked outside the geometries of a collection's features, whose union becomes its footprint."""
    return clip.function(image, united(shapes_of(to_collection(collection))))


@algorithm("Image.clamp", "Image input, Float low, Float high -> Image")
def clamp(image: ImageValue, low: float, high: float) -> ImageValue:
    """Values held within [low, high], in every band. Whole limits keep whole numbers whole; else they are doubles."""
    if not low <= high:
        raise refuse(f"a range from {low} to {high}")
    is_whole = all(float(limit).is_integer() for limit in (low, high))

    def held(data: np.ndarray) -> np.ndarray:
        if is_whole and data.dtype.kind in "iub":
            return np.clip(data.astype(np.int64), int(low), int(high))
        return np.clip(data.astype(np.float64), low, high)

    bands = [
        replace(
            band,
            source=Elementwise(held, band.source),
            dtype=np.dtype(np.int64 if is_whole and band.dtype.kind in "iub" else np.float64),
        )
        for band in image.bands
    ]
    return image.with_bands(bands)


@algorithm("Image.unitScale", "Image input, Float low, Float high -> Image")
def unit_scale(image: ImageValue, low: float, high: float) -> ImageValue:
    """(value - low) / (high - low) as doubles, in every band; values outside go on below 0 and above 1."""
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ComputeError(f"low and high must be finite, they are {low} and {high}")
    if low == high:
        raise ComputeError(f"low and high must differ, both are {low}")

    def scaled(data: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return (data.astype(np.float64) - low) / (high - low)

    return map_sources(image, lambda source: Elementwise(scaled, source), np.float64)


@algorithm("Image.selfMask", "Image image -> Image", takes_opacity=True)
def self_mask(image: ImageValue) -> ImageValue:
    """Every band masked where its own value is 0 or less, and opaque in part where it is between 0 and 1."""
    return image.with_bands([masked_by(band, band) for band in image.bands])


@algorithm("Image.date", "Image image -> Date")
def date(image: ImageValue) -> DateValue | None:
    """When the image was taken: its property system:time_start, null where there is none."""
    millis = image.properties.get("system:time_start")
    if millis is not None and not is_number(millis) and not isinstance(millis, DateValue):
        raise ComputeError("the property system:time_start is no date")
    return DateValue(int(millis)) if isinstance(millis, (int, float)) else millis


@algorithm("ImageCollection.qualityMosaic", "ImageCollection collection, String qualityBand -> Image")
def quality_mosaic(collection: CollectionValue, quality: str) -> ImageValue:
    """Per pixel, all bands of the image whose quality band is highest (the first of equals); masked where that band is
    masked in every image."""
    images = [image for image in collection.elements if isinstance(image, ImageValue)]
    if not images:
        return ImageValue(())
    scores = [select_bands(image, [quality]).bands[0].source for image in images]
    bands = []
    for name in images[0].band_names:
        layers = [select_bands(image, [name]).bands[0] for image in images]
        sources = [source for pair in zip(scores, layers) for source in (pair[0], pair[1].source)]
        bands.append(Band(name, Pixelwise(_best, *sources), None, layers[0].dtype))
    return ImageValue(tuple(bands))


def _best(pixels: Sequence[Pixels]) -> Pixels:
    scores, layers = pixels[::2], pixels[1::2]
    rated = np.stack([np.where(score.valid_or_true(), score.data.astype(np.float64), -np.inf) for score in scores])
    found = np.stack([score.valid_or_true() for score in scores]).any(axis=0)
    at = rated.argmax(axis=0)[None]
    data = np.take_along_axis(np.stack([layer.data for layer in layers]), at, axis=0)[0]
    valid = np.take_along_axis(np.stack([layer.valid_or_true() for layer in layers]), at, axis=0)[0]
    return Pixels(data, valid & found)
