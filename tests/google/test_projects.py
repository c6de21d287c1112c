"""Projects, the Earth Engine API, permissions and Drive, as the stand-in tells of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s2mask_qgis.engines.errors import BadRequestError, NotFoundError, RateError, SignInError, TransientError
from s2mask_qgis.google.answers import ApiDisabledError, api_link, ask
from s2mask_qgis.google.drive_user import drive_user
from s2mask_qgis.google.projects import (
    Known,
    Project,
    earth_engine_enabled,
    find_project,
    id_problem,
    list_projects,
    missing_permissions,
)
from s2mask_qgis.web.transport import Request
from tests.catalogues.stand_in import Answer, json_answer
from tests.google.google_stand_in import refusal


@pytest.mark.parametrize("project", ["my-project", "a23456", "x" * 30, "example.org:my-project", "project-id-018"])
def test_ids_of_projects_are_taken(project):
    assert id_problem(project) == ""


@pytest.mark.parametrize(
    "project", ["", "short", "x" * 31, "My-project", "my_project", "-project", "project-", "1abcde"]
)
def test_what_is_no_id_is_told(project):
    assert id_problem(project)


def test_a_project_s_number_is_told_apart():
    assert "number" in id_problem("517222506229")


def test_active_projects_are_listed_page_by_page(google, session):
    google.page = 2
    states = ["ACTIVE", "DELETE_REQUESTED", "ACTIVE", "ACTIVE", "ACTIVE"]
    google.projects = [
        {"projectId": f"project-{5 - n}", "name": f"N{n}", "lifecycleState": state} for n, state in enumerate(states)
    ]
    found = list_projects(session, google.urls)
    assert found == [Project(f"project-{n}", f"N{5 - n}") for n in (1, 2, 3, 5)]
    assert [asked.query.get("pageToken") for asked in google.asked if asked.path == "/v1/projects"] == [None, "2", "4"]
    assert google.asked[-1].query["filter"] == "lifecycleState:ACTIVE"


def test_an_account_without_projects_has_none(google, session):
    google.always = lambda asked, answer: answer if asked.path == "/token" else json_answer({})
    assert list_projects(session, google.urls) == []


@pytest.mark.parametrize("reason", ["SERVICE_DISABLED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "USER_PROJECT_DENIED"])
def test_where_projects_are_not_listed_an_id_can_be_typed(google, session, reason):
    google.refusals = {"/v1/projects": refusal(403, reason, "API of project 517222506229 is disabled")}
    with pytest.raises(BadRequestError, match="Type the project's id"):
        list_projects(session, google.urls)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(403, "rateLimitExceeded"), RateError),
        (refusal(403, "IAM_PERMISSION_DENIED"), SignInError),
        (refusal(400, "BAD"), BadRequestError),
        (refusal(404, "GONE"), NotFoundError),
        (refusal(403, "SERVICE_DISABLED"), ApiDisabledError),
        (Answer(403, b"<html>a proxy</html>"), SignInError),
        (Answer(200, b"<html>a proxy</html>"), BadRequestError),
        (Answer(200, b'{"a": 1}', {"Content-Length": "80"}, cut=8), TransientError),
        (Answer(503), TransientError),
    ],
)
def test_refusals_become_errors(google, session, answer, error):
    google.refusals = {"/v1": answer}
    with pytest.raises(error):
        ask(session, Request(f"{google.url}/v1/projects")).require()


@pytest.mark.parametrize("cut", [0, 1, 20])
def test_an_answer_that_breaks_off_is_asked_for_again(google, session, cut):
    google.faults = {1: lambda answer: replace(answer, cut=cut)}
    assert ask(session, Request(f"{google.url}/v1/projects")).require()["projects"]
    assert [asked.path for asked in google.asked] == ["/token", "/v1/projects", "/v1/projects"]


def test_what_a_service_says_is_kept_short(google, session):
    google.refusals = {"/v1": refusal(400, "BAD", "very\nlong " * 1000)}
    answer = ask(session, Request(f"{google.url}/v1/projects"))
    assert len(answer.message) <= 600
    assert "\n" not in answer.message


def test_a_project_is_found(google, session):
    assert find_project(session, "my-project", google.urls).known is Known.YES
    assert find_project(session, "other-project", google.urls).known is Known.NOT_TOLD
    google.projects[0]["lifecycleState"] = "DELETE_REQUESTED"
    finding = find_project(session, "my-project", google.urls)
    assert (finding.known, finding.text) == (Known.NO, "it is being deleted")


def test_whether_the_api_is_enabled_is_found_out(google, session):
    assert earth_engine_enabled(session, "my-project", google.urls).known is Known.YES
    assert google.asked[-1].path == "/v1/projects/my-project/services/earthengine.googleapis.com"
    assert earth_engine_enabled(session, "other-project", google.urls).known is Known.NO
    google.refusals = {"/v1": refusal(403, "IAM_PERMISSION_DENIED")}
    assert earth_engine_enabled(session, "my-project", google.urls).known is Known.NOT_TOLD


def test_missing_permissions_are_found_out(google, session):
    assert missing_permissions(session, "my-project", ("a.b", "c.d"), google.urls) == ("a.b", "c.d")
    google.granted = ("c.d",)
    assert missing_permissions(session, "my-project", ("a.b", "c.d"), google.urls) == ("a.b",)
    google.granted = ("a.b", "c.d")
    assert missing_permissions(session, "my-project", ("a.b", "c.d"), google.urls) == ()
    google.refusals = {"/v1": refusal(403, "SERVICE_DISABLED")}
    assert missing_permissions(session, "my-project", ("a.b",), google.urls) is None


def test_the_owner_of_a_drive_and_its_room_are_told(google, session):
    user = drive_user(session, google.urls)
    assert (user.email, user.used_bytes, user.free_bytes) == ("ann@example.org", 1, 15)
    google.drive = {"user": {"emailAddress": "ann@example.org"}, "storageQuota": {"usage": "7"}}
    assert drive_user(session, google.urls).free_bytes is None


@pytest.mark.parametrize("drive", [{"user": []}, {"storageQuota": {"limit": "much"}}, {"storageQuota": {"usage": -1}}])
def test_a_strange_answer_of_drive_is_told(google, session, drive):
    google.drive = drive
    with pytest.raises(BadRequestError):
        drive_user(session, google.urls)


def test_the_console_s_page_of_an_api():
    assert api_link("drive.googleapis.com", "p&x") == (
        "https://console.cloud.google.com/apis/library/drive.googleapis.com?project=p%26x"
    )
