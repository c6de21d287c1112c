"""The simulated service in a process of its own, so that a run's time and memory are its own; spoken to by a pipe or
over HTTP on this computer."""

from __future__ import annotations

import json
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection as Pipe
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.run_loop import SLICE_S
from s2mask_qgis.web import transport
from s2mask_qgis.web.transport import Fetch, Request, Response

from .clock import THREADS_S, SimulatedClock
from .service import SimulatedService
from .troubles import chunks

FIGURES = "/figures"
_FORK = multiprocessing.get_context("fork")
Make = Callable[[Any], SimulatedService]
"""Makes the service that lives by a clock."""


@dataclass(frozen=True)
class Figures:
    """What a service has counted: exports that started, targets that have a result, results too many."""

    now_s: float
    started: int
    made: int
    made_twice: int
    requests: dict[str, int]
    problems: list[str]
    peak_active: dict[str, int]
    active: int
    assets: int
    asset_bytes: int
    drive_files: int
    drive_bytes: int


def figures(service: SimulatedService, now_s: float) -> Figures:
    """The figures of a service at this moment."""
    service.settle()
    return Figures(
        now_s=now_s,
        started=service.started_count,
        made=len(service.made),
        made_twice=sum(count - 1 for count in service.made.values()),
        requests=dict(service.requests),
        problems=service.problems[:20],
        peak_active=dict(service.tasks.peak_active),
        active=service.tasks.active["own"],
        assets=service.assets.count,
        asset_bytes=service.assets.size_bytes,
        drive_files=len(service.drive.files),
        drive_bytes=service.drive.size_bytes,
    )


class Beside:
    """The other end of the pipe; a jobs.clock.Clock as well, whose time is that of the service."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self._now_s = self._ask("advance", 0.0)
        self.waits = 0

    def fetch(self, request: Request) -> Response:
        """A web.transport.Fetch."""
        parts = urlsplit(request.url)
        (status, headers, body), self._now_s = self._ask(
            "answer", request.verb, parts.netloc, parts.path, parts.query, request.body or b""
        )
        return Response(status, headers, chunks(body))

    def now_s(self) -> float:
        """Seconds since 1970."""
        return self._now_s

    def wait(self, seconds: float, orders: Orders) -> None:
        """Let so much time pass; none once an order has come."""
        if orders.is_stopped():
            return
        self.waits += 1
        self._now_s = self._ask("advance", seconds)
        if seconds <= SLICE_S:  # calls on other threads are waited for: they need real time
            time.sleep(THREADS_S)

    def figures(self) -> Figures:
        """What the service has counted."""
        return self._ask("figures")

    def expect_at_most(self, active: int) -> None:
        """Tell the service how many tasks may be active."""
        self._ask("allow", active)

    def _ask(self, *question: Any) -> Any:
        with self._lock:
            self._pipe.send(question)
            return self._pipe.recv()


@contextmanager
def beside(make: Make) -> Iterator[Beside]:
    """A service on a simulated clock in another process, spoken to by a pipe."""
    here, there = _FORK.Pipe()
    process = _FORK.Process(target=_serve_pipe, args=(there, make), daemon=True)
    process.start()
    try:
        yield Beside(here)
    finally:
        here.close()
        process.terminate()
        process.join()


def _serve_pipe(pipe: Pipe, make: Make) -> None:
    clock = SimulatedClock()
    service = make(clock)
    while True:
        what, *rest = pipe.recv()
        if what == "answer":
            pipe.send((service.answer(*rest), clock.now_s()))
        elif what == "advance":
            clock.advance(*rest)
            pipe.send(clock.now_s())
        elif what == "allow":
            service.allowed = rest[0]
            pipe.send(None)
        else:
            pipe.send(figures(service, clock.now_s()))


class WallClock:
    """The time of this computer, as a service lives in it."""

    def now_s(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def advance(self, seconds: float) -> None:
        """Something takes so long."""
        time.sleep(seconds)


@contextmanager
def over_http(make: Make) -> Iterator[str]:
    """A service in real time in another process; gives its address on this computer."""
    here, there = _FORK.Pipe()
    process = _FORK.Process(target=_serve_http, args=(there, make), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


def loopback(address: str) -> Fetch:
    """A Fetch that sends everything to this address instead, with the standard library."""
    target = urlsplit(address)

    def send(request: Request) -> Response:
        parts = urlsplit(request.url)
        host = {"X-Original-Host": parts.netloc}
        url = parts._replace(scheme=target.scheme, netloc=target.netloc).geturl()
        return transport.fetch(replace(request, url=url, headers={**request.headers, **host}))

    return send


def figures_at(address: str) -> Figures:
    """What the service at an address has counted."""
    with urlopen(address + FIGURES) as reply:
        return Figures(**json.load(reply))


def _serve_http(pipe: Pipe, make: Make) -> None:
    clock = WallClock()
    service = make(clock)

    class Handler(BaseHTTPRequestHandler):
        """Hands requests to the service."""

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if parts.path == FIGURES:
                status, headers = 200, {"content-type": "application/json"}
                data = json.dumps(asdict(figures(service, clock.now_s()))).encode()
            else:
                host = self.headers.get("X-Original-Host", "")
                status, headers, data = service.answer(self.command, host, parts.path, parts.query, body)
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = do_PATCH = _answer  # noqa: N815

        def log_message(self, *_arguments: Any) -> None:
            """Nothing is printed."""

    class Server(ThreadingHTTPServer):
        """Does not mind clients that are killed."""

        def handle_error(self, *_arguments: Any) -> None:
            """The connection has gone."""

    server = Server(("127.0.0.1", 0), Handler)
    pipe.send(server.server_address[1])
    server.serve_forever()
