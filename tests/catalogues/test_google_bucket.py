"""The public bucket: products by tile and day, their facts and files; listings that cannot be right."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import PurePosixPath

import pytest

from s2mask_qgis.catalogues.products import RemoteFile
from s2mask_qgis.core.area import Area
from s2mask_qgis.engines.errors import BadRequestError, NotFoundError, SignInError, TransientError
from tests.catalogues.conftest import AREA, YEAR
from tests.catalogues.stand_in import FAR_RING, RING, Answer, json_answer, metadata, product, safe_files

NAME = product("20230105")


def search(google, level="L1C", days=YEAR, area=AREA):
    counts = []
    offers = google.search(area, *days, level, lambda done, total: counts.append((done, total)))
    return offers, counts


def test_products_of_a_tile_are_offered_with_their_facts(bucket, google):
    bucket.add(NAME)
    offers, counts = search(google)
    (offer,) = offers
    assert offer.name.text == NAME
    assert offer.date == "2023-01-05"
    assert offer.cloudy_percent == 23.5
    assert offer.size_bytes == sum(map(len, safe_files().values()))
    assert offer.footprint == (RING,)
    assert counts == [(0, 0), (0, 1), (1, 1)]


def test_both_days_are_included_and_other_days_are_not(bucket, google):
    for day in ("20230104", "20230105", "20230110", "20230111"):
        bucket.add(product(day))
    offers, _ = search(google, days=(date(2023, 1, 5), date(2023, 1, 10)))
    assert [offer.date for offer in offers] == ["2023-01-05", "2023-01-10"]


def test_levels_lie_in_folders_of_their_own(bucket, google):
    bucket.add(NAME)
    bucket.add(product("20230107", level="L2A"), safe_files(level="L2A"), root="L2/tiles")
    assert [offer.name.level for offer in search(google)[0]] == ["L1C"]
    assert [offer.date for offer in search(google, "L2A")[0]] == ["2023-01-07"]


def test_products_that_do_not_meet_the_area_are_left_out(bucket, google):
    bucket.add(NAME, safe_files(FAR_RING))
    assert search(google)[0] == ()


def test_satellites_are_asked_for_from_their_launch_on(bucket, google):
    search(google, days=(date(2016, 1, 1), date(2016, 12, 31)))
    prefixes = {asked.query["prefix"].rpartition("/")[2] for asked in bucket.asked}
    assert prefixes == {"S2A_MSIL1C_"}


def test_an_acquisition_processed_twice_is_offered_once_and_described_once(bucket, google):
    bucket.add(product("20230105", "0209"))
    bucket.add(product("20230105", "0510"))
    offers, _ = search(google)
    assert [offer.name.baseline for offer in offers] == [510]
    assert not any("N0209" in asked.path for asked in bucket.asked)


def test_nothing_at_all_is_an_answer_too(google):
    assert search(google)[0] == ()


def test_listings_of_many_pages_are_read_to_their_end(bucket, google):
    bucket.page = 2
    for day in range(1, 8):
        bucket.add(product(f"202301{day:02d}"))
    offers, _ = search(google)
    assert len(offers) == 7
    assert len(google.files(offers[0])) == len(safe_files())


def test_folders_without_metadata_and_names_of_another_kind_are_passed_by(bucket, google):
    bucket.add(NAME, {"GRANULE/x/IMG_DATA/B02.jp2": b"x"})
    bucket.objects["tiles/33/U/VP/S2A_MSIL1C_20230106_other.SAFE/MTD_MSIL1C.xml"] = metadata()
    assert search(google)[0] == ()


@pytest.mark.parametrize(
    "text", [b"<x/>", b"<EXT_POS_LIST>1 2 3</EXT_POS_LIST>", b"<EXT_POS_LIST>a b</EXT_POS_LIST>", b""]
)
def test_metadata_without_an_outline_are_passed_by(bucket, google, text):
    bucket.add(NAME, {**safe_files(), "MTD_MSIL1C.xml": text})
    assert search(google)[0] == ()


def test_an_outline_across_the_antimeridian_meets_areas_on_both_sides(bucket, google):
    ring = ((179.5, -16.0), (-179.5, -16.0), (-179.5, -15.0), (179.5, -15.0), (179.5, -16.0))
    bucket.add(product("20230105", tile="01LAC"), safe_files(ring))
    for west in (179.6, -179.9):
        box = ((west, -15.6), (west + 0.1, -15.6), (west + 0.1, -15.5), (west, -15.5), (west, -15.6))
        assert len(search(google, area=Area(((box,),)))[0]) == 1


def test_real_metadata_are_understood(bucket, google, shared_data):
    path = next((shared_data / "s2-metadata").glob("*T46RER*__MTD_MSIL1C.xml"))
    name = path.name.removesuffix("__MTD_MSIL1C.xml")
    bucket.add(name, {"MTD_MSIL1C.xml": path.read_bytes()})
    box = ((93.05, 27.5), (93.1, 27.5), (93.1, 27.55), (93.05, 27.55), (93.05, 27.5))
    (offer,), _ = search(google, days=(date(2021, 9, 1), date(2021, 9, 30)), area=Area(((box,),)))
    assert offer.cloudy_percent == pytest.approx(88.2972)


def test_files_lie_in_the_folder_of_the_product_with_size_and_sum(bucket, google):
    bucket.add(NAME)
    files = {file.path.as_posix(): file for file in google.files(search(google)[0][0])}
    assert set(files) == {f"{NAME}.SAFE/{path}" for path in safe_files()}
    band = files[f"{NAME}.SAFE/GRANULE/L1C_T33UVP/IMG_DATA/B02.jp2"]
    content = safe_files()["GRANULE/L1C_T33UVP/IMG_DATA/B02.jp2"]
    assert (band.size_bytes, band.md5) == (len(content), hashlib.md5(content).hexdigest())
    assert b"".join(google.open(band, 0).chunks) == content
    rest = google.open(band, 1000)
    assert (rest.offset, rest.size_bytes, b"".join(rest.chunks)) == (1000, len(content), content[1000:])


def test_a_server_that_ignores_the_range_begins_anew(bucket, google):
    bucket.add(NAME)
    band = next(file for file in google.files(search(google)[0][0]) if file.path.name == "B02.jp2")
    content = bucket.objects[next(name for name in bucket.objects if name.endswith("B02.jp2"))]
    bucket.always = lambda asked, answer: Answer(200, content)
    assert google.open(band, 1000).offset == 0


@pytest.mark.parametrize("span", ["bytes 7-9/10", "bytes */10", "nonsense", ""])
def test_a_part_that_was_not_asked_for_is_refused(bucket, google, span):
    bucket.always = lambda _asked, _answer: Answer(206, b"abc", {"Content-Range": span})
    with pytest.raises(BadRequestError):
        google.open(RemoteFile(PurePosixPath("x"), f"{bucket.url}/bucket/x"), 5)


def test_a_beginning_longer_than_the_file_begins_anew(bucket, google):
    bucket.objects["x"] = b"abc"
    assert google.open(RemoteFile(PurePosixPath("x"), f"{bucket.url}/bucket/x"), 5).offset == 0


def test_a_file_that_is_gone_is_told(bucket, google):
    with pytest.raises(NotFoundError, match="Search again"):
        google.open(RemoteFile(PurePosixPath("x"), f"{bucket.url}/bucket/x"), 0)


def test_an_area_that_is_too_large_is_refused_before_anything_is_asked(bucket, google):
    box = ((0.0, 40.0), (30.0, 40.0), (30.0, 50.0), (0.0, 50.0), (0.0, 40.0))
    with pytest.raises(BadRequestError, match="smaller area"):
        search(google, area=Area(((box,),)))
    assert not bucket.asked


@pytest.mark.parametrize(
    "page",
    [
        {"prefixes": "tiles/"},
        {"prefixes": [1]},
        {"prefixes": ["elsewhere/S2A.SAFE/"]},
        {"prefixes": [], "nextPageToken": 3},
        {"prefixes": [], "nextPageToken": "always the same"},
    ],
)
def test_a_listing_of_products_that_cannot_be_right_is_told(bucket, google, page):
    bucket.always = lambda _asked, _answer: json_answer(page)
    with pytest.raises(BadRequestError, match="something else than it should"):
        search(google)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"name": "elsewhere/x", "size": "1"}, "something else"),
        ({"name": "KEYa/x"}, "something else"),
        ({"name": "KEYa/x", "size": "-1"}, "something else"),
        ({"name": "KEYa/x", "size": 5}, "something else"),
        ("text", "something else"),
        ({"name": "KEY../../x", "size": "1"}, "cannot be stored"),
        ({"name": "KEY/x", "size": "1"}, "cannot be stored"),
        ({"name": "KEYa\\..\\x", "size": "1"}, "cannot be stored"),
    ],
)
def test_a_listing_of_files_that_cannot_be_right_is_told(bucket, google, item, said):
    key = bucket.add(NAME)
    (offer,), _ = search(google)
    if isinstance(item, dict):
        item = {**item, "name": item["name"].replace("KEY", key)}
    bucket.always = lambda _asked, _answer: json_answer({"items": [item]})
    with pytest.raises(BadRequestError, match=said):
        google.files(offer)


def test_a_bucket_closed_to_all_is_told(bucket, google):
    bucket.always = lambda _asked, _answer: Answer(403)
    with pytest.raises(SignInError, match="403"):
        search(google)


def test_every_request_of_a_search_may_fail_once(bucket, google):
    bucket.page = 2
    bucket.add(NAME)
    bucket.add(product("20230110"))
    expected, _ = search(google)
    count = len(bucket.asked)
    for number in range(count):
        for fault in (lambda answer: Answer(503), lambda answer: replace(answer, cut=len(answer.body) // 2)):
            bucket.asked.clear()
            bucket.faults = {number: fault}
            assert search(google)[0] == expected
            assert len(bucket.asked) == count + 1


def test_a_search_that_keeps_failing_ends_with_a_sentence(bucket, google):
    bucket.always = lambda _asked, _answer: Answer(500)
    with pytest.raises(TransientError, match="Try again later"):
        search(google)
