"""Looks whether a run on Earth Engine would work, one thing after the other, and says what to do where it would not."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..engines.asset_names import folder_name, root_of
from ..engines.base import Engine, Quota
from ..engines.errors import CancelledError, EngineError, TransientError
from ..google.account import Connection
from ..google.answers import QUICK, ApiDisabledError, api_link
from ..google.drive_user import drive_user
from ..google.projects import (
    EARTH_ENGINE,
    Finding,
    Known,
    earth_engine_enabled,
    find_project,
    id_problem,
    missing_permissions,
)
from ..google.urls import GOOGLE, Urls
from ..web.session import Session
from .request import ASSETS, DRIVE, EarthEngineChoice

USE, COMPUTE, EXPORT = "serviceusage.services.use", "earthengine.computations.create", "earthengine.exports.create"
OPERATIONS = "earthengine.operations.list"
ASSET_RIGHTS = ("earthengine.assets.create", "earthengine.assets.get", "earthengine.assets.list")
"""Permissions of Earth Engine's roles (cloud.google.com/iam/docs/roles-permissions/earthengine)."""
IAM_URL = "https://console.cloud.google.com/iam-admin/iam?project={}"
DRIVE_API = "drive.googleapis.com"
POINTLESS = "Not examined: solve the problem above first."
LITTLE_SPACE_BYTES = 1_000_000_000
"""Less than this holds but a few masks."""


class CheckState(Enum):
    """How a check ended."""

    OK = "ok"
    PROBLEM = "problem"
    NOT_EXAMINED = "not examined"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; ``text`` says how it stands and what to do about a problem, perhaps at ``link``."""

    name: str
    state: CheckState
    text: str
    link: str = ""


def examine(
    connection: Connection,
    choice: EarthEngineChoice,
    open_engine: Callable[[], Engine],
    output_folder: Path | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
    urls: Urls = GOOGLE,
) -> list[Check]:
    """All checks in order; what a problem makes pointless is told as not examined.

    ``open_engine`` gives an engine for ``choice``, which is closed here. Nothing is made or changed at the service.
    Raises CancelledError.
    """
    checks: list[Check] = []
    doctor = _Doctor(connection, choice, open_engine, output_folder, is_cancelled, urls)
    try:
        for name, look in doctor.steps():
            if is_cancelled():
                raise CancelledError("Stopped.")
            problems = {check.name for check in checks if check.state is CheckState.PROBLEM}
            is_pointless = not problems.isdisjoint(doctor.needed_for(name))
            checks.append(Check(name, CheckState.NOT_EXAMINED, POINTLESS) if is_pointless else _look(name, look))
    finally:
        doctor.close()
    return checks


def examine_earth_engine(
    connection: Connection,
    choice: EarthEngineChoice,
    output_folder: Path | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
    urls: Urls = GOOGLE,
) -> list[Check]:
    """:func:`examine` with Earth Engine itself."""

    def opened() -> Engine:
        from ..engines.earth_engine.engine import EarthEngine, Places

        folder = output_folder or Path.cwd()
        places = Places(choice.project, choice.destination, choice.asset_folder, choice.drive_folder, folder)
        return EarthEngine(connection, places, is_cancelled, patience=QUICK)

    return examine(connection, choice, opened, output_folder, is_cancelled, urls)


def summary(checks: Sequence[Check]) -> str:
    """All checks in a line."""
    problems = sum(check.state is CheckState.PROBLEM for check in checks)
    unknown = sum(check.state is CheckState.NOT_EXAMINED for check in checks)
    parts = [f"{problems} {'problem' if problems == 1 else 'problems'}"] if problems else ["No problem"]
    return ", ".join([*parts, f"{unknown} not examined"] if unknown else parts)


def quota_text(quota: Quota) -> str:
    """ "28 of 3,000 tasks active; 1,204 of 10,000 assets; 12.3 of 250 GB"."""
    parts = [f"{_of(quota.active_tasks, quota.most_active_tasks)} tasks active"]
    parts.append(f"{_of(quota.assets, quota.most_assets)} assets")
    most = "" if quota.most_store_bytes is None else f" of {quota.most_store_bytes / 1e9:,.0f}"
    return "; ".join([*parts, f"{quota.store_bytes / 1e9:,.1f}{most} GB"])


SIGN_IN, PROJECT, API, RIGHTS, SERVICE = "Sign-in", "Project", "Earth Engine API", "Permission", "Earth Engine"
QUOTA, DESTINATION = "Quota", "Destination"


class _Doctor:
    """The steps of one examination and what they hand on."""

    def __init__(
        self,
        connection: Connection,
        choice: EarthEngineChoice,
        open_engine: Callable[[], Engine],
        output_folder: Path | None,
        is_cancelled: Callable[[], bool],
        urls: Urls,
    ) -> None:
        self._connection = connection
        self._choice = choice
        self._project = choice.project
        self._open_engine = open_engine
        self._output_folder = output_folder
        self._is_cancelled = is_cancelled
        self._urls = urls
        self._session = Session(connection.authorized(is_cancelled, choice.project), is_cancelled, QUICK)
        self._engine: Engine | None = None
        self._quota: Quota | None = None

    def steps(self) -> Iterator[tuple[str, Callable[[], Check]]]:
        """The checks in order."""
        yield SIGN_IN, self._sign_in
        yield PROJECT, self._find_project
        yield API, self._api
        yield RIGHTS, self._rights
        yield SERVICE, self._service
        yield QUOTA, self._look_at_quota
        yield DESTINATION, self._destination

    def needed_for(self, name: str) -> tuple[str, ...]:
        """The checks whose problems make this one pointless."""
        if name == DESTINATION and self._choice.destination not in (ASSETS, DRIVE):
            return ()  # a folder of this computer needs nobody
        order = (SIGN_IN, PROJECT, API, SERVICE)
        return () if name == SIGN_IN else order[: order.index(name)] if name in order else order

    def close(self) -> None:
        """Let the engine go."""
        if self._engine is not None:
            self._engine.close()

    def _sign_in(self) -> Check:
        account = self._connection.account
        attempts = 0
        while True:
            try:
                account.token(self._connection.fetch(self._is_cancelled), self._is_cancelled)
                return Check(SIGN_IN, CheckState.OK, f"Signed in as {account.title}.")
            except TransientError:
                attempts += 1
                if attempts >= QUICK.attempts:
                    raise
                self._session.pause(attempts)

    def _find_project(self) -> Check:
        problem = id_problem(self._project)
        if problem:
            return Check(PROJECT, CheckState.PROBLEM, problem)
        finding = find_project(self._session, self._project, self._urls)
        if finding.known is Known.NO:
            text = f"{self._project} cannot be used: {finding.text}. Choose another project."
            return Check(PROJECT, CheckState.PROBLEM, text)
        return _told(PROJECT, finding, f"{self._project} is active.")

    def _api(self) -> Check:
        finding = earth_engine_enabled(self._session, self._project, self._urls)
        if finding.known is Known.NO:
            text = f"The Earth Engine API is not enabled in {self._project}. Enable it, and wait a few minutes."
            return Check(API, CheckState.PROBLEM, text, api_link(EARTH_ENGINE, self._project))
        return _told(API, finding, f"Enabled in {self._project}.")

    def _rights(self) -> Check:
        wanted = (USE, COMPUTE, EXPORT, OPERATIONS, *(ASSET_RIGHTS if self._choice.destination == ASSETS else ()))
        missing = missing_permissions(self._session, self._project, wanted, self._urls)
        if missing is None:
            return _told(RIGHTS, Finding(Known.NOT_TOLD), "")
        if missing:
            roles = [
                *(["Service Usage Consumer"] if USE in missing else []),
                *(["Earth Engine Resource Writer"] if set(missing) - {USE} else []),
            ]
            text = (
                f"The account lacks {', '.join(missing)} in {self._project}. Ask the project's owner for the "
                f"{'role' if len(roles) == 1 else 'roles'} {' and '.join(roles)}."
            )
            return Check(RIGHTS, CheckState.PROBLEM, text, IAM_URL.format(self._project))
        return Check(RIGHTS, CheckState.OK, "The account may compute and export.")

    def _service(self) -> Check:
        self._engine = self._open_engine()
        self._quota = self._engine.quota()
        return Check(SERVICE, CheckState.OK, f"Earth Engine answers for {self._project}.")

    def _look_at_quota(self) -> Check:
        quota = self._quota
        if quota is None:
            return Check(QUOTA, CheckState.NOT_EXAMINED, "Earth Engine tells no limits for this project.")
        problem = quota_problem(quota, self._choice.destination == ASSETS)
        if problem:
            return Check(QUOTA, CheckState.PROBLEM, f"{quota_text(quota)}. {problem}")
        full = quota.most_active_tasks is not None and quota.active_tasks >= quota.most_active_tasks
        wait = " The queue is full: a run waits until tasks have ended." if full else ""
        return Check(QUOTA, CheckState.OK, f"{quota_text(quota)}.{wait}")

    def _destination(self) -> Check:
        if self._choice.destination == ASSETS:
            return self._assets()
        return self._drive() if self._choice.destination == DRIVE else self._folder()

    def _assets(self) -> Check:
        folder = folder_name(self._choice.asset_folder, self._project)
        root = root_of(folder)
        home = root.split("/")[1] if root.endswith("/assets") else root
        other = "" if home == self._project else f" It counts against the limits of {home}."
        there = folder == root or (self._engine is not None and self._engine.asset_properties(folder) is not None)
        how = "exists" if there else "does not exist yet; the run makes it"
        return Check(DESTINATION, CheckState.OK, f"{folder} {how}.{other}")

    def _drive(self) -> Check:
        try:
            user = drive_user(self._session, self._urls)
        except ApiDisabledError:
            text = (
                f"The Drive API is not enabled in {self._project}. Earth Engine can write to Drive all the same; "
                "enable it to see the room there and to download from it."
            )
            return Check(DESTINATION, CheckState.NOT_EXAMINED, text, api_link(DRIVE_API, self._project))
        free = user.free_bytes
        if free is not None and free < LITTLE_SPACE_BYTES:
            advice = "Make room there, or choose another destination."
            if self._connection.account.is_service:
                advice = "A service account has little room of its own: sign in as a user, or choose another place."
            text = f"Only {free / 1e9:.1f} GB are free in the Drive of {user.email}. {advice}"
            return Check(DESTINATION, CheckState.PROBLEM, text)
        room = "without a limit" if free is None else f"{free / 1e9:,.1f} GB free"
        return Check(DESTINATION, CheckState.OK, f"Drive of {user.email}, {room}.")

    def _folder(self) -> Check:
        return folder_check(self._output_folder)


def quota_problem(quota: Quota, makes_assets: bool) -> str:
    """What of the limits is used up and what to do about it, "" where nothing is."""
    if not makes_assets:
        return ""
    way_out = "Choose Drive or this computer as destination, or move a collection out of Earth Engine first."
    if quota.most_assets is not None and quota.assets >= quota.most_assets:
        return f"No more assets fit. {way_out}"
    if quota.most_store_bytes is not None and quota.store_bytes >= quota.most_store_bytes:
        return f"The room for assets is used up. {way_out}"
    return ""


def folder_check(folder: Path | None) -> Check:
    """Whether results can be written into a folder of this computer, which need not exist yet."""
    if folder is None:
        return Check(DESTINATION, CheckState.PROBLEM, "Choose a folder for the results.")
    place = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            free = shutil.disk_usage(place).free
    except OSError as error:
        text = f"{place} cannot be written ({error.strerror}). Choose another folder."
        return Check(DESTINATION, CheckState.PROBLEM, text)
    if free < LITTLE_SPACE_BYTES:
        text = f"Only {free / 1e9:.1f} GB are free in {place}. Make room, or choose another folder."
        return Check(DESTINATION, CheckState.PROBLEM, text)
    return Check(DESTINATION, CheckState.OK, f"{folder} can be written, {free / 1e9:,.0f} GB free.")


def _look(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except CancelledError:
        raise
    except EngineError as error:
        return Check(name, CheckState.PROBLEM, str(error))


def _told(name: str, finding: Finding, good: str) -> Check:
    if finding.known is Known.YES:
        return Check(name, CheckState.OK, good)
    return Check(
        name, CheckState.NOT_EXAMINED, "Google does not tell this for this sign-in; Earth Engine itself decides."
    )


def _of(used: int, most: int | None) -> str:
    return f"{used:,}" if most is None else f"{used:,} of {most:,}"
