"""The Copernicus Data Space: products by OData, zips with a token that ends, answers that cannot be right."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date

import pytest

from s2mask_qgis.catalogues.copernicus import Copernicus
from s2mask_qgis.catalogues.tokens import Account, SignIn
from s2mask_qgis.core.area import Area
from s2mask_qgis.engines.errors import BadRequestError, QuotaError, SignInError
from tests.catalogues.conftest import AREA, YEAR
from tests.catalogues.stand_in import FAR_RING, RING, Answer, json_answer, product

NAME = product("20230105")


def search(copernicus, level="L1C", days=YEAR, area=AREA):
    return copernicus.search(area, *days, level, lambda _done, _total: None)


def file_of(copernicus):
    (offer,) = search(copernicus)
    (file,) = copernicus.files(offer)
    return file


def test_products_are_offered_with_their_facts(space, copernicus):
    key = space.add(NAME)
    (offer,) = search(copernicus)
    assert (offer.name.text, offer.key, offer.cloudy_percent) == (NAME, key, 23.5)
    assert offer.size_bytes == len(space.zips[key])
    assert offer.footprint == (RING,)
    assert not any("authorization" in asked.headers for asked in space.asked)


def test_the_query_names_collection_level_area_and_both_days(space, copernicus):
    search(copernicus, "L2A", (date(2023, 2, 3), date(2023, 12, 31)))
    query = space.asked[0].query
    assert query["$filter"].split(" and ")[0] == "Collection/Name eq 'SENTINEL-2'"
    assert "'S2MSI2A'" in query["$filter"]
    assert "POLYGON((15.000000 48.000000,15.100000 48.000000,15.100000 48.100000," in query["$filter"]
    assert "ContentDate/Start ge 2023-02-03T00:00:00.000Z" in query["$filter"]
    assert "ContentDate/Start lt 2024-01-01T00:00:00.000Z" in query["$filter"]
    assert query["$expand"] == "Attributes"


def test_what_only_meets_the_box_around_the_area_is_left_out(space, copernicus):
    corner = ((15.08, 48.08), (15.2, 48.08), (15.2, 48.2), (15.08, 48.2), (15.08, 48.08))
    space.add(NAME, corner)
    triangle = Area(((((15.0, 48.0), (15.1, 48.0), (15.0, 48.1), (15.0, 48.0)),),))
    assert search(copernicus, area=triangle) == ()
    assert len(search(copernicus)) == 1


def test_pages_are_followed_and_acquisitions_offered_once(space, copernicus):
    space.page = 3
    for day in range(1, 9):
        space.add(product(f"202301{day:02d}", "0510"))
        space.add(product(f"202301{day:02d}", "0209"))
    offers = search(copernicus)
    assert [offer.date for offer in offers] == [f"2023-01-{day:02d}" for day in range(1, 9)]
    assert {offer.name.baseline for offer in offers} == {510}


def test_no_results_unknown_names_and_unknown_facts(space, copernicus):
    assert search(copernicus) == ()
    space.add("S2A_OPER_PRD_MSIL1C_PDMC_20160121T043931_R069_V20160103T171947_20160103T171947")
    space.add(product("20230102"), FAR_RING)
    space.add(NAME, clouds=None, ContentLength=0)
    (offer,) = search(copernicus)
    assert (offer.name.text, offer.cloudy_percent, offer.size_bytes) == (NAME, None, None)


def test_outlines_of_several_parts_are_understood(space, copernicus):
    shapes = {"type": "MultiPolygon", "coordinates": [[[list(corner) for corner in ring]] for ring in (FAR_RING, RING)]}
    space.add(NAME, GeoFootprint=shapes)
    assert search(copernicus)[0].footprint == (FAR_RING, RING)


@pytest.mark.parametrize(
    "entry",
    [
        {"Name": 5},
        {"Id": None},
        {"GeoFootprint": None},
        {"GeoFootprint": {"type": "Polygon"}},
        {"GeoFootprint": {"type": "Polygon", "coordinates": [[["a", "b"]]]}},
        {"GeoFootprint": {"type": "Point", "coordinates": [1, 2]}},
    ],
)
def test_an_entry_that_cannot_be_right_is_told(space, copernicus, entry):
    space.add(NAME, **entry)
    with pytest.raises(BadRequestError, match="something else than it should"):
        search(copernicus)


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"value": {}},
        {"value": ["text"]},
        {"value": [], "@odata.nextLink": 5},
        {"value": [], "@odata.nextLink": "https://elsewhere.example/Products"},
        {"value": [], "@odata.nextLink": "file:///etc/passwd"},
    ],
)
def test_a_listing_that_cannot_be_right_is_told(space, copernicus, page):
    space.always = lambda _asked, _answer: json_answer(page)
    with pytest.raises(BadRequestError, match="something else than it should"):
        search(copernicus)


def test_pages_that_go_round_in_circles_are_told(space, copernicus):
    link = f"{space.url}/Products?page=1"
    space.always = lambda _asked, _answer: json_answer({"value": [], "@odata.nextLink": link})
    with pytest.raises(BadRequestError):
        search(copernicus)
    assert len(space.asked) == 2


def test_more_results_than_can_be_paged_through_are_told(space, copernicus):
    space.add(NAME)
    space.always = lambda _asked, _answer: json_answer({"value": space.entries * 10_000})
    with pytest.raises(BadRequestError, match="fewer days"):
        search(copernicus)


def test_the_zip_has_the_sum_of_the_catalogue_and_needs_a_token(space, copernicus):
    key = space.add(NAME)
    file = file_of(copernicus)
    assert file.path.as_posix() == f"{NAME}.zip"
    assert file.md5 == hashlib.md5(space.zips[key]).hexdigest()
    body = copernicus.open(file, 100)
    assert (body.offset, body.size_bytes) == (100, len(space.zips[key]))
    assert b"".join(body.chunks) == space.zips[key][100:]
    sent = next(asked for asked in space.asked if asked.path == "/token").form
    assert sent == {
        "client_id": "cdse-public",
        "grant_type": "password",
        "username": "ann",
        "password": "right & proper",
    }


def test_a_product_without_sum_is_a_file_without_sum(space, copernicus):
    space.add(NAME, Checksum=[])
    assert file_of(copernicus).md5 is None


def test_a_token_is_used_until_it_ends_and_renewed_without_the_password(space, copernicus, clock):
    space.add(NAME)
    file = file_of(copernicus)
    for seconds in (0, 300, 400):
        clock.now += seconds
        copernicus.open(file, 0).close()
    grants = [asked.form["grant_type"] for asked in space.asked if asked.path == "/token"]
    assert grants == ["password", "refresh_token"]


def test_a_token_that_the_service_ended_early_is_renewed_once(space, copernicus):
    space.add(NAME)
    file = file_of(copernicus)
    copernicus.open(file, 0).close()
    space.valid = set()
    assert copernicus.open(file, 0).size_bytes
    grants = [asked.form["grant_type"] for asked in space.asked if asked.path == "/token"]
    assert grants == ["password", "refresh_token"]


def test_a_renewal_that_is_refused_falls_back_on_the_password(space, copernicus, clock):
    space.add(NAME)
    file = file_of(copernicus)
    copernicus.open(file, 0).close()
    space.has_refresh = False
    clock.now += 601
    copernicus.open(file, 0).close()
    grants = [asked.form["grant_type"] for asked in space.asked if asked.path == "/token"]
    assert grants == ["password", "refresh_token", "password"]


def test_tokens_that_are_never_accepted_end_in_a_sentence(space, copernicus):
    space.add(NAME)
    file = file_of(copernicus)
    space.always = lambda asked, answer: Answer(401) if "$value" in asked.path else answer
    with pytest.raises(SignInError, match="Check the account"):
        copernicus.open(file, 0)


def test_a_wrong_password_is_told_without_being_shown(space, session):
    space.add(NAME)
    account = Account("ann", "planted-secret")
    catalogue = Copernicus(session, SignIn(account, session, f"{space.url}/token"), space.url, space.url)
    with pytest.raises(SignInError, match="does not accept the user or the password") as caught:
        catalogue.open(file_of(catalogue), 0)
    assert "planted-secret" not in repr(caught.value) + repr(account) + repr(catalogue)


def test_a_download_without_account_says_what_is_missing(space, session):
    space.add(NAME)
    catalogue = Copernicus(session, None, space.url, space.url)
    with pytest.raises(SignInError, match="need an account"):
        catalogue.open(file_of(catalogue), 0)


def test_a_quota_that_is_used_up_is_told(space, copernicus):
    space.add(NAME)
    file = file_of(copernicus)
    space.always = lambda asked, answer: Answer(403) if "$value" in asked.path else answer
    with pytest.raises(QuotaError, match="quota"):
        copernicus.open(file, 0)


@pytest.mark.parametrize("answer", [{}, {"access_token": 5}, {"access_token": "a", "expires_in": "long"}])
def test_an_identity_service_that_answers_nonsense_is_told(space, copernicus, answer):
    space.add(NAME)
    file = file_of(copernicus)
    space.always = lambda asked, same: json_answer(answer) if asked.path == "/token" else same
    with pytest.raises(BadRequestError):
        copernicus.open(file, 0)


def test_every_request_of_a_search_may_fail_once(space, copernicus):
    space.page = 1
    for day in ("20230105", "20230110", "20230115"):
        space.add(product(day))
    expected = search(copernicus)
    for number in range(3):
        for fault in (lambda answer: Answer(429), lambda answer: replace(answer, cut=40)):
            space.asked.clear()
            space.faults = {number: fault}
            assert search(copernicus) == expected
