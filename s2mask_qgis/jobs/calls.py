"""Calls of an engine that are waited for: one after the other, or several at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Calls:
    """Carries out calls; with ``at_once`` of 1 each is over when :meth:`submit` returns, without any thread."""

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self._threads = ThreadPoolExecutor(at_once, "s2mask-call") if at_once > 1 else None

    def submit(self, call: Callable[[], Any]) -> Future[Any]:
        """Begin a call; its error, whatever it is, lies in the future."""
        if self._threads is not None:
            return self._threads.submit(call)
        future: Future[Any] = Future()
        try:
            future.set_result(call())
        except Exception as error:  # handed to whoever asks for the result
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Wait for the calls that have begun; the others never begin."""
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
