"""One request over HTTP as plain values, and the standard library's way to send it; QGIS brings another one."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from ..engines.errors import BadRequestError, TransientError

TIMEOUT_S = 60.0
"""A connection that brings nothing for so long counts as broken."""
CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class Request:
    """What is asked for: a GET, or a POST where there is a body, unless ``method`` says otherwise.

    ``timeout_s`` is how long a server may stay silent, None for the usual time. Headers may hold secrets, so they are
    not shown.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    method: str = ""
    timeout_s: float | None = None

    @property
    def verb(self) -> str:
        """The method of HTTP that the request is sent with."""
        return self.method or ("GET" if self.body is None else "POST")

    @property
    def host(self) -> str:
        """The host and port that the request goes to."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True)
class Response:
    """What came back: the status, the headers under lower-case names, and the body in chunks.

    Chunks are read as they are asked for and raise TransientError where the connection breaks; ``close`` ends the
    connection.
    """

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    close: Callable[[], None] = lambda: None


Fetch = Callable[[Request], Response]
"""Sends one request and follows no redirection. Any status is an answer; TransientError where there is none."""


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    """Leaves redirections to the session, which knows what must not be sent to another host."""

    def redirect_request(self, *_arguments: Any) -> None:
        """No request follows."""


def fetch(request: Request) -> Response:
    """Send a request with the standard library; proxies are those of the environment."""
    require_web(request.url)
    opener = urllib.request.build_opener(_NoRedirection)
    sent = urllib.request.Request(request.url, data=request.body, headers=dict(request.headers), method=request.verb)
    try:
        reply = opener.open(sent, timeout=TIMEOUT_S if request.timeout_s is None else request.timeout_s)
    except urllib.error.HTTPError as error:
        reply = error
    except (OSError, HTTPException) as error:
        raise no_answer(request, error) from error
    headers = {name.lower(): value for name, value in reply.headers.items()}
    return Response(reply.status, headers, _chunks(reply, request), reply.close)


def require_web(url: str) -> None:
    """Refuse anything but HTTP, a local file above all; BadRequestError, whose text leaves out what may be secret."""
    scheme = urlsplit(url).scheme
    if scheme not in ("http", "https"):
        raise BadRequestError(f"An address of the kind “{scheme}:” is not one of the web. Nothing was asked of it.")


def no_answer(request: Request, reason: object) -> TransientError:
    """The error of a request without an answer; it names the host and no more, since addresses may hold secrets."""
    return TransientError(f"{request.host} does not answer ({reason}). Check the connection, and try again later.")


def broken(request: Request, reason: object) -> TransientError:
    """The error of an answer that ended too early."""
    return TransientError(f"The connection to {request.host} broke ({reason}). Try again later.")


def _chunks(reply: HTTPResponse | urllib.error.HTTPError, request: Request) -> Iterator[bytes]:
    try:
        while chunk := reply.read(CHUNK_BYTES):
            yield chunk
    except (OSError, HTTPException) as error:
        raise broken(request, type(error).__name__) from error
