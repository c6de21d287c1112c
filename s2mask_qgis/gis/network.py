"""Requests by QGIS's network: its proxy, its certificates, its list of accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qgis.core import QgsApplication, QgsAuthMethodConfig, QgsNetworkAccessManager
from qgis.PyQt.QtCore import QByteArray, QElapsedTimer, QEventLoop, Qt, QTimer, QUrl
from qgis.PyQt.QtNetwork import QNetworkReply, QNetworkRequest

from ..catalogues.tokens import Account
from ..engines.errors import CancelledError
from ..web.transport import CHUNK_BYTES, Fetch, Request, Response, broken, no_answer, require_web
from .errors import UserError

BUFFER_BYTES = 4 * CHUNK_BYTES
"""So much is read ahead of the one who stores it, however large the file."""
LOOK_MS = 200
"""How often a request that brings nothing looks whether to stop. QGIS itself ends it after its time-out."""
QGIS_TIMER = "timeoutTimer"
"""The name that QGIS gives to the timer, a child of the reply, that ends a silent request after the time of its
settings."""
MARGIN_MS = 5_000
"""So much later than we do, QGIS would end a request whose time-out is our own."""


def qgis_fetch(is_cancelled: Callable[[], bool]) -> Fetch:
    """A transport for one task, to be used in the task's thread."""
    return lambda request: _Exchange(request, is_cancelled).response()


def account_of(config_id: str) -> Account:
    """User and password of an entry in QGIS's authentication database; to be called in the main thread.

    UserError where there is no such entry, where it is not opened, or where it holds something else.
    """
    if not config_id:
        raise UserError("Choose an account, or add one: its kind is “Basic authentication”.")
    manager = QgsApplication.authManager()
    is_loaded, config = manager.loadAuthenticationConfig(config_id, QgsAuthMethodConfig(), True)
    if not is_loaded:
        raise UserError("The account cannot be read. Open QGIS's authentication database with its master password.")
    user, password = config.config("username"), config.config("password")
    if not user or not password:
        raise UserError("The account holds no user and password. Choose one of the kind “Basic authentication”.")
    return Account(user, password)


class _Exchange:
    """One request and its reply, read as it arrives."""

    def __init__(self, request: Request, is_cancelled: Callable[[], bool]) -> None:
        require_web(request.url)
        self._request = request
        self._is_cancelled = is_cancelled
        # In a thread without an event loop of its own, what QGIS does about a reply has to be done at once.
        manager = QgsNetworkAccessManager.instance(Qt.ConnectionType.DirectConnection)
        self._reply = _sent(manager, request)
        self._reply.setReadBufferSize(BUFFER_BYTES)
        self._silence = QElapsedTimer()
        self._silence.start()
        timer = self._reply.findChild(QTimer, QGIS_TIMER)
        if request.timeout_s is not None and timer is not None:
            timer.start(int(request.timeout_s * 1000) + MARGIN_MS)

    def response(self) -> Response:
        """The answer, as soon as its headers are there."""
        status = self._status()
        while status is None and not self._reply.isFinished():
            self._wait()
            status = self._status()
        if status is None:
            reason = self._reply.errorString()
            self.close()
            raise no_answer(self._request, reason)
        pairs = self._reply.rawHeaderPairs()
        headers = {bytes(name).decode("latin-1").lower(): bytes(value).decode("latin-1") for name, value in pairs}
        return Response(status, headers, self._chunks(), self.close)

    def close(self) -> None:
        """End the connection."""
        if not self._reply.isFinished():
            self._reply.abort()
        self._reply.deleteLater()

    def _status(self) -> int | None:
        status = self._reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
        return None if status is None else int(status)

    def _chunks(self) -> Iterator[bytes]:
        while True:
            if self._reply.bytesAvailable():
                yield bytes(self._reply.read(CHUNK_BYTES))
            elif self._reply.isFinished():
                break
            else:
                self._wait()
        if self._reply.error() != QNetworkReply.NetworkError.NoError and (self._status() or 0) < 300:
            raise broken(self._request, self._reply.errorString())

    def _wait(self) -> None:
        """Until something arrives, for LOOK_MS at most; CancelledError where the task was stopped, TransientError
        where the server has been silent for longer than the request allows."""
        if self._is_cancelled():
            self.close()
            raise CancelledError("Stopped.")
        limit_s = self._request.timeout_s
        if limit_s is not None and self._silence.elapsed() > limit_s * 1000:
            self.close()
            raise no_answer(self._request, f"nothing came for {limit_s:.0f} s")
        loop, timer = QEventLoop(), QTimer()
        timer.timeout.connect(loop.quit)
        signals = (self._reply.metaDataChanged, self._reply.readyRead, self._reply.finished)
        for signal in signals:
            signal.connect(loop.quit)
        timer.start(LOOK_MS)
        before = self._reply.bytesAvailable(), self._status()
        loop.exec()
        if (self._reply.bytesAvailable(), self._status()) != before:
            self._silence.restart()
        for signal in signals:
            signal.disconnect(loop.quit)


def _sent(manager: QgsNetworkAccessManager, request: Request) -> QNetworkReply:
    query, body = _query(request), QByteArray(request.body or b"")
    if request.verb == "GET":
        return manager.get(query)
    if request.verb == "POST":
        return manager.post(query, body)
    return manager.sendCustomRequest(query, QByteArray(request.verb.encode()), body)


def _query(request: Request) -> QNetworkRequest:
    """The request as Qt sends it: never from the cache, never on to another address by itself."""
    query = QNetworkRequest(QUrl.fromEncoded(request.url.encode()))
    for name, value in request.headers.items():
        query.setRawHeader(name.encode("latin-1"), value.encode("latin-1"))
    attribute = QNetworkRequest.Attribute
    query.setAttribute(attribute.CacheLoadControlAttribute, QNetworkRequest.CacheLoadControl.AlwaysNetwork)
    query.setAttribute(attribute.CacheSaveControlAttribute, False)
    query.setAttribute(attribute.RedirectPolicyAttribute, QNetworkRequest.RedirectPolicy.ManualRedirectPolicy)
    return query
