"""A batch shared by two processes is normalised, gathered and differentiated as one process would do it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from nets import shared_batch
from nolabel.nets import sync

SUMMED = ("weight", "bias")  # gradients of parameters: the engine adds up those of all processes
WHOLE = ("mean", "variance", "gathered")  # the same in every process


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes have written."""
    out = tmp_path_factory.mktemp("out")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launcher, shared_batch.__file__, str(out)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out


def parts(out: Path, prefix: str = "") -> list[dict[str, Tensor]]:
    return [load_file(out / f"{prefix}{rank}.safetensors") for rank in range(2)]


def test_values_and_gradients_are_those_of_one_process(together: Path) -> None:
    one = shared_batch.everything(slice(None), 1.0)
    first, second = parts(together)
    assert one.keys() == first.keys() == second.keys()
    for name, expected in one.items():
        kind = name.rpartition(".")[2]
        if kind in SUMMED:
            found = first[name] + second[name]
        elif kind in WHOLE:
            assert torch.equal(first[name], second[name])
            found = first[name]
        else:
            found = torch.cat([first[name], second[name]])
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5, msg=lambda text, name=name: f"{name}: {text}")


def test_apart_each_goes_by_its_own_rows(together: Path) -> None:
    one = shared_batch.everything(slice(None), 1.0)
    for part in parts(together, "apart-"):
        assert all(torch.equal(part[name], one[name]) for name in one)


def test_one_process_is_left_alone() -> None:
    x = torch.randn(3, 2, requires_grad=True)
    assert sync.gather_with_gradient(x) is x
    assert sync.gather(x) is x
    assert sync.offset(3) == 0
