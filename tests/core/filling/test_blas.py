"""Matrix products take one thread within the context alone."""

from __future__ import annotations

import pytest

from s2mask_qgis.core.filling import blas


def test_the_number_of_threads_is_one_within_and_as_before_after_it():
    threads = blas._function("get_num_threads")
    if threads is None:
        pytest.skip("numpy is not linked with OpenBLAS here.")
    before = threads()
    with blas.one_thread():
        assert threads() == 1
    assert threads() == before
    with pytest.raises(KeyError):
        fail_within()
    assert threads() == before


def fail_within() -> None:
    with blas.one_thread():
        raise KeyError


def test_another_library_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(blas, "PREFIXES", ("no_such_",))
    with blas.one_thread():
        assert blas._function("get_num_threads") is None
