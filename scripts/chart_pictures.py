"""Take pictures of the pixel chart in real QGIS on a simulated series; one of them goes to docs/images."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from osgeo import gdal

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import real_qgis  # noqa: E402
from run import ZIP  # noqa: E402
from screenshots import write_small  # noqa: E402

TIMEOUT_S = 300
FOLDER = ROOT / "build" / "chart"
TARGET = ROOT / "docs" / "images" / "pixel-curve.png"

SIZE_PX, DATES, EVERY_DAYS = 120, 146, 5
FIRST_DAY = 18996  # 2022-01-04
GRID = (500_000.0, 10.0, 0.0, 5_300_000.0, 0.0, -10.0)
FIELD_PX = 30
SHOWN_MONTHS = ("06", "07")

# Of forest, maize, winter wheat and meadow: the lowest and highest NDVI, the days of the year of rise and fall.
COVERS = np.array([(0.55, 0.85, 110, 300), (0.15, 0.85, 165, 265), (0.2, 0.88, 75, 190), (0.4, 0.75, 90, 310)])


def simulated_dates() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Two years of fields: date, NDVI and mask (1 cloud, 2 shadow); a thin cloud now and then is not masked."""
    random = np.random.default_rng(3)
    rows, columns = np.mgrid[0:SIZE_PX, 0:SIZE_PX] // FIELD_PX
    low, high, rise, fall = np.moveaxis(COVERS[(rows + 2 * columns) % len(COVERS)], 2, 0)
    late = random.normal(0, 6, (SIZE_PX // FIELD_PX,) * 2)[rows, columns]
    for number in range(DATES):
        day = FIRST_DAY + EVERY_DAYS * number
        season = (day - FIRST_DAY + 3) % 365.25 - late
        green = 1 / (1 + np.exp((rise - season) / 12)) / (1 + np.exp((season - fall) / 14))
        ndvi = low + (high - low) * green + random.normal(0, 0.015, low.shape) - (0.18 if number % 11 == 4 else 0)
        clouds = np.kron(random.random((8, 8)) < 1.1 * random.random(), np.ones((15, 15), bool))
        shadows = np.roll(clouds, 8, axis=1) & ~clouds
        seen = np.where(clouds, random.uniform(0.0, 0.15, ndvi.shape), np.where(shadows, ndvi - 0.25, ndvi))
        yield (
            str(np.datetime64(day, "D")).replace("-", ""),
            seen.astype(np.float32),
            (clouds + 2 * shadows).astype(np.uint8),
        )


def write_series(folder: Path) -> str:
    """Write the simulated dates as GeoTIFFs, as a run does; returns the clearest of June and July."""
    shares = {}
    for name, ndvi, mask in simulated_dates():
        for part, values, kind in (("ndvi", ndvi, gdal.GDT_Float32), ("mask", mask, gdal.GDT_Byte)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            path = folder / part / f"{name}.tif"
            target = gdal.GetDriverByName("GTiff").Create(str(path), SIZE_PX, SIZE_PX, 1, kind)
            target.SetGeoTransform(GRID)
            target.SetProjection("EPSG:32633")
            target.GetRasterBand(1).WriteArray(values)
            target.FlushCache()
        if name[4:6] in SHOWN_MONTHS:
            shares[name] = float((mask > 0).mean())
    return min(shares, key=lambda name: shares[name])


def take() -> list[str]:
    """Take all pictures into FOLDER; returns their names."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    shown = write_series(FOLDER / "series")
    real_qgis.make_profile(FOLDER / "profile", ZIP)
    job = {"timeout_s": TIMEOUT_S, "series": str(FOLDER / "series"), "shown": shown, "pictures": str(FOLDER)}
    driver = ROOT / "scripts" / "drive_chart.py"
    answer = real_qgis.do_job(driver, job, FOLDER, FOLDER / "profile", lambda line: print(line, flush=True))
    if answer["problem"] is not None:
        raise real_qgis.QgisError(answer["problem"])
    return answer["pictures"]


def main() -> int:
    """Take the pictures and renew the one of docs/images."""
    gdal.UseExceptions()
    try:
        pictures = take()
    except real_qgis.QgisError as error:
        print(error, file=sys.stderr)
        return 1
    write_small(FOLDER / f"{TARGET.stem}.png", TARGET)
    print(f"{len(pictures)} pictures in {FOLDER}, one of them as {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
