"""How the stored numbers of an index become values: scales, what is missing, and which notes that deserves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .names import listed
from .rasters import BandFacts, RasterFile, UnreadableError, samples

LARGEST_VALUE = 1.0
"""NDVI and kNDVI lie within -1 and 1, EVI2 of reflectances too; what lies outside is no measurement."""

_TEN_THOUSANDTH = 1e-4
_USUAL_NODATA = (-32768.0, -9999.0, 32767.0)
"""Missing in whole numbers that declare no nodata value: no index has these values by measurement."""

_SAMPLED_FILES = 12


@dataclass(frozen=True)
class Encoding:
    """value = stored * scale + offset; the stored numbers ``missing`` stand for no data."""

    scale: float = 1.0
    offset: float = 0.0
    missing: tuple[float, ...] = ()


def index_values(stored: np.ndarray, encoding: Encoding) -> np.ndarray:
    """Values (float32, same shape), NaN where there is none: no data, infinite, or outside -1 to 1."""
    values = stored.astype(np.float32)
    if (encoding.scale, encoding.offset) != (1.0, 0.0):
        values = values * np.float32(encoding.scale) + np.float32(encoding.offset)
    with np.errstate(invalid="ignore"):
        values[~(np.abs(values) <= LARGEST_VALUE)] = np.nan
    for number in encoding.missing:
        values[stored == number] = np.nan
    return values


def encodings(files: Sequence[tuple[RasterFile, BandFacts]]) -> tuple[list[Encoding], list[str]]:
    """The encoding of each file's band, and notes. UnreadableError where a file's numbers cannot be told."""
    notes = []
    undeclared = [file.path.name for file, band in files if band.scale is None and band.is_integer]
    if undeclared:
        notes.append(f"Whole numbers without a scale are taken as value x 10000 ({listed(undeclared)}).")
    scaled = _floats_are_scaled(files)
    if scaled:
        notes.append("Values far above 1 are taken as value x 10000.")
    return [_encoding(file, band, scaled) for file, band in files], notes


def _encoding(file: RasterFile, band: BandFacts, floats_are_scaled: bool) -> Encoding:
    missing: tuple[float, ...] = () if band.nodata is None or np.isnan(band.nodata) else (band.nodata,)
    if band.is_integer and band.nodata is None:
        missing = _USUAL_NODATA
    if band.scale is not None:
        return Encoding(band.scale, band.offset or 0.0, missing)
    if band.is_byte:
        raise UnreadableError(file.path, "it holds bytes without a scale, so that their values are unknown")
    is_scaled = band.is_integer or floats_are_scaled
    return Encoding(_TEN_THOUSANDTH if is_scaled else 1.0, 0.0, missing)


def _floats_are_scaled(files: Sequence[tuple[RasterFile, BandFacts]]) -> bool:
    """Whether files of floating numbers hold value x 10000: most numbers of a sample are far above 1."""
    floats = [(file, band) for file, band in files if not band.is_integer and band.scale is None]
    step = max(1, len(floats) // _SAMPLED_FILES)
    numbers = np.abs(samples((file.path, band.number) for file, band in floats[::step]))
    missing = {abs(band.nodata) for _, band in floats if band.nodata is not None} | {abs(_USUAL_NODATA[1])}
    numbers = numbers[(numbers <= 1.0 / _TEN_THOUSANDTH) & ~np.isin(numbers, list(missing))]
    return bool(numbers.size) and float(np.median(numbers)) > 10.0
