"""Projects of Google Cloud: those of an account, whether Earth Engine is enabled, and what the account may do there.

Sources: Cloud Resource Manager API v1 (projects.list, projects.get, projects.testIamPermissions), Service Usage API v1
(services.get). Both may be disabled for the client that a sign-in was made with; then nothing can be told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import quote, urlencode

from ..engines.errors import BadRequestError
from ..web.reading import understood
from ..web.session import Session, unexpected
from ..web.transport import Request
from .answers import DISABLED, SCOPES_MISSING, USER_PROJECT_DENIED, Answer, ask
from .urls import GOOGLE, Urls

EARTH_ENGINE = "earthengine.googleapis.com"
PAGE_PROJECTS = 500
MOST_PAGES = 40
ID_FORM = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
"""6 to 30 characters (Cloud Resource Manager, projects); old ones of a domain have "domain.org:" before them."""
DOMAIN_FORM = re.compile(r"[a-z0-9.-]+:")
NOT_TOLD = (*DISABLED, SCOPES_MISSING, USER_PROJECT_DENIED)
"""Refusals that speak of the sign-in's client or its scopes, not of the project asked about."""


@dataclass(frozen=True)
class Project:
    """A project: its id and the name that its owner gave it."""

    id: str
    name: str


class Known(Enum):
    """What could be found out about a project."""

    YES = "yes"
    NO = "no"
    NOT_TOLD = "not told"


@dataclass(frozen=True)
class Finding:
    """The answer to a question, and the service's sentence where it is not YES."""

    known: Known
    text: str = ""


def id_problem(project: str) -> str:
    """What is wrong with a project's id as typed, "" where nothing is."""
    if not project:
        return "Choose a project of Google Cloud, or type its id."
    if ID_FORM.fullmatch(DOMAIN_FORM.sub("", project, count=1)):
        return ""
    if project.isdecimal():
        return f"{project} is a project's number. Type its id: it has letters and stands beside it in the console."
    return (
        f"“{project}” is no project id: 6 to 30 lower-case letters, digits and hyphens, a letter first. "
        "It stands beside the project's name at console.cloud.google.com."
    )


def list_projects(session: Session, urls: Urls = GOOGLE) -> list[Project]:
    """The active projects that the account sees, in order of their ids.

    BadRequestError where they cannot be listed with this sign-in: an id can still be typed.
    """
    found: list[Project] = []
    token = ""
    for _ in range(MOST_PAGES):
        query = {"filter": "lifecycleState:ACTIVE", "pageSize": str(PAGE_PROJECTS)}
        query |= {"pageToken": token} if token else {}
        answer = ask(session, Request(f"{urls.resources}/v1/projects?{urlencode(query)}"))
        if answer.reason in NOT_TOLD:
            raise BadRequestError(
                "Google does not list projects for this sign-in. Type the project's id: it stands at the top of "
                "code.earthengine.google.com and at console.cloud.google.com."
            )
        page = answer.require()
        with understood(unexpected(answer.host)):
            found += [_project(entry, answer.host) for entry in page.get("projects", []) if _is_active(entry)]
        token = page.get("nextPageToken", "")
        if not token:
            break
    return sorted(found, key=lambda project: project.id)


def find_project(session: Session, project: str, urls: Urls = GOOGLE) -> Finding:
    """Whether the project is active. The service does not tell a missing one from one that may not be looked at."""
    answer = ask(session, Request(f"{urls.resources}/v1/projects/{quote(project, safe=':')}"))
    if answer.is_good:
        state = answer.content.get("lifecycleState")
        if state == "ACTIVE":
            return Finding(Known.YES)
        return Finding(Known.NO, "it is being deleted" if state == "DELETE_REQUESTED" else f"its state is {state}")
    return _refused(answer)


def earth_engine_enabled(session: Session, project: str, urls: Urls = GOOGLE) -> Finding:
    """Whether the Earth Engine API is enabled in the project."""
    answer = ask(session, Request(f"{urls.usage}/v1/projects/{quote(project, safe=':')}/services/{EARTH_ENGINE}"))
    if answer.is_good:
        return Finding(Known.YES if answer.content.get("state") == "ENABLED" else Known.NO)
    return _refused(answer)


def missing_permissions(
    session: Session, project: str, permissions: Sequence[str], urls: Urls = GOOGLE
) -> tuple[str, ...] | None:
    """Those of ``permissions`` that the account lacks in the project; None where this is not told."""
    url = f"{urls.resources}/v1/projects/{quote(project, safe=':')}:testIamPermissions"
    body = json.dumps({"permissions": list(permissions)}).encode()
    answer = ask(session, Request(url, {"Content-Type": "application/json"}, body))
    if not answer.is_good:
        return None
    with understood(unexpected(answer.host)):
        granted = frozenset(answer.content.get("permissions", []))
    return tuple(name for name in permissions if name not in granted)


def _refused(answer: Answer) -> Finding:
    """No right to look says nothing about the project itself."""
    if answer.reason in NOT_TOLD or answer.status in (403, 404):
        return Finding(Known.NOT_TOLD, answer.message)
    raise answer.error()


def _is_active(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("lifecycleState", "ACTIVE") == "ACTIVE"


def _project(entry: dict[str, Any], host: str) -> Project:
    identifier, name = entry.get("projectId"), entry.get("name", "")
    if not isinstance(identifier, str) or not isinstance(name, str):
        raise unexpected(host)
    return Project(identifier, name)
