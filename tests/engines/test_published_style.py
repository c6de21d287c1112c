"""A mask graph in the style of the published scripts, built with the real client, over a folder of scenes."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from s2mask_qgis.engines.local.assets import AssetStore
from s2mask_qgis.engines.local.catalogue import Catalogue
from s2mask_qgis.engines.local.library.library import SceneLibrary
from tests.engines.in_process import encoded, evaluate_graph, grid_of, pixels_of
from tests.engines.small_scenes import BANDS, INDEXES, MASKED, NODATA, SHAPE_YX, small_scene

VISIBLE = ["B4", "B3", "B2"]
CLUSTERS = 4


def catalogue_of(scenes: Path, folder: Path) -> Catalogue:
    library = SceneLibrary(scenes, folder / "library")
    library.refresh(lambda done, total: None, lambda: False)
    return Catalogue(library, AssetStore(folder / "store"))


def background(ee: ModuleType, image: Any) -> Any:
    """The median of the other images, by a percentile as the scripts take it."""
    others = ee.ImageCollection("COPERNICUS/S2_HARMONIZED").filter(
        ee.Filter.neq("system:index", image.get("system:index"))
    )
    bands = ee.List(list(BANDS))
    return others.select(list(BANDS)).reduce(ee.Reducer.percentile([50])).rename(bands)


def clustered(ee: ModuleType, difference: Any, region: Any) -> Any:
    """Cluster numbers of the difference, scaled by the sample's mean and standard deviation over the region."""
    options = {"geometry": region, "scale": 10, "bestEffort": True, "maxPixels": 1e6, "tileScale": 2}
    mean, spread = (
        ee.Image.constant([difference.reduceRegion(reducer, **options).get(name) for name in BANDS])
        for reducer in (ee.Reducer.mean(), ee.Reducer.stdDev())
    )
    scaled = difference.subtract(mean).divide(spread).rename(list(BANDS))
    sample = scaled.sample(region=region, scale=10, numPixels=500, seed=3, tileScale=2)
    return scaled.cluster(ee.Clusterer.wekaKMeans(CLUSTERS).train(sample))


def cloudy(ee: ModuleType, difference: Any, clusters: Any, region: Any) -> Any:
    """1 in the clusters whose visible difference is above 0 on average."""

    def score(number: int) -> Any:
        members = difference.select(VISIBLE).updateMask(clusters.eq(number))
        means = members.reduceRegion(ee.Reducer.mean(), region, 10, bestEffort=True, maxPixels=1e6)
        red, green, blue = (ee.Number(means.get(name)) for name in VISIBLE)
        return red.add(green).add(blue).gt(0)

    return clusters.remap(list(range(CLUSTERS)), [score(i) for i in range(CLUSTERS)]).rename("percentile1")


def trained_forest(ee: ModuleType) -> Any:
    """A forest that calls cloudy what both features do."""
    rows = [ee.Feature(None, {"percentile1": a, "tree": b, "cloud": a * b}) for a in (0, 1) for b in (0, 1)] * 30
    forest = ee.Classifier.smileRandomForest(20, 2, seed=1)
    return forest.train(ee.FeatureCollection(rows), "cloud", ["percentile1", "tree"]).setOutputMode("PROBABILITY")


def test_a_mask_in_the_style_of_the_published_scripts(ee: ModuleType, small_scenes: Path, tmp_path: Path):
    image = ee.Image(f"COPERNICUS/S2_HARMONIZED/{INDEXES[0]}")
    region = image.geometry()
    difference = image.select(list(BANDS)).subtract(background(ee, image)).rename(list(BANDS))
    clusters = clustered(ee, difference, region)
    feature = cloudy(ee, difference, clusters, region)
    tree = image.expression("b('B3') > 2500", {}).rename("tree")
    probability = feature.addBands(tree).classify(trained_forest(ee), "cloud_probability")
    result = ee.Image.cat([probability.gt(0.29).rename("mask"), clusters, feature, tree, probability])

    pixels = pixels_of(evaluate_graph(encoded(result), catalogue_of(small_scenes, tmp_path)), grid_of(SHAPE_YX))
    assert list(pixels) == ["mask", "cluster", "percentile1", "tree", "cloud_probability"]
    scene = small_scene(0).astype(float)
    median = (small_scene(1).astype(float) + small_scene(2)) / 2
    rise = (scene - median)[[BANDS.index(name) for name in VISIBLE]]
    valid = small_scene(0)[0] != NODATA
    np.testing.assert_array_equal(~np.ma.getmaskarray(pixels["cluster"]), valid)
    assert not valid[MASKED].any()
    for number in np.unique(pixels["cluster"][valid]):
        here = valid & (pixels["cluster"].filled(-1) == number)
        assert set(pixels["percentile1"][here].tolist()) == {int(rise[:, here].mean() > 0)}
    both = (pixels["percentile1"].filled(0) == 1) & (scene[BANDS.index("B3")] > 2500)
    np.testing.assert_array_equal(pixels["mask"].filled(0) == 1, both & valid)
    assert 1 < len(np.unique(pixels["cluster"][valid])) <= CLUSTERS
