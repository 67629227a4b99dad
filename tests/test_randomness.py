"""Draws depend on (seed, step) and on nothing else; a process's rows are those of the whole batch."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nolabel.randomness import Draws, all_seeded, mix, seeded

whole = st.integers(-(2**40), 2**40)


@given(st.lists(whole, min_size=1, max_size=4))
def test_mix_is_a_seed_that_torch_takes(numbers: list[int]) -> None:
    seed = mix(*numbers)
    assert 0 <= seed < 2**63
    assert mix(*numbers) == seed
    torch.Generator().manual_seed(seed)


def test_neighbouring_steps_have_unlike_seeds() -> None:
    seeds = [mix(seed, step) for seed in range(40) for step in range(-5, 40)]
    assert len(set(seeds)) == len(seeds)
    bits = np.array([[seed >> bit & 1 for bit in range(63)] for seed in seeds])
    assert np.abs(bits.mean(0) - 0.5).max() < 0.06  # every bit is a fair coin: 4.5 sd of 1,800 throws is 0.053
    assert mix(1, 2) != mix(2, 1)
    assert mix(1) != mix(1, 0)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_rows_of_a_process_are_rows_of_the_whole_batch(kind: str) -> None:
    x = torch.zeros(7, 2, 3)
    expected = [getattr(draws, kind)(x) for draws in [Draws(5, 9)] for _ in range(2)]
    for rows in (slice(0, 3), slice(3, 7), slice(6, 7)):
        ours = Draws(5, 9, total=7, rows=rows)
        for one in expected:  # the second draw is as aligned as the first
            assert torch.equal(getattr(ours, kind)(x[rows]), one[rows])


def test_shared_integers_are_the_same_in_every_process() -> None:
    first, second = Draws(1, 2, total=9, rows=slice(0, 4)), Draws(1, 2, total=9, rows=slice(4, 9))
    assert torch.equal(first.shared_integers(10, 50), second.shared_integers(10, 50))
    numbers = Draws(3).shared_integers(10, 5000)
    assert (numbers.min().item(), numbers.max().item()) == (0, 9)


def test_numbers_have_their_distributions() -> None:
    x = torch.empty(100, 200)
    assert stats.kstest(Draws(1).normal(x).flatten().numpy(), "norm").pvalue > 0.001
    uniform = Draws(2).uniform(x)
    assert stats.kstest(uniform.flatten().numpy(), "uniform").pvalue > 0.001
    assert uniform.min() >= 0
    assert uniform.max() < 1


def test_the_same_name_gives_the_same_numbers_and_another_name_others() -> None:
    x = torch.empty(50)
    assert torch.equal(Draws(1, 2).normal(x), Draws(1, 2).normal(x))
    for other in (Draws(1, 3), Draws(2, 2), Draws(1, 2, 0)):
        assert not torch.isclose(other.normal(x), Draws(1, 2).normal(x)).any()


def test_global_generators_are_left_alone() -> None:
    before = torch.get_rng_state()
    Draws(1).normal(torch.empty(9))
    with seeded(3):
        first = torch.randn(4)
    assert torch.equal(torch.get_rng_state(), before)
    torch.randn(5)
    with seeded(3):
        assert torch.equal(torch.randn(4), first)
    with seeded(4):
        assert not torch.equal(torch.randn(4), first)


def test_the_generator_is_put_back_after_an_error() -> None:
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="on purpose"), seeded(3):
        raise RuntimeError("on purpose")
    assert torch.equal(torch.get_rng_state(), before)


def drawn() -> tuple[float, float, float]:
    return torch.rand(()).item(), np.random.rand(), random.random()  # noqa: NPY002


def test_every_generator_is_seeded_for_code_that_is_not_ours() -> None:
    states = [str(random.getstate()), str(np.random.get_state()), str(torch.get_rng_state())]  # noqa: NPY002
    cpu = torch.device("cpu")
    with all_seeded(3, cpu):
        first = drawn()
    with all_seeded(3, cpu):
        assert drawn() == first
    with pytest.raises(RuntimeError, match="on purpose"), all_seeded(4, cpu):
        assert not set(drawn()) & set(first)
        raise RuntimeError("on purpose")
    assert states == [str(random.getstate()), str(np.random.get_state()), str(torch.get_rng_state())]  # noqa: NPY002


def test_seeds_for_others_are_drawn_from_no_generator() -> None:
    asked, plain, elsewhere = Draws(1, 2), Draws(1, 2), Draws(1, 2, total=9, rows=slice(4, 9))
    seeds = [asked.own_seed(), asked.own_seed(), elsewhere.own_seed()]
    assert len(set(seeds)) == 3
    assert torch.equal(asked.normal(torch.empty(4)), plain.normal(torch.empty(4)))


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_numbers_do_not_depend_on_the_default_dtype(kind: str) -> None:
    expected = getattr(Draws(1), kind)(torch.zeros(9))
    torch.set_default_dtype(torch.float64)
    try:
        found = getattr(Draws(1), kind)(torch.zeros(9, dtype=torch.float32))
    finally:
        torch.set_default_dtype(torch.float32)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)
