"""A tensor store of its own for the tests of text."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def tensor_store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENSORS_CACHE_DIR", str(tmp_path_factory.mktemp("local")))
        patch.setenv("RR_RRFS_DIR", str(tmp_path_factory.mktemp("shared")))
        patch.delenv("NO_COLOR", raising=False)
        yield
