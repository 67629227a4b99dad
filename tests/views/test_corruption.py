"""Corruptions hit as much as was asked, leave the rest untouched, and depend on the draws alone."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from nolabel.randomness import Draws
from nolabel.views.corruption import blocks, gaussian, masking, salt_and_pepper

Corruption = Callable[[Tensor, float, Draws], Tensor]


def salted(x: Tensor, amount: float, draws: Draws) -> Tensor:
    return salt_and_pepper(x, amount, -7.0, 8.0, draws)


EVERY: dict[str, Corruption] = {"gaussian": gaussian, "masking": masking, "salt_and_pepper": salted, "blocks": blocks}
# values in (0, 1) that no corruption writes
images = torch.rand(40, 2, 15, 11, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1


def in_bounds(hits: int, trials: int, rate: float) -> bool:
    """Whether a count is one that a coin of this rate would give in all but one of 10,000 experiments."""
    low, high = stats.binom.interval(0.9999, trials, rate)
    return bool(low <= hits <= high)


@pytest.mark.parametrize("amount", [0.0, 0.1, 0.5, 0.93, 1.0])
def test_masking_hits_at_the_rate_that_was_asked(amount: float) -> None:
    seen = masking(images, amount, Draws(1))
    hit = seen == 0
    assert in_bounds(int(hit.sum()), hit.numel(), amount)
    assert torch.equal(seen[~hit], images[~hit])


@pytest.mark.parametrize("amount", [0.0, 0.1, 0.5, 0.93, 1.0])
def test_salt_and_pepper_come_at_the_rate_that_was_asked_and_evenly(amount: float) -> None:
    seen = salted(images, amount, Draws(1))
    low, high = seen == -7, seen == 8
    hits = int((low | high).sum())
    assert in_bounds(hits, seen.numel(), amount)
    assert in_bounds(int(low.sum()), hits, 0.5)
    assert torch.equal(seen[~(low | high)], images[~(low | high)])


def test_gaussian_noise_has_the_deviation_that_was_asked() -> None:
    noise = (gaussian(images, 0.3, Draws(1)) - images).flatten() / 0.3
    assert stats.kstest(noise.numpy(), "norm").pvalue > 0.001
    assert torch.equal(gaussian(images, 0.0, Draws(1)), images)


@pytest.mark.parametrize("size", [(64, 64), (40, 90), (15, 11)])
@pytest.mark.parametrize("amount", [0.05, 0.25, 0.5, 0.75, 0.9, 1.0])
def test_blocks_cover_the_fraction_that_was_asked(size: tuple[int, int], amount: float) -> None:
    x = torch.ones(300, 1, *size)
    covered = (blocks(x, amount, Draws(3)) == 0).flatten(1).float().mean(1)
    # sides are rounded to whole pixels: by less than one each, and on average not at all
    assert covered.mean().item() == pytest.approx(amount, abs=0.02)
    slack = (size[0] + size[1] + 1) / (size[0] * size[1])
    assert (covered - amount).abs().max().item() <= slack


def test_a_block_is_one_rectangle_of_all_channels_and_the_rest_is_untouched() -> None:
    seen = blocks(images, 0.3, Draws(2))
    for image, original in zip(seen, images):
        hit = image == 0
        assert torch.equal(hit[0], hit[1])
        assert torch.equal(image[~hit], original[~hit])
        rows, columns = hit[0].any(1).nonzero().flatten(), hit[0].any(0).nonzero().flatten()
        assert hit[0][rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].all()


def test_blocks_fall_everywhere_and_have_many_shapes() -> None:
    x = torch.ones(2000, 1, 30, 30)
    hit = blocks(x, 0.2, Draws(4))[:, 0] == 0
    heights, widths = hit.any(2).sum(1), hit.any(1).sum(1)
    ratios = (heights / widths).log2()
    assert ratios.min() >= -1.2  # between 1:2 and 2:1, sides rounded
    assert ratios.max() <= 1.2
    assert ratios.min() < -0.8
    assert ratios.max() > 0.8
    reach = hit.float().mean(0)
    assert reach.min() > 0
    torch.testing.assert_close(reach, reach.flip(0), atol=0.05, rtol=0)
    torch.testing.assert_close(reach, reach.flip(1), atol=0.05, rtol=0)


@pytest.mark.parametrize("corrupt", EVERY.values(), ids=EVERY)
def test_an_amount_of_nought_changes_nothing(corrupt: Corruption) -> None:
    assert torch.equal(corrupt(images, 0.0, Draws(1)), images)


@pytest.mark.parametrize("corrupt", EVERY.values(), ids=EVERY)
def test_the_same_draws_give_the_same_bits_and_the_input_is_left_alone(corrupt: Corruption) -> None:
    before = images.clone()
    seen = corrupt(images, 0.4, Draws(6))
    assert torch.equal(seen, corrupt(images, 0.4, Draws(6)))
    assert not torch.equal(seen, corrupt(images, 0.4, Draws(7)))
    assert torch.equal(images, before)
    assert seen.data_ptr() != images.data_ptr()


@pytest.mark.parametrize("corrupt", EVERY.values(), ids=EVERY)
@given(cuts=st.lists(st.integers(1, 39), unique=True, max_size=4).map(sorted))
def test_what_processes_see_is_what_one_would_have_seen(corrupt: Corruption, cuts: list[int]) -> None:
    expected = corrupt(images, 0.4, Draws(8))
    edges = [0, *cuts, 40]
    parts = [
        corrupt(images[a:b], 0.4, Draws(8, total=40, rows=slice(a, b))) for a, b in zip(edges, edges[1:], strict=False)
    ]
    assert torch.equal(torch.cat(parts), expected)
