"""Devices by name. Several processes: see test_processes.py."""

import pytest
import torch

from nolabel.errors import ArgumentError
from nolabel.training.runtime import Runtime, find_device, find_runtime


def test_devices_by_name() -> None:
    assert find_device("cpu") == torch.device("cpu")
    assert find_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "cpu:x", "", "cuda:-1"])
def test_nonsense_is_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match=rf"plan.device must be 'auto', 'cpu', 'cuda' or 'cuda:N'; got '{name}'"):
        find_device(name)


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        ArgumentError, match="plan.device='cuda:1', but PyTorch sees no GPU here; use device='auto' or 'cpu'"
    ):
        find_device("cuda:1")


def test_alone_there_is_nothing_to_agree_on() -> None:
    runtime = find_runtime("cpu")
    assert runtime == Runtime(torch.device("cpu"), 0, 1)
    assert runtime.main
    values = torch.arange(3.0)
    assert runtime.sum_(values) is values
    assert runtime.agree(7) == 7
