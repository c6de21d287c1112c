"""One thread for numpy's matrix products while several threads of ours work: otherwise both kinds wait for each other.

Environment variables would have to be set before numpy is loaded, which in QGIS has happened long ago. OpenBLAS, which
numpy comes with nearly everywhere, can be told at any time; another library is left as it is.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

PREFIXES, SUFFIXES = ("openblas_", "scipy_openblas_"), ("", "64_")
"""How the builds of OpenBLAS name their functions: before and behind the name."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Matrix products take one thread each within this context, and as many as before after it.

    It holds for the whole process, so it belongs around a job and not into its threads.
    """
    get, put = _function("get_num_threads"), _function("set_num_threads")
    if get is None or put is None:
        yield
        return
    before = get()
    put(1)
    try:
        yield
    finally:
        put(before)


def _function(name: str) -> Callable[..., int] | None:
    """A function of the OpenBLAS that numpy is linked with, None where there is none."""
    library = ctypes.CDLL(np.core._multiarray_umath.__file__)
    names = [prefix + name + suffix for prefix in PREFIXES for suffix in SUFFIXES]
    return next((getattr(library, each) for each in names if hasattr(library, each)), None)
