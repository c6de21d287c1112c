"""A service of map tiles on 127.0.0.1 whose addresses expire, for tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from qgis.PyQt.QtCore import QBuffer, QIODevice
from qgis.PyQt.QtGui import QColor, QImage


@dataclass
class TileService:
    """Maps by name: each tile of one is a square of its colour; a map that is not there any more has ``gone``."""

    port: int = 0
    colours: dict[str, str] = field(default_factory=dict)
    gone: int = 404
    asked: list[str] = field(default_factory=list)

    def publish(self, name: str, colour: str) -> str:
        """A new map; returns the address of its tiles."""
        self.colours[name] = colour
        return f"http://127.0.0.1:{self.port}/v1/projects/p/maps/{name}/tiles/{{z}}/{{x}}/{{y}}"

    def expire(self) -> None:
        """Forget all maps."""
        self.colours.clear()

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and picture of one request."""
        self.asked.append(path)
        name = path.split("/")[5]
        if name not in self.colours:
            return self.gone, b"gone"
        return 200, png(self.colours[name])


def png(colour: str) -> bytes:
    image = QImage(256, 256, QImage.Format.Format_ARGB32)
    image.fill(QColor(colour))
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data())


@contextmanager
def serving() -> Iterator[TileService]:
    """The service while it runs."""
    service = TileService()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = service.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
