"""Drive over a loopback stand-in: folders, pages, refusals; and files over a connection that breaks at any byte."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from s2mask_qgis.engines.errors import (
    CancelledError,
    NotFoundError,
    QuotaError,
    RateError,
    SignInError,
    TransientError,
)
from s2mask_qgis.google.drive import Drive, quoted
from s2mask_qgis.google.urls import Urls
from s2mask_qgis.jobs.file_download import fetch_file
from s2mask_qgis.web.session import Patience, Session
from tests.google.drive_stand_in import Answer, DriveStandIn, json_answer, refused

DISCOVERY = Path("googleapiclient/discovery_cache/documents/drive.v3.json")


@pytest.fixture
def server():
    stand_in = DriveStandIn()
    yield stand_in
    stand_in.close()


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def drive(server, pauses):
    session = Session(patience=Patience(attempts=4), sleep=pauses.append, draw=lambda: 1.0)
    return Drive.over(session, Urls(drive=f"{server.url}/drive/v3"))


def nothing(_count):
    """Nobody counts."""


def only_file(server, drive, content, **entry):
    server.add(server.folder("masks"), "a.tif", content, **entry)
    (folder,) = drive.folders("masks")
    (file,) = drive.files(folder)
    return file


def test_all_folders_of_a_name_are_found_the_newest_first(server, drive):
    first, second = server.folder("masks"), server.folder("masks")
    server.folder("masks of others")
    server.folder("Masks")
    assert [folder.id for folder in drive.folders("masks")] == [second, first]


@pytest.mark.parametrize("name", ["it's", "back\\slash", "a'b\\c'd", "ümlaut & more"])
def test_odd_names_of_folders_are_found(server, drive, name):
    key = server.folder(name)
    assert [folder.id for folder in drive.folders(name)] == [key]
    assert quoted("it's \\ a") == "it\\'s \\\\ a"


def test_files_are_listed_page_by_page_with_size_and_checksum(server, drive):
    folder = server.folder("masks")
    server.page = 3
    for number in range(10):
        server.add(folder, f"{number}.tif", bytes([number]))
    server.add(folder, "gone.tif", b"x", trashed=True)
    server.add("elsewhere", "other.tif", b"x")
    server.entries.append({**server.entries[-1], "id": "doc", "parents": [folder]})
    del server.entries[-1]["size"]
    found = drive.files(drive.folders("masks")[0])
    assert [file.name for file in found] == [f"{number}.tif" for number in range(10)]
    assert found[3].md5 == hashlib.md5(b"\x03").hexdigest()
    assert found[3].size_bytes == 1
    assert sum(asked.path.endswith("/files") for asked in server.asked) == 1 + 4


def test_the_calls_are_those_of_the_published_description(server, drive):
    """Paths and parameters as Google's discovery document of Drive v3 names them."""
    import googleapiclient

    document = json.loads((Path(googleapiclient.__file__).parents[1] / DISCOVERY).read_text(encoding="utf-8"))
    common = set(document["parameters"])
    file = only_file(server, drive, b"0123456789")
    drive.open(file, 3).close()
    methods = document["resources"]["files"]["methods"]
    for asked, method in zip(server.asked, ("list", "list", "get"), strict=True):
        assert set(asked.query) <= set(methods[method]["parameters"]) | common
        assert asked.path.startswith("/drive/v3/" + methods[method]["path"].split("/")[0])


def test_a_search_that_was_not_complete_is_no_answer(server, drive):
    server.always = lambda _asked, _answer: json_answer({"files": [], "incompleteSearch": True})
    with pytest.raises(TransientError, match="look through all"):
        drive.folders("masks")


@pytest.mark.parametrize("reason", ["userRateLimitExceeded", "rateLimitExceeded"])
def test_too_many_requests_are_waited_for(server, drive, pauses, reason):
    server.folder("masks")
    for number in range(3):
        server.faults[number] = lambda _answer: refused(403, reason)
    assert len(drive.folders("masks")) == 1
    assert sum(pauses) == 1 + 2 + 4
    server.always = lambda _asked, _answer: refused(403, reason)
    with pytest.raises(RateError, match="no more requests for now"):
        drive.folders("masks")


@pytest.mark.parametrize(
    ("status", "reason", "error", "told"),
    [
        (403, "dailyLimitExceeded", QuotaError, "tomorrow"),
        (403, "storageQuotaExceeded", QuotaError, "Make room"),
        (403, "downloadQuotaExceeded", QuotaError, "limit is used up"),
        (403, "accessNotConfigured", SignInError, "apis/library/drive.googleapis.com"),
        (403, "insufficientPermissions", SignInError, "Sign in again, and allow it"),
        (403, "insufficientFilePermissions", SignInError, "does not allow this"),
        (401, "authError", SignInError, "does not allow this"),
        (404, "notFound", NotFoundError, "does not know this"),
    ],
)
def test_refusals_are_told_and_not_tried_again(server, drive, status, reason, error, told):
    server.always = lambda _asked, _answer: refused(status, reason, "the service's words")
    with pytest.raises(error, match=told):
        drive.folders("masks")
    assert len(server.asked) == 1


def test_a_page_of_a_proxy_is_no_answer(server, drive):
    server.always = lambda _asked, _answer: Answer(403, b"<html>blocked</html>")
    with pytest.raises(SignInError, match=r"Google Drive does not allow this \(403\)"):
        drive.folders("masks")


@pytest.mark.parametrize("fault", [Answer(503), Answer(429), Answer(is_lost=True), Answer(500)])
def test_a_listing_survives_passing_faults(server, drive, fault):
    server.folder("masks")
    server.faults[0] = lambda _answer: fault
    assert len(drive.folders("masks")) == 1


def test_a_listing_that_breaks_off_is_asked_for_again(server, drive):
    server.folder("masks")
    server.faults[0] = lambda answer: replace(answer, cut=10)
    assert len(drive.folders("masks")) == 1


def test_a_file_arrives_whatever_byte_the_connection_breaks_at(server, drive, tmp_path):
    content = random.Random(1).randbytes(257)
    file = only_file(server, drive, content)
    start = len(server.asked)
    for cut in range(len(content) + 1):
        target = tmp_path / f"{cut}.tif"
        server.faults[len(server.asked)] = lambda answer, cut=cut: replace(answer, cut=cut)
        counts = []
        assert fetch_file(drive, file, target, counts.append)
        assert target.read_bytes() == content
        assert sum(counts) == len(content)
    ranges = [asked.headers.get("range") for asked in server.asked[start:]]
    assert {f"bytes={cut}-" for cut in range(1, len(content))} <= set(ranges)


def test_a_large_file_survives_many_interruptions(server, drive, tmp_path):
    content = random.Random(2).randbytes(3_000_000)
    file = only_file(server, drive, content)
    draw = random.Random(3)
    count = len(server.asked)
    for number in range(count, count + 40):
        server.faults[number] = lambda answer: replace(answer, cut=draw.randrange(1, 150_000))
    assert fetch_file(drive, file, tmp_path / "large.tif", nothing)
    assert (tmp_path / "large.tif").read_bytes() == content


def test_a_download_goes_on_where_another_process_left_it(server, drive, tmp_path):
    content = bytes(range(256)) * 40
    file = only_file(server, drive, content)
    for kept in (0, 1, 5000, len(content) - 1, len(content)):
        target = tmp_path / f"{kept}.tif"
        target.write_bytes(content[:kept])
        assert fetch_file(drive, file, target, nothing)
        assert target.read_bytes() == content
    assert server.asked[-1].headers["range"] == f"bytes={len(content) - 1}-"


@pytest.mark.parametrize("kept", [b"wrong bytes", b"far too many bytes for this file" * 9])
def test_a_beginning_of_something_else_is_thrown_away(server, drive, tmp_path, kept):
    content = bytes(range(100))
    file = only_file(server, drive, content)
    target = tmp_path / "a.tif"
    target.write_bytes(kept)
    counts = []
    assert fetch_file(drive, file, target, counts.append)
    assert target.read_bytes() == content


def test_a_wrong_checksum_is_tried_once_more_then_told(server, drive, tmp_path):
    file = only_file(server, drive, b"0123456789")
    start = len(server.asked)
    wrong = replace(file, md5="0" * 32)
    with pytest.raises(TransientError, match="damaged 2 times"):
        fetch_file(drive, wrong, tmp_path / "a.tif", nothing)
    assert len(server.asked) - start == 2
    assert not (tmp_path / "a.tif").exists()
    server.faults[len(server.asked)] = lambda answer: replace(answer, body=b"012345678?")
    assert fetch_file(drive, file, tmp_path / "a.tif", nothing)


def test_a_connection_that_never_brings_anything_ends(server, drive, tmp_path):
    file = only_file(server, drive, b"0123456789")
    server.always = lambda _asked, answer: replace(answer, cut=0)
    with pytest.raises(TransientError, match="broke"):
        fetch_file(drive, file, tmp_path / "a.tif", nothing)


def test_a_server_without_ranges_gives_the_whole_file(server, drive, tmp_path):
    content = bytes(range(100))
    file = only_file(server, drive, content)
    server.always = lambda asked, answer: Answer(200, content) if asked.query.get("alt") else answer
    (tmp_path / "a.tif").write_bytes(content[:50])
    assert fetch_file(drive, file, tmp_path / "a.tif", nothing)
    assert (tmp_path / "a.tif").read_bytes() == content


def test_a_quota_that_is_used_up_ends_a_download_and_keeps_what_came(server, drive, tmp_path):
    content = bytes(range(100))
    file = only_file(server, drive, content)
    count = len(server.asked)
    server.faults[count] = lambda answer: replace(answer, cut=40)
    server.faults[count + 1] = lambda _answer: refused(403, "downloadQuotaExceeded")
    with pytest.raises(QuotaError):
        fetch_file(drive, file, tmp_path / "a.tif", nothing)
    assert (tmp_path / "a.tif").read_bytes() == content[:40]


def test_a_file_that_is_gone_is_told(server, drive, tmp_path):
    file = only_file(server, drive, b"0123456789")
    server.contents.clear()
    with pytest.raises(NotFoundError, match="Google Drive"):
        fetch_file(drive, file, tmp_path / "a.tif", nothing)


def test_a_download_can_be_stopped_at_any_time(server, drive, tmp_path):
    file = only_file(server, drive, b"0123456789")
    server.always = lambda _asked, answer: replace(answer, cut=3)
    asked = []

    def is_cancelled():
        asked.append(1)
        return len(asked) > 5

    stopped = Drive.over(replace(drive.session, is_cancelled=is_cancelled), Urls(drive=f"{server.url}/drive/v3"))
    with pytest.raises(CancelledError):
        fetch_file(stopped, file, tmp_path / "a.tif", nothing)
