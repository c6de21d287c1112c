"""What is computed once: shared sources, medians of the same images, weighted sums of the same bands, samples."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from s2mask_qgis.core.clusters import find
from s2mask_qgis.core.differences import difference
from s2mask_qgis.core.feature_maps import cloudy_clusters
from s2mask_qgis.core.grid import Grid
from s2mask_qgis.core.scenes import BANDS
from s2mask_qgis.engines.errors import SceneError
from s2mask_qgis.engines.local.algorithms.arithmetic import BINARY
from s2mask_qgis.engines.local.algorithms.reducers import fold_sources, output_of
from s2mask_qgis.engines.local.raster.evaluation import Evaluation, SideBySide, all_sources
from s2mask_qgis.engines.local.raster.sources import Constant, Elementwise, Pixels, Source
from s2mask_qgis.engines.local.raster.stored import StoredBand
from s2mask_qgis.engines.local.raster.weighted import WeightedSum, together, weighted_sum
from s2mask_qgis.engines.local.raster.windows import Rectangle, Scatter, blocks
from tests.engines.in_process import evaluate, image_of

SHAPE_YX = (12, 18)
MULTIPLY = BINARY["multiply"][0]


def grid_of(shape_yx: tuple[int, int] = SHAPE_YX, scale_m: float = 10.0) -> Grid:
    return Grid("EPSG:32633", (scale_m, 0.0, 0.0, 0.0, -scale_m, 0.0), shape_yx)


class Raster(StoredBand):
    """A band in memory that counts how often it is read."""

    def __init__(self, seed: int, scale_m: float = 10.0) -> None:
        factor = round(scale_m / 10)
        self.values = np.random.default_rng(seed).integers(1, 9999, [size // factor for size in SHAPE_YX])
        self.values = self.values.astype(np.uint16)
        self.reads = 0
        super().__init__(grid_of(self.values.shape, scale_m), (1,), self.read)

    def read(self, level: int, row: int, column: int, rows: int, columns: int) -> Pixels:
        self.reads += 1
        return Pixels(self.values[row : row + rows, column : column + columns])


def median(bands: list[StoredBand]) -> Source:
    return fold_sources(output_of("median"), bands)


def total(*sources: Source) -> Source:
    result = sources[0]
    for source in sources[1:]:
        result = Elementwise(np.add, result, source)
    return result


def whole(source: Source) -> np.ndarray:
    (pixels,) = Evaluation([source]).read(Rectangle(grid_of()))
    return pixels.data


def test_medians_of_the_same_images_in_another_order_are_computed_once():
    bands = [Raster(seed) for seed in range(6)]
    values = whole(total(median(bands), median(bands[::-1]), median(bands[1:] + bands[:1])))
    np.testing.assert_array_equal(values, 3 * np.median([band.values for band in bands], axis=0))
    assert [band.reads for band in bands] == [1] * 6


def test_other_reductions_of_the_same_images_stay_apart():
    bands = [Raster(seed) for seed in range(4)]
    first, last = (fold_sources(output_of(name), bands) for name in ("first", "last"))
    np.testing.assert_array_equal(whole(total(first, last)), bands[0].values + bands[3].values)
    backwards = fold_sources(output_of("first"), bands[::-1])
    np.testing.assert_array_equal(whole(total(first, backwards)), bands[0].values + bands[3].values)


@pytest.mark.parametrize("scale_m", [10.0, 20.0, 60.0])
@pytest.mark.parametrize(("name", "inside", "outside"), [("median", np.median, None), ("count", lambda a, axis: 4, 0)])
def test_outside_the_raster_a_reduction_is_that_of_masked_pixels(
    scale_m: float, name: str, inside: Callable[..., np.ndarray], outside: int | None
):
    bands = [Raster(seed, scale_m) for seed in range(4)]
    window = Rectangle(grid_of()).grown(3)
    (pixels,) = Evaluation([fold_sources(output_of(name), bands)]).read(window)
    factor = round(scale_m / 10)
    layers = np.kron([band.values for band in bands], np.ones((1, factor, factor)))
    expected = np.full(window.shape, -1.0 if outside is None else outside)
    expected[3:-3, 3:-3] = inside(layers, axis=0)
    np.testing.assert_array_equal(np.where(pixels.valid_or_true(), pixels.data, -1), expected)


def test_a_window_beside_the_raster_is_masked_and_reads_nothing():
    bands = [Raster(seed) for seed in range(3)]
    beside = Rectangle(grid_of().part(100, 100, 4, 5))
    (pixels,) = Evaluation([median(bands)]).read(beside)
    assert pixels.data.shape == (4, 5)
    assert not pixels.valid_or_true().any()
    assert [band.reads for band in bands] == [0] * 3


def test_weighted_sums_of_the_same_bands_are_computed_together():
    bands = [Raster(seed) for seed in range(5)]
    weights = np.random.default_rng(9).normal(size=(4, 5))
    sums = [
        weighted_sum(
            [Elementwise(MULTIPLY, band, Constant(float(weight))) for band, weight in zip(bands, row)], MULTIPLY
        )
        for row in weights
    ]
    found = Evaluation([each for each in sums if each is not None]).read(Rectangle(grid_of()))
    for row, pixels in zip(weights, found, strict=True):
        expected = sum(weight * band.values for weight, band in zip(row, bands))
        np.testing.assert_allclose(pixels.data, expected, rtol=1e-12, atol=1e-6)
    assert [band.reads for band in bands] == [1] * 5


def images_side_by_side() -> tuple[list[Raster], list[Source]]:
    """Bands of six images, and three results of overlapping ones."""
    bands = [Raster(seed) for seed in range(6)]
    return bands, [Elementwise(np.subtract, bands[n], median(bands[n + 1 : n + 4])) for n in range(3)]


def test_images_side_by_side_have_the_pixels_of_each_alone():
    _, results = images_side_by_side()
    alone = [whole(result) for result in results]
    side_by_side = SideBySide([[result] for result in results])
    made = [np.zeros(SHAPE_YX) for _ in results]
    for row, column, window in blocks(grid_of(), 5):
        for position, target in enumerate(made):
            (pixels,) = side_by_side.read(position, window)
            target[row : row + window.shape[0], column : column + window.shape[1]] = pixels.data
    np.testing.assert_array_equal(made, alone)


def test_images_side_by_side_read_what_they_share_once_a_window():
    bands, results = images_side_by_side()
    side_by_side = SideBySide([[result] for result in results])
    windows = [window for _, _, window in blocks(grid_of(), 9)]
    for window in windows:
        for position in range(len(results)):
            side_by_side.read(position, window)
    assert [band.reads for band in bands] == [len(windows)] * 6


def test_an_image_that_cannot_be_read_leaves_those_beside_it(monkeypatch: pytest.MonkeyPatch):
    bands, results = images_side_by_side()

    def damaged(*_: int) -> Pixels:
        raise SceneError("damaged")

    bands[0].read_level = damaged
    side_by_side = SideBySide([[result] for result in results])
    with pytest.raises(SceneError):
        side_by_side.read(0, Rectangle(grid_of()))
    (pixels,) = side_by_side.read(1, Rectangle(grid_of()))
    np.testing.assert_array_equal(pixels.data, whole(results[1]))


def scattered(seed: int, count: int = 20) -> Scatter:
    at = np.random.default_rng(seed).choice(SHAPE_YX[0] * SHAPE_YX[1], count, replace=False)
    return Scatter(grid_of(), at // SHAPE_YX[1], at % SHAPE_YX[1])


def test_a_sample_at_the_same_places_is_read_once():
    band = Raster(0)
    for window in (scattered(1), scattered(1), scattered(1)):
        (pixels,) = Evaluation([band]).read(window)
        np.testing.assert_array_equal(pixels.data, band.values[window.rows, window.columns])
    assert band.reads == 1


def test_a_sample_at_other_places_is_read_anew():
    band = Raster(0)
    for window in (scattered(1), scattered(2), scattered(1)):
        (pixels,) = Evaluation([band]).read(window)
        np.testing.assert_array_equal(pixels.data, band.values[window.rows, window.columns])
    assert band.reads == 3


def test_a_mask_of_whole_masks_is_all_or_nothing(ee: ModuleType):
    image = ee.Image([1.5, 2.5])
    limited = image.updateMask(image.mask().reduce(ee.Reducer.min()))
    assert [band.opacity for band in evaluate(limited).bands] == [None, None]
    in_part = image.updateMask(image.multiply(0.5).reduce(ee.Reducer.min()))
    assert all(band.opacity is not None for band in evaluate(in_part).bands)


def test_the_distances_to_the_centres_of_clusters_are_one_product(ee: ModuleType):
    clusters = find(
        np.random.default_rng(0).normal(0, 500, (300, len(BANDS))),
        np.random.default_rng(1).uniform(500, 3000, (300, 3)),
        BANDS,
        count=6,
        thresholds="as trained",
        seed=0,
    )
    assert len(set(clusters.cloudy)) == 2
    images = {f"image{n}": image_of({band: np.full((2, 2), 9 * n, np.uint16) for band in BANDS}) for n in range(4)}
    from_background = difference("image0", list(images)[1:], BANDS)
    (band,) = evaluate(cloudy_clusters(from_background, clusters), **images).bands
    sums = [source for source in all_sources([band.source]) if isinstance(source, WeightedSum)]
    assert len(sums) == len(clusters.centres)
    assert len({source.inputs for source in together(sums).values()}) == 1
