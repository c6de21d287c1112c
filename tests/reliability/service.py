"""A simulated Earth Engine: the REST calls that runs make, answered in simulated time within the service's limits.

It is built from the public documentation and the client, and stands in for the service where nobody can reach it.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from s2mask_qgis.engines.limits import ServiceLimits
from s2mask_qgis.engines.local import pixel_requests
from s2mask_qgis.engines.local.discovery import document
from s2mask_qgis.engines.local.graph import Call, Constant, decode
from s2mask_qgis.engines.local.messages import JSON, error_of
from s2mask_qgis.engines.local.vocabulary import signatures
from s2mask_qgis.web.transport import Request, Response, broken, no_answer

from .computing import Archive
from .storage import AssetTree, Drive, RefusedError
from .tasks import FOREIGN, OWN, Burst, Fate, Task, TaskQueue, described
from .troubles import Answer, BrokenError, Troubles, chunks

PROJECT = "reliability-runs"
PUBLIC = "projects/earthengine-public/assets/"
TOKEN_HOST = "oauth2.googleapis.com"
TIME_OUT_S = 60.0
MOST_ROWS = 1000
ON_THE_WAY_S = 1.0
"""A request that was decided on before the tasks were listed may come so much later."""
_P = f"/v1/projects/{PROJECT}"
TOO_MANY = "Too Many Requests: Request was rejected because the request rate or concurrency limit was exceeded."


def steady(seconds: float) -> Callable[[str], float]:
    """All exports take as long."""
    return lambda description: seconds


def varied(seconds: float) -> Callable[[str], float]:
    """Exports take from half to one and a half as long, by what they are called."""
    return lambda description: seconds * (0.5 + sum(description.encode()) % 101 / 100)


@dataclass(frozen=True)
class Behaviour:
    """How the service behaves where its documentation leaves room, or a user's account differs.

    ``duration_s`` is how long an export runs, by its description; each request takes ``latency_s``;
    ``refuses_repeats`` answers a request id that it knows with an error instead of the operation it started; new
    ones are listed after ``lists_after_s``;
    ``image_bytes`` is the size of each result, ``drive_bytes`` the room in the user's Drive; ``keeps_started`` tells
    whether every export is written down or only counted.
    """

    limits: ServiceLimits = field(default_factory=ServiceLimits)
    duration_s: Callable[[str], float] = field(default_factory=lambda: steady(600.0))
    latency_s: float = 0.0
    requests_per_second: int | None = None
    refuses_repeats: bool = False
    lists_after_s: float = 0.0
    image_bytes: int = 3_000_000
    drive_bytes: int | None = None
    keeps_started: bool = True


@dataclass(frozen=True)
class Started:
    """An export that really started."""

    request_id: str
    operation: str
    description: str
    target: str
    at_s: float


class ServiceClock(Protocol):
    """The time that a service lives in."""

    def now_s(self) -> float:
        """Seconds since 1970."""

    def advance(self, seconds: float) -> None:
        """Something takes so long."""


class SimulatedService:
    """One project at the service; ``fetch`` is a web.transport.Fetch, ``handle`` answers one request.

    ``started`` lists every export that began (``started_count`` of them), ``made`` counts the results that each
    target got, ``problems`` what must never happen: a second export of a target of which one is active or done, or
    more active than ``allowed``.
    """

    def __init__(
        self,
        clock: ServiceClock,
        behaviour: Behaviour | None = None,
        archive: Archive | None = None,
        troubles: Troubles | None = None,
        bursts: list[Burst] | None = None,
    ) -> None:
        self.started: list[Started] = []
        self.started_count = 0
        self.made: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.problems: list[str] = []
        self.allowed: int | None = None
        self.troubles = troubles or Troubles()
        self.behaviour = behaviour or Behaviour()
        self.assets = AssetTree(PROJECT, self.behaviour.limits)
        self.drive = Drive(self.behaviour.drive_bytes)
        self.tasks = TaskQueue(PROJECT, self.behaviour.limits.running_operations, self._store, self._ended)
        self.tasks.expect(bursts or [])
        self._clock = clock
        self._archive = archive or Archive()
        self._looks: deque[tuple[float, int]] = deque(maxlen=2)
        self._lock = threading.RLock()
        self._alive: Counter[str] = Counter()
        self._tables: dict[str, list[Any]] = {}
        self._recent: deque[float] = deque()
        self._routes = [(verb, re.compile(pattern), name, answer) for verb, pattern, name, answer in self._calls()]

    def _calls(self) -> list[tuple[str, str, str, Callable[..., Answer]]]:
        operation, asset = rf"(projects/{PROJECT}/operations/\w+)", r"(projects/[\w-]+/assets/?[^:]*)"
        return [
            ("GET", r"/\$discovery/rest", "discovery", lambda request: _json(document("http://simulated"))),
            ("GET", rf"{_P}/algorithms", "algorithms", lambda request: _json({"algorithms": signatures()})),
            ("GET", rf"{_P}/config", "config", self._config),
            ("POST", rf"{_P}/value:compute", "value", self._value),
            ("POST", rf"{_P}/table:computeFeatures", "features", self._features),
            ("POST", rf"{_P}/image:computePixels", "pixels", self._pixels),
            ("POST", rf"{_P}/image:export", "export", self._export),
            ("GET", rf"{_P}/operations", "operations", self._list_operations),
            ("POST", rf"/v1/{operation}:cancel", "cancel", self._cancel),
            ("GET", rf"/v1/{operation}", "operation", self._operation),
            ("POST", rf"{_P}/assets", "create asset", self._create),
            ("GET", rf"/v1/{asset}:listAssets", "list assets", self._list_assets),
            ("GET", rf"/v1/{asset}", "asset", self._asset),
            ("DELETE", rf"/v1/{asset}", "delete asset", self._delete),
        ]

    def fetch(self, request: Request) -> Response:
        """Answer one request as a connection would; TransientError where it breaks."""
        parts = urlsplit(request.url)
        try:
            status, headers, body = self.answer(
                request.verb, parts.netloc, parts.path, parts.query, request.body or b""
            )
        except BrokenError as error:
            status, headers, body = error.answer
            return Response(status, headers, chunks(body, broken(request, "reset")))
        except TimeoutError as error:
            self._clock.advance(request.timeout_s or TIME_OUT_S)
            raise no_answer(request, error) from None
        except OSError as error:
            raise no_answer(request, error) from None
        return Response(status, headers, chunks(body))

    def answer(self, verb: str, host: str, path: str, query: str, body: bytes) -> Answer:
        """Answer one request, or do what trouble is planned for it; OSError, BrokenError."""
        with self._lock:
            if host == TOKEN_HOST:
                self.requests["token"] += 1
                return self.troubles.token(lambda: _json({"access_token": "renewed", "expires_in": 10**9}))
            self._clock.advance(self.behaviour.latency_s)
            return self.troubles.answer(f"{verb} {path}", lambda: self.handle(verb, path, query, body))

    def handle(self, verb: str, path: str, query: str, body: bytes) -> Answer:
        """Answer one request; errors become the service's error messages."""
        with self._lock:
            now_s = self._clock.now_s()
            self.tasks.settle(now_s)
            try:
                self._check_rate(now_s)
                answer, name, groups = self._route(verb, unquote(path))
                self.requests[name] += 1
                return answer(_Asked(query, body, now_s, self.behaviour.limits), *groups)
            except RefusedError as error:
                return error_of(error.status, error.message, reason=error.reason)

    def settle(self) -> None:
        """Bring the tasks to this moment, without a request."""
        with self._lock:
            self.tasks.settle(self._clock.now_s())

    def _check_rate(self, now_s: float) -> None:
        most = self.behaviour.requests_per_second
        if most is None:
            return
        while self._recent and self._recent[0] <= now_s - 1.0:
            self._recent.popleft()
        if len(self._recent) >= most:
            self.requests["too many"] += 1
            raise RefusedError("RESOURCE_EXHAUSTED", TOO_MANY)
        self._recent.append(now_s)

    def _route(self, verb: str, path: str) -> tuple[Callable[..., Answer], str, tuple[str, ...]]:
        for wanted, pattern, name, answer in self._routes:
            match = pattern.fullmatch(path)
            if wanted == verb and match is not None:
                return answer, name, match.groups()
        raise RefusedError("NOT_FOUND", f"{verb} {path[:200]}: the simulated service has no such call.")

    def _config(self, asked: _Asked) -> Answer:
        limit = self.behaviour.limits.running_operations
        return _json({"name": f"projects/{PROJECT}/config", "maxConcurrentExports": limit})

    def _value(self, asked: _Asked) -> Answer:
        return 200, {"content-type": JSON}, self._archive.value(asked.body["expression"])

    def _features(self, asked: _Asked) -> Answer:
        token = asked.body.get("pageToken", "")
        if token and token not in self._tables:
            raise RefusedError("INVALID_ARGUMENT", "The page token is not known.")
        rows = self._tables.pop(token) if token else self._archive.features(asked.body["expression"])
        size = min(int(asked.body.get("pageSize", MOST_ROWS)), MOST_ROWS)
        page: dict[str, Any] = {"type": "FeatureCollection", "features": rows[:size]}
        if rows[size:]:
            page["nextPageToken"] = f"table-{sum(self.requests.values())}"
            self._tables[page["nextPageToken"]] = rows[size:]
        return _json(page)

    def _pixels(self, asked: _Asked) -> Answer:
        content_type, data = self._archive.pixels(pixel_requests.compute_order(asked.body, self.behaviour.limits))
        return 200, {"content-type": content_type}, data

    def _export(self, asked: _Asked) -> Answer:
        """Start an export; a request id that is known starts none."""
        body = asked.body
        request_id = str(body.get("requestId", ""))
        known = self.tasks.of_request(request_id) if request_id else None
        if known is not None and self.behaviour.refuses_repeats:
            raise RefusedError("INVALID_ARGUMENT", f"A task with the request id '{request_id}' already exists.")
        if known is not None:
            return 200, {"content-type": JSON}, described(known, asked.now_s)
        pending = self.behaviour.limits.pending_operations
        if self.tasks.pending >= pending:
            raise RefusedError(
                "RESOURCE_EXHAUSTED",
                f"Too many tasks already in the queue ({pending}). Please wait for some of them to complete.",
            )
        target, content = self._target(body)
        description = str(body.get("description", ""))
        fate = self.troubles.fate(Fate(self.behaviour.duration_s(description)), description)
        if self._alive[target]:
            self.problems.append(f"{target} was sent while an export of it is active")
        if self.made[target]:
            self.problems.append(f"{target} was sent though it is there")
        self._alive[target] += 1
        task = self.tasks.add(request_id, description, OWN, fate, content, asked.now_s, target)
        self._check_active(description)
        self.started_count += 1
        if self.behaviour.keeps_started:
            self.started.append(Started(request_id, task.name, description, target, asked.now_s))
        return 200, {"content-type": JSON}, described(task, asked.now_s)

    def _target(self, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Where an export goes, and what is to be kept of it."""
        if "assetExportOptions" in body:
            destination = body["assetExportOptions"]["earthEngineDestination"]
            name = str(destination["name"])
            self.assets.check_target(name, bool(destination.get("overwrite")))
            self.assets.check_room()
            return name, {"asset": name, "properties": _properties(body["expression"])}
        destination = body["fileExportOptions"]["driveDestination"]
        folder, prefix = str(destination["folder"]), str(destination["filenamePrefix"])
        return f"drive:{folder}/{prefix}", {"folder": folder, "file": prefix}

    def _check_active(self, description: str) -> None:
        """Write down when more tasks are active than the run may make it: those of others as they were last listed."""
        active, others = self.tasks.active[OWN], self._others_known()
        if self.allowed is not None and active + others > self.allowed:
            self.problems.append(f"{active} tasks of the run and {others} others active after {description} was sent")

    def _others_known(self) -> int:
        """The tasks of others as the run knows them: as last listed or, for requests that may have been on their way
        just then, as listed before."""
        if len(self._looks) == 2 and self._looks[1][0] > self._clock.now_s() - ON_THE_WAY_S:
            return min(others for _, others in self._looks)
        return self._looks[-1][1] if self._looks else 0

    def _ended(self, task: Task) -> None:
        if task.owner == OWN:
            self._alive[task.target] -= 1
            if not self._alive[task.target]:
                del self._alive[task.target]

    def _store(self, task: Task) -> tuple[int, str] | None:
        """Keep the result of a task; code and text where that fails."""
        content = task.content
        if task.owner != OWN:
            return None
        if "asset" in content:
            size, properties = self.behaviour.image_bytes, content["properties"]
            try:
                self.assets.put(content["asset"], "IMAGE", properties, size, task.ended_s or 0.0)
            except RefusedError as error:
                return 8, error.message
        else:
            failure = self.drive.put(content["folder"], content["file"], self.behaviour.image_bytes)
            if failure is not None:
                return failure
        self.made[task.target] += 1
        return None

    def _list_operations(self, asked: _Asked) -> Answer:
        token = asked.text("pageToken")
        if not token:
            self._looks.append((asked.now_s, self.tasks.active[FOREIGN]))
        size, until_s = min(asked.number("pageSize", 100), MOST_ROWS), asked.now_s - self.behaviour.lists_after_s
        tasks, before = self.tasks.page(int(token) if token else None, size, until_s)
        listed = b",".join(described(task, asked.now_s) for task in tasks)
        rest = b',"nextPageToken":"%d"' % before if before is not None else b""
        return 200, {"content-type": JSON}, b'{"operations":[' + listed + b"]" + rest + b"}"

    def _found(self, name: str) -> Task:
        task = self.tasks.find(name)
        if task is None:
            raise RefusedError("NOT_FOUND", f"Operation '{name}' not found.")
        return task

    def _operation(self, asked: _Asked, name: str) -> Answer:
        return 200, {"content-type": JSON}, described(self._found(name), asked.now_s)

    def _cancel(self, asked: _Asked, name: str) -> Answer:
        self.tasks.cancel(self._found(name), asked.now_s)
        return _json({})

    def _create(self, asked: _Asked) -> Answer:
        name = f"{self.assets.root}/{asked.text('assetId')}"
        kind, properties = str(asked.body.get("type", "FOLDER")), asked.body.get("properties") or {}
        return _json(self.assets.described(self.assets.create(name, kind, properties, asked.now_s)))

    def _list_assets(self, asked: _Asked, name: str) -> Answer:
        token = asked.text("pageToken")
        found, rest = self.assets.page(name, int(token or 0), asked.number("pageSize", MOST_ROWS) or MOST_ROWS)
        answer: dict[str, Any] = {"assets": [self.assets.described(asset) for asset in found]}
        return _json(answer | ({"nextPageToken": str(rest)} if rest is not None else {}))

    def _asset(self, asked: _Asked, name: str) -> Answer:
        if name.startswith(PUBLIC):
            return 200, {"content-type": JSON}, self._archive.described(name.removeprefix(PUBLIC))
        return _json(self.assets.described(self.assets.find(name)))

    def _delete(self, asked: _Asked, name: str) -> Answer:
        self.assets.delete(name)
        return _json({})


class _Asked:
    """One request as the calls read it."""

    def __init__(self, query: str, body: bytes, now_s: float, limits: ServiceLimits) -> None:
        if len(body) > limits.payload_bytes:
            raise RefusedError("INVALID_ARGUMENT", f"Request payload size exceeds the limit: {limits.payload_bytes}.")
        self.now_s = now_s
        self.body: dict[str, Any] = json.loads(body) if body else {}
        self._query = parse_qs(query)

    def text(self, key: str) -> str:
        """A parameter of the query, empty where it is left out."""
        return self._query.get(key, [""])[0]

    def number(self, key: str, default: int) -> int:
        """A whole number of the query."""
        return int(self.text(key) or default)


def _json(value: Any) -> Answer:
    return 200, {"content-type": JSON}, json.dumps(value).encode()


def _properties(expression: Any) -> dict[str, Any]:
    """The properties that an expression sets on its image, the last first."""
    node, found = decode(expression), {}
    while isinstance(node, Call) and node.function == "Element.set":
        key, value = node.arguments["key"], node.arguments["value"]
        if isinstance(key, Constant) and isinstance(value, Constant):
            found.setdefault(key.value, value.value)
        node = node.arguments["object"]
    return found
