"""A ledger as a GeoPackage: what GDAL finds in it, and where its outlines lie."""

from __future__ import annotations

import subprocess
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import gdal, ogr

from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.outlines import from_blob, parts, to_blob
from s2mask_qgis.jobs.ledger.rows import RowState
from tests.jobs.ledger.images import HEADER, SQUARE, export, scene

ACROSS = ((179.4, -17.1), (180.5, -17.2), (180.4, -16.1), (179.3, -16.2), (179.4, -17.1))
JUMPING = tuple((x - 360 if x > 180 else x, y) for x, y in ACROSS)
NOTCHED = ((0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (1.0, 0.5), (0.0, 2.0), (0.0, 0.0))


@pytest.fixture
def written(ledger, path):
    """A closed ledger with an image of each state."""
    for number, state in enumerate(RowState):
        ledger.add([scene(number)], state)
    ledger.send(export(scene(0)))
    ledger.keep_plan(scene(0).index, {"a": 1})
    ledger.finish(scene(4).index, RowState.DONE, cloud_share=0.25)
    ledger.close()
    return path


def test_gdal_reads_all_tables_without_a_word(written):
    found = subprocess.run(["ogrinfo", "-ro", "-al", str(written)], capture_output=True, text=True, check=True)
    assert found.stderr == ""
    for line in ("Layer name: images", "Layer name: exports", "Layer name: plans", "Layer name: run"):
        assert line in found.stdout
    assert 'ID["EPSG",4326]' in found.stdout


def test_the_file_is_valid_by_the_rules_of_the_format(written):
    validate = pytest.importorskip("osgeo_utils.samples.validate_gpkg", reason="GDAL's samples are not installed")
    validate.check(str(written), abort_at_first_error=True)


def test_columns_have_types_that_users_can_work_with(written):
    layer = (dataset := gdal.OpenEx(str(written), gdal.OF_VECTOR)).GetLayerByName("images")
    layer.SetAttributeFilter("state = 'done'")
    (feature,) = list(layer)
    fields = {feature.GetFieldDefnRef(n).GetName(): feature.GetFieldDefnRef(n).GetType() for n in range(19)}
    assert (fields["taken"], fields["updated"]) == (ogr.OFTDateTime, ogr.OFTDateTime)
    assert (fields["cloud_share"], fields["attempts"]) == (ogr.OFTReal, ogr.OFTInteger64)
    assert feature.GetField("taken") == "2023/01/05 10:50:31.024+00"
    assert feature.GetField("updated") == "2023/11/14 22:13:20.250+00"
    assert feature.GetField("cloud_share") == 0.25
    del dataset


def test_geometries_lie_where_the_outlines_do(written):
    dataset = gdal.OpenEx(str(written), gdal.OF_VECTOR)
    feature = dataset.GetLayerByName("images").GetFeature(1)
    geometry = feature.GetGeometryRef()
    assert geometry.GetGeometryName() == "MULTIPOLYGON"
    assert geometry.GetGeometryRef(0).GetGeometryRef(0).GetPoints() == list(SQUARE)
    del dataset


def test_an_outline_comes_back_exactly(path):
    rings = (SQUARE, ACROSS, JUMPING, NOTCHED, ())
    with closing(Ledger.create(path, HEADER)) as ledger:
        ledger.add([scene(n, footprint=ring) for n, ring in enumerate(rings)])
        assert tuple(row.footprint for row in ledger.images()) == rings


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=3, max_size=12))
def test_an_outline_within_half_the_globe_comes_back_from_its_blob(corners):
    ring = tuple((x / 2, y) for x, y in (*corners, corners[0]))
    assert from_blob(to_blob(ring)) == ring


@pytest.mark.parametrize("ring", [ACROSS, JUMPING, tuple((x - 360, y) for x, y in ACROSS)])
def test_an_outline_across_the_antimeridian_is_cut_there(ring):
    geometry = ogr.CreateGeometryFromWkb(to_blob(ring)[40:])
    assert geometry.IsValid()
    boxes = [geometry.GetGeometryRef(n).GetEnvelope() for n in range(geometry.GetGeometryCount())]
    east, west = sorted(boxes, key=lambda box: -box[0])
    assert east == pytest.approx((179.3, 180.0, -17.2, -16.1), abs=0.1)
    assert west == pytest.approx((-180.0, -179.5, -17.2, -16.1), abs=0.1)
    whole = ogr.CreateGeometryFromJson(f'{{"type": "Polygon", "coordinates": [{[list(c) for c in ACROSS]}]}}')
    assert geometry.Area() == pytest.approx(whole.Area(), rel=1e-9)


def test_an_outline_that_only_touches_the_antimeridian_is_not_cut():
    ring = ((179.0, 0.0), (180.0, 0.0), (180.0, 1.0), (179.0, 1.0), (179.0, 0.0))
    assert parts(ring) == [ring]


def test_a_notched_outline_is_cut_as_geos_cuts_it():
    ring = tuple((x + 179.0, y) for x, y in NOTCHED)
    geometry = ogr.CreateGeometryFromWkb(to_blob(ring)[40:])
    whole = ogr.CreateGeometryFromJson(f'{{"type": "Polygon", "coordinates": [{[list(c) for c in ring]}]}}')
    half = ogr.CreateGeometryFromWkt("POLYGON ((170 -5, 180 -5, 180 5, 170 5, 170 -5))")
    assert geometry.GetGeometryRef(0).Area() + geometry.GetGeometryRef(1).Area() == pytest.approx(whole.Area())
    assert geometry.Intersection(half).SymDifference(whole.Intersection(half)).Area() == pytest.approx(0.0, abs=1e-12)


def test_ten_thousand_images_of_two_kinds_stay_under_twenty_megabytes(path):
    with closing(Ledger.create(path, HEADER)) as ledger, ledger.batch():
        for number in range(1000):
            image = scene(number, f"{number % 60:02d}TCH")
            ledger.add([image])
            ledger.keep_plan(image.index, {"backgrounds": [scene(n).id for n in range(20)]})
            for kind in ("mask", "ndvi"):
                one = export(image, kind)
                ledger.send(one)
                ledger.sent(one.request_id, "projects/some-project/operations/ABCDEFGHIJKLMNOPQRSTUVWX")
                ledger.end_export(one.request_id, RowState.DONE)
            outputs = {kind: f"projects/some-project/assets/s2mask/{kind}/{image.index}" for kind in ("mask", "ndvi")}
            ledger.finish(image.index, RowState.DONE, outputs=outputs, cloud_share=0.1)
    assert path.stat().st_size < 2_000_000
