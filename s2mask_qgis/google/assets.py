"""Earth Engine's assets over its REST interface: all images of a folder or collection, and what changes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import Any

from ..engines.errors import BadRequestError, NotFoundError
from ..web.reading import understood
from ..web.session import Session, unexpected
from .service import Service

URL = "https://earthengine.googleapis.com/v1"
PAGE_ASSETS = 1000
"""The most that a page of listAssets may hold. Source: projects.assets.listAssets in the REST reference."""
IMAGE, COLLECTION, FOLDER = "IMAGE", "IMAGE_COLLECTION", "FOLDER"


@dataclass(frozen=True)
class ImageAsset:
    """An image as the service describes it.

    ``name`` is projects/P/assets/…, ``path`` what follows the folder or collection that was listed; times are RFC 3339
    text, "" where there is none; ``geometry`` is GeoJSON; ``bands`` are those of the service (id, dataType, grid).
    """

    name: str
    path: str
    start_time: str = ""
    end_time: str = ""
    geometry: Mapping[str, Any] | None = None
    bands: tuple[Mapping[str, Any], ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    size_bytes: int = 0


@dataclass(frozen=True)
class Assets:
    """The assets, over an authorized session. Methods raise EngineErrors."""

    service: Service

    @classmethod
    def over(cls, session: Session, url: str = URL) -> Assets:
        """Assets by a session whose Fetch is authorized."""
        return cls(Service("Earth Engine", "earthengine.googleapis.com", url, session))

    def described(self, name: str) -> dict[str, Any] | None:
        """What the service tells of an asset, None where there is none."""
        try:
            return self.service.call(name)
        except NotFoundError:
            return None

    def image(self, name: str) -> ImageAsset | None:
        """One image, None where there is no asset of that name."""
        found = self.described(name)
        with self._understood():
            return None if found is None else _image(name.rpartition("/")[0], found)

    def images(self, parent: str) -> Iterator[ImageAsset]:
        """All images of a collection, or of a folder with all folders and collections in it, page by page.

        NotFoundError where there is no such asset, BadRequestError where it is neither.
        """
        found = self.service.call(parent)
        kind = found.get("type")
        if kind not in (COLLECTION, FOLDER):
            raise BadRequestError(f"{parent} is neither a folder nor a collection of images. Choose another one.")
        yield from self._below(parent, parent)

    def names(self, parent: str) -> set[str]:
        """The names of the assets right below a folder or collection; none where it does not exist."""
        with suppress(NotFoundError), self._understood():
            return {str(one["name"]) for one in self._pages(parent, "BASIC")}
        return set()

    def create(self, name: str, kind: str) -> None:
        """Make a folder or collection, and the folders that it lies in; those that are there stay as they are."""
        if self.described(name) is not None:
            return
        parent, _, own = name.rpartition("/")
        if not parent.endswith("/assets"):
            self.create(parent, FOLDER)
        body = {"type": kind}
        root, _, path = name.partition("/assets/")
        try:
            self.service.call(f"{root}/assets", {"assetId": path}, body)
        except BadRequestError:
            if self.described(name) is None:  # otherwise an answer was lost, or somebody was faster
                raise BadRequestError(f"The folder {own} cannot be made in {parent}. Choose another one.") from None

    def delete(self, name: str) -> None:
        """Delete an asset; one that is gone already is as good."""
        with suppress(NotFoundError):
            self.service.call(name, method="DELETE")

    def start_import(self, project: str, manifest: Mapping[str, Any], request_id: str) -> str:
        """Start the ingestion that a manifest describes; the name of its operation. It is sent once: where no answer
        comes, the caller looks first whether it has begun."""
        body = {"imageManifest": manifest, "requestId": request_id}
        answer = self.service.once().call(f"projects/{project}/image:import", body=body)
        return str(answer.get("name", ""))

    def import_external(self, project: str, manifest: Mapping[str, Any]) -> None:
        """Make an asset whose pixels stay in the bucket, as cloud-optimised GeoTIFF. It is sent once."""
        self.service.once().call(f"projects/{project}/image:importExternal", body={"imageManifest": manifest})

    def operations(self, project: str) -> dict[str, dict[str, Any]]:
        """The operations of a project, by name."""
        found: dict[str, dict[str, Any]] = {}
        token = ""
        while True:
            page = self.service.call(f"projects/{project}/operations", {"pageSize": PAGE_ASSETS, "pageToken": token})
            with self._understood():
                found |= {str(one["name"]): one for one in page.get("operations", ())}
            token = str(page.get("nextPageToken") or "")
            if not token:
                return found

    def _understood(self) -> AbstractContextManager[None]:
        return understood(unexpected(self.service.title))

    def _below(self, root: str, parent: str) -> Iterator[ImageAsset]:
        folders = []
        for one in self._pages(parent, "FULL"):
            if one.get("type") == IMAGE:
                with self._understood():
                    image = _image(root, one)
                yield image
            elif one.get("type") in (COLLECTION, FOLDER):
                folders.append(str(one.get("name", "")))
        for folder in folders:
            yield from self._below(root, folder)

    def _pages(self, parent: str, view: str) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            asked = {"pageSize": PAGE_ASSETS, "pageToken": token, "view": view}
            page = self.service.call(f"{parent}:listAssets", asked)
            with self._understood():
                listed = [dict(one) for one in page.get("assets", ())]
            yield from listed
            token = str(page.get("nextPageToken") or "")
            if not token:
                return


def _image(root: str, found: Mapping[str, Any]) -> ImageAsset:
    name = str(found["name"])
    return ImageAsset(
        name=name,
        path=name.removeprefix(f"{root}/"),
        start_time=str(found.get("startTime") or ""),
        end_time=str(found.get("endTime") or ""),
        geometry=dict(found["geometry"]) if found.get("geometry") else None,
        bands=tuple(dict(band) for band in found.get("bands", ())),
        properties=dict(found.get("properties") or {}),
        size_bytes=int(found.get("sizeBytes") or 0),
    )
