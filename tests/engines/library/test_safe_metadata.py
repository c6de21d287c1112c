"""SAFE metadata as Earth Engine's properties, on real metadata files and on damaged ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from xml.etree import ElementTree

import pytest

from s2mask_qgis.engines.errors import SceneError
from s2mask_qgis.engines.local.library.granules import Granule, granules
from s2mask_qgis.engines.local.library.metadata import read_xml
from s2mask_qgis.engines.local.library.radiometry import radiometry
from s2mask_qgis.engines.local.library.safe import granule_facts, product_metadata
from s2mask_qgis.engines.local.library.sources import FolderFiles
from tests.engines.library.products_for_tests import BANDS, CLEAR, TILE_XML, TOULOUSE, product_xml

REAL_METADATA = {
    "S2A_MSIL1C_20200717T221941_R029_T01LAC_20200717T234135": (
        "L1C_T01LAC_A026481_20200717T221944",
        "20200717T221941_20200717T221944_T01LAC",
        "2020-07-17T22:20:29.740+00:00",
    ),
    "S2A_MSIL1C_20210908T042701_N0301_R133_T46RER_20210908T070248": (
        "L1C_T46RER_A032448_20210908T043714",
        "20210908T042701_20210908T043714_T46RER",
        "2021-09-08T04:40:48.758+00:00",
    ),
}


@dataclass(frozen=True)
class MemoryFiles:
    """The files of a product as texts."""

    texts: dict[str, str]
    title: str = "S2A_OPER_PRD_MSIL1C_PDMC_20160304T150000_R008_V20160304T102030_20160304T102030"

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.texts))

    def read(self, name: str) -> bytes:
        return self.texts[name].encode()

    def gdal_path(self, name: str) -> str:
        raise AssertionError(name)


def facts_of(product: str, tile: str = TILE_XML, granule: str = "L1C_T31TEK_A003627_20160304T102441"):
    files = MemoryFiles({"MTD_MSIL1C.xml": product, "MTD_TL.xml": tile})
    return granule_facts(files, product_metadata(files), Granule(granule, "MTD_TL.xml", {}), is_only_granule=True)


def test_real_earth_engine_images_follow_the_rules_for_index_and_time(shared_data: Path):
    answer = json.loads((shared_data / "s2-metadata" / "ee_getInfo_COPERNICUS_S2_20HNH_3images.json").read_text())
    features = answer["data"]["features"]
    assert len(features) == 3
    for properties in (feature["properties"] for feature in features):
        start, stamp, tile = properties["system:index"].split("_")
        assert properties["PRODUCT_ID"].split("_")[2] == start
        assert properties["GRANULE_ID"].split("_")[-1] == stamp
        assert properties["GRANULE_ID"].split("_")[1] == tile == "T" + properties["MGRS_TILE"]
        time = datetime.fromtimestamp(properties["system:time_start"] / 1000, timezone.utc)
        assert time.strftime("%Y%m%dT%H%M%S") == stamp
        assert properties["system:time_end"] == properties["system:time_start"]


@pytest.mark.parametrize("stem", REAL_METADATA)
def test_real_metadata_give_index_time_and_names_of_earth_engine(shared_data: Path, stem: str):
    granule, index, time = REAL_METADATA[stem]
    folder = shared_data / "s2-metadata"
    product, tile = ((folder / f"{stem}__{name}.xml").read_text() for name in ("MTD_MSIL1C", "MTD_TL"))
    facts = facts_of(product, tile, granule)
    assert facts.index == facts.properties["system:index"] == index
    start = datetime.fromtimestamp(facts.properties["system:time_start"] / 1000, timezone.utc)
    assert start.isoformat(timespec="milliseconds") == time
    answer = json.loads((folder / "ee_getInfo_COPERNICUS_S2_20HNH_3images.json").read_text())
    known = set(answer["data"]["features"][0]["properties"])
    assert {name for name in facts.properties if not name.startswith("RADIO_ADD_OFFSET_")} <= known
    assert facts.footprint[0] == facts.footprint[-1]


def test_a_footprint_across_the_antimeridian_stays_in_one_piece(shared_data: Path):
    stem = "S2A_MSIL1C_20200717T221941_R029_T01LAC_20200717T234135"
    product = (shared_data / "s2-metadata" / f"{stem}__MTD_MSIL1C.xml").read_text()
    longitudes = [lon for lon, _ in facts_of(product).footprint]
    assert min(longitudes) == pytest.approx(179.25694918943802)
    assert max(longitudes) == pytest.approx(360 - 179.70343)


def test_a_whole_real_product_is_described(shared_data: Path):
    files = FolderFiles(shared_data / TOULOUSE / CLEAR)
    (granule,) = granules(files)
    facts = granule_facts(files, product_metadata(files), granule, is_only_granule=True)
    expected = {
        "MGRS_TILE": "31TCJ",
        "CLOUDY_PIXEL_PERCENTAGE": 0.0,
        "PROCESSING_BASELINE": "05.10",
        "SPACECRAFT_NAME": "Sentinel-2A",
        "PRODUCT_ID": CLEAR.removesuffix(".SAFE"),
        "GRANULE_ID": "L1C_T31TCJ_A044807_20240120T105433",
        "DATASTRIP_ID": "S2A_OPER_MSI_L1C_DS_2APS_20240120T125244_S20240120T105433_N05.10",
        "SENSING_ORBIT_NUMBER": 51.0,
        "MEAN_SOLAR_ZENITH_ANGLE": 65.7554034542734,
        "MEAN_SOLAR_AZIMUTH_ANGLE": 162.689190122297,
        "MEAN_INCIDENCE_ZENITH_ANGLE_B5": 2.81674212210932,
        "GENERATION_TIME": 1705755164000,
        "RADIO_ADD_OFFSET_B8A": -1000,
    }
    assert {name: facts.properties[name] for name in expected} == expected
    assert sorted(granule.bands) == sorted(BANDS)
    assert facts.footprint[0] == (0.495928592903789, 44.22596415476343)


def test_the_old_naming_gives_its_own_times():
    granule = "S2A_OPER_MSI_L1C_TL_EPA__20160929T181516_A003627_T31TEK_N02.04"
    facts = facts_of(product_xml("02.04", None), granule=granule)
    assert facts.index == "20160304T102030_20160929T181516_T31TEK"
    assert facts.properties["system:time_start"] == 1457087090123
    assert facts.properties["MGRS_TILE"] == "31TEK"


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (product_xml("04.00", None), "04.00 without RADIO_ADD_OFFSET"),
        (product_xml("05.10").replace('band_id="12"', 'band_id="99"'), "without RADIO_ADD_OFFSET for B12"),
        (product_xml(quantification="1000"), "QUANTIFICATION_VALUE is 1000"),
        (product_xml(quantification="nan"), "expected a number"),
        (product_xml("five"), "PROCESSING_BASELINE is 'five'"),
    ],
)
def test_radiometry_is_never_guessed(xml: str, reason: str):
    with pytest.raises(SceneError, match=reason):
        radiometry(ElementTree.fromstring(xml))


def test_a_product_before_the_offset_has_none():
    assert set(radiometry(ElementTree.fromstring(product_xml("03.01", None))).offsets.values()) == {0}


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (product_xml()[:300], "damaged or cut off"),
        ("", "damaged or cut off"),
        (product_xml(level="Level-1B"), "Level-1B; Level-1C and Level-2A can be used"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "DOCTYPE"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', "damaged or cut off"),
    ],
)
def test_unusable_product_metadata_get_a_sentence(xml: str, reason: str):
    with pytest.raises(SceneError, match=reason):
        product_metadata(MemoryFiles({"MTD_MSIL1C.xml": xml}))


@pytest.mark.parametrize(
    ("tile", "reason"),
    [
        (TILE_XML.replace("SENSING_TIME", "SENSED"), "SENSING_TIME"),
        (TILE_XML.replace("2016-03-04T10", "2016-99-04T10"), "expected a time"),
        (TILE_XML.replace("7.25", "cloudy"), "CLOUDY_PIXEL_PERCENTAGE is 'cloudy'"),
    ],
)
def test_unusable_tile_metadata_get_a_sentence(tile: str, reason: str):
    with pytest.raises(SceneError, match=reason):
        facts_of(product_xml(), tile)


@pytest.mark.parametrize("footprint", ["45 3 45 4 44", "45 3 45 4", "95 3 45 4 44 4 95 3"])
def test_an_impossible_footprint_is_refused(footprint: str):
    with pytest.raises(SceneError, match="EXT_POS_LIST"):
        facts_of(product_xml(footprint=footprint))


def test_metadata_that_are_gone_get_a_sentence(tmp_path: Path):
    with pytest.raises(SceneError, match="cannot be read"):
        read_xml(FolderFiles(tmp_path), "MTD_TL.xml")
