"""Take pictures of the plugin in real QGIS on a small simulated sample; a few of them go to docs/images."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
from osgeo import gdal
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QImage, qRgb

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import label_sample  # noqa: E402
import real_qgis  # noqa: E402
import run  # noqa: E402
import series_sample  # noqa: E402

SIZE_PX, DATES = 720, 24
TIMEOUT_S = 600
FOLDER = ROOT / "build" / "screenshots"
IMAGES = ROOT / "docs" / "images"
KEPT = (
    "overview",
    "dock-scenes",
    "dock-running",
    "dock-results",
    "dock-problem",
    "series-done",
    "series-seasons",
)
EARTH_ENGINE = ROOT / "build" / "screenshots-earth-engine"
KEPT_OF_EARTH_ENGINE = ("earth-engine-estimate", "earth-engine-running", "images-of-the-run")
COLOURS, COMMON_COLOURS = 256, 64


def damage(scenes: Path, damaged: Path) -> None:
    """A copy of a folder of scenes in which one band file of the last product breaks off."""
    shutil.copytree(scenes, damaged)
    product = sorted(damaged.glob("*.SAFE"))[-1]
    band = next(product.glob("GRANULE/*/IMG_DATA/*_B11.*"))
    band.write_bytes(band.read_bytes()[: band.stat().st_size // 3])


def take() -> list[str]:
    """Take all pictures into FOLDER; returns their names."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    options = run.parse_arguments(["--size", str(SIZE_PX), "--dates", str(DATES), "--timeout", str(TIMEOUT_S)])
    options.out, options.library = FOLDER / "results", FOLDER / "library"
    scenes = run.sample_folder(options)
    run.write_sample(scenes, options)
    FOLDER.mkdir(parents=True)
    (FOLDER / "scenes").symlink_to(scenes)  # a short name in the pictures
    damage(scenes, FOLDER / "damaged")
    series_sample.write_series(FOLDER / "years")
    label_sample.write_labels(scenes, FOLDER / "labels.csv")
    job = run.make_job(options, scenes, scenes / "area.gpkg", run.GivenParameters())
    job |= {
        "scenes_folder": str(FOLDER / "scenes"),
        "pictures_folder": str(FOLDER),
        "damaged_folder": str(FOLDER / "damaged"),
        "damaged_output_folder": str(FOLDER / "damaged_results"),
        "labels_file": str(FOLDER / "labels.csv"),
        "series_input": str(FOLDER / "years"),
        "series_folder": str(FOLDER / "series"),
    }
    real_qgis.make_profile(FOLDER / "profile", run.ZIP)
    driver = ROOT / "scripts" / "drive_screenshots.py"
    answer = real_qgis.do_job(driver, job, FOLDER, FOLDER / "profile", lambda line: print(line, flush=True))
    if answer["problem"] is not None:
        raise real_qgis.QgisError(answer["problem"])
    return answer["pictures"]


def take_earth_engine() -> list[str]:
    """Take pictures of a made-up run on Earth Engine; returns their names."""
    shutil.rmtree(EARTH_ENGINE, ignore_errors=True)
    output = EARTH_ENGINE / "mountains"
    output.mkdir(parents=True)
    job = {"timeout_s": TIMEOUT_S, "pictures_folder": str(EARTH_ENGINE), "output_folder": str(output)}
    real_qgis.make_profile(EARTH_ENGINE / "profile", run.ZIP)
    driver = ROOT / "scripts" / "drive_earth_engine.py"
    answer = real_qgis.do_job(driver, job, EARTH_ENGINE, EARTH_ENGINE / "profile", lambda line: print(line, flush=True))
    if answer["problem"] is not None:
        raise real_qgis.QgisError(answer["problem"])
    return answer["pictures"]


def write_small(picture: Path, target: Path) -> None:
    """Write a picture with a palette of its own, which takes half the space."""
    nearest = Qt.ImageConversionFlag.ThresholdDither | Qt.ImageConversionFlag.AvoidDither
    image = QImage(str(picture)).convertToFormat(QImage.Format.Format_Indexed8, palette_of(picture), nearest)
    image.save(str(target), quality=0)  # a PNG is packed the tighter the lower its "quality"


def palette_of(picture: Path) -> list[int]:
    """256 colours: the commonest as they are, so that even surfaces keep theirs, and a median cut for the rest."""
    gdal.UseExceptions()
    source = gdal.Open(str(picture))
    red, green, blue = source.ReadAsArray()[:3].astype(np.uint32)
    colours, counts = np.unique(red << 16 | green << 8 | blue, return_counts=True)
    common = colours[np.argsort(-counts, kind="stable")[:COMMON_COLOURS]].tolist()
    table = gdal.ColorTable()
    bands = [source.GetRasterBand(number) for number in (1, 2, 3)]
    gdal.ComputeMedianCutPCT(*bands, COLOURS - len(common), table)
    entries = [table.GetColorEntry(number)[:3] for number in range(table.GetCount())]
    return [qRgb(value >> 16, value >> 8 & 255, value & 255) for value in common] + [qRgb(*entry) for entry in entries]


def main() -> int:
    """Take the pictures and renew docs/images."""
    try:
        pictures, of_earth_engine = take(), take_earth_engine()
    except real_qgis.QgisError as error:
        print(error, file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        write_small(FOLDER / f"{name}.png", IMAGES / f"{name}.png")
    for name in KEPT_OF_EARTH_ENGINE:
        write_small(EARTH_ENGINE / f"{name}.png", IMAGES / f"{name}.png")
    print(f"{len(pictures)} pictures in {FOLDER}, {len(of_earth_engine)} in {EARTH_ENGINE}, of them in {IMAGES}:")
    print(", ".join((*KEPT, *KEPT_OF_EARTH_ENGINE)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
