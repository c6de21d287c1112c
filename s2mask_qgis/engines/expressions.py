"""Makes the Earth Engine client ready to build expressions, without the network and without anybody's account.

The client is one global state that every plugin in a QGIS shares. Ours builds expressions with it and sends them by
itself (calls.py), so no call of ours can go out with another tool's sign-in, and theirs are none of ours.
"""

from __future__ import annotations

import json
import threading
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from .vendored import import_client

URL, PROJECT = "http://signatures.invalid", "signatures"
"""Placeholders: nothing is ever sent there."""
NOT_SIGNED_IN = (
    "The Earth Engine client is only ready to build expressions. Call ee.Reset() and ee.Initialize() to talk to the "
    "service with an account of your own."
)

_MAKING_READY = threading.Lock()


def ready_client() -> ModuleType:
    """The ``ee`` module with the functions that expressions are built from.

    Where another plugin has initialised the client, it is left as it is: the functions are there, and the account
    stays theirs. EngineError where there is no client.
    """
    with _MAKING_READY:
        ee = import_client()
        if not ee.ApiFunction._api:  # the client tells in no other way that its functions are missing
            _make_ready(ee)
        return ee


def _make_ready(ee: ModuleType) -> None:
    ee.data.reset()  # of an initialisation that went wrong before the functions were there, with its account
    deprecation = ee.deprecation
    # Filled, so that the client does not fetch its list of deprecated assets from the network.
    deprecation.deprecated_assets = deprecation.deprecated_assets or {"": None}
    ee.Initialize(credentials=None, url=URL, project=PROJECT, http_transport=_Signatures())
    ee.data.reset()  # so that other plugins see that nobody has signed in
    ee.ApiFunction._api = _OwnFunctions(ee.ApiFunction._api)


class _OwnFunctions(dict[str, Any]):
    """The functions that we know, which is not all there are: once somebody signs in, they count as none at all, and
    the client asks the service for its own, which take their place."""

    def __bool__(self) -> bool:
        """The client reads its list of functions where it has none (ee/apifunction.py)."""
        return not import_client().data.is_initialized()


class _Signatures:
    """Answers what the client asks for as it is initialised: the calls of the service, and its functions."""

    def request(self, uri: str, *_arguments: Any, **_options: Any) -> tuple[Any, bytes]:
        """Answer as an HTTP client of the httplib2 kind would."""
        import httplib2

        from .local.discovery import document
        from .local.vocabulary import signatures

        path = urlsplit(uri).path
        status = 400
        answer: dict[str, Any] = {"error": {"code": status, "status": "FAILED_PRECONDITION", "message": NOT_SIGNED_IN}}
        if path.endswith("/$discovery/rest"):
            status, answer = 200, document(URL)
        elif path.endswith("/algorithms"):
            status, answer = 200, {"algorithms": signatures()}
        headers = {"status": str(status), "content-type": "application/json"}
        return httplib2.Response(headers), json.dumps(answer).encode()
