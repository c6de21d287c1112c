"""Images: loading, constants, choosing, naming and joining bands, masks, types and simple combinations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..raster.sources import Constant, Elementwise, Masked, Pixels, Pixelwise, Source, all_valid
from ..values import ArrayValue, Band, CollectionValue, ComputeError, FeatureValue, ImageValue, index_of, map_sources
from .conversions import constant_image, describe, is_number, to_geometry, to_image, to_integer
from .elementwise import refuse
from .geometry_sets import united
from .opacity import as_values, combined, filled_opacity, opacity_of, opaque
from .registry import Algorithm, Context, algorithm
from .shapes import GeometryMask
from .strings import matches_whole


@algorithm("Image.load", "String id, Long version = -1 -> Image", needs_context=True)
def load(context: Context, asset: str, version: int) -> ImageValue:
    """The stored image of an asset id."""
    if version != -1:
        raise ComputeError("versions of assets are not kept; leave the version out")
    return context.load_image(asset)


@algorithm("Image.constant", "Object value -> Image")
def constant(value: Any) -> ImageValue:
    """An image with the same values everywhere; a list gives one band an entry."""
    return to_image(value)


@algorithm(
    "Image.select",
    "Image input, List bandSelectors, List<String> newNames = null -> Image",
    takes_arrays=True,
    takes_opacity=True,
)
def select(image: ImageValue, selectors: list[Any], new_names: list[str] | None) -> ImageValue:
    """Bands chosen by name, by regular expression that matches the whole name, or by position, and renamed."""
    chosen = select_bands(image, selectors)
    return chosen if new_names is None else rename_bands(chosen, new_names)


def select_bands(image: ImageValue, selectors: Sequence[Any]) -> ImageValue:
    """The bands that names, regular expressions or positions choose, in that order."""
    return image.with_bands([band for selector in selectors for band in _matching(image, selector)])


def _matching(image: ImageValue, selector: Any) -> list[Band]:
    if is_number(selector):
        position = to_integer(selector)
        if not 0 <= position < len(image.bands):
            raise ComputeError(f"there is no band number {position}; the image has {len(image.bands)} bands")
        return [image.bands[position]]
    exact = [band for band in image.bands if band.name == selector]
    if exact:
        return exact
    if not isinstance(selector, str):
        raise ComputeError(f"a band is chosen by name, regular expression or number, not by a {describe(selector)}")
    found = [band for band in image.bands if matches_whole(selector, band.name)]
    if not found:
        raise ComputeError(
            f"Pattern '{selector}' did not match any bands. Available bands: [{', '.join(image.band_names)}]"
        )
    return found


@algorithm("Image.rename", "Image input, List<String> names -> Image", takes_arrays=True, takes_opacity=True)
def rename(image: ImageValue, names: list[str]) -> ImageValue:
    """The same bands under other names, one name a band."""
    return rename_bands(image, names)


def rename_bands(image: ImageValue, names: Sequence[str]) -> ImageValue:
    """The image's bands under other names; ComputeError where the counts differ or a name comes twice."""
    if len(names) != len(image.bands):
        raise ComputeError(f"{len(names)} names were given for {len(image.bands)} bands")
    if len(set(names)) != len(names):
        raise ComputeError("a band name is given twice")
    return image.with_bands([replace(band, name=name) for band, name in zip(image.bands, names)])


@algorithm(
    "Image.addBands",
    "Image dstImg, Image srcImg, List<String> names = null, Boolean overwrite = false -> Image",
    takes_arrays=True,
    takes_opacity=True,
)
def add_bands(image: ImageValue, other: ImageValue, names: list[str] | None, overwrite: bool) -> ImageValue:
    """The first image's bands, then those of the second; a name already taken gets a numbered suffix, or is replaced
    with ``overwrite``. Properties and footprint are the first image's."""
    added = [band for name in names for band in _matching(other, name)] if names is not None else list(other.bands)
    return add_all(image, added, overwrite)


def add_all(image: ImageValue, added: Sequence[Band], overwrite: bool = False) -> ImageValue:
    """The image with more bands: names that are taken get a numbered suffix, or are replaced."""
    bands = {band.name: band for band in image.bands}
    for band in added:
        name = band.name
        if name in bands and not overwrite:
            name = next(f"{band.name}_{i}" for i in range(1, len(bands) + 2) if f"{band.name}_{i}" not in bands)
        bands[name] = replace(band, name=name)
    return image.with_bands(list(bands.values()))


@algorithm("Image.bandNames", "Image image -> List", takes_arrays=True, takes_opacity=True)
def band_names(image: ImageValue) -> list[str]:
    """Names of the bands, in order."""
    return list(image.band_names)


@algorithm("Image.mask", "Image image, Image mask = null -> Image", takes_opacity=True)
def mask(image: ImageValue, new_mask: ImageValue | None) -> ImageValue:
    """The image's mask as values (1 valid, 0 masked, between them opaque in part), or, with a mask given, the image
    with that mask in place of its own; pixels unmasked by it become 0."""
    if new_mask is None:
        bands = [Band(band.name, as_values(band), band.grid, np.dtype(np.float64)) for band in image.bands]
        return image.with_bands(bands)
    return _with_masks(image.with_bands([replace(b, opacity=None) for b in image.bands]), new_mask, _replace_mask)


def _replace_mask(pixels: Sequence[Pixels]) -> Pixels:
    image, new_mask = pixels
    kept = _opened_by(new_mask)
    valid = image.valid_or_true()
    return Pixels(np.where(valid, image.data, 0).astype(image.data.dtype), kept)


@algorithm("Image.updateMask", "Image image, Image mask -> Image", takes_opacity=True)
def update_mask(image: ImageValue, new_mask: ImageValue) -> ImageValue:
    """The image masked where the mask is 0 or masked itself, and opaque in part where it is between 0 and 1; what was
    masked stays masked."""
    return _with_masks(image, new_mask, _update_mask)


def _update_mask(pixels: Sequence[Pixels]) -> Pixels:
    image, new_mask = pixels
    return Pixels(image.data, all_valid([image.valid, _opened_by(new_mask)]))


def _opened_by(mask_pixels: Pixels) -> np.ndarray:
    """Where a mask lets through, wholly or in part."""
    return (mask_pixels.data > 0) & mask_pixels.valid_or_true()


def masked_by(band: Band, mask_band: Band, function: Callable[[Sequence[Pixels]], Pixels] | None = None) -> Band:
    """A band with its mask updated by another band's values."""
    source = Pixelwise(function or _update_mask, band.source, mask_band.source)
    return replace(band, source=source, opacity=combined(band.opacity, opacity_of(mask_band)))


def _with_masks(image: ImageValue, masks: ImageValue, function: Callable[[Sequence[Pixels]], Pixels]) -> ImageValue:
    if len(masks.bands) not in (1, len(image.bands)):
        raise ComputeError(f"the mask has {len(masks.bands)} bands, the image {len(image.bands)}; give one, or as many")
    mask_bands = opaque(masks).bands * (len(image.bands) if len(masks.bands) == 1 else 1)
    return image.with_bands([masked_by(band, other, function) for band, other in zip(image.bands, mask_bands)])


@algorithm("Image.unmask", "Image input, Image value = null, Boolean sameFootprint = true -> Image", takes_opacity=True)
def unmask(image: ImageValue, value: ImageValue | None, same_footprint: bool) -> ImageValue:
    """Masked pixels replaced by the value image's pixels and their mask (0 where none is given); the footprint stays
    the input's, or grows by the value's without ``sameFootprint``."""
    value = constant_image(0) if value is None else value
    if len(value.bands) not in (1, len(image.bands)):
        raise ComputeError(
            f"the value has {len(value.bands)} bands, the image {len(image.bands)}; give one, or as many"
        )
    fillers = list(value.bands) * (len(image.bands) if len(value.bands) == 1 else 1)
    bands = [
        replace(
            band,
            source=Pixelwise(_fill, band.source, filler.source),
            opacity=filled_opacity(band, filler),
            dtype=np.result_type(band.dtype, _small_type(filler)),
        )
        for band, filler in zip(image.bands, fillers)
    ]
    filled = image.with_bands(bands)
    if image.footprint is None:
        return filled
    if not same_footprint:
        return replace(
            filled, footprint=None if value.footprint is None else united([image.footprint, value.footprint])
        )
    shape = GeometryMask(image.footprint)
    return map_sources(filled, lambda source: Pixelwise(_update_mask, source, shape))


def _small_type(band: Band) -> np.dtype[Any]:
    """The smallest type of a constant, so that it does not widen the other side; else the band's type."""
    if isinstance(band.source, Constant):
        return np.dtype(np.min_scalar_type(band.source.value))
    return band.dtype


def _fill(pixels: Sequence[Pixels]) -> Pixels:
    image, filler = pixels
    if image.valid is None:
        return image
    data = np.where(image.valid, image.data, filler.data)
    return Pixels(data, None if filler.valid is None else image.valid | filler.valid)


@algorithm("Image.clip", "Image input, Object geometry -> Image", takes_opacity=True)
def clip(image: ImageValue, geometry: Any) -> ImageValue:
    """The image masked outside a geometry, which becomes its footprint; a pixel is inside where its centre is."""
    shape = to_geometry(geometry)
    inside = GeometryMask(shape)
    return replace(map_sources(image, lambda source: Pixelwise(_update_mask, source, inside)), footprint=shape)


@algorithm("Image.where", "Image input, Image test, Image value -> Image")
def where(image: ImageValue, test: ImageValue, value: ImageValue) -> ImageValue:
    """The value where the test is not 0; where test or value is masked, and where the input is, the input stays."""
    tests = _as_many(test, image, "test")
    values = _as_many(value, image, "value")
    bands = [
        replace(
            band,
            source=Pixelwise(_choose, band.source, t.source, v.source),
            dtype=np.result_type(band.dtype, _small_type(v)),
        )
        for band, t, v in zip(image.bands, tests, values)
    ]
    return image.with_bands(bands)


def where_nonzero(condition: ImageValue, chosen: ImageValue, other: ImageValue) -> ImageValue:
    """``chosen`` where the condition is not 0, else ``other``: one band each; masked where the condition is."""
    for image in (condition, chosen, other):
        if len(image.bands) != 1:
            raise ComputeError("a choice (? :) needs images of one band")
    test, one, two = condition.bands[0], chosen.bands[0], other.bands[0]
    source = Pixelwise(_choose_either, test.source, one.source, two.source)
    return condition.with_bands(
        [replace(test, source=source, dtype=np.result_type(_small_type(one), _small_type(two)))]
    )


def _choose_either(pixels: Sequence[Pixels]) -> Pixels:
    test, one, two = pixels
    chosen = test.data != 0
    valid = np.where(chosen, one.valid_or_true(), two.valid_or_true()) & test.valid_or_true()
    return Pixels(np.where(chosen, one.data, two.data), valid)


def _as_many(other: ImageValue, image: ImageValue, name: str) -> list[Band]:
    if len(other.bands) not in (1, len(image.bands)):
        raise ComputeError(f"the {name} image has {len(other.bands)} bands, the input {len(image.bands)}")
    return list(other.bands) * (len(image.bands) if len(other.bands) == 1 else 1)


def _choose(pixels: Sequence[Pixels]) -> Pixels:
    image, test, value = pixels
    chosen = (test.data != 0) & test.valid_or_true() & value.valid_or_true()
    return Pixels(np.where(chosen, value.data, image.data), image.valid)


@algorithm(
    "Image.remap", "Image image, List from, List to, Object defaultValue = null, String bandName = null -> Image"
)
def remap(
    image: ImageValue, values_from: list[Any], values_to: list[Any], default: Any, band_name: str | None
) -> ImageValue:
    """Values of one band replaced by a table; others become the default, or masked where none is given. The band is
    named ``remapped``."""
    if len(values_from) != len(values_to) or not values_from:
        raise ComputeError(f"{len(values_from)} values cannot be mapped to {len(values_to)}")
    given = [*values_from, *values_to, 0 if default is None else default]
    if any(isinstance(value, ArrayValue) for value in given):
        raise refuse("a mapping of arrays")
    if not all(is_number(value) for value in given):
        raise ComputeError("only numbers can be mapped")
    band = image.bands[0] if band_name is None else _matching(image, band_name)[0]
    keys, order = np.unique(np.asarray(values_from), return_index=True)
    if len(set(zip(values_from, values_to))) > keys.size:
        raise refuse("a mapping of one value to several")
    results = np.asarray(values_to)[order]

    def lookup(data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        position = np.clip(np.searchsorted(keys, data), 0, keys.size - 1)
        found = keys[position] == data
        return np.where(found, results[position], 0 if default is None else default), found | (default is not None)

    source = Elementwise(lookup, band.source)
    return ImageValue((Band("remapped", source, band.grid, results.dtype),), image.properties, image.footprint)


@algorithm("Image.normalizedDifference", "Image input, List<String> bandNames = null -> Image")
def normalized_difference(image: ImageValue, names: list[str] | None) -> ImageValue:
    """(first - second) / (first + second) of two bands, named ``nd``; a negative value in either masks the pixel, a
    sum of 0 as well (0 / 0 has no value)."""
    chosen = image.bands[:2] if names is None else [_matching(image, name)[0] for name in names]
    if len(chosen) != 2:
        raise ComputeError(f"two bands are needed, {len(chosen)} were given")
    first, second = chosen
    source = Elementwise(_normalized_difference, first.source, second.source)
    return ImageValue((Band("nd", source, first.grid, np.dtype(np.float32)),), {}, image.footprint)


def _normalized_difference(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = first.astype(np.float64), second.astype(np.float64)
    total = first + second
    defined = (first >= 0) & (second >= 0) & (total != 0)
    return np.divide(first - second, total, out=np.zeros_like(total), where=defined), defined


@algorithm("ImageCollection.mosaic", "ImageCollection collection -> Image")
def mosaic(collection: CollectionValue) -> ImageValue:
    """The images over each other, the last on top: per band, the last valid pixel."""
    images = [image for image in collection.elements if isinstance(image, ImageValue)]
    if not images:
        return ImageValue(())
    bands = []
    for band in images[0].bands:
        sources = [other.source for image in images for other in image.bands if other.name == band.name]
        bands.append(replace(band, source=Pixelwise(_last_valid, *sources), grid=None))
    return ImageValue(tuple(bands))


def _last_valid(pixels: Sequence[Pixels]) -> Pixels:
    result = pixels[0]
    for top in pixels[1:]:
        result = _fill((top, result))
    return result


@algorithm("Image.metadata", "Image image, String property, String name = null -> Image")
def metadata(image: ImageValue, key: str, name: str | None) -> ImageValue:
    """A numeric property as a constant band of doubles, named after it; masked where the image has none."""
    value = image.properties.get(key)
    if value is None:
        return ImageValue((Band(name or key, Masked()),))
    if not is_number(value):
        raise ComputeError(f"the property {key!r} is not a number")
    return rename_bands(constant_image(float(value)), [name or key])


def _cast(data: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Values in another type: integers are cut towards zero and held within the type's range."""
    if data.dtype == dtype:
        return data
    if not np.issubdtype(dtype, np.integer):
        with np.errstate(over="ignore"):
            return data.astype(dtype)
    limits = np.iinfo(dtype)
    if not np.issubdtype(data.dtype, np.floating):
        return np.clip(data.astype(np.int64, copy=False), limits.min, limits.max).astype(dtype)
    whole = np.trunc(np.nan_to_num(data.astype(np.float64, copy=False)))
    highest = whole >= limits.max  # told apart first: as a double, the largest 64-bit integer is one too many
    held = np.where(highest, 0.0, np.maximum(whole, float(limits.min))).astype(dtype)
    return np.where(highest, dtype.type(limits.max), held)


def _cast_algorithm(name: str, dtype: Any, others: tuple[str, ...] = ()) -> Algorithm:
    target = np.dtype(dtype)

    names = (name, *others)
    aliases = (*(f"Image.{n[0].lower()}{n[1:]}" for n in names), *(f"Image.to{n}" for n in others))

    @algorithm(f"Image.to{name}", "Image value -> Image", aliases, takes_opacity=True)
    def cast(image: ImageValue) -> ImageValue:
        return map_sources(image, lambda source: _typed(source, target), target)

    return replace(cast, description=f"The values as {target.name}: cut towards zero, held within the type's range.")


def _typed(source: Source, dtype: np.dtype[Any]) -> Source:
    return Elementwise(lambda data: _cast(data, dtype), source)


CASTS = tuple(
    _cast_algorithm(name, dtype, tuple(others))
    for name, dtype, *others in (
        ("Byte", np.uint8),
        ("Uint8", np.uint8),
        ("Int8", np.int8),
        ("Uint16", np.uint16),
        ("Int16", np.int16, "Short"),
        ("Uint32", np.uint32),
        ("Int32", np.int32, "Int"),
        ("Int64", np.int64, "Long"),
        ("Float", np.float32),
        ("Double", np.float64),
    )
)


@algorithm("Image.id", "Element element -> String")
def image_id(element: ImageValue | FeatureValue | CollectionValue) -> str | None:
    """The id within a collection, which is the system:index; of other images the asset id, null for computed ones."""
    if isinstance(element, CollectionValue):
        raise ComputeError("an image is needed, not a collection")
    return index_of(element) or element.id
