"""Names of products, and which of several products of one acquisition is wanted."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.catalogues.products import Offer, is_there, newest, parse_name, safe_path
from s2mask_qgis.engines.errors import BadRequestError
from tests.catalogues.stand_in import product


def offer(name: str) -> Offer:
    return Offer(parse_name(name), None, None, (), "")


def test_a_name_tells_its_facts():
    name = parse_name("S2B_MSIL1C_20240305T104819_N0510_R051_T31TCJ_20240305T125432.SAFE")
    assert (name.satellite, name.level, name.tile, name.baseline) == ("S2B", "L1C", "31TCJ", 510)
    assert name.time == datetime(2024, 3, 5, 10, 48, 19, tzinfo=timezone.utc)
    assert name.text == "S2B_MSIL1C_20240305T104819_N0510_R051_T31TCJ_20240305T125432"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "S2A_OPER_PRD_MSIL1C_PDMC_20160121T043931_R069_V20160103T171947_20160103T171947.SAFE",
        "S2A_MSIL1C_20241305T104819_N0510_R051_T31TCJ_20240305T125432",
        "../S2B_MSIL1C_20240305T104819_N0510_R051_T31TCJ_20240305T125432",
        "S2B_MSIL1C_20240305T104819_N0510_R051_T31TCJ_20240305T125432/..",
        "S2B_MSIL1B_20240305T104819_N0510_R051_T31TCJ_20240305T125432",
    ],
)
def test_other_names_are_not_taken(text):
    assert parse_name(text) is None


def test_real_names_of_the_catalogue_are_understood(shared_data):
    path = shared_data / "s2-metadata" / "cdse_opensearch_L1C_bbox_5.07_51.215.geojson"
    titles = [feature["properties"]["title"] for feature in json.loads(path.read_text())["features"]]
    assert len(titles) == 24
    assert {parse_name(title).tile for title in titles} == {"31UFS"}


def test_the_newest_processing_of_an_acquisition_is_offered_in_order_of_time():
    old, new = product("20230105", "0209"), product("20230105", "0510")
    test, other = product("20230105", "9999"), product("20230101", "0400")
    found = newest(map(offer, (new, old, test, other, new)))
    assert [item.name.text for item in found] == [other, new]


def test_parts_of_one_acquisition_stay_together():
    parts = [product("20230105"), product("20230105").replace("T120000", "T130000")]
    assert [item.name.text for item in newest(map(offer, parts))] == parts


def test_a_product_is_there_in_any_processing_but_not_by_its_other_part():
    wanted = parse_name(product("20230105", "0510"))
    assert is_there(wanted, [parse_name(product("20230105", "0209"))])
    assert is_there(wanted, [wanted])
    assert not is_there(wanted, [parse_name(product("20230105").replace("T120000", "T130000"))])
    assert not is_there(wanted, [parse_name(product("20230105", level="L2A"))])
    assert not is_there(wanted, [parse_name(product("20230106"))])


@pytest.mark.parametrize(
    "text",
    [
        "../x",
        "a/../x",
        "/x",
        "a//x",
        "a/.",
        "",
        "C:/x",
        "a\\..\\x",
        "a/b\x00",
        "a/x ",
        "a/x.",
        "a/\n",
        'a/"',
        "a/con|x",
    ],
)
def test_paths_out_of_the_folder_or_not_for_every_system_are_refused(text):
    with pytest.raises(BadRequestError, match="cannot be stored"):
        safe_path(text)


@given(st.text(alphabet="abc./\\:", max_size=12))
def test_a_path_that_is_taken_stays_below_its_folder(text):
    try:
        path = safe_path(text)
    except BadRequestError:
        return
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert path.as_posix() == text
