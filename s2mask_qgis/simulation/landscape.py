"""The ground of the sample: fields, woods, a lake, a river, villages and roads, the same on every date."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from .cases import CaseLayout, lay_out
from .noise import FloatArray, above_share, random_field, smooth_step
from .phenology import CROP_SHARES, CROPS, Surface
from .settings import SampleSettings

_BLOCK_M = 780.0
_FOREST_SHARE = 0.17


@dataclass(frozen=True)
class Parcels:
    """What is known of each parcel, one value each: its surface, days it is late, how lush it grows, how bright its
    soil is, on which day after harvest it is ploughed."""

    surface: np.ndarray
    late_days: np.ndarray
    vigour: np.ndarray
    soil_brightness: np.ndarray
    plough_day: np.ndarray


@dataclass(frozen=True)
class Landscape:
    """``parcel`` numbers the parcels (y, x), ``texture`` says how a pixel differs from its parcel (about -1 to 1),
    ``height`` how snow is spread (0-1), ``cases`` where and when the ground looks like a cloud or a shadow."""

    parcel: np.ndarray
    texture: FloatArray
    height: FloatArray
    parcels: Parcels
    cases: CaseLayout | None = None

    @property
    def surface(self) -> np.ndarray:
        """The Surface of each pixel (y, x)."""
        return self.parcels.surface[self.parcel]


def build_landscape(settings: SampleSettings) -> Landscape:
    """The landscape of a sample, from its seed alone."""
    rng = np.random.default_rng(np.random.SeedSequence([settings.seed, 2]))
    size = settings.size_px
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    bend = 4.0 * random_field(rng, size, size / 3, 3.5), 4.0 * random_field(rng, size, size / 3, 3.5)
    block, edge_px, along, across = _blocks(rng, x + bend[0], y + bend[1])
    surface_map = np.full((size, size), -1, np.int64)
    _plant_forest(rng, surface_map, size)
    surface_map[(edge_px < 1.1) & (surface_map < 0)] = Surface.ROAD
    _lay_roads(surface_map, x, y, size)
    _dig_water(rng, surface_map, x, y, size)
    mosaic = _build_villages(rng, surface_map, x, y, size)
    parcel, parcels = _parcels(rng, surface_map, block, along, across)
    texture = 0.75 * random_field(rng, size, 14, 2.2) + 0.35 * rng.standard_normal((size, size), dtype=np.float32)
    texture = np.where(np.isnan(mosaic), np.clip(texture, -2.2, 2.2), mosaic).astype(np.float32)
    height = smooth_step(random_field(rng, size, size / 2.5, 3.0) + (size / 2 - y) / size * 3, -1.5, 1.5)
    landscape = Landscape(parcel, texture, height, parcels)
    if not settings.surfaces:
        return landscape
    return replace(landscape, cases=lay_out(settings, landscape.surface, parcel, parcels.surface))


def _blocks(
    rng: np.random.Generator, x: FloatArray, y: FloatArray
) -> tuple[np.ndarray, FloatArray, np.ndarray, np.ndarray]:
    """Blocks of land between tracks: number, distance to the next block in pixels, strip along and across."""
    size = x.shape[0]
    per_side = max(2, round(size * 10.0 / _BLOCK_M))
    cell = size / per_side
    lattice = (np.arange(-1, per_side + 1) + 0.5) * cell
    centres = np.stack(np.meshgrid(lattice, lattice), -1).reshape(-1, 2)
    centres = centres + rng.uniform(-0.38, 0.38, centres.shape) * cell
    distance, nearest = cKDTree(centres).query(np.stack((x, y), -1).reshape(-1, 2), k=2, workers=1)
    block = nearest[:, 0].reshape(x.shape)
    edge_px = ((distance[:, 1] - distance[:, 0]) / 2).reshape(x.shape).astype(np.float32)
    angle = rng.normal(0.45, 0.32, len(centres)) + rng.integers(0, 2, len(centres)) * np.pi / 2
    width = rng.lognormal(np.log(11.0), 0.42, len(centres))
    length = rng.uniform(26, 60, len(centres))
    dx, dy = x - centres[block, 0], y - centres[block, 1]
    along = np.floor((dx * np.cos(angle[block]) + dy * np.sin(angle[block])) / width[block]).astype(np.int64)
    across = np.floor((dy * np.cos(angle[block]) - dx * np.sin(angle[block])) / length[block]).astype(np.int64)
    return block, edge_px, along, across


def _plant_forest(rng: np.random.Generator, surface_map: np.ndarray, size: int) -> None:
    woods = random_field(rng, size, size / 5, 2.6)
    kind = random_field(rng, size, size / 7, 2.4)
    forest = woods > above_share(woods, _FOREST_SHARE)
    surface_map[forest] = np.where(kind > 0.25, Surface.CONIFEROUS, Surface.DECIDUOUS)[forest]


def _lay_roads(surface_map: np.ndarray, x: FloatArray, y: FloatArray, size: int) -> None:
    """Two main roads that meet in the village."""
    main = y - size * (0.30 + 0.05 * np.sin(x / size * 4.0))
    branch = x - size * (0.66 + 0.06 * np.sin(y / size * 5.0 + 1.0))
    surface_map[(np.abs(main) < 0.9) | (np.abs(branch) < 0.8)] = Surface.ROAD


def _dig_water(rng: np.random.Generator, surface_map: np.ndarray, x: FloatArray, y: FloatArray, size: int) -> None:
    """A river with trees along its banks, and a lake."""
    shore = random_field(rng, size, size / 6, 3.2)
    course = x - size * (0.20 + 0.07 * np.sin(y / size * 7.0) + 0.025 * np.sin(y / size * 19.0 + 0.7) + 0.06 * y / size)
    surface_map[np.abs(course + 4.0) < 13.0 + 4.0 * shore] = Surface.DECIDUOUS
    surface_map[np.abs(course) < 3.6] = Surface.WATER
    lake = np.hypot((x - 0.42 * size) / 1.5, y - 0.72 * size) / size + 0.02 * shore
    surface_map[(lake < 0.062) & (surface_map != Surface.CONIFEROUS)] = Surface.DECIDUOUS
    surface_map[lake < 0.056] = Surface.WATER


def _build_villages(
    rng: np.random.Generator, surface_map: np.ndarray, x: FloatArray, y: FloatArray, size: int
) -> FloatArray:
    """Houses in gardens along streets, and a few halls; returns their texture, nan elsewhere.

    A texture of 1 is a roof and -1 a garden: a village pixel is a mixture, as its real size makes it.
    """
    outline, park = random_field(rng, size, size / 12, 2.6), random_field(rng, size, 25, 2.6)
    mosaic = np.full((size, size), np.nan, np.float32)
    for centre_x, centre_y, radius, angle in (
        (0.67, 0.31, 0.060, 0.3),
        (0.30, 0.35, 0.034, -0.25),
        (0.80, 0.82, 0.040, 0.7),
    ):
        distance = np.hypot(x - centre_x * size, y - centre_y * size) / size + 0.013 * outline
        along = (x * np.cos(angle) + y * np.sin(angle)).astype(np.float32)
        across = (y * np.cos(angle) - x * np.sin(angle)).astype(np.float32)
        street = (np.mod(across, 9.0) < 1.0) | (np.mod(along, 23.0) < 1.0)
        built = (distance < radius) & (surface_map != Surface.WATER)
        surface_map[built] = np.where(street, Surface.ROAD, Surface.HOUSES)[built]
        house = (np.mod(across, 9.0) < 3.4) | (np.mod(across, 9.0) > 7.0)
        brightness = np.where(house, 0.05, -0.9) + rng.normal(0, 0.55, x.shape) - 0.25 * park
        mosaic[built] = np.clip(brightness, -1.2, 1.6)[built]
        east_px = along - (centre_x * np.cos(angle) + centre_y * np.sin(angle) + radius * 0.8) * size
        south_px = across - (centre_y * np.cos(angle) - centre_x * np.sin(angle)) * size
        yard = (np.abs(east_px) < 10.0 * radius / 0.06) & (np.abs(south_px) < 15.0 * radius / 0.06)
        hall = yard & (np.mod(along, 9.0) < 5.0) & (np.mod(across, 14.0) < 8.0 + 3.0 * outline)
        surface_map[hall] = Surface.HALLS
        mosaic[hall] = 0.0
    return mosaic


def _parcels(
    rng: np.random.Generator, surface_map: np.ndarray, block: np.ndarray, along: np.ndarray, across: np.ndarray
) -> tuple[np.ndarray, Parcels]:
    """Numbers the parcels and draws their properties; fields are strips, woods and villages go by blocks."""
    is_field = surface_map < 0
    strip = np.where(is_field, ((along + 512) * 1024 + across + 512), surface_map)
    key = (block * 2 + is_field) * (1 << 21) + strip
    keys, parcel = np.unique(key, return_inverse=True)
    count = len(keys)
    surface = np.where(keys // (1 << 21) % 2, rng.choice(CROPS, count, p=CROP_SHARES), keys % (1 << 21))
    parcels = Parcels(
        surface=surface.astype(np.uint8),
        late_days=rng.normal(0.0, 6.0, count),
        vigour=rng.uniform(0.82, 1.06, count),
        soil_brightness=np.clip(rng.normal(1.0, 0.16, count), 0.66, 1.5),
        plough_day=rng.uniform(215.0, 300.0, count),
    )
    return parcel.reshape(surface_map.shape).astype(np.int32), parcels
