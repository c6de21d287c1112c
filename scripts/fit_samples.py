"""Simulated samples as pixels of the working scale beside the background that a run would choose."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from s2mask_qgis.core.backgrounds import choose
from s2mask_qgis.core.features import CLEAREST
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.core.scenes import BANDS, Scene
from s2mask_qgis.simulation.acquisitions import Acquisition, plan_acquisitions
from s2mask_qgis.simulation.landscape import build_landscape
from s2mask_qgis.simulation.sample import area_ring
from s2mask_qgis.simulation.scene import QUANTIFICATION, RADIO_ADD_OFFSET, Observation, Truth, block_mean, observe
from s2mask_qgis.simulation.settings import TILE, SampleSettings

PURE_FROM_PX = 3
"""Pixels of 30 m hold 3 x 3 pixels of truth."""


@dataclass(frozen=True)
class SamplePixels:
    """Pixels whose truth is of one class: ``image`` and ``background`` (n, 13) in reflectance, ``truth`` (n) and, where
    the sample has such, ``case`` (n)."""

    image: np.ndarray
    background: np.ndarray
    truth: np.ndarray
    case: np.ndarray | None


def sample_pixels(settings: SampleSettings) -> SamplePixels:
    """All pixels of a sample, at 30 m from means over 20 m as a run reads them, that are valid in all bands."""
    landscape = build_landscape(settings)
    acquisitions = plan_acquisitions(settings)
    observations = [observe(landscape, acquisition, settings.seed) for acquisition in acquisitions]
    images = np.stack([_at_30_m(observation, settings.size_px) for observation in observations])
    scenes = [_scene(*pair, settings) for pair in zip(acquisitions, observations)]
    truth = np.stack([_pure(observation.truth) for observation in observations])
    cases = [_pure(one.case) for one in observations if one.case is not None]
    case = np.stack(cases) if cases else None
    backgrounds = np.stack([_background(scene, scenes, images) for scene in scenes])
    known = ~np.isnan(images).any(axis=-1) & ~np.isnan(backgrounds).any(axis=-1) & (truth != Truth.NO_DATA)
    return SamplePixels(images[known], backgrounds[known], truth[known], None if case is None else case[known])


def _at_30_m(observation: Observation, size_px: int) -> np.ndarray:
    """Reflectance (y, x, 13), nan outside the swath."""
    centres = (np.arange(size_px // 3) * 30 + 15) // 20
    bands = []
    for band in BANDS:
        numbers = observation.numbers[band].astype(np.float32)
        values = np.where(numbers == 0, np.nan, (numbers + RADIO_ADD_OFFSET) / QUANTIFICATION).astype(np.float32)
        factor = values.shape[0] * 2 // size_px
        if factor == 2:
            values = block_mean(values, 2)
        elif factor == 0:
            values = values.repeat(3, axis=0).repeat(3, axis=1)
        bands.append(values[np.ix_(centres, centres)])
    return np.stack(bands, axis=-1)


def _pure(classes: np.ndarray) -> np.ndarray:
    """The class of each 3 x 3 pixels, NO_DATA where they differ."""
    rows, columns = (size // PURE_FROM_PX for size in classes.shape)
    blocks = classes.reshape(rows, PURE_FROM_PX, columns, PURE_FROM_PX)
    lowest = blocks.min(axis=(1, 3))
    return np.where(lowest == blocks.max(axis=(1, 3)), lowest, Truth.NO_DATA)


def _scene(acquisition: Acquisition, observation: Observation, settings: SampleSettings) -> Scene:
    return Scene(
        id=acquisition.index,
        index=acquisition.index,
        tile=TILE,
        time_start_ms=int(acquisition.moment.timestamp() * 1000),
        cloudy_percent=observation.cloudy_percent,
        footprint=area_ring(settings.grid),
    )


def _background(scene: Scene, scenes: list[Scene], images: np.ndarray) -> np.ndarray:
    """The median (y, x, 13) of the clearest images, nan where all are invalid."""
    places = {one.index: number for number, one in enumerate(scenes)}
    chosen = choose(scene, scenes, RunParameters(), (CLEAREST,))[CLEAREST]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)  # outside every swath
        return np.nanmedian(images[[places[one.index] for one in chosen]], axis=0)
