"""The functions behind the dock's section of Earth Engine, as one value: the real ones load their modules when used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..engines.errors import BadRequestError, CancelledError, EngineError
from ..gis.google_account import AccountChoice, command_choice, connect, forget, keep_key
from ..google.account import Account, Connection
from ..google.urls import GOOGLE, Urls
from ..jobs.request import EarthEngineChoice
from .services import CountCallback, IsCancelled

if TYPE_CHECKING:
    from ..google.projects import Project
    from ..jobs.doctor import Check


@dataclass(frozen=True)
class EarthEngineServices:
    """What the section can have done.

    In the main thread: ``connect(account)`` reads what is secret, ``keep_key(text)`` puts a key into QGIS's
    authentication database and ``forget(account)`` takes it out again. In tasks:
    ``sign_in(with_drive, open_browser, on_count, is_cancelled)`` in the browser, and
    ``use_command(on_count, is_cancelled)`` with the earthengine command's sign-in, give the account and the project
    chosen for the command; ``read_key(path, on_count, is_cancelled)`` gives a key's text and its project;
    ``projects(connection, project, on_count, is_cancelled)`` lists the account's projects;
    ``examine(connection, choice, output_folder, on_count, is_cancelled)`` looks whether a run would work.
    """

    connect: Callable[[AccountChoice], Connection]
    keep_key: Callable[[str], AccountChoice]
    forget: Callable[[AccountChoice], None]
    sign_in: Callable[[bool, Callable[[str], None], CountCallback, IsCancelled], tuple[AccountChoice, str]]
    use_command: Callable[[CountCallback, IsCancelled], tuple[AccountChoice, str]]
    read_key: Callable[[Path, CountCallback, IsCancelled], tuple[str, str]]
    projects: Callable[[Connection, str, CountCallback, IsCancelled], list[Project]]
    examine: Callable[[Connection, EarthEngineChoice, Path | None, CountCallback, IsCancelled], list[Check]]


def real_earth_engine_services(urls: Urls = GOOGLE) -> EarthEngineServices:
    """The plugin's own functions, over QGIS's network."""
    sign_in, use_command = partial(_sign_in, urls), partial(_use_command, urls)
    projects, examine = partial(_projects, urls), partial(_examine, urls)
    return EarthEngineServices(connect, keep_key, forget, sign_in, use_command, _read_key, projects, examine)


def _sign_in(
    urls: Urls,
    with_drive: bool,
    open_browser: Callable[[str], None],
    _on_count: CountCallback,
    is_cancelled: IsCancelled,
) -> tuple[AccountChoice, str]:
    from ..gis.network import qgis_fetch
    from ..google.answers import waited_for
    from ..google.sign_in import NEEDED, sign_in

    session = waited_for(qgis_fetch(is_cancelled), is_cancelled)
    account = sign_in(session, open_browser, () if with_drive else NEEDED)
    return _named(account, urls, is_cancelled)


def _use_command(urls: Urls, _on_count: CountCallback, is_cancelled: IsCancelled) -> tuple[AccountChoice, str]:
    from ..google.credentials import command_account

    return _named(command_account(), urls, is_cancelled)


def _named(account: Account, urls: Urls, is_cancelled: IsCancelled) -> tuple[AccountChoice, str]:
    """The command's account under its user's e-mail where that can be known, and its project."""
    from ..gis.network import qgis_fetch
    from ..google.answers import waited_for
    from ..google.credentials import command_project
    from ..google.drive_user import drive_user

    project, email = command_project(), ""
    account.token(qgis_fetch(is_cancelled), is_cancelled)
    try:
        fetch = Connection(account, qgis_fetch).authorized(is_cancelled, project)
        email = drive_user(waited_for(fetch, is_cancelled), urls).email
    except CancelledError:
        raise
    except EngineError:  # many sign-ins may not look at Drive; the account works without a name
        email = ""
    return command_choice(email), project


def _read_key(path: Path, _on_count: CountCallback, _is_cancelled: IsCancelled) -> tuple[str, str]:
    from ..google.credentials import read_key

    text, facts = read_key(path)
    return text, facts.project


def _projects(
    urls: Urls, connection: Connection, project: str, _on_count: CountCallback, is_cancelled: IsCancelled
) -> list[Project]:
    from ..google.answers import waited_for
    from ..google.projects import list_projects

    try:
        return list_projects(waited_for(connection.authorized(is_cancelled), is_cancelled), urls)
    except BadRequestError:
        if not project:
            raise
    # where the client's own project may not ask, the user's may
    return list_projects(waited_for(connection.authorized(is_cancelled, project), is_cancelled), urls)


def _examine(
    urls: Urls,
    connection: Connection,
    choice: EarthEngineChoice,
    output_folder: Path | None,
    _on_count: CountCallback,
    is_cancelled: IsCancelled,
) -> list[Check]:
    from ..jobs.doctor import examine_earth_engine

    return examine_earth_engine(connection, choice, output_folder, is_cancelled, urls)
