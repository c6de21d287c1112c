"""Receives the browser's answer to a sign-in: a web server for one answer, on this computer alone."""

from __future__ import annotations

import hmac
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..engines.errors import CancelledError, SignInError

ADDRESS = "127.0.0.1"
SLICE_S = 0.1
"""How long a wait goes on before it looks whether to stop."""
SILENCE_S = 10.0
"""A browser that connects and says nothing (they do, ahead of time) is given up after so long."""
PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>S2 Mask</title></head>
<body style="font-family: sans-serif; margin: 3em"><p>{}</p></body></html>"""
RECEIVED = "The answer has arrived. Close this page and go back to QGIS."
REFUSED = "Earth Engine was not allowed. Close this page and go back to QGIS."
UNKNOWN = "This answer belongs to no sign-in that QGIS waits for."


class Redirect:
    """The receiver of one answer; made by :func:`receiver`."""

    def __init__(self, state: str) -> None:
        self._answers: queue.Queue[dict[str, str]] = queue.Queue()
        self._server = _Server((ADDRESS, 0), _Handler)
        self._server.receive = self._receive
        self._state = state

    @property
    def url(self) -> str:
        """Where the browser is to be sent back to, in the form that the client registers with Google."""
        return f"http://localhost:{self._server.server_port}"

    def code(self, is_cancelled: Callable[[], bool], timeout_s: float) -> str:
        """The code that the browser brings.

        Raises SignInError where the user refuses or nothing comes within ``timeout_s``, CancelledError.
        """
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            if is_cancelled():
                raise CancelledError("Stopped.")
            try:
                answer = self._answers.get(timeout=SLICE_S)
            except queue.Empty:
                continue
            if "code" in answer:
                return answer["code"]
            raise SignInError(_refusal(answer.get("error", "")))
        raise SignInError(
            f"The browser brought no answer within {timeout_s / 60:.0f} minutes. Sign in again. Where the page said "
            "that the program is blocked, sign in without Drive and Cloud Storage, or use a service account's key."
        )

    def _receive(self, path: str) -> tuple[HTTPStatus, str]:
        """Take the answer in the address that the browser asks for; what to show for it."""
        parts = urlsplit(path)
        values = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path not in ("", "/"):
            return HTTPStatus.NOT_FOUND, UNKNOWN
        if not hmac.compare_digest(values.get("state", "").encode(), self._state.encode()):
            return HTTPStatus.BAD_REQUEST, UNKNOWN  # anybody may knock: the wait goes on
        if "code" not in values and "error" not in values:
            return HTTPStatus.BAD_REQUEST, UNKNOWN
        self._answers.put(values)
        return HTTPStatus.OK, RECEIVED if "code" in values else REFUSED


@contextmanager
def receiver(state: str) -> Iterator[Redirect]:
    """A receiver of answers that bring ``state`` along; it listens within the block only."""
    redirect = Redirect(state)
    server = redirect._server
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": SLICE_S}, daemon=True)
    thread.start()
    try:
        yield redirect
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a silent browser must not hold the sign-in up
    receive: Callable[[str], tuple[HTTPStatus, str]]


class _Handler(BaseHTTPRequestHandler):
    timeout = SILENCE_S
    server: _Server

    def do_GET(self) -> None:
        """Answer the browser."""
        status, text = self.server.receive(self.path)
        page = PAGE.format(text).encode()
        self.send_response(status)
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(page)), "Connection": "close"}
        for name, value in {**headers, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_arguments: Any) -> None:
        """Nothing is logged: the address holds the code."""


def _refusal(error: str) -> str:
    if error == "access_denied":
        return "Access to Earth Engine was not allowed in the browser. Sign in again and allow it."
    told = f" ({error})" if error.isascii() and error.replace("_", "").isalpha() and len(error) <= 40 else ""
    return f"Google refused the sign-in{told}. Sign in again, or use a service account's key."
