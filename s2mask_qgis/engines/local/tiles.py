"""The loopback adapter: map tiles over HTTP for QGIS, from this computer to this computer only."""

from __future__ import annotations

import hmac
import re
import secrets
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ..errors import StorageError
from .messages import Response

HOST = "127.0.0.1"
IDLE_SECONDS = 30.0
"""A connection that sends nothing for so long is closed."""

_PATH = re.compile(r"/([\w-]{8,128})(/v1/projects/[\w-]+/maps/[\w-]+/tiles/\d{1,2}/\d{1,9}/\d{1,9})", re.ASCII)


class TileServer:
    """Serves map tiles at a random port of the loopback interface, below a token that cannot be guessed.

    ``answer`` gets the path of a tile (/v1/projects/P/maps/M/tiles/Z/X/Y) and gives the response. Every other request
    gets 404. StorageError where no port can be had.
    """

    def __init__(self, answer: Callable[[str], Response]) -> None:
        self._token = secrets.token_urlsafe(32)
        try:
            self._server = _Server((HOST, 0), _handler(self._token, answer))
        except OSError as error:
            raise StorageError(f"Map tiles cannot be served on this computer ({error.strerror}).") from None
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that the system gave."""
        return int(self._server.server_address[1])

    def template(self, map_name: str) -> str:
        """The address of a map's tiles, with {z}, {x} and {y} to be filled in."""
        return f"http://{HOST}:{self.port}/{self._token}/v1/{map_name}/tiles/{{z}}/{{x}}/{{y}}"

    def close(self) -> None:
        """Stop serving and give the port back."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A map that has moved on drops its connections: that is nothing to report."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _handler(token: str, answer: Callable[[str], Response]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = IDLE_SECONDS
        server_version = "tiles"
        sys_version = ""

        def do_GET(self) -> None:
            match = _PATH.fullmatch(self.path)
            # compare_digest takes as long for a nearly right token as for a wrong one.
            if match is None or not hmac.compare_digest(match[1].encode(), token.encode()):
                self._send(404, {}, b"")
                return
            self._send(*answer(match[2]))

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Requests are not logged: their addresses hold the token."""

    return Handler
