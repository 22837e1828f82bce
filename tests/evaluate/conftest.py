"""A tensor store of its own for these tests: texts of schedules put tensors there."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("TENSORS_CACHE_DIR", "RR_RRFS_DIR"):
            patch.setenv(variable, str(tmp_path_factory.mktemp(variable)))
        yield
