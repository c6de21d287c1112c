from __future__ import annotations

import json
from datetime import date

import pytest

from s2mask_qgis.series import names


def iso(day: int | None) -> str | None:
    return None if day is None else names.iso_day(day)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("20230514", "2023-05-14"),
        ("NDVI_2023-05-14", "2023-05-14"),
        ("field 7 2023_05_14 ndvi", "2023-05-14"),
        ("2023.05.14", "2023-05-14"),
        ("20230514T101559_20230514T102023_T33TVM", "2023-05-14"),
        ("S2A_MSIL1C_20230514T101559_N0509_R065_T33TVM_20230601T123456", "2023-05-14"),
        ("T33TVM_20230514T101559_B04", "2023-05-14"),
        ("L1C_T33TVM_A041208_20230514T101559", "2023-05-14"),
        ("20230514101559_ndvi", "2023-05-14"),
        ("A2023134", "2023-05-14"),
        ("2024366", "2024-12-31"),
        ("2023366", None),
        ("20231314", None),
        ("2023-02-30", None),
        ("99990514", None),
        ("120230514", None),
        ("ndvi_1", None),
        ("", None),
        ("99991301_20230514", "2023-05-14"),
    ],
)
def test_the_first_date_of_a_name_counts(name, day):
    assert iso(names.day_of_name(name)) == day


@pytest.mark.parametrize(
    ("items", "day"),
    [
        ({"TIFFTAG_DATETIME": "2023:05:14 10:15:59"}, "2023-05-14"),
        ({"TIFFTAG_DATETIME": "2024:01:01 00:00:00", "date": "2023-05-14"}, "2023-05-14"),
        ({"system:time_start": "1684059359000"}, "2023-05-14"),
        ({"SENSING_TIME": "2023-05-14T10:15:59.024Z"}, "2023-05-14"),
        ({names.PROPERTIES_ITEM: json.dumps({"system:time_start": 1684059359000})}, "2023-05-14"),
        ({names.PROPERTIES_ITEM: "{damaged"}, None),
        ({names.PROPERTIES_ITEM: "[1]", "date": "20230514"}, "2023-05-14"),
        ({"system:time_start": "1e300"}, None),
        ({}, None),
    ],
)
def test_metadata_tell_the_day_where_the_name_does_not(items, day):
    assert iso(names.day_of_metadata(items)) == day


def test_days_count_from_1970():
    assert names.day_of_iso("1970-01-02") == 1
    assert names.compact_day(float((date(2023, 5, 14) - date(1970, 1, 1)).days)) == "20230514"


@pytest.mark.parametrize(
    ("name", "tile"),
    [
        ("20230514T101559_20230514T102023_T33TVM", "33TVM"),
        ("20230514_33UXP_ndvi", "33UXP"),
        ("t30TXM_20190127_ndvi", "30TXM"),
        ("t30txm_20190127", "30TXM"),
        ("30txm_20190127", ""),
        ("20230514", ""),
        ("20230514_field12", ""),
    ],
)
def test_tiles_are_found_in_names(name, tile):
    assert names.tile_of(name, {}) == tile


def test_a_tile_is_found_in_metadata():
    assert names.tile_of("a", {names.PROPERTIES_ITEM: '{"MGRS_TILE": "33UXP"}'}) == "33UXP"


def test_an_image_and_its_mask_have_the_same_bare_name():
    assert names.bare("20230514_NDVI") == names.bare("20230514_SCL") == names.bare("scl-20230514")
    assert names.bare("20230514_2") != names.bare("20230514")


@pytest.mark.parametrize(
    ("name", "is_mask"),
    [
        ("20230514_SCL", True),
        ("20230514_NDVI_mask", True),
        ("clouds-2023-05-14", True),
        ("20230514_cloud-free_NDVI", False),
        ("20230514_masked", False),
        ("20230514", False),
    ],
)
def test_names_tell_masks_from_images(name, is_mask):
    assert names.is_mask_name(name) is is_mask


def test_long_lists_are_cut():
    assert names.listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
