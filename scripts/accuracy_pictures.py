"""Pictures of masks beside the image and what is known of it; those of simulated images go into the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from accuracy import CIRRUS, CLEAR, CLOUD, MASK_CLOUD, MASK_SHADOW, SHADOW, Raster, classes_under, read_raster
from accuracy_peers import read_bands
from accuracy_runs import OWN, PEER, Judged, model_names
from s2mask_qgis.core.scenes import COLLECTION, COLLECTION_L2A
from s2mask_qgis.engines.local.library.library import SceneLibrary

BRIGHTEST = 0.35
"""Reflectance that is shown white; bright clouds are all white then, and fields have contrast."""

PANEL_IN, DPI, COLOURS = 2.2, 80, 128

WHITE, GREY, BLUE, PALE, RED, ORANGE, GREEN, BLACK = (
    (255, 255, 255),
    (150, 150, 150),
    (60, 90, 200),
    (200, 215, 245),
    (205, 40, 40),
    (245, 150, 40),
    (205, 225, 200),
    (30, 30, 30),
)
KNOWN_COLOURS = {CLEAR: GREEN, CLOUD: WHITE, CIRRUS: PALE, SHADOW: BLUE}
MASK_COLOURS = {0: GREEN, MASK_CLOUD: WHITE, MASK_SHADOW: BLUE}
LEGEND = (
    "masks: white cloud, blue shadow, pale blue thin cirrus (known only), green clear, black undecided\n"
    "differences: red missed cloud, orange false cloud, grey missed or false shadow"
)


@dataclass(frozen=True)
class Picture:
    """What is drawn: a set, the start of an image's system:index, and whether it may be shown (simulated)."""

    data: str
    date: str
    is_simulated: bool


PICTURES = (
    Picture("simulated", "20230702", True),
    Picture("surfaces", "20230118", True),
    Picture("surfaces", "20230804", True),
    Picture("eolearn", "20150731", False),
    Picture("eolearn", "20150820", False),
    Picture("eolearn", "20170111", False),
    Picture("toulouse", "20240305", False),
)


def draw_all(results: Sequence[Sequence[Judged]], folder: Path, documentation: Path | None) -> None:
    """Draw the pictures of the sets that were judged: real images below ``folder`` only, which is not part of the
    project, simulated ones into the ``documentation`` as well where it is given."""
    by_name = {one[0].data.name: one for one in results}
    for picture in PICTURES:
        masks = [result for result in by_name.get(picture.data, ()) if _is_shown(result, picture.date)]
        if masks:
            into = documentation if picture.is_simulated and documentation is not None else folder
            draw(masks, picture.date, folder, into / f"accuracy-{picture.data}-{picture.date}.png")


def _is_shown(result: Judged, date: str) -> bool:
    named = result.method in (*model_names(), OWN, PEER)
    return named and any(index.startswith(date) for index in result.by_image)


def draw(masks: Sequence[Judged], date: str, folder: Path, path: Path) -> None:
    """One image: true colour above what is known of it, then each mask above how it differs."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    pairs = [(("true colour", true_colour(masks[0], date, folder)), ("known", known_colours(masks[0], date)))]
    pairs += [
        ((result.method, mask_colours(result, date)), ("difference", differences(result, date))) for result in masks
    ]
    figure = Figure(figsize=(PANEL_IN * len(pairs), 2 * PANEL_IN + 0.8), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(pairs))
    for column, pair in enumerate(pairs):
        for row, (title, colours) in enumerate(pair):
            axes[row, column].imshow(colours, interpolation="nearest")
            axes[row, column].set_title(title, fontsize=8)
            axes[row, column].axis("off")
    figure.suptitle(f"{masks[0].data.title}, {date[:4]}-{date[4:6]}-{date[6:8]}", fontsize=9)
    figure.supxlabel(LEGEND, fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    """In a palette, which keeps the file small."""
    from PIL import Image

    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    Image.fromarray(pixels).quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def true_colour(result: Judged, date: str, folder: Path) -> np.ndarray:
    """Red, green and blue (y, x, 3) from 0 to 1 on the pixels of a mask; what has no value is black."""
    index = _index(result, date)
    collection = COLLECTION_L2A if result.data.level == "L2A" else COLLECTION
    library = SceneLibrary(result.data.scenes, folder / result.data.name / "runs" / "library")
    bands = read_bands(library.ingest(index, collection), result.masks[index], ("B4", "B3", "B2"))
    return np.clip(np.nan_to_num(np.moveaxis(bands, 0, -1)) / BRIGHTEST, 0.0, 1.0)


def known_colours(result: Judged, date: str) -> np.ndarray:
    """What is known of the pixels of a mask, mixed pixels black."""
    _, classes, agree = _read(result, date)
    return _painted(classes, KNOWN_COLOURS, agree)


def mask_colours(result: Judged, date: str) -> np.ndarray:
    """A mask in colours."""
    mask, _, _ = _read(result, date)
    return _painted(mask.values.astype(np.uint8), MASK_COLOURS, mask.valid)


def differences(result: Judged, date: str) -> np.ndarray:
    """Where a mask is wrong, in colours; what is not counted is black."""
    mask, classes, agree = _read(result, date)
    cloud, dark = mask.values == MASK_CLOUD, mask.values == MASK_SHADOW
    colours = np.full((*classes.shape, 3), BLACK, np.uint8)
    colours[mask.valid & agree] = GREEN
    if result.data.has_shadow and result.tells_shadow:
        colours[mask.valid & agree & (dark != (classes == SHADOW)) & (classes != CIRRUS)] = GREY
    colours[mask.valid & agree & (classes == CLOUD) & ~cloud] = RED
    colours[mask.valid & agree & np.isin(classes, (CLEAR, SHADOW)) & cloud] = ORANGE
    return colours


def _index(result: Judged, date: str) -> str:
    return next(index for index in result.by_image if index.startswith(date))


def _read(result: Judged, date: str) -> tuple[Raster, np.ndarray, np.ndarray]:
    """A mask, the classes below it, and where these are of one kind."""
    index = _index(result, date)
    mask = read_raster(result.masks[index])
    return mask, *classes_under(mask, read_raster(result.data.truth / f"{index}.tif"))


def _painted(values: np.ndarray, colours: dict[int, tuple[int, int, int]], known: np.ndarray) -> np.ndarray:
    painted = np.full((*values.shape, 3), BLACK, np.uint8)
    for value, colour in colours.items():
        painted[known & (values == value)] = colour
    return painted
