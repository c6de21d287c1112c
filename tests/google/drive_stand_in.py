"""Stand-ins on 127.0.0.1 of the calls used of Google Drive v3, Cloud Storage's JSON API and Earth Engine's assets."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

FOLDER_TYPE = "application/vnd.google-apps.folder"


@dataclass
class Answer:
    """What a stand-in answers; ``cut`` breaks the connection after so many bytes of the body."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    is_lost: bool = False


@dataclass
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body) if self.body else {}


def json_answer(value: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def refused(status: int, reason: str, message: str = "no") -> Answer:
    """A refusal as Drive writes it."""
    return json_answer({"error": {"code": status, "message": message, "errors": [{"reason": reason}]}}, status)


Change = Callable[[Answer], Answer]


class StandIn:
    """A server; ``faults`` maps the number of a request (from 0) to a change of its answer."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.faults: dict[int, Change] = {}
        self.always: Callable[[Asked, Answer], Answer] = lambda _asked, answer: answer
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._serve(self)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_arguments) -> None:
                """Nothing is logged."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, asked: Asked) -> Answer:
        raise NotImplementedError

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        length = int(handler.headers.get("Content-Length", 0))
        body = handler.rfile.read(length)
        if len(body) < length:  # whoever asked was killed on the way
            return
        headers = {name.lower(): value for name, value in handler.headers.items()}
        asked = Asked(handler.command, unquote(parts.path), query, headers, body)
        with self.lock:
            number = len(self.asked)
            self.asked.append(asked)
            answer = self.always(asked, self.answer(asked))
            answer = self.faults.get(number, lambda same: same)(answer)
        handler.close_connection = True
        with suppress(ConnectionError):  # whoever asked has had enough
            if not answer.is_lost:
                self._send(handler, answer)

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        handler.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), "Connection": "close", **answer.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(answer.body[: answer.cut])


def part_of(asked: Asked, content: bytes) -> Answer:
    """A file, or its part from where the range begins."""
    span = asked.headers.get("range", "")
    if not span:
        return Answer(200, content)
    first = int(span.removeprefix("bytes=").rstrip("-"))
    if first >= len(content):
        return Answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
    return Answer(206, content[first:], {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"})


class DriveStandIn(StandIn):
    """Drive: folders and files, listed by pages of ``page``; it understands the queries that are sent, no others."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[dict] = []
        self.contents: dict[str, bytes] = {}
        self.page = 1000
        self.free_bytes: int | None = 10**12

    def folder(self, name: str) -> str:
        return self._add({"name": name, "mimeType": FOLDER_TYPE})

    def add(self, folder: str, name: str, content: bytes, created: str = "", **entry) -> str:
        described = {"name": name, "mimeType": "image/tiff", "parents": [folder], "size": str(len(content))}
        described |= {"md5Checksum": hashlib.md5(content).hexdigest()} | ({"createdTime": created} if created else {})
        key = self._add(described | entry)
        self.contents[key] = content
        return key

    def _add(self, entry: dict) -> str:
        number = len(self.entries)
        made = f"2026-01-01T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000Z"
        self.entries.append({"id": f"id-{number}", "createdTime": made, "trashed": False} | entry)
        return f"id-{number}"

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/drive/v3/about":
            quota = {"usage": "0"} | ({} if self.free_bytes is None else {"limit": str(self.free_bytes)})
            return json_answer({"user": {"emailAddress": "ann@example.org"}, "storageQuota": quota})
        if asked.path == "/drive/v3/files":
            return self._listing(asked.query)
        key = asked.path.removeprefix("/drive/v3/files/")
        if key not in self.contents or asked.query.get("alt") != "media":
            return refused(404, "notFound", "File not found")
        return part_of(asked, self.contents[key])

    def _listing(self, query: dict[str, str]) -> Answer:
        found = [entry for entry in self.entries if _fits(query["q"], entry)]
        first = int(query.get("pageToken", 0))
        fields = re.search(r"files\(([^)]*)\)", query["fields"])[1].split(",")
        shown = [{name: one[name] for name in fields if name in one} for one in found[first : first + self.page]]
        more = {"nextPageToken": str(first + self.page)} if first + self.page < len(found) else {}
        return json_answer({"files": shown, "incompleteSearch": False, **more})


def _fits(query: str, entry: dict) -> bool:
    """Whether an entry fits a query of the three forms that are used, joined by "and"."""
    for term in query.split(" and "):
        text = re.sub(r"\\(.)", r"\1", (re.search(r"'(.*)'", term) or ["", ""])[1])
        if term.endswith(" in parents"):
            fits = text in entry.get("parents", ())
        elif term.startswith("mimeType = "):
            fits = entry["mimeType"] == text
        elif term.startswith("name = "):
            fits = entry["name"].lower() == text.lower()
        elif term == "trashed = false":
            fits = not entry["trashed"]
        else:
            raise ValueError(term)
        if not fits:
            return False
    return True


class StorageStandIn(StandIn):
    """Cloud Storage: resumable uploads into any bucket, and what is known of objects."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.sessions: dict[str, tuple[str, bytearray]] = {}
        self.damage = 0

    def answer(self, asked: Asked) -> Answer:
        if asked.path.startswith("/upload/storage/v1/b/"):
            bucket = asked.path.split("/")[5]
            key = f"{bucket}/{asked.query['name']}"
            session = f"/session/{len(self.sessions)}"
            self.sessions[session] = (key, bytearray())
            return Answer(200, b"", {"Location": self.url + session})
        if asked.path in self.sessions:
            return self._receive(asked)
        if asked.path.startswith("/storage/v1/b/"):
            _, _, _, _, bucket, _, key = asked.path.split("/", 6)
            return self._described(f"{bucket}/{key}")
        return Answer(404)

    def _receive(self, asked: Asked) -> Answer:
        key, received = self.sessions[asked.path]
        found = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)", asked.headers["content-range"])
        total = int(found[3])
        if found[1] is not None:
            first = int(found[1])
            if first > len(received):
                return Answer(400, b"a gap")
            received[first:] = asked.body
        if len(received) < total:
            return Answer(308, b"", {"Range": f"bytes=0-{len(received) - 1}"} if received else {})
        content = bytes(received)
        if self.damage:
            self.damage -= 1
            content = content[:-1] + b"?"
        self.objects[key] = content
        return self._described(key)

    def _described(self, key: str) -> Answer:
        if key not in self.objects:
            return refused(404, "notFound", "No such object")
        content = self.objects[key]
        return json_answer({"md5Hash": base64.b64encode(hashlib.md5(content).digest()).decode(), "size": len(content)})


class EarthEngineStandIn(StandIn):
    """Assets and imports: a tree of descriptions by name, listed by pages of ``page``; imports end when they are
    looked at ``looks`` times."""

    def __init__(self) -> None:
        super().__init__()
        self.assets: dict[str, dict] = {"projects/p/assets": {"type": "FOLDER"}}
        self.page = 1000
        self.running: dict[str, dict] = {}
        self.requests: dict[str, str] = {}
        self.looks = 1
        self.imported: list[str] = []
        self.error = ""

    def add(self, name: str, kind: str = "IMAGE", **described) -> str:
        self.assets[name] = {"type": kind, **described}
        return name

    def answer(self, asked: Asked) -> Answer:
        path = asked.path.removeprefix("/v1/")
        if path.endswith(":listAssets"):
            return self._listing(path.removesuffix(":listAssets"), asked.query)
        if path.endswith("/image:import"):
            return self._import(asked.json)
        if path.endswith("/image:importExternal"):
            return self._make(asked.json["imageManifest"])
        if path.endswith("/operations"):
            return self._operations()
        if asked.method == "POST" and path.endswith("/assets"):
            name = f"{path}/{asked.query['assetId']}"
            self.assets[name] = asked.json
            return json_answer({"name": name, **asked.json})
        if path not in self.assets:
            return json_answer({"error": {"code": 404, "message": "Asset not found", "status": "NOT_FOUND"}}, 404)
        if asked.method == "DELETE":
            del self.assets[path]
            return json_answer({})
        return json_answer({"name": path, **self.assets[path]})

    def _listing(self, parent: str, query: dict[str, str]) -> Answer:
        if parent not in self.assets:
            return json_answer({"error": {"code": 404, "message": "Asset not found", "status": "NOT_FOUND"}}, 404)
        names = sorted(name for name in self.assets if name.rpartition("/")[0] == parent)
        first = int(query.get("pageToken", 0))
        shown = [{"name": name, **self.assets[name]} for name in names[first : first + self.page]]
        more = {"nextPageToken": str(first + self.page)} if first + self.page < len(names) else {}
        return json_answer({"assets": shown, **more})

    def _import(self, request: dict) -> Answer:
        key = request["requestId"]
        if key not in self.requests:
            self.requests[key] = f"projects/p/operations/{len(self.requests)}"
            self.running[self.requests[key]] = {"manifest": request["imageManifest"], "looks": 0}
        return json_answer({"name": self.requests[key]})

    def _operations(self) -> Answer:
        listed = []
        for name, one in self.running.items():
            one["looks"] += 1
            is_done = one["looks"] >= self.looks
            if is_done and not self.error and one["manifest"]["name"] not in self.assets:
                self._make(one["manifest"])
            state = ("FAILED" if self.error else "SUCCEEDED") if is_done else "RUNNING"
            error = {"error": {"code": 3, "message": self.error}} if is_done and self.error else {}
            listed.append({"name": name, "done": is_done, "metadata": {"state": state}, **error})
        return json_answer({"operations": listed})

    def _make(self, manifest: dict) -> Answer:
        name = manifest["name"]
        self.imported.append(name)
        self.assets[name] = {"type": "IMAGE", **{key: manifest[key] for key in manifest if key != "name"}}
        return json_answer({"name": name})
