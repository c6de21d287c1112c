"""The user's Google Drive: folders by name, the files in them, and their bytes from any offset on (Drive API v3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from ..engines.errors import TransientError
from ..web.ranges import Body, body_of, ranged
from ..web.reading import understood
from ..web.session import Session, unexpected
from ..web.transport import Request
from .service import Service
from .urls import GOOGLE, Urls

FOLDER_TYPE = "application/vnd.google-apps.folder"
PAGE_FILES = 1000
"""The most that a page may hold. Source: files.list in the Drive API reference."""
_FILE_FIELDS = "nextPageToken,incompleteSearch,files(id,name,size,md5Checksum,createdTime,mimeType)"
_OUT_OF_RANGE = 416


@dataclass(frozen=True)
class DriveFile:
    """A file or folder; ``created`` is RFC 3339 text as Drive gives it; folders have neither size nor checksum."""

    id: str
    name: str
    created: str
    size_bytes: int | None = None
    md5: str | None = None

    @property
    def path(self) -> PurePosixPath:
        """The name, as a path of one part."""
        return PurePosixPath(self.name.replace("/", "_"))

    @property
    def created_s(self) -> float:
        """When it was made, in seconds since 1970; 0 where Drive does not tell."""
        try:
            return datetime.fromisoformat(self.created.replace("Z", "+00:00")).timestamp()
        except ValueError:
            return 0.0


@dataclass(frozen=True)
class Drive:
    """Drive, read only. Methods raise EngineErrors: SignInError, QuotaError, NotFoundError, TransientError …"""

    service: Service

    @classmethod
    def over(cls, session: Session, urls: Urls = GOOGLE) -> Drive:
        """Drive by a session whose Fetch is authorized."""
        return cls(Service("Google Drive", "drive.googleapis.com", urls.drive, session))

    @property
    def session(self) -> Session:
        """What its requests are sent by."""
        return self.service.session

    def folders(self, name: str) -> tuple[DriveFile, ...]:
        """All folders of a name, the newest first: Drive keeps several side by side."""
        query = f"mimeType = '{FOLDER_TYPE}' and name = '{quoted(name)}' and trashed = false"
        found = [one for one in self._listed(query) if one.name == name]
        return tuple(sorted(found, key=lambda one: (one.created_s, one.id), reverse=True))

    def files(self, folder: DriveFile) -> tuple[DriveFile, ...]:
        """The files in a folder, not those in folders within; documents that have no bytes are left out."""
        query = f"'{quoted(folder.id)}' in parents and trashed = false"
        return tuple(one for one in self._listed(query) if one.size_bytes is not None)

    def open(self, file: DriveFile, offset: int) -> Body:
        """The bytes of a file from ``offset`` on, or from its beginning where that cannot be had."""
        body = self._body(file, offset) or self._body(file, 0)
        if body is None:
            raise unexpected(self.service.title)
        return body

    def _body(self, file: DriveFile, offset: int) -> Body | None:
        asked = ranged(self.service.address(f"files/{file.id}", {"alt": "media", "supportsAllDrives": "true"}), offset)
        response = self.service.open(Request(asked.url, asked.headers), (_OUT_OF_RANGE,))
        body = body_of(response, offset)
        if body is None:
            response.close()
        return body

    def _listed(self, query: str) -> Iterator[DriveFile]:
        asked: dict[str, Any] = {
            "q": query,
            "pageSize": PAGE_FILES,
            "fields": _FILE_FIELDS,
            "spaces": "drive",
            "supportsAllDrives": "true",
            "includeItemsFromAllDrives": "true",
        }
        token = ""
        while True:
            page = self.service.call("files", {**asked, "pageToken": token})
            if page.get("incompleteSearch"):
                raise TransientError("Google Drive could not look through all of its files. Try again later.")
            with understood(unexpected(self.service.title)):
                files = [_file(one) for one in page.get("files", ())]
            yield from files
            token = str(page.get("nextPageToken") or "")
            if not token:
                return


def quoted(text: str) -> str:
    """A text within a query of files.list: quotes and backslashes are escaped."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _file(found: Mapping[str, Any]) -> DriveFile:
    digest = found.get("md5Checksum")
    return DriveFile(
        id=str(found.get("id", "")),
        name=str(found.get("name", "")),
        created=str(found.get("createdTime", "")),
        size_bytes=_whole(found.get("size")) if found.get("mimeType") != FOLDER_TYPE else None,
        md5=str(digest).lower() if digest else None,
    )


def _whole(text: object) -> int | None:
    """An int64 as Google's JSON writes it, as text."""
    return int(text) if isinstance(text, (str, int)) and str(text).isdecimal() else None
