"""The kernel distance against loops and torch-fidelity's answers; unbiased, blind to order."""

import math

import numpy as np
import pytest

from evaluation.planted_features import normal, planted
from nolabel.errors import ArgumentError, DataError
from nolabel.evaluation.kernel_distance import kid, mmd

# torch-fidelity 0.4.0: kid_features_to_metric on the first min(n, m) rows of `planted(...)`, one subset of all of them.
TORCH_FIDELITY = {(400, 300, 16): 0.08451507950533488, (1500, 1500, 64): 0.02119446045633344}
# The same with 100 subsets of a third of them, drawn by its own generator: mean and standard deviation.
OF_SUBSETS = {(400, 300, 16): (0.06751332461869962, 0.042372478292193747)}
OF_SUBSETS |= {(1500, 1500, 64): (0.021042030788728256, 0.003498313584154988)}


@pytest.mark.parametrize("counts", TORCH_FIDELITY)
def test_it_is_torch_fidelitys(counts):
    real, fake = (part[: min(counts[:2])] for part in planted(*counts))
    assert mmd(real, fake) == pytest.approx(TORCH_FIDELITY[counts], rel=1e-9)


@pytest.mark.parametrize("counts", OF_SUBSETS)
def test_subsets_have_the_mean_and_the_spread_of_torch_fidelitys(counts):
    """Other draws: the means of 100 agree within four of their standard errors, the spreads within a third."""
    mean, sd = OF_SUBSETS[counts]
    found = kid(*planted(*counts), size=min(counts[:2]) // 3)
    assert (found.subsets, found.size) == (100, min(counts[:2]) // 3)
    assert found.mean == pytest.approx(mean, abs=4 * sd * math.sqrt(2 / 100))
    assert found.sd == pytest.approx(sd, rel=1 / 3)


def test_a_subset_that_holds_everything_is_enough():
    found = kid(*(part[:300] for part in planted(400, 300, 16)))
    assert found.mean == pytest.approx(TORCH_FIDELITY[400, 300, 16], rel=1e-9)
    assert (found.subsets, found.size) == (1, 300)
    assert math.isnan(found.sd)


def test_against_loops():
    x, y = normal(1, 5, 3), normal(2, 4, 3)

    def k(a, b):
        return (sum(a[i] * b[i] for i in range(3)) / 3 + 1) ** 3

    within = sum(k(x[i], x[j]) for i in range(5) for j in range(5) if i != j) / 20
    within += sum(k(y[i], y[j]) for i in range(4) for j in range(4) if i != j) / 12
    across = sum(k(a, b) for a in x for b in y) / 20
    assert mmd(x, y) == pytest.approx(within - 2 * across, rel=1e-12)


def test_it_has_no_bias():
    """Over many pairs of small sets of one distribution the mean is 0 within its error, and some are negative."""
    rng = np.random.default_rng(0)
    found = [mmd(rng.normal(size=(20, 4)), rng.normal(size=(15, 4))) for _ in range(600)]
    assert abs(np.mean(found)) < 4 * np.std(found) / math.sqrt(600)
    assert 0.3 < np.mean(np.array(found) < 0) < 0.8


def test_halves_of_one_set_are_about_nought():
    rows = normal(5, 800, 8)
    found = kid(rows[:400], rows[400:], subsets=20, size=200)
    assert abs(found.mean) < 3 * found.sd


def test_order_and_blocks_do_not_show(monkeypatch):
    real, fake = planted(400, 300, 16)
    whole = mmd(real, fake)
    rng = np.random.default_rng(0)
    assert mmd(rng.permutation(real), rng.permutation(fake)) == pytest.approx(whole, rel=1e-9)
    monkeypatch.setattr("nolabel.evaluation.kernel_distance._BLOCK", 7)
    assert mmd(real, fake) == pytest.approx(whole, rel=1e-9)


def test_the_seed_decides_the_subsets():
    real, fake = planted(400, 300, 16)
    first, again, other = (kid(real, fake, subsets=5, size=50, random_state=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.mean != other.mean
    assert math.isnan(kid(real, fake, subsets=1, size=50).sd)


def test_fewer_samples_than_a_subset_are_all_taken():
    real, fake = planted(400, 300, 16)
    found = kid(real, fake, subsets=3)
    assert (found.subsets, found.size) == (3, 300)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"subsets": 0}, "subsets must be a whole number of at least 1; got 0"), ({"size": 1}, "size")],
)
def test_settings_out_of_bounds(settings, words):
    with pytest.raises(ArgumentError, match=words):
        kid(*planted(40, 30, 2), **settings)


def test_one_sample_is_refused():
    with pytest.raises(DataError, match="needs 2 samples a side; got 1 real and 3 generated"):
        kid(np.zeros((1, 2)), np.zeros((3, 2)))
