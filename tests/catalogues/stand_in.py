"""Stand-ins of the two catalogues on 127.0.0.1: the calls that are used, and faults at any request or byte."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

RING = ((14.9, 47.9), (15.3, 47.9), (15.3, 48.3), (14.9, 48.3), (14.9, 47.9))
FAR_RING = ((5.0, 47.9), (5.3, 47.9), (5.3, 48.3), (5.0, 48.3), (5.0, 47.9))


def product(day: str, baseline: str = "0510", level: str = "L1C", tile: str = "33UVP", satellite: str = "S2A") -> str:
    return f"{satellite}_MSI{level}_{day}T100031_N{baseline}_R122_T{tile}_{day}T120000"


def metadata(ring=RING, clouds: float = 23.5) -> bytes:
    positions = " ".join(f"{lat} {lon}" for lon, lat in ring)
    return (
        f"<n1:Level-1C_User_Product><EXT_POS_LIST>{positions}</EXT_POS_LIST>"
        f"<Cloud_Coverage_Assessment>{clouds}</Cloud_Coverage_Assessment></n1:Level-1C_User_Product>"
    ).encode()


def safe_files(ring=RING, clouds: float = 23.5, level: str = "L1C", band_bytes: int = 3000) -> dict[str, bytes]:
    return {
        f"MTD_MSI{level}.xml": metadata(ring, clouds),
        "GRANULE/L1C_T33UVP/IMG_DATA/B02.jp2": bytes(range(256)) * (band_bytes // 256),
        "GRANULE/L1C_T33UVP/MTD_TL.xml": b"<tile/>",
        "HTML/empty.txt": b"",
    }


def zipped(name: str, files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.SAFE/{path}"), content)
    return target.getvalue()


@dataclass
class Answer:
    """What a stand-in answers; ``cut`` breaks the connection after so many bytes of the body."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass
class Asked:
    """A request as it arrived."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]
    method: str = "GET"


class StandIn:
    """A server whose ``answer`` a subclass gives; ``faults`` maps the number of a request (from 0) to a change."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.faults: dict[int, Callable[[Answer], Answer]] = {}
        self.always: Callable[[Asked, Answer], Answer] = lambda _asked, answer: answer
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._serve(self)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

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
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        length = int(handler.headers.get("Content-Length", 0))
        form = {name: values[0] for name, values in parse_qs(handler.rfile.read(length).decode()).items()}
        headers = {name.lower(): value for name, value in handler.headers.items()}
        asked = Asked(unquote(parts.path), query, headers, form, handler.command)
        number = len(self.asked)
        self.asked.append(asked)
        answer = self.always(asked, self.answer(asked))
        answer = self.faults.get(number, lambda same: same)(answer)
        handler.close_connection = True
        with suppress(ConnectionError):  # whoever asked has had enough
            self._send(handler, answer)

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        handler.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), "Connection": "close", **answer.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(answer.body[: answer.cut])


def json_answer(value: object) -> Answer:
    return Answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


def part_of(asked: Asked, content: bytes) -> Answer:
    """A file, or its part from where the range begins."""
    span = asked.headers.get("range", "")
    if not span:
        return Answer(200, content)
    first = int(span.removeprefix("bytes=").rstrip("-"))
    if first >= len(content):
        return Answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
    return Answer(206, content[first:], {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"})


class Bucket(StandIn):
    """Google's storage: a bucket "bucket" of named objects, listed by pages of ``page`` entries."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.page = 1000
        self.sums: dict[str, str] = {}

    def add(self, name: str, files: dict[str, bytes] | None = None, root: str = "tiles") -> str:
        tile = name.split("_T")[-1][:5]
        key = f"{root}/{tile[:2]}/{tile[2]}/{tile[3:]}/{name}.SAFE/"
        for path, content in (files or safe_files()).items():
            self.objects[key + path] = content
        self.objects[f"{key.rstrip('/')}_$folder$"] = b""
        self.objects[f"{key}GRANULE_$folder$"] = b""
        return key

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/storage/v1/b/bucket/o":
            return self._listing(asked.query)
        content = self.objects.get(asked.path.removeprefix("/bucket/"))
        return Answer(404) if content is None else part_of(asked, content)

    def _listing(self, query: dict[str, str]) -> Answer:
        prefix, delimiter = query["prefix"], query.get("delimiter")
        low, high = query.get("startOffset", ""), query.get("endOffset", "\U0010ffff")
        names = sorted(name for name in self.objects if name.startswith(prefix) and low <= name < high)
        entries: list[tuple[str, bool]] = []
        for name in names:
            rest = name[len(prefix) :]
            is_folder = delimiter is not None and delimiter in rest
            entry = (prefix + rest.split("/")[0] + "/", True) if is_folder else (name, False)
            if entry not in entries:
                entries.append(entry)
        token = query.get("pageToken", "")
        first = int(token) if token.isdecimal() else 0
        shown = entries[first : first + self.page]
        page: dict[str, object] = {"prefixes": [name for name, is_folder in shown if is_folder]}
        page["items"] = [self._item(name) for name, is_folder in shown if not is_folder]
        if first + self.page < len(entries):
            page["nextPageToken"] = str(first + self.page)
        return json_answer(page)

    def _item(self, name: str) -> dict[str, str]:
        content = self.objects[name]
        digest = base64.b64encode(hashlib.md5(content).digest()).decode()
        return {"name": name, "size": str(len(content)), "md5Hash": self.sums.get(name, digest)}


class DataSpace(StandIn):
    """The Copernicus Data Space: catalogue, identity service and downloads in one."""

    def __init__(self) -> None:
        super().__init__()
        self.zips: dict[str, bytes] = {}
        self.entries: list[dict] = []
        self.page = 1000
        self.password = "right & proper"
        self.valid: set[str] = set()
        self.lasts_s = 600
        self.has_refresh = True
        self._count = 0

    def add(self, name: str, ring=RING, clouds: float | None = 23.5, content: bytes | None = None, **entry) -> str:
        key = f"id-{len(self.entries)}"
        self.zips[key] = zipped(name, safe_files()) if content is None else content
        attributes = [] if clouds is None else [{"Name": "cloudCover", "Value": clouds}]
        self.entries.append(
            {
                "Id": key,
                "Name": f"{name}.SAFE",
                "ContentLength": len(self.zips[key]),
                "Checksum": [
                    {"Algorithm": "BLAKE3", "Value": "00"},
                    {"Algorithm": "MD5", "Value": hashlib.md5(self.zips[key]).hexdigest()},
                ],
                "GeoFootprint": {"type": "Polygon", "coordinates": [[list(corner) for corner in ring]]},
                "Attributes": attributes,
                **entry,
            }
        )
        return key

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/token":
            return self._token(asked.form)
        if asked.path == "/Products":
            return self._listing(asked.query)
        key = asked.path.removeprefix("/Products(").removesuffix(")/$value")
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.valid:
            return Answer(401, b"expired")
        return part_of(asked, self.zips[key]) if key in self.zips else Answer(404)

    def _listing(self, query: dict[str, str]) -> Answer:
        wanted = query.get("$filter", "")
        entries = [entry for entry in self.entries if not wanted.startswith("Name eq") or entry["Name"] in wanted]
        first = int(query.get("$skip", 0))
        page: dict[str, object] = {"value": entries[first : first + self.page]}
        if first + self.page < len(entries):
            page["@odata.nextLink"] = f"{self.url}/Products?$filter=all&$skip={first + self.page}"
        return json_answer(page)

    def _token(self, form: dict[str, str]) -> Answer:
        is_known = form["grant_type"] == "refresh_token" and self.has_refresh and form["refresh_token"] == "again"
        if not is_known and form.get("password") != self.password:
            return Answer(401, b'{"error": "invalid_grant"}')
        self._count += 1
        token = f"token{self._count}"
        self.valid = {token}
        return json_answer(
            {"access_token": token, "expires_in": self.lasts_s, "refresh_token": "again", "refresh_expires_in": 3600}
        )
