"""Files into a bucket of Google Cloud Storage: resumable uploads, checked by MD5 (Cloud Storage JSON API)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..engines.errors import BadRequestError, NotFoundError, RateError, StorageError, TransientError
from ..web.session import Session, joined, json_object, unexpected
from ..web.transport import Request, Response
from .service import JSON_HEADERS, Service

URL = "https://storage.googleapis.com"
CHUNK_BYTES = 8 * 2**20
"""Bytes of one request of an upload: a multiple of 256 KiB, as all but the last have to be."""
INCOMPLETE = 308
MOST_DAMAGED = 2
READ_BYTES = 2**20
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_RECEIVED = re.compile(r"bytes=0-(\d+)")

OnBytes = Callable[[int], None]
"""Called with the number of bytes that have arrived, negative where some have to be sent again."""


@dataclass(frozen=True)
class Bucket:
    """A bucket that files are put into. Methods raise EngineErrors.

    An upload's address is as good as a password, so it is kept nowhere: what a killed process had sent of a file is
    sent again.
    """

    service: Service
    name: str

    @classmethod
    def over(cls, session: Session, name: str, url: str = URL) -> Bucket:
        """A bucket by a session whose Fetch is authorized; BadRequestError where it cannot have such a name."""
        if _BUCKET.fullmatch(name) is None:
            raise BadRequestError(
                f"{name!r} cannot be the name of a bucket: small letters, digits, - and _ are allowed. Write it "
                "without gs:// and without folders."
            )
        return cls(Service("Google Cloud Storage", "storage.googleapis.com", url, session), name)

    def uri(self, key: str) -> str:
        """Where Earth Engine finds an object."""
        return f"gs://{self.name}/{key}"

    def digest(self, key: str) -> str | None:
        """The MD5 of an object in hexadecimal, None where there is no such object or its MD5 is not told."""
        path = f"storage/v1/b/{self.name}/o/{quote(key, safe='')}"
        try:
            found = self.service.call(path, {"fields": "md5Hash"})
        except NotFoundError:
            return None
        return _hexadecimal(found.get("md5Hash"))

    def put(self, file: Path, key: str, on_bytes: OnBytes = lambda count: None) -> bool:
        """Upload a file; False where the bucket has the very same one already.

        Raises StorageError where the file cannot be read, TransientError where the connection keeps breaking or the
        object arrives damaged, and what the service answers.
        """
        digest = md5_of(file, self.service.session.check)
        if self.digest(key) == digest:
            return False
        for _ in range(MOST_DAMAGED):
            stored = _Upload(self, file, key, on_bytes).carry_out()
            if _hexadecimal(stored.get("md5Hash")) == digest:
                return True
            on_bytes(-file.stat().st_size)
        raise TransientError(f"{file.name} arrived damaged in the bucket {self.name}. Try again later.")


class _Upload:
    """One file on its way, gone on with after every break at the byte that the bucket has reached."""

    def __init__(self, bucket: Bucket, file: Path, key: str, on_bytes: OnBytes) -> None:
        self._service = bucket.service
        self._patience = bucket.service.session
        self._once = bucket.service.once()
        self._file = file
        self._size = file.stat().st_size
        self._on_bytes = on_bytes
        self._sent = 0
        self._start = self._service.address(
            f"upload/storage/v1/b/{bucket.name}/o", {"uploadType": "resumable", "name": key, "fields": "md5Hash,size"}
        )

    def carry_out(self) -> dict[str, Any]:
        """Send the whole file; what the bucket says of the object."""
        address, failures = self._begin(), 0
        is_sure = True
        while True:
            before = self._sent
            try:
                request = self._chunk(address) if is_sure else self._question(address)
                done = self._exchange(request)
                is_sure, failures = True, 0
                if done is not None:
                    return done
            except NotFoundError:  # the session has expired: begin anew
                address, is_sure = self._begin(), True
                self._reach(0)
                failures += 1
            except (TransientError, RateError) as error:
                is_sure = False
                failures = 1 if self._sent > before else failures + 1
                if failures >= self._patience.patience.attempts:
                    raise TransientError(f"{self._file.name} cannot be uploaded: {error}") from error
            if failures >= self._patience.patience.attempts:
                raise TransientError(f"{self._file.name} cannot be uploaded. Try again later.")
            if failures:
                self._patience.pause(failures)

    def _begin(self) -> str:
        """Open a session; the address that the bytes go to."""
        headers = {**JSON_HEADERS, "X-Upload-Content-Length": str(self._size), "X-Upload-Content-Type": "image/tiff"}
        request = Request(self._start, headers, b"{}")
        with closing(self._service.open(request)) as response:
            address = response.headers.get("location", "")
        if not address:
            raise unexpected(request.host)
        return address

    def _chunk(self, address: str) -> Request:
        """The next part of the file."""
        try:
            with self._file.open("rb") as handle:
                handle.seek(self._sent)
                part = handle.read(CHUNK_BYTES)
        except OSError as error:
            raise StorageError(f"{self._file} cannot be read ({error.strerror}). Upload it again.") from None
        if not part and self._size:
            raise StorageError(f"{self._file} has become shorter meanwhile. Upload it again.")
        span = f"{self._sent}-{self._sent + len(part) - 1}" if part else "*"
        return Request(address, {"Content-Range": f"bytes {span}/{self._size}"}, part, "PUT")

    def _question(self, address: str) -> Request:
        """How far has it come?"""
        return Request(address, {"Content-Range": f"bytes */{self._size}"}, b"", "PUT")

    def _exchange(self, request: Request) -> dict[str, Any] | None:
        """Send a part or a question; what the bucket says of the object once it is whole, None before."""
        with closing(self._once.open(request, (INCOMPLETE,))) as response:
            if response.status != INCOMPLETE:
                self._reach(self._size)
                return json_object(request, joined(request, response, self._patience.check))
            self._reach(_received(response))
        return None

    def _reach(self, count: int) -> None:
        self._on_bytes(count - self._sent)
        self._sent = count


def md5_of(file: Path, check: Callable[[], None] = lambda: None) -> str:
    """The MD5 of a file in hexadecimal. StorageError where it cannot be read."""
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with file.open("rb") as handle:
            while part := handle.read(READ_BYTES):
                check()
                digest.update(part)
    except OSError as error:
        raise StorageError(f"{file} cannot be read ({error.strerror}).") from None
    return digest.hexdigest()


def _received(response: Response) -> int:
    """How many bytes have arrived: the end of the range, none where there is no range."""
    found = _RECEIVED.match(response.headers.get("range", ""))
    return int(found.group(1)) + 1 if found else 0


def _hexadecimal(text: object) -> str | None:
    """A checksum as the JSON API writes it (base64)."""
    try:
        return base64.b64decode(str(text), validate=True).hex() if text else None
    except ValueError:
        return None
