"""How much memory a process may have, and what is therefore held in it."""

import resource
from pathlib import Path

import numpy as np
import pytest
import torch

from nolabel.data import memory


def test_the_limit_of_the_process_counts() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    limit = memory._machine_bytes() - 1
    resource.setrlimit(resource.RLIMIT_DATA, (limit, before[1]))
    try:
        assert memory._limit_bytes() == limit
        assert memory.allowed_bytes() <= limit
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def test_the_limits_of_the_control_group_and_its_parents_count(tmp_path: Path) -> None:
    own, groups = tmp_path / "own", tmp_path / "groups"
    (groups / "a" / "b").mkdir(parents=True)
    assert memory._group_bytes(groups, own) == memory._NO_LIMIT
    own.write_text("0::/a/b\n")
    (groups / "a" / "b" / "memory.max").write_text("max\n")
    assert memory._group_bytes(groups, own) == memory._NO_LIMIT
    (groups / "a" / "memory.max").write_text("3000\n")
    assert memory._group_bytes(groups, own) == 3000
    (groups / "memory").mkdir()
    (groups / "memory" / "memory.limit_in_bytes").write_text("2000\n")
    assert memory._group_bytes(groups, own) == 2000


def test_a_quarter_is_the_most_and_a_gigabyte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "allowed_bytes", lambda: 4000)
    assert memory.fits(1000)
    assert not memory.fits(1001)
    monkeypatch.setattr(memory, "allowed_bytes", lambda: 2**50)
    assert memory.fits(2**30)
    assert not memory.fits(2**30 + 1)


def test_some_memory_is_allowed() -> None:
    assert 2**20 < memory.allowed_bytes() < memory._NO_LIMIT


@pytest.mark.parametrize("choice", [True, False, None])
def test_only_what_lies_on_disk_can_stay_there(choice: bool | None) -> None:
    held = memory.settle(np.zeros((3, 4), np.uint8), choice)
    assert isinstance(held, torch.Tensor)


def test_values_of_any_stride_are_taken() -> None:
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert memory.settle(values[::-1, ::2], None).tolist() == values[::-1, ::2].tolist()
