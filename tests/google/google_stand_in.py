"""A stand-in of Google's endpoints for tokens, projects, APIs and Drive on 127.0.0.1, made after their references."""

from __future__ import annotations

import json
import threading
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import ProxyHandler, build_opener

from s2mask_qgis.google.urls import Urls
from tests.catalogues.stand_in import Answer, Asked, StandIn, json_answer

CODE, REFRESH, CLIENT_NUMBER = "4/planted-code", "1//planted-refresh-token", "517222506229"
SCOPE = "https://www.googleapis.com/auth/"
ALL_SCOPES = f"{SCOPE}earthengine {SCOPE}cloud-platform {SCOPE}drive {SCOPE}devstorage.full_control"


def refusal(status: int, reason: str, message: str = "no", name: str = "PERMISSION_DENIED") -> Answer:
    """An error as google.rpc.Status writes it."""
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}]
    error = {"code": status, "message": message, "status": name, "details": details}
    return Answer(status, json.dumps({"error": error}).encode(), {"Content-Type": "application/json"})


def token_refusal(code: str, **more: str) -> Answer:
    """An error as the token endpoint writes it (RFC 6749, 5.2)."""
    return Answer(400, json.dumps({"error": code, "error_description": "told", **more}).encode())


class Google(StandIn):
    """Tokens are "token1", "token2" …; the newest one is valid unless a test changes ``valid``."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.lasts_s = 3600
        self.valid: set[str] = set()
        self.token_answer: Answer | None = None
        self.scope = ALL_SCOPES
        self.projects = [{"projectId": "my-project", "name": "Mine", "lifecycleState": "ACTIVE"}]
        self.page = 100
        self.services = {"my-project": "ENABLED"}
        self.granted: tuple[str, ...] | None = None
        self.drive = {"user": {"emailAddress": "ann@example.org"}, "storageQuota": {"limit": "16", "usage": "1"}}
        self.refusals: dict[str, Answer] = {}
        self.lock = threading.Lock()

    @property
    def urls(self) -> Urls:
        return Urls(self.url, self.url, f"{self.url}/drive/v3")

    @property
    def token_url(self) -> str:
        return f"{self.url}/token"

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/token":
            with self.lock:
                return self._token(asked.form)
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.valid:
            return refusal(401, "ACCESS_TOKEN_EXPIRED", name="UNAUTHENTICATED")
        for beginning, answer in self.refusals.items():
            if asked.path.startswith(beginning):
                return answer
        return self._resource(asked)

    def _token(self, form: dict[str, str]) -> Answer:
        if self.token_answer is not None:
            return self.token_answer
        known = {
            "authorization_code": form.get("code") == CODE and len(form.get("code_verifier", "")) >= 43,
            "refresh_token": form.get("refresh_token") == REFRESH,
            "urn:ietf:params:oauth:grant-type:jwt-bearer": form.get("assertion", "").count(".") == 2,
        }
        if not known.get(form["grant_type"]):
            return token_refusal("invalid_grant")
        self.count += 1
        token = f"token{self.count}"
        self.valid = {token}
        answer = {"access_token": token, "expires_in": self.lasts_s, "token_type": "Bearer"}
        if form["grant_type"] == "authorization_code":
            answer |= {"refresh_token": REFRESH, "scope": self.scope}
        return json_answer(answer)

    def _resource(self, asked: Asked) -> Answer:
        if asked.path == "/v1/projects":
            first = int(asked.query.get("pageToken", "0"))
            page = {"projects": self.projects[first : first + self.page]}
            if first + self.page < len(self.projects):
                page["nextPageToken"] = str(first + self.page)
            return json_answer(page)
        if asked.path == "/drive/v3/about":
            return json_answer(self.drive)
        project, _, rest = asked.path.removeprefix("/v1/projects/").partition("/")
        if project.endswith(":testIamPermissions"):
            return json_answer({} if not self.granted else {"permissions": list(self.granted)})
        if rest:
            return json_answer({"name": asked.path[4:], "state": self.services.get(project, "DISABLED")})
        for entry in self.projects:
            if entry["projectId"] == project:
                return json_answer(entry)
        return refusal(403, "IAM_PERMISSION_DENIED", "The caller does not have permission")


class Browser:
    """What a user's browser does with the consent page: shows it to nobody and comes back with an answer."""

    def __init__(self, **answer: str) -> None:
        self.answer = answer or {"code": CODE}
        self.query: dict[str, str] = {}
        self.pages: list[tuple[int, str]] = []

    def open(self, url: str) -> None:
        self.query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        threading.Thread(target=self.come_back, kwargs=self.answer, daemon=True).start()

    def come_back(self, path: str = "/", **answer: str) -> None:
        query = urlencode({"state": self.query["state"], **answer})
        port = urlsplit(self.query["redirect_uri"]).port
        opener = build_opener(ProxyHandler({}))  # browsers ask no proxy for this computer
        opener.addheaders = []
        try:
            with opener.open(f"http://127.0.0.1:{port}{path}?{query}", timeout=10) as reply:
                self.pages.append((reply.status, reply.read().decode()))
        except OSError as error:
            self.pages.append((getattr(error, "code", 0), str(error)))
