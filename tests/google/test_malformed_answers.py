"""Answers of Google's services that are JSON and not what is documented: told as errors for the user."""

from __future__ import annotations

import json

import pytest

from s2mask_qgis.engines.errors import EngineError
from s2mask_qgis.google.assets import Assets
from s2mask_qgis.google.drive import Drive, DriveFile
from s2mask_qgis.google.drive_user import drive_user
from s2mask_qgis.google.projects import find_project, list_projects, missing_permissions
from s2mask_qgis.google.storage import Bucket
from s2mask_qgis.web.session import Patience, Session
from s2mask_qgis.web.transport import Response

PARENT = "projects/p/assets/c"
IMAGE = {
    "type": "IMAGE",
    "name": f"{PARENT}/x",
    "geometry": {"type": "Point"},
    "bands": [{"id": "B2"}],
    "properties": {"a": 1},
    "sizeBytes": "5",
}
FILE = {"id": "1", "name": "a.tif", "size": "5", "createdTime": "2020-01-01T00:00:00Z", "mimeType": "image/tiff"}
PROJECT = {"projectId": "my-project", "name": "Mine", "lifecycleState": "ACTIVE"}
CALLS = {
    "images": (
        {"type": "IMAGE_COLLECTION", "assets": [IMAGE]},
        lambda session: list(Assets.over(session).images(PARENT)),
    ),
    "image": (IMAGE, lambda session: Assets.over(session).image(f"{PARENT}/x")),
    "names": ({"assets": [IMAGE]}, lambda session: Assets.over(session).names(PARENT)),
    "operations": ({"operations": [{"name": "a"}]}, lambda session: Assets.over(session).operations("p")),
    "folders": ({"files": [FILE]}, lambda session: Drive.over(session).folders("a.tif")),
    "files": ({"files": [FILE]}, lambda session: Drive.over(session).files(DriveFile("1", "folder", ""))),
    "about": ({"user": {"emailAddress": "a@b"}, "storageQuota": {"limit": "5", "usage": "1"}}, drive_user),
    "projects": ({"projects": [PROJECT]}, list_projects),
    "project": (PROJECT, lambda session: find_project(session, "my-project")),
    "permissions": ({"permissions": ["a"]}, lambda session: missing_permissions(session, "my-project", ["a"])),
    "digest": ({"md5Hash": "YWI="}, lambda session: Bucket.over(session, "bucket").digest("key")),
}


def spoiled(value):
    """The value with one part of it after the other left out, or of another kind."""
    yield from (None, [], {}, "text", 5, True)
    if isinstance(value, dict):
        for key in value:
            yield {name: one for name, one in value.items() if name != key}
            yield from ({**value, key: one} for one in spoiled(value[key]))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from ([*value[:number], one, *value[number + 1 :]] for one in spoiled(each))


def session_answering(content):
    """Gives the same answer to whatever is asked, a few times."""
    data, left = json.dumps(content).encode(), iter(range(50))

    def fetch(_request):
        assert next(left, None) is not None, "asks without end"
        return Response(200, {"content-type": "application/json"}, iter([data]))

    return Session(fetch, patience=Patience(attempts=2), sleep=lambda _seconds: None)


@pytest.mark.parametrize("name", CALLS)
def test_whatever_is_wrong_with_an_answer_is_told_as_an_error_for_the_user(name):
    good, call = CALLS[name]
    call(session_answering(good))
    refused = 0
    for content in spoiled(good):
        try:
            call(session_answering(content))
        except EngineError:
            refused += 1
    assert refused
