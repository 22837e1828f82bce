"""Fixtures of the tests of the transformer library."""

import pytest


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty tensor store and shared root of its own."""
    monkeypatch.setenv("TENSORS_CACHE_DIR", str(tmp_path / "tensors"))
    monkeypatch.setenv("RR_RRFS_DIR", str(tmp_path / "shared"))
    return tmp_path
