"""Requests and responses of the protocol: bodies and queries read with care, answers and errors written as JSON."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from ...core.grid import Grid
from ..errors import BadRequestError
from .graph import check_vocabulary, decode
from .vocabulary import VOCABULARY

Response = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""

JSON = "application/json"
HTTP_CODES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""HTTP codes of the service's status names (google.rpc.Code)."""

DISK_FULL_CODE = 507
"""HTTP's "insufficient storage": tells a full disk from a quota that is used up, both RESOURCE_EXHAUSTED."""

_TRANSFORM_KEYS = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")


@dataclass(frozen=True)
class Request:
    """One request, its body parsed."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: dict[str, Any]


def parsed(method: str, path: str, query: str, body: bytes, payload_bytes: int) -> Request:
    """The request; BadRequestError where its body is no JSON object or larger than ``payload_bytes``."""
    if len(body) > payload_bytes:
        raise BadRequestError(f"Request payload size exceeds the limit: {payload_bytes} bytes.")
    try:
        value = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        raise BadRequestError("The request's body is not JSON.") from None
    if not isinstance(value, dict):
        raise BadRequestError("The request's body is not a JSON object.")
    return Request(method, path, parse_qs(query), value)


def expression_of(body: dict[str, Any]) -> Any:
    """The expression of a request, refused here and now if it is malformed or outside the vocabulary."""
    expression = body.get("expression")
    check_vocabulary(decode(expression), VOCABULARY)
    return expression


def object_of(body: dict[str, Any], key: str) -> dict[str, Any]:
    """An object within a body, empty where it is left out or null."""
    value = body.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequestError(f"The request's {key} must be an object.")
    return value


def text_of(body: dict[str, Any], key: str, default: str = "") -> str:
    """A text within a body."""
    value = body.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise BadRequestError(f"The request's {key} must be a text.")
    return value


def texts_of(body: dict[str, Any], key: str) -> list[str]:
    """A list of texts within a body, empty where it is left out or null."""
    value = body.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRequestError(f"The request's {key} must be a list of texts.")
    return value


def query_text(request: Request, key: str) -> str:
    """A parameter of the query, empty where it is left out."""
    return request.query.get(key, [""])[0]


def query_number(request: Request, key: str, default: int) -> int:
    """A whole number of the query."""
    text = request.query.get(key, [str(default)])[0]
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise BadRequestError(f"{key} must be a whole number, not {text!r}.")
    return int(text)


def crs_of(value: Any) -> str:
    """The code of a coordinate system. ValueError where it is none."""
    if not isinstance(value, str) or not re.fullmatch(r"EPSG:\d{4,6}", value, re.ASCII):
        raise ValueError(f"{value!r} is not the EPSG code of a coordinate system")
    return value


def transform_of(described: Any) -> tuple[float, float, float, float, float, float]:
    """A transform in the service's form. ValueError, TypeError or AttributeError where it is none."""
    numbers = [float(described.get(key, 0)) for key in _TRANSFORM_KEYS]
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError("its transform is not finite")
    x_scale, x_shear, x0, y_shear, y_scale, y0 = numbers
    return (x_scale, x_shear, x0, y_shear, y_scale, y0)


def shape_of(described: Any) -> tuple[int, int]:
    """Rows and columns. ValueError, TypeError, KeyError or OverflowError where they are no numbers."""
    return int(described["height"]), int(described["width"])


def grid_of(described: dict[str, Any]) -> Grid:
    """The grid of a request in the service's form."""
    try:
        transform, shape = transform_of(described["affineTransform"]), shape_of(described["dimensions"])
        return Grid(crs_of(described["crsCode"]), transform, shape)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise bad_grid(error) from None


def bad_grid(error: Exception) -> BadRequestError:
    """The refusal of a grid, with the reason."""
    return BadRequestError(f"The request's grid cannot be used ({error}).")


def page_of(items: list[Any], request: Request, default_size: int) -> tuple[list[Any], dict[str, str]]:
    """The page of a list that a query asks for, and the token of the next one, if there is one, for the answer."""
    size = query_number(request, "pageSize", default_size) or default_size
    start = query_number(request, "pageToken", 0)
    rest = {"nextPageToken": str(start + size)} if start + size < len(items) else {}
    return items[start : start + size], rest


def answer_of(value: Any) -> Response:
    """A value as a response."""
    return 200, {"content-type": JSON}, json.dumps(value).encode()


def error_of(status: str, message: str, code: int | None = None, reason: str = "") -> Response:
    """An error as a response; ``reason`` is the short name that older calls of the service add."""
    code = HTTP_CODES.get(status, 500) if code is None else code
    described: dict[str, Any] = {"code": code, "message": message, "status": status}
    if reason:
        described["errors"] = [{"message": message, "domain": "usageLimits", "reason": reason}]
    return code, {"content-type": JSON}, json.dumps({"error": described}).encode()
