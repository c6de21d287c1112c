"""Uploads into a bucket over a loopback stand-in: gone on with after any break, checked, never sent twice."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from s2mask_qgis.engines.errors import (
    BadRequestError,
    CancelledError,
    QuotaError,
    SignInError,
    StorageError,
    TransientError,
)
from s2mask_qgis.google import storage
from s2mask_qgis.google.storage import Bucket
from s2mask_qgis.web.session import Patience, Session
from tests.google.drive_stand_in import Answer, StorageStandIn, refused


@pytest.fixture
def server():
    stand_in = StorageStandIn()
    yield stand_in
    stand_in.close()


@pytest.fixture
def session():
    return Session(patience=Patience(attempts=4), sleep=lambda _seconds: None, draw=lambda: 1.0)


@pytest.fixture
def bucket(server, session):
    return Bucket.over(session, "my-bucket", server.url)


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "CHUNK_BYTES", 100)
    path = tmp_path / "a.tif"
    path.write_bytes(random.Random(1).randbytes(1050))
    return path


def test_a_file_arrives_part_by_part(server, bucket, file):
    counts = []
    assert bucket.put(file, "s2mask/a b.tif", counts.append)
    assert server.objects["my-bucket/s2mask/a b.tif"] == file.read_bytes()
    assert sum(counts) == 1050
    spans = [asked.headers["content-range"] for asked in server.asked if asked.method == "PUT"]
    assert spans[0] == "bytes 0-99/1050"
    assert spans[-1] == "bytes 1000-1049/1050"
    assert bucket.uri("s2mask/a b.tif") == "gs://my-bucket/s2mask/a b.tif"


def test_a_file_that_is_there_is_not_sent_again(server, bucket, file):
    assert bucket.put(file, "a.tif")
    count = len(server.asked)
    assert not bucket.put(file, "a.tif")
    assert len(server.asked) == count + 1
    file.write_bytes(b"other")
    assert bucket.put(file, "a.tif")
    assert server.objects["my-bucket/a.tif"] == b"other"


@pytest.mark.parametrize("fault", [Answer(503), Answer(is_lost=True), Answer(500), refused(403, "rateLimitExceeded")])
@pytest.mark.parametrize("number", range(14))
def test_an_upload_survives_a_fault_at_every_request(server, bucket, file, number, fault):
    """The answer is lost or a refusal, but the part has arrived: the bucket is asked how far it is."""
    server.faults[number] = lambda _answer: fault
    counts = []
    assert bucket.put(file, "a.tif", counts.append)
    assert server.objects["my-bucket/a.tif"] == file.read_bytes()
    assert sum(counts) == 1050
    if 2 <= number < 12:
        assert server.asked[number + 1].headers["content-range"] == "bytes */1050"


@pytest.mark.parametrize("received", [0, 1, 57, 99, 100, 163, 1049])
def test_an_upload_goes_on_at_the_byte_that_the_bucket_has(server, bucket, file, received):
    """A part that arrived in part."""

    def always(asked, answer):
        if asked.method == "PUT" and not hit:
            hit.append(1)
            key, _ = server.sessions[asked.path]
            server.sessions[asked.path] = (key, bytearray(file.read_bytes()[:received]))
            return Answer(is_lost=True)
        return answer

    hit = []
    server.always = always
    assert bucket.put(file, "a.tif")
    assert server.objects["my-bucket/a.tif"] == file.read_bytes()


def test_an_upload_whose_session_has_ended_begins_anew(server, bucket, file):
    server.faults[6] = lambda _answer: Answer(410)
    counts = []
    assert bucket.put(file, "a.tif", counts.append)
    assert len(server.sessions) == 2
    assert sum(counts) == 1050
    assert server.objects["my-bucket/a.tif"] == file.read_bytes()


def test_an_object_that_arrived_damaged_is_sent_once_more_then_told(server, bucket, file):
    server.damage = 1
    assert bucket.put(file, "a.tif")
    server.damage = 2
    with pytest.raises(TransientError, match="arrived damaged"):
        bucket.put(file, "b.tif")


def test_a_connection_that_never_works_ends(server, bucket, file):
    server.always = lambda asked, answer: Answer(503) if asked.method == "PUT" else answer
    with pytest.raises(TransientError, match=r"a\.tif cannot be uploaded"):
        bucket.put(file, "a.tif")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (refused(403, "forbidden"), SignInError),
        (refused(403, "quotaExceeded"), QuotaError),
        (Answer(400), BadRequestError),
    ],
)
def test_refusals_end_an_upload(server, bucket, file, fault, error):
    server.faults[1] = lambda _answer: fault
    with pytest.raises(error, match="Google Cloud Storage"):
        bucket.put(file, "a.tif")
    assert len(server.asked) == 2


def test_no_address_of_an_upload_is_shown(server, bucket, file):
    """Who knows it can write to the bucket."""
    server.always = lambda asked, answer: Answer(400) if asked.method == "PUT" else answer
    with pytest.raises(BadRequestError) as caught:
        bucket.put(file, "a.tif")
    assert "/session/" not in str(caught.value)


@pytest.mark.parametrize("name", ["gs://bucket", "Bucket", "a", "with space", "x/y", ""])
def test_what_cannot_be_the_name_of_a_bucket_is_refused(session, name):
    with pytest.raises(BadRequestError, match="name of a bucket"):
        Bucket.over(session, name)


def test_a_file_that_is_not_there_is_told(bucket, tmp_path):
    with pytest.raises(StorageError, match="cannot be read"):
        bucket.put(tmp_path / "none.tif", "a.tif")


def test_an_upload_can_be_stopped(server, session, file):
    asked = []

    def is_cancelled():
        asked.append(1)
        return len(server.asked) > 4

    with pytest.raises(CancelledError):
        Bucket.over(replace(session, is_cancelled=is_cancelled), "my-bucket", server.url).put(file, "a.tif")
    assert not server.objects
