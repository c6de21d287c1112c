"""The helper that makes scene folders of the real data."""

from __future__ import annotations

import json

import numpy as np
from osgeo import gdal, ogr

from tests.scene_folders import BANDS, read_eolearn_scenes, write_area, write_eolearn_scenes


def test_scenes_are_stacks_with_their_properties_beside_them(shared_data, tmp_path):
    indexes = write_eolearn_scenes(tmp_path)
    assert indexes[0] == "20150711T100000_20150711T100000_T33TWM"
    assert indexes == sorted(indexes)
    assert len(indexes) == 5
    for index, (_, pixels, _) in zip(indexes, read_eolearn_scenes(), strict=True):
        stack = gdal.Open(str(tmp_path / f"{index}.tif"))
        bands = [stack.GetRasterBand(number) for number in range(1, 14)]
        assert tuple(band.GetDescription() for band in bands) == BANDS
        assert {band.GetNoDataValue() for band in bands} == {65535.0}
        assert np.array_equal(stack.ReadAsArray(), pixels)
    properties = json.loads((tmp_path / f"{indexes[2]}.json").read_text())
    assert properties == {
        "system:index": indexes[2],
        "system:time_start": 1_440_064_800_000,
        "MGRS_TILE": "33TWM",
        "CLOUDY_PIXEL_PERCENTAGE": 100.0,
    }


def test_the_area_covers_the_patch(shared_data, tmp_path):
    write_eolearn_scenes(tmp_path)
    area = ogr.Open(str(write_area(tmp_path / "area.gpkg", tmp_path)))
    layer = area.GetLayer("area")
    assert layer.GetSpatialRef().GetAuthorityCode(None) == "4326"
    west, east, south, north = layer.GetExtent()
    assert 14.54 < west < 14.56 < east < 14.58
    assert 45.85 < south < 45.87 < north < 45.89
