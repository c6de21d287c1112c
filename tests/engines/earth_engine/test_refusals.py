"""What the service's refusals become: the right kind of error, with words that say what to do and no secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from s2mask_qgis.engines.earth_engine.refusals import ExistsError, refusal
from s2mask_qgis.engines.errors import (
    BadRequestError,
    EngineError,
    NotFoundError,
    QueueFullError,
    QuotaError,
    RateError,
    SignInError,
    TransientError,
)

HOST, PROJECT = "earthengine.googleapis.com", "my-project"
ACTIVATION = "https://console.developers.google.com/apis/api/earthengine.googleapis.com/overview?project=1"


def refused(code: int, message: str, status: str = "", **more: Any) -> EngineError:
    body = {"error": {"code": code, "message": message, "status": status, **more}}
    return refusal(HOST, code, json.dumps(body).encode(), PROJECT)


def info(reason: str, **metadata: str) -> list[dict[str, Any]]:
    return [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "metadata": metadata}]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (refused(400, "Image.select: no band.", "INVALID_ARGUMENT"), BadRequestError, "Image.select: no band."),
        (refused(404, "Asset 'x' not found.", "NOT_FOUND"), NotFoundError, "Asset 'x' not found."),
        (refused(401, "Request had invalid credentials.", "UNAUTHENTICATED"), SignInError, "Sign in again"),
        (refused(403, "Permission denied.", "PERMISSION_DENIED"), SignInError, "in the project my-project"),
        (
            refused(403, "Not signed up for Earth Engine or project is not registered.", "PERMISSION_DENIED"),
            SignInError,
            "register?project=my-project",
        ),
        (
            refused(
                403,
                "Google Earth Engine API has not been used in project 1 before or it is disabled.",
                "PERMISSION_DENIED",
                details=info("SERVICE_DISABLED", activationUrl=ACTIVATION),
            ),
            SignInError,
            ACTIVATION,
        ),
        (refused(403, "x", details=info("SERVICE_DISABLED")), SignInError, "project=my-project"),
        (refused(403, "Rate Limit Exceeded", errors=[{"reason": "rateLimitExceeded"}]), RateError, "fewer requests"),
        (refused(403, "Quota", errors=[{"reason": "quotaExceeded"}]), QuotaError, "another project"),
        (
            refused(429, "Too many tasks already in the queue (3000). Please wait for some of them to complete."),
            QueueFullError,
            "3000",
        ),
        (
            refused(400, "Too many tasks already in the queue (3000).", "INVALID_ARGUMENT"),
            QueueFullError,
            "takes no more tasks",
        ),
        (refused(429, "Too Many Requests: concurrency limit was exceeded.", "RESOURCE_EXHAUSTED"), RateError, "fewer"),
        (
            refused(429, "Quota exceeded for quota metric 'Earth Engine compute time'.", "RESOURCE_EXHAUSTED"),
            QuotaError,
            "is used up",
        ),
        (refused(429, "Asset storage quota exceeded.", "RESOURCE_EXHAUSTED"), QuotaError, "Google Drive or a folder"),
        (refused(503, "The service is unavailable.", "UNAVAILABLE"), TransientError, "Try again later"),
        (refused(500, "Internal error", "INTERNAL"), TransientError, "500"),
        (refused(409, "Cannot overwrite.", "ALREADY_EXISTS"), ExistsError, "already"),
        (
            refused(400, "A different Operation was already started with the given request_id.", "INVALID_ARGUMENT"),
            ExistsError,
            "request_id",
        ),
    ],
)
def test_each_refusal_is_told_by_its_kind(error: EngineError, kind: type[EngineError], words: str):
    assert type(error) is kind
    assert words in str(error)
    assert str(error).endswith((".", "!", "?")) or "https://" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Sign in to the hotel's network</body></html>",
        b'{"error": {"code": 50',
        b"",
        b"[]",
        b'{"error": "text"}',
        b"\xff\xfe",
    ],
)
@pytest.mark.parametrize("status", [400, 403, 502])
def test_an_answer_that_the_service_has_not_written_may_pass(body: bytes, status: int):
    error = refusal(HOST, status, body, PROJECT)
    assert type(error) is TransientError
    assert HOST in str(error)


def test_a_proxy_that_wants_a_sign_in_is_named():
    error = refusal(HOST, 407, b"<html>", PROJECT)
    assert type(error) is SignInError
    assert "proxy" in str(error)


@pytest.mark.parametrize("secret", ["ya29.a0Ab_c-d", "Bearer abc.def", "1//0abc_def-g"])
def test_nothing_that_looks_like_a_token_is_shown(secret: str):
    for code in (400, 401, 403, 404, 429, 500):
        assert secret not in str(refused(code, f"Request with {secret} refused."))


def test_long_texts_are_cut_and_stand_in_one_line():
    text = str(refused(400, "long\nand " * 500))
    assert len(text) < 700
    assert "\n" not in text


@pytest.mark.parametrize("odd", [{"code": "x"}, {"code": None, "message": None}, {"errors": 5}, {"details": [3, {}]}])
def test_odd_errors_are_no_traceback(odd: dict[str, Any]):
    assert isinstance(refusal(HOST, 400, json.dumps({"error": odd}).encode(), PROJECT), BadRequestError)


def test_an_address_of_another_host_is_not_shown():
    error = refused(403, "x", details=info("SERVICE_DISABLED", activationUrl="https://evil.example/x"))
    assert "evil.example" not in str(error)
