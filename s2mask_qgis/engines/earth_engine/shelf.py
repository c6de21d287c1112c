"""The collections of assets that results go into: made where they are missing, and listed once for many questions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..calls import Call
from ..client import ServiceClient
from ..errors import BadRequestError, NotFoundError

FOLDER, COLLECTION, IMAGE = "FOLDER", "IMAGE_COLLECTION", "IMAGE"
_TITLES = {FOLDER: "a folder", COLLECTION: "an image collection", IMAGE: "an image", "TABLE": "a table"}
PAGE_ASSETS = 1000
"""Assets of a page of a listing: the most that the service sends (assets.listAssets in the REST reference)."""
KEPT_SECONDS = 600.0
"""How long a listing answers questions before the service is asked again: others may remove assets."""
SINGLE_QUESTIONS = 8
"""So few assets are asked for one by one rather than by a listing."""
MOST_CHANGED = 5000
"""Results that may have changed since a listing, beyond which it is given up: memory does not grow with a run."""


class Shelf:
    """The assets of results below ``folder``, one image collection for each kind of them."""

    def __init__(self, client: ServiceClient, folder: str, now: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._folder = folder
        self._now = now
        self._listed: dict[str, tuple[float, dict[str, Mapping[str, Any]]]] = {}
        self._changed: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def asset(self, kind: str, index: str) -> str:
        """The name of the asset that holds a kind of result of an image."""
        return f"{self._folder}/{kind}/{index}"

    def open(self, kinds: Collection[str]) -> None:
        """Make the folder, its parents and a collection for each kind, where they are missing.

        BadRequestError where something else has one of these names.
        """
        root, _, path = self._folder.partition("/assets/")
        name = f"{root}/assets"
        for part in filter(None, path.split("/")):
            name = f"{name}/{part}"
            if not _is_home(name):
                self._make(name, FOLDER)
        for kind in kinds:
            self._make(f"{self._folder}/{kind}", COLLECTION)

    def stored(self, kind: str, indexes: Collection[str]) -> dict[str, Mapping[str, Any]]:
        """The properties of the results of ``indexes`` that are there, by index.

        The listing of a collection brings the properties along, so it is one request a thousand assets. It is kept for
        a while; what exports of this process may have changed since is asked for again.
        """
        wanted = set(indexes)
        with self._lock:
            is_fresh = kind in self._listed and self._now() - self._listed[kind][0] < KEPT_SECONDS
            changed = wanted & self._changed.get(kind, set())
            if not is_fresh and len(wanted) <= SINGLE_QUESTIONS:
                return self._singly(kind, wanted)
            if not is_fresh or len(changed) > SINGLE_QUESTIONS:
                self._list(kind)
                changed = set()
            listed = self._listed[kind][1]
            known = {index: listed[index] for index in wanted - changed if index in listed}
            return known | self._singly(kind, changed)

    def note_change(self, asset: str) -> None:
        """An export that will make or replace this asset has been started; others than of this folder are none."""
        place, _, index = asset.rpartition("/")
        folder, _, kind = place.rpartition("/")
        if folder != self._folder:
            return
        with self._lock:
            changed = self._changed.setdefault(kind, set())
            changed.add(index)
            if len(changed) > MOST_CHANGED:  # then the next question lists all of them
                self._listed.pop(kind, None)
                changed.clear()

    def _list(self, kind: str) -> None:
        started = self._now()
        found: dict[str, Mapping[str, Any]] = {}
        try:
            for page in self._client.pages(f"{self._folder}/{kind}:listAssets", "assets", PAGE_ASSETS):
                found |= {str(each.get("name", "")).rpartition("/")[2]: each.get("properties") or {} for each in page}
        except NotFoundError:
            found = {}  # nothing was ever stored there
        self._listed[kind] = (started, found)

    def _singly(self, kind: str, indexes: Collection[str]) -> dict[str, Mapping[str, Any]]:
        found = {index: self._client.asset_properties(self.asset(kind, index)) for index in sorted(indexes)}
        return {index: properties for index, properties in found.items() if properties is not None}

    def _make(self, name: str, kind: str) -> None:
        there = self._kind(name)
        if there is None:
            parent, _, asset = name.partition("/assets/")
            try:
                self._client.ask(Call("POST", f"{parent}/assets", {"type": kind}, {"assetId": asset}))
                return
            except BadRequestError:
                there = self._kind(name)
                if there is None:
                    raise
                # otherwise somebody, or a request whose answer was lost, has just made it
        if there != kind:
            raise BadRequestError(
                f"{name} is {_TITLES.get(str(there), 'another asset')}, and {_TITLES[kind]} is needed there. Choose "
                "another folder of assets, or move what lies there."
            )

    def _kind(self, name: str) -> str | None:
        try:
            return str(self._client.asset(name).get("type", ""))
        except NotFoundError:
            return None


def _is_home(name: str) -> bool:
    """True for what exists by itself: a user's old home (…/assets/users/U)."""
    parts = name.split("/assets/", 1)[-1].split("/")
    return parts[0] == "users" and len(parts) <= 2
