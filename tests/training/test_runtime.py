"""Devices by name. Several processes: see test_processes.py."""

import platform
import subprocess
import sys
import textwrap

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep memory by rules of their own")
def test_a_step_takes_no_new_memory_from_the_kernel() -> None:
    """In a process of its own, for thresholds that were moved once stay."""
    script = """
        import resource, torch
        from nolabel.training.runtime import find_runtime
        torch.set_num_threads(1)
        find_runtime("cpu")
        def steps():
            for _ in range(20):
                [torch.zeros(200_000) + turn for turn in range(3)]
        steps()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        steps()
        print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 20, f"{done.stdout} page faults a step"
