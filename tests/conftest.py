"""What every test shares: one thread, generators that start the same, a cache of its own, and where real data lie."""

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported, here and in every process that a test starts

import numpy as np
import pytest
import torch
from hypothesis import settings

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # several files share the contract's checks: `from contract.checks import`

settings.register_profile("nolabel", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("nolabel")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees or fills the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOLABEL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _same_start() -> None:
    """A test's outcome does not depend on which tests ran before it."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the global generator is what is set here
    torch.manual_seed(0)


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of real data sets, or a skip."""
    folder = Path(os.environ.get("NOLABEL_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not there and NOLABEL_DATA is not set")
    monkeypatch.setenv("NOLABEL_DATA", str(folder))
    return folder
