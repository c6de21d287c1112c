"""What campaigns measure of a run's own process: its memory, and the requests that it makes."""

from __future__ import annotations

import os
from pathlib import Path

from s2mask_qgis.web.transport import Fetch, Request, Response


def memory_mb() -> float:
    """Memory that this process holds, MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Counting:
    """Counts requests; ``pages`` are those that each look at the operations took."""

    def __init__(self) -> None:
        self.requests = 0
        self.pages: list[int] = []

    def fetch(self, fetch: Fetch) -> Fetch:
        """The same Fetch, counted."""

        def send(request: Request) -> Response:
            self.requests += 1
            if request.verb == "GET" and "/operations" in request.url:
                if "pageToken" in request.url or not request.url.partition("/operations")[2].startswith("?"):
                    self.pages[-1] += 1  # a further page, or an operation that is asked for by itself
                else:
                    self.pages.append(1)
            return fetch(request)

        return send
