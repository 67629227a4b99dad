"""Modes are counted as a loop would count them, on the data themselves and on what leaves some out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nolabel.data import tables, toys
from nolabel.errors import ArgumentError
from nolabel.evaluation.modes import modes_kept


def drawn(mixture: toys.Mixture, n: int = 4000) -> np.ndarray:
    data = mixture.draw(n, seed=1)
    return np.asarray(tables.restore(data.spec, data.store))


@pytest.mark.parametrize("mixture", [toys.ring_mixture(), toys.grid_mixture()], ids=["ring", "grid"])
def test_the_data_keep_all_modes_and_are_as_good_as_a_gaussian_is(mixture: toys.Mixture) -> None:
    found = modes_kept(drawn(mixture), mixture.centres, mixture.deviation)
    assert found.kept == len(mixture.centres)
    assert found.good == pytest.approx(1 - math.exp(-4.5), abs=0.006)
    assert found.counts.sum() == round(found.good * 4000)
    assert str(found).startswith(f"{found.kept} of {found.kept} modes kept, 9")


def test_modes_that_are_left_out_are_missed() -> None:
    ring = toys.ring_mixture()
    samples = drawn(ring)
    some = samples[samples[:, 0] > 0.5]  # three of eight
    found = modes_kept(some, ring.centres, ring.deviation)
    assert found.kept == 3
    assert sorted(found.counts > 0) == [False] * 5 + [True] * 3
    assert modes_kept(samples[:1].repeat(500, 0), ring.centres, ring.deviation).kept <= 1


def test_a_stray_sample_keeps_no_mode() -> None:
    centres = np.array([[0.0, 0.0], [10.0, 0.0]])
    samples = np.zeros((100, 2))
    samples[:4, 0] = 10
    assert modes_kept(samples, centres, 1.0).kept == 1
    samples[:5, 0] = 10  # a tenth of its half
    assert modes_kept(samples, centres, 1.0).kept == 2
    assert modes_kept(samples, centres, 1.0, least=0.2).kept == 1


def test_samples_between_modes_are_not_good() -> None:
    grid = toys.grid_mixture()
    found = modes_kept(drawn(grid) + 1, grid.centres, grid.deviation)
    assert (found.kept, found.good) == (0, 0.0)
    assert modes_kept(np.full((9, 2), np.nan), grid.centres, 1.0).good == 0


@given(n=st.integers(1, 30), k=st.integers(1, 5), deviation=st.floats(0.05, 1), seed=st.integers(0, 999))
def test_it_counts_as_a_loop_does(n: int, k: int, deviation: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    samples, centres = generator.normal(size=(n, 3)), generator.normal(size=(k, 3))
    counts = [0] * k
    for row in samples:
        mode = min(range(k), key=lambda j: math.dist(row, centres[j]))
        counts[mode] += math.dist(row, centres[mode]) <= 3 * deviation
    found = modes_kept(samples, centres, deviation)
    assert found.counts.tolist() == counts
    assert found.good == pytest.approx(sum(counts) / n)
    assert found.kept == sum(count >= 0.1 * n / k for count in counts)


def test_what_cannot_be_counted_is_refused() -> None:
    rows, centres = np.zeros((4, 2)), np.zeros((3, 2))
    with pytest.raises(ArgumentError, match=r"same columns; got \(4, 2\) and \(3, 5\)"):
        modes_kept(rows, np.zeros((3, 5)), 1.0)
    with pytest.raises(ArgumentError, match="at least one each; got 0 and 3"):
        modes_kept(rows[:0], centres, 1.0)
    with pytest.raises(ArgumentError, match="deviation must be above 0; got 0"):
        modes_kept(rows, centres, 0)
    with pytest.raises(ArgumentError, match="least must be above 0"):
        modes_kept(rows, centres, 1.0, least=0.0)
