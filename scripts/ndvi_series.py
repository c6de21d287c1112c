"""The NDVI series that gap filling is judged on: real ones beside the repository, simulated ones with their truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from s2mask_qgis.simulation import spectra
from s2mask_qgis.simulation.phenology import CROP_SHARES, CROPS, Surface, ground_cover

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
FUSETS = ("bids_demo", "bids_workshop")
FARMS = ("strickhof", "swissfuturefarm", "witzwil")
SIMULATED = {"one year": (2022, 0, 73, 5.0), "five months": (2022, 60, 30, 5.0), "three years": (2020, 0, 90, 12.0)}
"""First year, day of it, number of dates and days between them."""

WRONG_RADIOMETRY = ("20220620",)
VEGETATION_SOIL_WATER = (4, 5, 6)
RED, NIR = 3, 7


@dataclass(frozen=True)
class NdviSeries:
    """``days`` (n,) since 1970-01-01 UTC, ``values`` (n, p) float32, NaN where not clear; ``is_field``: crops of a year
    or less. ``truth`` (n, p) is known of simulated series alone."""

    name: str
    is_field: bool
    days: np.ndarray
    values: np.ndarray
    truth: np.ndarray | None = None


def all_series() -> Iterator[NdviSeries]:
    """Every series that is there; the real ones are left out where ../shared/data is missing."""
    if SHARED.is_dir():
        yield eolearn()
        yield from map(fusets, FUSETS)
        yield from map(farm, FARMS)
    yield from map(simulated, SIMULATED)


def eolearn() -> NdviSeries:
    """68 dates of two and a half years of a hilly patch, masked by s2cloudless."""
    with np.load(SHARED / "eolearn-l1c" / "ndvi_68dates_masks.npz") as stored:
        clear = (stored["clm"] == 0) & (stored["is_valid"] == 1)
        days = _days(stored["times"], "%Y-%m-%dT%H:%M:%S")
        return _series("eolearn-l1c", False, days, np.where(clear, stored["ndvi"], np.nan))


def fusets(name: str) -> NdviSeries:
    """A field in Spain over one year, masked by its scene classification."""
    from osgeo import gdal

    gdal.UseExceptions()
    dataset = gdal.Open(f'NETCDF:"{SHARED / "fusets-ndvi" / name}_raw_s2_ndvi_field.nc":NDVI')
    since_1990 = np.array(dataset.GetMetadata()["NETCDF_DIM_t_VALUES"].strip("{}").split(","), float)
    days = since_1990 + _days(["1990"], "%Y")[0]
    return _series(f"fusets {name.removeprefix('bids_')}", True, days, dataset.ReadAsArray())


def farm(name: str) -> NdviSeries:
    """Wheat parcels in Switzerland over five months, from B4 and B8A; the wrong dates its README names are left out."""
    with np.load(SHARED / "swiss-farms-l2a" / f"{name}_l2a.npz") as stored:
        bands = [str(band) for band in stored["bands"]]
        red, nir = (stored["dn"][:, bands.index(band)].astype(np.float32) for band in ("B04", "B8A"))
        clear = (red > 0) & (nir > 0) & np.isin(stored["scl"], VEGETATION_SOIL_WATER)
        for date, (time, product) in enumerate(zip(stored["times"], stored["products"])):
            clear[date] &= not (str(time).startswith(WRONG_RADIOMETRY) or "N9999" in str(product))
        ndvi = np.where(clear, (nir - red) / np.where(clear, nir + red, 1), np.nan)
        return _series(f"swiss {name}", True, _days(stored["times"], "%Y%m%dT%H%M%S"), ndvi)


def simulated(name: str, pixels: int = 400) -> NdviSeries:
    """Parcels of the simulated landscape with another crop each year, under clouds that drift over the pixels.

    Observations carry an error of the date (0.012) and of the pixel (0.015), and 3 % of them a cloud that no mask
    caught. Deterministic.
    """
    first_year, first_day, dates, step_days = SIMULATED[name]
    rng = np.random.default_rng([dates, first_day])
    days = _days([str(first_year)], "%Y")[0] + first_day + step_days * np.arange(dates) + 0.44
    truth = np.column_stack([_parcel(days, rng) for _ in range(pixels)])
    observed = truth + rng.normal(0, 0.012, (dates, 1)) + rng.normal(0, 0.015, truth.shape)
    missed = rng.random(truth.shape) < 0.03
    observed[missed] -= rng.gamma(2.0, 0.1, int(missed.sum()))
    for date in range(dates):
        wave = sum(
            rng.random() * np.sin(2 * np.pi * (k * np.arange(pixels) / pixels + rng.random())) for k in (1, 2, 5)
        )
        cover = np.clip(rng.beta(0.6, 0.7) + 0.15 * np.cos(2 * np.pi * (days[date] % 365.25) / 365.25), 0, 1)
        observed[date, wave < np.quantile(wave, cover)] = np.nan
    is_field = dates * step_days < 400
    return NdviSeries(f"simulated {name}", is_field, days, observed.astype(np.float32), truth)


def _parcel(days: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The NDVI (n,) of one parcel: grass, alfalfa and woods stay, fields change their crop every year."""
    years = np.array([(np.datetime64("1970-01-01") + int(day)).astype("datetime64[Y]") for day in days])
    first = (*CROPS, Surface.DECIDUOUS)[rng.choice(len(CROPS) + 1, p=[*(0.85 * np.array(CROP_SHARES)), 0.15])]
    late, vigour, soil = rng.normal(0, 6), rng.uniform(0.75, 1.05), rng.uniform(0.8, 1.2)
    ndvi = np.empty(len(days))
    for year in np.unique(years):
        now = years == year
        stays = first in (Surface.GRASS, Surface.ALFALFA, Surface.DECIDUOUS)
        crop = first if stays or year == years[0] else CROPS[rng.choice(4)]
        day_of_year = days[now] - (year.astype("datetime64[D]") - np.datetime64("1970-01-01")).astype(int) + 1
        green, dry, _ = ground_cover(crop, day_of_year - late)
        green = green * vigour
        bare = np.clip(1 - green - dry, 0, 1)
        red, nir = (
            green * spectra.CROP[band] + dry * spectra.STRAW[band] + bare * spectra.SOIL[band] * soil
            for band in (RED, NIR)
        )
        ndvi[now] = (nir - red) / (nir + red)
    return ndvi


def _days(times: object, pattern: str) -> np.ndarray:
    start = datetime(1970, 1, 1)
    return np.array([(datetime.strptime(str(time), pattern) - start).total_seconds() / 86_400 for time in times])


def _series(name: str, is_field: bool, days: np.ndarray, stack: np.ndarray) -> NdviSeries:
    """Pixels with any clear observation; images of one calendar day are averaged, dates without any are left out."""
    values = stack.reshape(len(stack), -1)
    merged_days, merged = [], []
    for day in np.unique(np.floor(days)):
        same = np.floor(days) == day
        count = np.isfinite(values[same]).sum(axis=0)
        total = np.where(np.isfinite(values[same]), values[same], 0).sum(axis=0)
        merged_days.append(days[same].mean())
        merged.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    result = np.array(merged, np.float32)
    dates, pixels = np.isfinite(result).any(axis=1), np.isfinite(result).any(axis=0)
    return NdviSeries(name, is_field, np.array(merged_days)[dates], result[dates][:, pixels])
