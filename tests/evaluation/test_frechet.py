"""The Fréchet distance against the closed form, a version with loops, and torch-fidelity's answers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evaluation.planted_features import normal, planted
from nolabel.errors import DataError
from nolabel.evaluation.frechet import Gaussian, fid, frechet, gaussian, refusal

# torch-fidelity 0.4.0: fid_statistics_to_metric of fid_features_to_statistics on `planted(...)`, double precision,
# called on the features themselves (its image pipeline was not in use).
TORCH_FIDELITY = {(400, 300, 16): 0.9852607885857161, (1500, 1500, 64): 3.3677214089284746}


def random_gaussian(rng, f, rank=None):
    half = rng.normal(size=(f, rank or f))
    return Gaussian(rng.normal(size=f), half @ half.T)


@pytest.mark.parametrize("counts", TORCH_FIDELITY)
def test_it_is_torch_fidelitys(counts):
    real, fake = planted(*counts)
    assert fid(real, fake) == pytest.approx(TORCH_FIDELITY[counts], rel=1e-9)


def test_single_precision_features_give_it_to_a_thousandth():
    real, fake = (part.astype(np.float32) for part in planted(1500, 1500, 64))
    assert fid(real, fake) == pytest.approx(TORCH_FIDELITY[1500, 1500, 64], rel=1e-5)
    assert fid(torch.from_numpy(real), torch.from_numpy(fake)) == fid(real, fake)


def test_two_gaussians_on_one_line():
    """d² = (μ_a − μ_b)² + (σ_a − σ_b)²."""
    a, b = Gaussian(np.array([1.0]), np.array([[4.0]])), Gaussian(np.array([-2.0]), np.array([[9.0]]))
    assert frechet(a, b) == pytest.approx(9 + 1, rel=1e-12)


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_covariances_that_commute(seed, f):
    """With shared axes d² = ‖μ_a − μ_b‖² + Σ (σ_a − σ_b)²."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(f, f)))[0]
    first, second = rng.uniform(0, 3, f), rng.uniform(0, 3, f)
    a = Gaussian(rng.normal(size=f), (axes * first**2) @ axes.T)
    b = Gaussian(rng.normal(size=f), (axes * second**2) @ axes.T)
    wanted = np.square(a.mean - b.mean).sum() + np.square(first - second).sum()
    assert frechet(a, b) == pytest.approx(wanted, abs=1e-9)


def test_covariances_of_two_dimensions_that_do_not_commute():
    """For 2 x 2 matrices Tr √M = √(Tr M + 2 √det M)."""
    a, b = np.array([[2.0, 0.7], [0.7, 1.0]]), np.array([[1.0, -0.4], [-0.4, 3.0]])
    product = a @ b
    root = math.sqrt(np.trace(product) + 2 * math.sqrt(np.linalg.det(product)))
    found = frechet(Gaussian(np.zeros(2), a), Gaussian(np.zeros(2), b))
    assert found == pytest.approx(np.trace(a) + np.trace(b) - 2 * root, rel=1e-12)


@given(st.integers(0, 10_000), st.integers(1, 8))
def test_it_is_a_distance_that_turning_does_not_change(seed, f):
    rng = np.random.default_rng(seed)
    a, b, c = (random_gaussian(rng, f) for _ in range(3))
    scale = 1 + sum(np.trace(one.covariance) for one in (a, b, c))
    assert frechet(a, b) >= 0
    assert frechet(a, b) == pytest.approx(frechet(b, a), abs=1e-10 * scale)
    assert math.sqrt(frechet(a, c)) <= math.sqrt(frechet(a, b)) + math.sqrt(frechet(b, c)) + 1e-5
    axes = np.linalg.qr(rng.normal(size=(f, f)))[0]
    turned = [Gaussian(axes @ one.mean, axes @ one.covariance @ axes.T) for one in (a, b)]
    assert frechet(*turned) == pytest.approx(frechet(a, b), abs=1e-9 * scale)


def test_the_same_samples_are_at_distance_nought_in_any_order():
    real, _ = planted(400, 300, 16)
    shuffled = real[np.random.default_rng(0).permutation(len(real))]
    assert fid(real, real) == pytest.approx(0, abs=1e-10)
    assert fid(real, shuffled) == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("rank", [1, 3, 19])
def test_singular_covariances_cost_no_digits(rank):
    """A point shifted along a column that never varies: d² is the squared shift, whatever the other columns do."""
    rng = np.random.default_rng(rank)
    rows = rng.normal(size=(200, rank)) @ rng.normal(size=(rank, 20))
    assert fid(rows, rows) == pytest.approx(0, abs=1e-9)
    assert fid(rows, rows + 0.5) == pytest.approx(20 * 0.25, rel=1e-9)


def test_nearly_singular_covariances():
    """Eigenvalues over twelve decades, in closed form for shared axes."""
    first, second = np.logspace(-8, 4, 13), np.logspace(4, -8, 13)
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(13, 13)))[0]
    a, b = ((axes * values) @ axes.T for values in (first, second))
    wanted = np.square(np.sqrt(first) - np.sqrt(second)).sum()
    assert frechet(Gaussian(np.zeros(13), a), Gaussian(np.zeros(13), b)) == pytest.approx(wanted, rel=1e-6)


def test_a_mean_far_off_costs_no_digits():
    real, fake = planted(400, 300, 16)
    assert fid(real + 1e6, fake + 1e6) == pytest.approx(fid(real, fake), rel=1e-6)


def test_mean_and_covariance_against_loops():
    rows = normal(4, 30, 3)
    found = gaussian(rows)
    mean = [sum(row[j] for row in rows) / 30 for j in range(3)]
    for i in range(3):
        assert found.mean[i] == pytest.approx(mean[i])
        for j in range(3):
            wanted = sum((row[i] - mean[i]) * (row[j] - mean[j]) for row in rows) / 29
            assert found.covariance[i, j] == pytest.approx(wanted)


def test_blocks_do_not_show(monkeypatch):
    real, _ = planted(400, 300, 16)
    whole = gaussian(real)
    monkeypatch.setattr("nolabel.evaluation.frechet._BLOCK", 7)
    assert np.allclose(gaussian(real).covariance, whole.covariance, rtol=1e-12, atol=1e-14)


def test_few_samples_are_refused_and_the_kernel_distance_offered():
    with pytest.raises(DataError, match=r"more samples than features.*16 samples have 16 features.*KID"):
        fid(normal(0, 16, 16), normal(1, 400, 16))
    assert fid(normal(0, 17, 16), normal(1, 400, 16)) > 0
    assert refusal(17, 16) == ""


@pytest.mark.parametrize(
    ("real", "fake", "words"),
    [
        (np.zeros((3, 2)), np.full((3, 2), np.nan), "generated samples hold NaN or infinite values for 3 of 3"),
        (np.zeros((3, 2)), np.zeros((3, 1)), "real samples have 2 features and generated ones 1"),
        (np.zeros(3), np.zeros((3, 1)), r"real samples must be \(N, F\).*shape \(3,\)"),
        (np.zeros((3, 0)), np.zeros((3, 0)), r"shape \(3, 0\)"),
        ([["a"]], np.zeros((3, 1)), "must be an array of numbers"),
    ],
)
def test_features_that_cannot_be_used(real, fake, words):
    with pytest.raises(DataError, match=words):
        fid(real, fake)


def test_one_sample_has_no_covariance():
    with pytest.raises(DataError, match="at least 2 samples; got 1"):
        gaussian(np.zeros((1, 2)))
