"""Other sources of masks: what their expressions say of pixels whose meaning is documented, and when they cannot."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from s2mask_qgis.core.parameters import CLOUD_SCORE, MODEL, PRODUCT, S2CLOUDLESS, SOURCES
from s2mask_qgis.core.scenes import BANDS, COLLECTION, COLLECTION_L2A, Scene
from s2mask_qgis.core.sources import default_cutoff, means_of, scene_problem, source_image, source_shadow
from tests.engines import conftest
from tests.engines.in_process import image_of, row

ee = conftest.ee

INDEX = "20200105T100000_20200105T100000_T31TCJ"
L1C, L2A = f"{COLLECTION}/{INDEX}", f"{COLLECTION_L2A}/{INDEX}"
PROBABILITY, SCORE = f"COPERNICUS/S2_CLOUD_PROBABILITY/{INDEX}", f"GOOGLE/CLOUD_SCORE_PLUS/V1/S2_HARMONIZED/{INDEX}"
MASKS = ("QA60", "MSK_CLASSI_OPAQUE", "MSK_CLASSI_CIRRUS")


def product_mask(asset: str, bands: dict[str, Any], masks: dict[str, Any] | None = None) -> list[Any]:
    """What the product's own mask says of the pixels of a row."""
    width = len(next(iter(bands.values())))
    found = row(source_image(PRODUCT, asset, tuple(bands)), width, **{asset: image_of(bands, masks)})
    return found["probability"]


def scene(collection: str = COLLECTION, **facts: Any) -> Scene:
    return Scene(f"{collection}/{INDEX}", INDEX, "31TCJ", 0, 0.0, (), **facts)


def test_bits_10_and_11_of_the_bit_mask_are_cloud_and_no_others(ee: ModuleType):
    flags = np.array([0, 1024, 2048, 3072, 1, 512, 4096], np.uint16)
    assert product_mask(L1C, {"QA60": flags}) == [0, 1, 1, 1, 0, 0, 0]


def test_opaque_cloud_and_cirrus_are_cloud_and_snow_is_not(ee: ModuleType):
    bands = {
        "MSK_CLASSI_OPAQUE": np.array([0, 1, 0, 1, 0], np.uint8),
        "MSK_CLASSI_CIRRUS": np.array([0, 0, 1, 1, 0], np.uint8),
        "MSK_CLASSI_SNOW_ICE": np.array([0, 0, 0, 0, 1], np.uint8),
    }
    assert product_mask(L1C, bands) == [0, 1, 1, 1, 0]


def test_a_mask_that_the_product_lacks_leaves_the_others_and_none_leaves_no_decision(ee: ModuleType):
    """As Earth Engine has it: each image has all bands, of which some are masked in some years."""
    bands = {"QA60": np.array([1024, 0, 1024, 1024], np.uint16)}
    bands |= {name: np.array([0, 1, 1, 1], np.uint8) for name in MASKS[1:]}
    valid = {"QA60": [1, 0, 0, 0], "MSK_CLASSI_OPAQUE": [0, 1, 1, 0], "MSK_CLASSI_CIRRUS": [0, 1, 0, 0]}
    assert product_mask(L1C, bands, valid) == [1, 1, 1, None]


def test_the_scene_classification_decides_alone_where_there_is_one(ee: ModuleType):
    classes = np.arange(1, 12, dtype=np.uint8)
    bands = {"SCL": classes, "QA60": np.full(11, 1024, np.uint16)}
    assert product_mask(L2A, bands) == [int(value in (8, 9, 10)) for value in classes]


def test_only_the_scene_classification_tells_shadows(ee: ModuleType):
    classes = np.arange(1, 12, dtype=np.uint8)
    shadow = source_shadow(PRODUCT, L2A, ("SCL", "QA60"))
    found = row(shadow, 11, **{L2A: image_of({"SCL": classes})})["shadow"]
    assert found == [int(value == 3) for value in classes]
    assert source_shadow(PRODUCT, L1C, MASKS) is None
    assert source_shadow(S2CLOUDLESS, L2A, ("SCL",)) is None
    assert source_shadow(CLOUD_SCORE, L2A, ("SCL",)) is None


@pytest.mark.parametrize("asset", [L1C, L2A])
def test_s2cloudless_is_found_by_the_index_of_either_level(ee: ModuleType, asset: str):
    percent = image_of({"probability": np.array([0, 40, 41, 100], np.uint8)}, {"probability": [1, 1, 1, 0]})
    found = row(source_image(S2CLOUDLESS, asset, ()), 4, **{PROBABILITY: percent})
    assert found == {"probability": [0.0, 0.4, 0.41, None]}


def test_forty_percent_of_s2cloudless_is_clear_and_more_is_cloud(ee: ModuleType):
    percent = image_of({"probability": np.array([40, 41], np.uint8)})
    cloud = source_image(S2CLOUDLESS, L1C, ()).gt(default_cutoff(S2CLOUDLESS))
    assert row(cloud, 2, **{PROBABILITY: percent}) == {"probability": [0, 1]}


def test_a_cloud_score_of_sixty_percent_is_clear_and_less_is_cloud(ee: ModuleType):
    scores = {"cs": np.array([0.0, 1.0, 1.0]), "cs_cdf": np.array([0.6, 0.59, 0.0])}
    chance = source_image(CLOUD_SCORE, L1C, ())
    assert row(chance, 3, **{SCORE: image_of(scores)})["probability"] == pytest.approx([0.4, 0.41, 1.0])
    cloud = chance.gt(default_cutoff(CLOUD_SCORE))
    assert row(cloud, 3, **{SCORE: image_of(scores)}) == {"probability": [0, 1, 1]}


def test_every_source_but_a_model_has_a_cutoff():
    assert all(0 < default_cutoff(source) < 1 for source in SOURCES if source != MODEL)


@pytest.mark.parametrize("band", [*MASKS, "SCL"])
def test_a_product_with_any_mask_of_its_own_can_be_used(band: str):
    assert scene_problem(PRODUCT, scene(quality_bands=(band,))) is None


def test_a_product_without_a_mask_of_clouds_is_told():
    problem = scene_problem(PRODUCT, scene(quality_bands=("MSK_CLASSI_SNOW_ICE",)))
    assert problem is not None
    assert INDEX in problem
    assert "no cloud mask of its own" in problem


def test_bands_that_s2cloudless_lacks_are_named_in_level_1c_alone():
    """A Level-2A image never has B10; its probability is that of the Level-1C image of the same index."""
    without = tuple(band for band in BANDS if band not in ("B1", "B3", "B10"))
    problem = scene_problem(S2CLOUDLESS, scene(bands=without))
    assert problem is not None
    assert "no B1, B10," in problem
    assert scene_problem(S2CLOUDLESS, scene()) is None
    assert scene_problem(S2CLOUDLESS, scene(COLLECTION_L2A, bands=without)) is None
    assert scene_problem(CLOUD_SCORE, scene(bands=without)) is None


def test_a_report_names_what_the_masks_are_made_by_unless_it_is_a_model_alone():
    assert means_of(MODEL, False, "published") == means_of(MODEL, True, "published") == ""
    assert means_of(S2CLOUDLESS, False, "published") == " by s2cloudless"
    assert means_of(PRODUCT, True, "mine") == " by the product's own mask and the model “mine”"
