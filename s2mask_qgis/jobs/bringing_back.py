"""Images back into Earth Engine: uploaded to a bucket, then copied into its store or left there as assets."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.models.model import checksum
from ..engines.asset_names import folder_name
from ..engines.base import OperationState
from ..engines.errors import (
    BadRequestError,
    CancelledError,
    EngineError,
    QuotaError,
    RateError,
    SignInError,
    StorageError,
    TransientError,
)
from ..google.account import Connection
from ..google.assets import COLLECTION, Assets
from ..google.storage import Bucket
from ..web.session import Session
from .kept_entries import KeptEntries, open_entries
from .manifests import PYRAMIDING, cloud_optimised, facts_of, footprint_px, image_manifest
from .metadata_json import ImageMetadata, read_metadata
from .moving_request import EXTERNAL, MODES, BringBackReport, BringBackRequest, MoveProgress, MoveStage
from .orders import Orders
from .report import RunState
from .shards import SUFFIX

RECORD = "brought_back.json"
"""Tells of every image how far it has come: uploaded, the operation of its import, or there."""
STATE, OPERATION, ATTEMPT = "state", "operation", "attempt"
LOOKS = 2
"""An import that is not listed so often in a row has vanished: new ones may be listed a little late."""
SENDING, IMPORTING, THERE = "sending", "importing", "there"

OnProgress = Callable[[MoveProgress], None]


@dataclass(frozen=True)
class Services:
    """What bringing back talks to; a test brings its own."""

    assets: Assets
    bucket: Bucket


def connected(connection: Connection, request: BringBackRequest, is_stopped: Callable[[], bool]) -> Services:
    """Google's services by an account. BadRequestError where the bucket cannot have such a name."""
    session = Session(connection.authorized(is_stopped, request.project), is_stopped)
    return Services(Assets.over(session), Bucket.over(session, request.bucket))


def bring_back(
    request: BringBackRequest, services: Services, orders: Orders, on_progress: OnProgress
) -> BringBackReport:
    """Upload and import what is not in Earth Engine yet; called on a thread of its own.

    It goes on where an earlier call ended. An image is never imported over an asset that is there. A request that
    cannot be begun is REFUSED with a sentence.
    """
    try:
        _check(request)
        images = _images(request)
        with open_entries(request.folder / RECORD) as record:
            return _Return(request, services, orders, on_progress, record).carry_out(images)
    except CancelledError:
        state = RunState.PAUSED if orders.is_paused else RunState.CANCELLED
        return BringBackReport(state, "Stopped. What has begun goes on at the service; start again to look after it.")
    except EngineError as error:
        return BringBackReport(RunState.REFUSED, str(error))


def _check(request: BringBackRequest) -> None:
    if request.mode not in MODES:
        raise BadRequestError(f"{request.mode!r} is no way to bring images back; {' or '.join(MODES)} is.")
    if request.pyramiding not in PYRAMIDING:
        raise BadRequestError(f"{request.pyramiding!r} is no way to make the coarser levels of images.")


def _images(request: BringBackRequest) -> list[ImageMetadata]:
    """Those of the metadata whose file is here. EngineError where there is none."""
    known = read_metadata(request.metadata_file)
    found = [one for one in known.values() if _file(request, one).is_file()]
    if not found:
        raise BadRequestError(
            f"None of the {len(known)} images of {request.metadata_file.name} has a file in {request.folder}."
        )
    return found


def _file(request: BringBackRequest, image: ImageMetadata) -> Path:
    return request.folder / f"{image.name}{SUFFIX}"


class _Return:
    """One call of :func:`bring_back`."""

    def __init__(
        self,
        request: BringBackRequest,
        services: Services,
        orders: Orders,
        on_progress: OnProgress,
        record: KeptEntries,
    ) -> None:
        self._request, self._services, self._orders = request, services, orders
        self._on_progress, self._record = on_progress, record
        self._target = folder_name(request.target, request.project)
        self._waiting: dict[str, ImageMetadata] = {}
        self._unlisted: Counter[str] = Counter()
        self._failed: list[tuple[str, str]] = []
        self._made = self._before = self._total = 0

    def carry_out(self, images: list[ImageMetadata]) -> BringBackReport:
        """Image after image, as many imports at once as are allowed, until all have ended."""
        assets = self._services.assets
        assets.create(self._target, COLLECTION)
        self._total, there = len(images), assets.names(self._target)
        problem = ""
        try:
            for image in images:
                self._check_orders()
                if self._asset(image) in there:
                    self._is_there(image)
                    continue
                while len(self._waiting) >= self._request.most_active:
                    self._wait()
                self._guarded(image)
            while self._waiting:
                self._wait()
        except (SignInError, QuotaError, StorageError) as error:
            problem = str(error)
        return self._report(problem)

    def _asset(self, image: ImageMetadata) -> str:
        return f"{self._target}/{image.name}"

    def _is_there(self, image: ImageMetadata) -> None:
        self._before += 1
        self._end(image)

    def _end(self, image: ImageMetadata) -> None:
        self._record.add(self._key(image), {STATE: THERE})
        self._tell(MoveStage.IMPORTING, "")

    def _key(self, image: ImageMetadata) -> str:
        """The image's entry of the record; an image may be brought back to several places."""
        return self._asset(image)

    def _guarded(self, image: ImageMetadata) -> None:
        """Begin with an image; what is wrong with it alone is told and left out."""
        try:
            self._begin(image)
        except RateError as error:
            self._failed.append((image.name, str(error)))
        except (CancelledError, SignInError, QuotaError, StorageError):
            raise
        except EngineError as error:
            self._failed.append((image.name, str(error)))

    def _begin(self, image: ImageMetadata) -> None:
        entry = self._record.get(self._key(image))
        if entry.get(STATE) == IMPORTING and entry.get(OPERATION):
            self._waiting[str(entry[OPERATION])] = image  # of an earlier session
            return
        self._tell(MoveStage.UPLOADING, image.name)
        manifest = self._uploaded(image)
        self._tell(MoveStage.IMPORTING, image.name)
        if self._request.mode == EXTERNAL:
            self._link(image, manifest)
        else:
            self._import(image, manifest, int(entry.get(ATTEMPT, 1)))

    def _uploaded(self, image: ImageMetadata) -> dict[str, Any]:
        """Put the file into the bucket, unless the very same is there; the manifest that leads to it."""
        request, bucket, file = self._request, self._services.bucket, _file(self._request, image)
        facts = facts_of(file)
        key = "/".join(part for part in (request.prefix.strip("/"), f"{image.name}{SUFFIX}") if part)
        if request.mode == EXTERNAL and not facts.is_cloud_optimised:
            with tempfile.TemporaryDirectory(prefix="s2mask-") as folder:
                copy = Path(folder) / file.name
                cloud_optimised(file, copy, request.pyramiding)
                bucket.put(copy, key)
        else:
            bucket.put(file, key)
        outline = footprint_px(file, image.geometry)
        return image_manifest(self._asset(image), [bucket.uri(key)], image, facts, request.pyramiding, outline)

    def _link(self, image: ImageMetadata, manifest: Mapping[str, Any]) -> None:
        """Make an asset whose pixels stay in the bucket; where the answer is lost, look whether it is there."""
        session = self._services.assets.service.session
        failures = 0
        while True:
            try:
                self._services.assets.import_external(self._request.project, manifest)
                break
            except (TransientError, RateError):
                failures += 1
                if failures >= session.patience.attempts:
                    raise
                session.pause(failures)
                if self._services.assets.described(self._asset(image)) is not None:
                    break
        self._made += 1
        self._end(image)

    def _import(self, image: ImageMetadata, manifest: Mapping[str, Any], attempt: int) -> None:
        """Start an ingestion. The request id is written down before, and the same in every session: sent twice, it
        starts one."""
        key = self._key(image)
        request_id = f"return-{checksum([key, dict(manifest)])[:32]}-{attempt}"
        session = self._services.assets.service.session
        self._record.add(key, {STATE: SENDING, ATTEMPT: attempt})
        failures = 0
        while True:
            try:
                operation = self._services.assets.start_import(self._request.project, manifest, request_id)
                break
            except (TransientError, RateError):
                failures += 1
                if failures >= session.patience.attempts:
                    raise
                session.pause(failures)
        self._record.add(key, {STATE: IMPORTING, OPERATION: operation, ATTEMPT: attempt})
        self._waiting[operation] = image

    def _wait(self) -> None:
        """One look at the imports; a pause before the next one where all of them go on."""
        operations = self._services.assets.operations(self._request.project)
        for name in self._waiting:
            self._unlisted[name] = 0 if name in operations else self._unlisted[name] + 1
        ended = [name for name in self._waiting if self._unlisted[name] >= LOOKS or _has_ended(operations.get(name))]
        for name in ended:
            self._on_end(self._waiting.pop(name), operations.get(name) or {})
        self._tell(MoveStage.IMPORTING, "")
        if not ended:
            self._orders.wait(self._request.refresh_seconds)
        self._check_orders()

    def _on_end(self, image: ImageMetadata, operation: Mapping[str, Any]) -> None:
        """An import has ended, or is not listed any more: the asset tells whether it succeeded."""
        if self._services.assets.described(self._asset(image)) is not None:
            self._made += 1
            self._end(image)
            return
        reason = str((operation.get("error") or {}).get("message") or "The service has lost the import.")
        attempt = int(self._record.get(self._key(image)).get(ATTEMPT, 1))
        self._record.add(self._key(image), {ATTEMPT: attempt + 1})
        self._failed.append((image.name, reason))

    def _check_orders(self) -> None:
        if self._orders.is_stopped():
            raise CancelledError("Stopped.")

    def _tell(self, stage: MoveStage, hint: str) -> None:
        done = self._made + self._before
        self._on_progress(MoveProgress(stage, done, self._total, len(self._failed), len(self._waiting), hint))

    def _report(self, problem: str) -> BringBackReport:
        counts = (self._made, self._before, tuple(self._failed))
        if problem:
            message = f"Paused: {problem} What is done is kept; start again to go on."
            return BringBackReport(RunState.PAUSED, message, *counts)
        parts = [f"{self._made} of {self._total} images brought back"]
        parts += [f"{self._before} were there already"] if self._before else []
        parts += [f"{len(self._failed)} failed"] if self._failed else []
        state = RunState.FINISHED_WITH_FAILURES if self._failed else RunState.FINISHED
        return BringBackReport(state, ", ".join(parts) + ".", *counts)


def _has_ended(operation: Mapping[str, Any] | None) -> bool:
    """True for an operation that is listed as ended."""
    if operation is None:
        return False
    if operation.get("done"):
        return True
    try:
        return OperationState((operation.get("metadata") or {}).get("state")).is_final
    except ValueError:
        return False
