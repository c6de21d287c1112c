"""Masks between 0 and 1: a band's opacity beside its pixels, which are valid wherever the mask is not 0.

The reference describes such masks for updateMask, mask, selfMask, unmask, blend, weighted reducers and pictures. What
it leaves open, two fractions that meet in one pixel above all, is refused, and so is every algorithm not made for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..raster.sources import Pixels, Pixelwise, Source
from ..values import Band, CollectionValue, ImageValue
from .elementwise import refuse


def opacity_of(mask: Band) -> Source | None:
    """The opacity that a mask's values give, held within 0 and 1; None where whole numbers make it all or nothing.

    Masks of masks that are all or nothing are whole though they are doubles: without this every pixel of a cloud mask
    would be looked through for fractions at each step, at twice the time of the mask.
    """
    is_whole = mask.dtype.kind != "f" or mask.source.is_whole
    return None if is_whole else Pixelwise(_as_opacity, mask.source)


def _as_opacity(pixels: Sequence[Pixels]) -> Pixels:
    values = np.nan_to_num(pixels[0].data.astype(np.float64), nan=0.0)
    return Pixels(np.where(pixels[0].valid_or_true(), np.clip(values, 0.0, 1.0), 0.0))


def combined(*opacities: Source | None) -> Source | None:
    """The opacity of what is as opaque as each of several; None where none is in part."""
    found = [opacity for opacity in opacities if opacity is not None]
    if len(found) < 2:
        return found[0] if found else None
    return Pixelwise(_least, *found)


def _least(pixels: Sequence[Pixels]) -> Pixels:
    values = [part.data for part in pixels]
    in_part = np.sum([(value > 0) & (value < 1) for value in values], axis=0)
    if (in_part > 1).any():
        raise refuse("a pixel that two masks between 0 and 1 meet in")
    return Pixels(np.minimum.reduce(values))


def opaque(value: Any) -> Any:
    """An image, or a collection's images, whose pixels are refused where their opacity is a fraction; others as they
    are."""
    if isinstance(value, CollectionValue):
        elements = tuple(map(opaque, value.elements))
        changed = any(one is not other for one, other in zip(elements, value.elements))
        return replace(value, elements=elements) if changed else value
    if not isinstance(value, ImageValue) or all(band.opacity is None for band in value.bands):
        return value
    return value.with_bands([_opaque_band(band) for band in value.bands])


def _opaque_band(band: Band) -> Band:
    if band.opacity is None:
        return band
    return replace(band, source=Pixelwise(_checked, band.source, band.opacity), opacity=None)


def _checked(pixels: Sequence[Pixels]) -> Pixels:
    image, opacity = pixels
    if ((opacity.data > 0) & (opacity.data < 1) & image.valid_or_true()).any():
        raise refuse("a mask between 0 and 1 here")
    return image


def as_values(band: Band) -> Source:
    """A band's mask as values: 0 where it is masked, else its opacity."""
    if band.opacity is None:
        values = Pixelwise(_validity, band.source)
        values.is_whole = True
        return values
    return Pixelwise(_opacity_values, band.source, band.opacity)


def _validity(pixels: Sequence[Pixels]) -> Pixels:
    return Pixels(pixels[0].valid_or_true().astype(np.uint8))


def _opacity_values(pixels: Sequence[Pixels]) -> Pixels:
    return Pixels(np.where(pixels[0].valid_or_true(), pixels[1].data, 0.0))


def filled_opacity(band: Band, filler: Band) -> Source | None:
    """The opacity of a band whose masked pixels are another's."""
    if band.opacity is None and filler.opacity is None:
        return None
    return Pixelwise(_either, band.source, as_values(band), as_values(filler))


def _either(pixels: Sequence[Pixels]) -> Pixels:
    image, own, other = pixels
    return Pixels(np.where(image.valid_or_true(), own.data, other.data))


def laid_over(bottom: Band, top: Band) -> tuple[Source, Source | None]:
    """The pixels of one band over another, and their opacity: the top's share is its opacity, the bottom's the rest.
    Where only one is valid it is alone; a bottom that is opaque in part is refused."""
    if top.opacity is None:
        below = _opaque_band(bottom)
        return Pixelwise(_upper, top.source, below.source), None
    below = _opaque_band(bottom)
    values = Pixelwise(_mixed, top.source, below.source, top.opacity)
    return values, Pixelwise(_mixed_opacity, top.source, below.source, top.opacity)


def _upper(pixels: Sequence[Pixels]) -> Pixels:
    top, bottom = pixels
    if top.valid is None:
        return top
    data = np.where(top.valid, top.data, bottom.data)
    return Pixels(data, None if bottom.valid is None else top.valid | bottom.valid)


def _mixed(pixels: Sequence[Pixels]) -> Pixels:
    top, bottom, opacity = pixels
    upper = _upper((top, bottom))
    both = top.valid_or_true() & bottom.valid_or_true()
    with np.errstate(all="ignore"):
        mixed = opacity.data * top.data + (1.0 - opacity.data) * bottom.data
    return Pixels(np.where(both & (opacity.data < 1), mixed, upper.data), upper.valid)


def _mixed_opacity(pixels: Sequence[Pixels]) -> Pixels:
    top, bottom, opacity = pixels
    return Pixels(np.where(top.valid_or_true() & ~bottom.valid_or_true(), opacity.data, 1.0))
