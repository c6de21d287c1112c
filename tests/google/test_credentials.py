"""The earthengine command's sign-in and service accounts' keys: what is used, what is refused and in which words."""

from __future__ import annotations

import json
import traceback

import pytest

from s2mask_qgis.engines.errors import SignInError
from s2mask_qgis.google.account import Connection
from s2mask_qgis.google.credentials import (
    COMMAND_TITLE,
    check_key,
    command_account,
    command_project,
    key_account,
    read_key,
)
from s2mask_qgis.web.transport import Request, fetch
from tests.google.google_stand_in import REFRESH
from tests.google.keys import EMAIL, key_text


def used(account):
    """Makes the credentials as a task does."""
    return account.credentials.valid


def test_the_command_s_sign_in_is_used_and_left_as_it_is(google, command_file, monkeypatch):
    from ee import oauth

    monkeypatch.setattr(oauth, "TOKEN_URI", google.token_url)
    path = command_file(refresh_token=REFRESH, client_id="other", client_secret="s", scopes=["a"], project="my-project")
    before = path.read_bytes(), path.stat().st_mtime_ns
    account = command_account()
    assert account.title == COMMAND_TITLE
    authorized = Connection(account, lambda _is_cancelled: fetch).authorized()
    assert authorized(Request(f"{google.url}/v1/projects")).status == 200
    assert google.asked[0].form["refresh_token"] == REFRESH
    assert (google.asked[0].form["client_id"], google.asked[0].form["scope"]) == ("other", "a")
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_sign_in_renewed_by_the_command_is_taken_up(google, command_file, monkeypatch):
    from ee import oauth

    monkeypatch.setattr(oauth, "TOKEN_URI", google.token_url)
    command_file(refresh_token="withdrawn")
    authorized = Connection(command_account(), lambda _is_cancelled: fetch).authorized()
    with pytest.raises(SignInError):
        authorized(Request(f"{google.url}/v1/projects"))
    command_file()
    assert authorized(Request(f"{google.url}/v1/projects")).status == 200


def test_without_the_command_s_file_a_sentence_says_so():
    with pytest.raises(SignInError, match="not signed in on this computer"):
        used(command_account())


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"planted"', "\x00"])
def test_a_damaged_file_of_the_command_is_told(command_file, text):
    command_file().write_text(text, encoding="utf-8")
    with pytest.raises(SignInError, match="damaged"):
        used(command_account())


def test_a_file_that_points_to_gcloud_is_told(command_file):
    command_file(project="my-project")
    with pytest.raises(SignInError, match="gcloud"):
        used(command_account())


def test_credentials_of_other_tools_are_never_used(home, monkeypatch):
    path = home / "other.json"
    path.write_text(key_text(), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    with pytest.raises(SignInError):
        used(command_account())


@pytest.mark.parametrize(
    ("content", "project"),
    [
        ({"project": "my-project"}, "my-project"),
        ({"project": "517222506229"}, ""),
        ({"project": 5}, ""),
        ({"refresh_token": "x"}, ""),
    ],
)
def test_the_project_chosen_for_the_command_is_known(command_file, content, project):
    command_file(**content)
    assert command_project() == project


def test_no_file_means_no_project():
    assert command_project() == ""


def test_a_key_signs_in(google):
    text = key_text(token_uri=google.token_url)
    assert check_key(text).email == EMAIL
    account = key_account(text)
    assert account.title == f"service account {EMAIL}"
    authorized = Connection(account, lambda _is_cancelled: fetch).authorized()
    assert authorized(Request(f"{google.url}/v1/projects")).status == 200
    assert google.asked[0].form["grant_type"].endswith("jwt-bearer")


def test_a_key_file_tells_whose_it_is(home):
    path = home / "key.json"
    path.write_text(key_text(), encoding="utf-8")
    text, facts = read_key(path)
    assert (facts.email, facts.project) == (EMAIL, "my-project")
    assert json.loads(text)["client_email"] == EMAIL


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("planted, no JSON", "is not JSON"),
        ("[1]", "is not the key of a service account"),
        ('{"type": "authorized_user", "refresh_token": "planted"}', "of the type authorized_user"),
        ('{"type": ["planted"]}', "is not the key of a service account"),
        (key_text(private_key=""), "lacks private_key"),
        (key_text(client_email=5), "lacks client_email"),
        (key_text(private_key="planted"), "private key that cannot be read"),
        (key_text(private_key="-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----\n"), "cannot be read"),
        (key_text(token_uri="https://planted.example.org/token"), "not Google's"),
        ("planted" * 20_000, "too large"),
    ],
)
def test_a_file_that_is_no_key_is_told_without_its_content(text, words):
    with pytest.raises(SignInError, match=words) as caught:
        check_key(text)
    story = "".join(traceback.format_exception(caught.type, caught.value, caught.tb))
    assert "planted" not in story.replace("test_credentials", "")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00planted"])
def test_a_file_that_cannot_be_read_is_told(home, content):
    path = home / "key.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SignInError, match="Choose"):
        read_key(path)


def test_no_part_of_a_key_is_shown():
    account = key_account(key_text())
    assert used(account) is False
    assert "PRIVATE" not in repr(account) + repr(account.credentials) + repr(check_key(key_text()))
