"""Downloads into the scenes folder over a bad connection: each product whole or not at all, gone on with later."""

from __future__ import annotations

import errno
import hashlib
import random
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePosixPath

import pytest

from s2mask_qgis.catalogues.base import Body
from s2mask_qgis.catalogues.google_bucket import GoogleBucket
from s2mask_qgis.catalogues.products import RemoteFile
from s2mask_qgis.core.area import Area
from s2mask_qgis.engines.errors import BadRequestError, CancelledError, StorageError, TransientError
from s2mask_qgis.engines.local.library.locks import Held
from s2mask_qgis.engines.local.library.sources import find_products
from s2mask_qgis.jobs import scene_download
from s2mask_qgis.jobs.file_download import fetch_file
from s2mask_qgis.jobs.scene_download import DOWNLOADS, download, find
from s2mask_qgis.jobs.scene_request import DownloadReport, FoundScene, Wish
from s2mask_qgis.jobs.survey import survey
from s2mask_qgis.web.session import Session
from s2mask_qgis.web.transport import Response
from tests.catalogues.conftest import AREA, YEAR
from tests.catalogues.conftest import bucket as bucket
from tests.catalogues.conftest import clock as clock
from tests.catalogues.conftest import copernicus as copernicus
from tests.catalogues.conftest import google as google
from tests.catalogues.conftest import session as session
from tests.catalogues.conftest import sign_in as sign_in
from tests.catalogues.conftest import space as space
from tests.catalogues.stand_in import Answer, product, safe_files, zipped

NAME, OTHER = product("20230105"), product("20230110")
WISH = Wish(AREA, *YEAR, "L1C")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "scenes"


def nothing(_done, _total):
    """Nobody counts."""


def offers_of(catalogue, folder):
    return [scene.offer for scene in find(catalogue, WISH, folder, nothing)]


def content_of(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_folder_of_the_bucket_arrives_whole_and_nothing_else_stays(bucket, google, folder):
    bucket.add(NAME)
    report = download(offers_of(google, folder), folder, google, nothing)
    assert report == DownloadReport((NAME,))
    assert content_of(folder) == {f"{NAME}.SAFE/{path}": content for path, content in safe_files().items()}
    assert not (folder / DOWNLOADS).exists()


def test_a_zip_of_copernicus_arrives_whole(space, copernicus, folder):
    key = space.add(NAME)
    report = download(offers_of(copernicus, folder), folder, copernicus, nothing)
    assert report == DownloadReport((NAME,))
    assert content_of(folder) == {f"{NAME}.zip": space.zips[key]}


def test_only_what_is_missing_is_downloaded(bucket, google, folder):
    for name in (NAME, OTHER, product("20230115"), product("20230120")):
        bucket.add(name)
    (folder / "deeper" / f"{NAME}.SAFE").mkdir(parents=True)
    (folder / f"{OTHER}.zip").write_bytes(b"")
    (folder / f"{product('20230115', '0209')}.SAFE").mkdir()
    found = find(google, WISH, folder, nothing)
    assert [scene.is_there for scene in found] == [True, True, True, False]
    bucket.asked.clear()
    report = download([scene.offer for scene in found], folder, google, nothing)
    assert report.downloaded == (product("20230120"),)
    assert report.skipped == (NAME, OTHER, product("20230115"))
    assert all("20230120" in asked.path + asked.query.get("prefix", "") for asked in bucket.asked)


def test_dates_the_wrong_way_round_are_told(google, folder):
    wish = replace(WISH, start=date(2023, 2, 1), end=date(2023, 1, 1))
    with pytest.raises(BadRequestError, match="Change the dates"):
        find(google, wish, folder, nothing)


def test_what_is_found_stands_in_order_of_time(space, copernicus, folder):
    space.add(OTHER)
    space.add(NAME)
    found = find(copernicus, WISH, folder, nothing)
    assert [(type(scene), scene.offer.date) for scene in found] == [
        (FoundScene, "2023-01-05"),
        (FoundScene, "2023-01-10"),
    ]


@pytest.mark.parametrize("source", ["bucket", "space"])
def test_every_request_may_fail_in_every_way_once(request, folder, tmp_path, source):
    server = request.getfixturevalue(source)
    catalogue = request.getfixturevalue({"bucket": "google", "space": "copernicus"}[source])
    server.add(NAME)
    offers = offers_of(catalogue, folder)
    server.asked.clear()
    download(offers, tmp_path / "good", catalogue, nothing)
    expected, count = content_of(tmp_path / "good"), len(server.asked)
    faults = (
        lambda _answer: Answer(503),
        lambda _answer: Answer(429, headers={"Retry-After": "5"}),
        lambda answer: replace(answer, cut=0),
        lambda answer: replace(answer, cut=len(answer.body) // 2),
        lambda answer: replace(answer, cut=max(0, len(answer.body) - 1)),
    )
    for number in range(count):
        for kind, fault in enumerate(faults):
            target = tmp_path / f"{number}-{kind}"
            server.asked.clear()
            server.faults = {number: fault}
            report = download(offers, target, catalogue, nothing)
            assert report.downloaded == (NAME,), (number, kind, report)
            assert content_of(target) == expected


@pytest.mark.parametrize("source", ["bucket", "space"])
def test_connections_that_break_at_any_byte_only_cost_time(request, folder, clock, source):
    server = request.getfixturevalue(source)
    catalogue = request.getfixturevalue({"bucket": "google", "space": "copernicus"}[source])
    server.add(NAME)
    draw = random.Random(5)
    server.always = lambda asked, answer: (
        replace(answer, cut=1 + draw.randrange(400)) if asked.path.endswith((".jp2", "value")) else answer
    )
    report = download(offers_of(catalogue, folder), folder, catalogue, nothing)
    assert report.downloaded == (NAME,)
    ranges = [asked.headers["range"] for asked in server.asked if "range" in asked.headers]
    starts = [int(span.removeprefix("bytes=").rstrip("-")) for span in ranges]
    assert len(starts) > 5
    assert starts == sorted(starts)
    found = content_of(folder)
    if source == "bucket":
        assert found == {f"{NAME}.SAFE/{path}": content for path, content in safe_files().items()}
    else:
        assert list(found.values()) == list(server.zips.values())


def test_a_connection_may_break_at_each_byte_of_a_file(tmp_path, clock):
    content = zipped(NAME, {"MTD_MSIL1C.xml": b"<metadata/>"})
    file = RemoteFile(PurePosixPath(f"{NAME}.zip"), "https://example.org/x", None, hashlib.md5(content).hexdigest())

    def breaking(cut):
        """Gives the file from where it is asked for, and breaks after ``cut`` bytes the first time."""
        cuts = iter([cut])

        def send(request):
            first = int(request.headers.get("Range", "bytes=0-")[6:-1])
            span = f"bytes {first}-{len(content) - 1}/{len(content)}"

            def chunks():
                end = next(cuts, None)
                yield content[first:end]
                if end is not None:
                    raise TransientError("broke")

            return Response(206 if first else 200, {"content-range": span}, chunks())

        return Session(send, sleep=clock.sleep)

    for cut in range(len(content)):
        target = tmp_path / f"{cut}.zip"
        came = []
        assert fetch_file(GoogleBucket(breaking(cut)), file, target, came.append)
        assert target.read_bytes() == content
        assert sum(came) == len(content)


def test_servers_that_ignore_ranges_only_cost_time(bucket, google, folder):
    bucket.add(NAME)
    content = safe_files()["GRANULE/L1C_T33UVP/IMG_DATA/B02.jp2"]
    offers = offers_of(google, folder)
    cuts = iter([100, 500, None])

    def whole(asked, answer):
        return Answer(200, content, cut=next(cuts)) if asked.path.endswith("B02.jp2") else answer

    bucket.always = whole
    assert download(offers, folder, google, nothing).downloaded == (NAME,)
    assert (folder / f"{NAME}.SAFE/GRANULE/L1C_T33UVP/IMG_DATA/B02.jp2").read_bytes() == content


def test_a_later_download_goes_on_where_the_first_one_stopped(space, copernicus, folder):
    key = space.add(NAME)
    offers = offers_of(copernicus, folder)
    space.always = lambda asked, answer: (
        (replace(answer, cut=150) if "range" not in asked.headers else Answer(500))
        if "$value" in asked.path
        else answer
    )
    report = download(offers, folder, copernicus, nothing)
    assert [name for name, _reason in report.failed] == [NAME]
    assert find_products(folder, ()) == ([], [])
    assert (folder / DOWNLOADS / f"{NAME}.partial" / f"{NAME}.zip").stat().st_size == 150
    space.always = lambda _asked, answer: answer
    space.asked.clear()
    assert download(offers, folder, copernicus, nothing).downloaded == (NAME,)
    assert "bytes=150-" in [asked.headers.get("range") for asked in space.asked]
    assert content_of(folder) == {f"{NAME}.zip": space.zips[key]}


def test_what_the_other_source_left_unfinished_is_not_mixed_in(bucket, google, folder):
    bucket.add(NAME)
    left = folder / DOWNLOADS / f"{NAME}.partial"
    (left / f"{NAME}.SAFE").mkdir(parents=True)
    (left / f"{NAME}.zip").write_bytes(b"half a zip")
    (left / f"{NAME}.SAFE" / "old.xml").write_bytes(b"old")
    download(offers_of(google, folder), folder, google, nothing)
    assert set(content_of(folder)) == {f"{NAME}.SAFE/{path}" for path in safe_files()}


def test_a_file_whose_sum_is_wrong_is_brought_again_and_then_given_up(bucket, google, folder):
    key = bucket.add(NAME)
    offers = offers_of(google, folder)
    band = f"{key}GRANULE/L1C_T33UVP/IMG_DATA/B02.jp2"
    good = bucket.objects[band]
    bad = b"x" * len(good)
    bodies = iter([bad, good])
    bucket.always = lambda asked, answer: Answer(200, next(bodies)) if asked.path.endswith("B02.jp2") else answer
    assert download(offers, folder, google, nothing).downloaded == (NAME,)
    bucket.always = lambda asked, answer: Answer(200, bad) if asked.path.endswith("B02.jp2") else answer
    elsewhere = folder.with_name("elsewhere")
    report = download(offers, elsewhere, google, nothing)
    assert report.downloaded == ()
    assert report.failed == ((NAME, "B02.jp2 arrived damaged 2 times. Try again later."),)
    assert not list(elsewhere.glob("*.SAFE"))
    assert not list(elsewhere.rglob("B02.jp2"))


def test_a_damaged_zip_is_never_kept(space, copernicus, folder):
    good = zipped(NAME, safe_files())
    position = good.index(bytes(range(256))) + 7
    bad = good[:position] + b"?" + good[position + 1 :]
    for checksum in ([], [{"Algorithm": "MD5", "Value": "0" * 32}]):
        space.entries.clear()
        space.add(NAME, content=bad, Checksum=checksum)
        report = download(offers_of(copernicus, folder), folder, copernicus, nothing)
        assert report.failed[0][1] == f"{NAME}.zip arrived damaged 2 times. Try again later."
        assert not list(folder.rglob("*.zip"))


def test_a_zip_packed_anew_is_taken_by_its_own_sums_with_a_note(space, copernicus, folder):
    space.add(NAME, Checksum=[{"Algorithm": "MD5", "Value": "0" * 32}])
    report = download(offers_of(copernicus, folder), folder, copernicus, nothing)
    assert report.downloaded == (NAME,)
    assert "all files in this one are whole" in report.notes[0]


@pytest.mark.parametrize("content", [b"<html>terms of use</html>", b""])
def test_something_else_than_a_zip_is_never_kept(space, copernicus, folder, content):
    space.add(NAME, content=content, Checksum=[])
    report = download(offers_of(copernicus, folder), folder, copernicus, nothing)
    assert report.downloaded == ()
    assert len(report.failed) == 1
    assert not list(folder.rglob("*.zip"))


def test_one_product_that_is_gone_does_not_keep_the_others(space, copernicus, folder):
    key = space.add(NAME)
    space.add(OTHER)
    offers = offers_of(copernicus, folder)
    del space.zips[key]
    report = download(offers, folder, copernicus, nothing)
    assert (report.downloaded, report.problem) == ((OTHER,), "")
    assert "Search again" in dict(report.failed)[NAME]


def test_a_connection_that_is_gone_ends_the_download_early(space, copernicus, folder):
    for day in range(1, 7):
        space.add(product(f"202301{day:02d}"))
    offers = offers_of(copernicus, folder)
    space.always = lambda _asked, _answer: Answer(503)
    report = download(offers, folder, copernicus, nothing)
    assert len(report.failed) == 2
    assert "busy (503)" in report.problem


@pytest.mark.parametrize("status", [401, 403])
def test_an_account_that_is_refused_ends_the_download(space, copernicus, folder, status):
    space.add(NAME)
    space.add(OTHER)
    offers = offers_of(copernicus, folder)
    space.always = lambda asked, answer: Answer(status) if "$value" in asked.path else answer
    report = download(offers, folder, copernicus, nothing)
    assert report.problem
    assert report.failed == ()
    assert sum("$value" in asked.path for asked in space.asked) <= 2


def test_a_token_that_ends_in_the_middle_of_a_file_is_renewed(space, copernicus, folder, clock):
    key = space.add(NAME)

    def ending(asked, answer):
        if "$value" in asked.path and "range" not in asked.headers:
            clock.now += 700
            space.valid = set()
            return replace(answer, cut=100)
        return answer

    space.always = ending
    assert download(offers_of(copernicus, folder), folder, copernicus, nothing).downloaded == (NAME,)
    assert content_of(folder) == {f"{NAME}.zip": space.zips[key]}


def test_names_that_lead_out_of_the_folder_are_refused(bucket, google, folder):
    key = bucket.add(NAME)
    offers = offers_of(google, folder)
    bucket.objects[f"{key}../../../planted"] = b"x"
    report = download(offers, folder, google, nothing)
    assert "cannot be stored" in dict(report.failed)[NAME]
    assert not list(folder.parent.rglob("planted"))


def test_a_disk_that_is_too_small_is_told_before_anything_comes(bucket, google, folder):
    bucket.add(NAME)
    offers = [replace(offer, size_bytes=10**15) for offer in offers_of(google, folder)]
    bucket.asked.clear()
    with pytest.raises(StorageError, match=r"take 1000000\.0 GB, but .* has room for"):
        download(offers, folder, google, nothing)
    assert not bucket.asked


def test_a_disk_that_gets_full_ends_the_download_and_keeps_what_came(space, copernicus, folder, monkeypatch):
    space.add(NAME)
    space.add(OTHER)
    offers = offers_of(copernicus, folder)

    def filling(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(scene_download, "fetch_file", filling)
    report = download(offers, folder, copernicus, nothing)
    assert "is full. Make room" in report.problem
    assert report.downloaded == ()


def test_a_folder_that_cannot_be_made_is_told(google, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        download([], tmp_path / "file" / "scenes", google, nothing)


def test_two_downloads_into_one_folder_do_not_meet(bucket, google, folder):
    bucket.add(NAME)
    offers = offers_of(google, folder)
    held = Held.take(folder / DOWNLOADS / "lock")
    with pytest.raises(StorageError, match="Another download"):
        download(offers, folder, google, nothing)
    held.release()
    assert download(offers, folder, google, nothing).downloaded == (NAME,)


def test_cancelling_ends_at_once_and_keeps_what_came(space, copernicus, folder):
    content = zipped(NAME, safe_files(band_bytes=2_560_000))
    space.add(NAME, content=content)
    offers = offers_of(copernicus, folder)
    stopped = []
    checked = Session(is_cancelled=lambda: bool(stopped))

    class Stopping:
        session = checked

        def files(self, offer):
            return copernicus.files(offer)

        def open(self, file, offset):
            body = copernicus.open(file, offset)

            def chunks():
                for chunk in body.chunks:
                    yield chunk
                    stopped.append(True)

            return Body(body.offset, body.size_bytes, chunks(), body.close)

    with pytest.raises(CancelledError):
        download(offers, folder, Stopping(), nothing)
    assert 0 < (folder / DOWNLOADS / f"{NAME}.partial" / f"{NAME}.zip").stat().st_size < len(content)
    assert not (folder / DOWNLOADS / "lock").exists()
    assert download(offers, folder, copernicus, nothing).downloaded == (NAME,)


def test_megabytes_are_counted_up_to_their_sum(space, copernicus, folder):
    for name in (NAME, OTHER):
        space.add(name, content=zipped(name, safe_files(band_bytes=2_560_000)))
    counts = []
    download(offers_of(copernicus, folder), folder, copernicus, lambda done, total: counts.append((done, total)))
    assert {total for _done, total in counts} == {6}
    assert [done for done, _total in counts] == [0, 1, 2, 3, 4, 5]


def test_a_real_product_that_was_downloaded_becomes_a_scene(bucket, google, folder, tmp_path, shared_data):
    root = next((shared_data / "alcd-toulouse").glob("S2A_MSIL1C_*.SAFE"))
    name = root.name.removesuffix(".SAFE")
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    bucket.add(name, files)
    corners = ((1.0, 43.0), (1.4, 43.0), (1.4, 44.0), (1.0, 44.0), (1.0, 43.0))
    wish = Wish(Area(((corners,),)), date(2024, 1, 20), date(2024, 1, 20), "L1C")
    (found,) = find(google, wish, folder, nothing)
    assert download([found.offer], folder, google, nothing).downloaded == (name,)
    looked = survey(folder, tmp_path / "library", nothing, lambda: False)
    assert [(scene.tile, scene.date) for scene in looked.scenes] == [("31TCJ", "2024-01-20")]
    assert found.offer.cloudy_percent == pytest.approx(looked.scenes[0].cloudy_percent)


def test_no_secret_is_written_anywhere(space, copernicus, folder):
    space.password = "planted-password"
    space.add(NAME, content=b"no zip", Checksum=[])
    report = download(offers_of(copernicus, folder), folder, copernicus, nothing)
    texts = [repr(report), repr(copernicus), *(str(path) for path in folder.rglob("*"))]
    assert not any("planted-password" in text or "token1" in text or "right & proper" in text for text in texts)
