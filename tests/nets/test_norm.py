"""`BatchNorm` in one process: torch's own, and what it does with a batch of one. Over processes: test_sync.py."""

import pytest
import torch
from torch import nn

from nolabel.nets.norm import BatchNorm


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 5), (6, 4, 3, 2)])
def test_it_is_torchs_own(shape: tuple[int, ...]) -> None:
    theirs = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}[len(shape)](4)
    ours = BatchNorm(4)
    for _ in range(3):
        x = torch.randn(shape) * 3 + 1
        assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.running_mean, theirs.running_mean)
    assert torch.equal(ours.running_var, theirs.running_var)
    ours.eval(), theirs.eval()
    assert torch.equal(ours(x), theirs(x))


def test_without_gain_and_with_a_gain_of_nothing() -> None:
    plain, silent = BatchNorm(4, affine=False), BatchNorm(4, gain=0.0)
    x = torch.randn(50, 4) * 3 + 1
    assert not list(plain.parameters())
    torch.testing.assert_close(plain(x).mean(0), torch.zeros(4), atol=1e-6, rtol=0)
    assert not silent(x).any()


def test_a_batch_of_one_goes_by_the_running_statistics() -> None:
    norm = BatchNorm(4)
    norm(torch.randn(50, 4) * 3 + 1)
    mean, x = norm.running_mean.clone(), torch.randn(1, 4)
    found = norm(x)
    assert torch.equal(norm.running_mean, mean)
    assert torch.equal(found, norm.eval()(x))


def test_one_image_has_a_spread_of_its_own() -> None:
    x = torch.randn(1, 4, 3, 3)
    torch.testing.assert_close(BatchNorm(4)(x).mean((2, 3)), torch.zeros(1, 4), atol=1e-6, rtol=0)
