"""Likelihoods against slow loops over their equations, analytic values, numerical gradients and properties."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nolabel.objectives.likelihood import (
    bernoulli,
    errors_per_feature,
    excess_per_feature,
    gaussian,
    mean_bernoulli,
    mean_negative_log,
    mean_of,
    negative_log,
    per_feature,
)

EXTREME = [-1e4, -100.0, -1.0, 0.0, 1.0, 100.0, 1e4]


def some(shape: tuple[int, ...], seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Logits, and intensities in [0, 1] with both ends among them."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(shape, generator=generator, dtype=dtype)
    x.view(-1)[0], x.view(-1)[-1] = 0.0, 1.0
    return 3 * torch.randn(shape, generator=generator, dtype=dtype), x


def looped_bernoulli(logits: Tensor, x: Tensor, mask: Tensor | None = None) -> list[float]:
    """−Σ_d x_d log p_d + (1 − x_d) log(1 − p_d), with p = 1 / (1 + e^−l)."""
    sums = []
    for row, (ls, xs) in enumerate(zip(logits.flatten(1).tolist(), x.flatten(1).tolist())):
        total = 0.0
        for d, (logit, value) in enumerate(zip(ls, xs)):
            p = 1 / (1 + math.exp(-logit))
            if mask is None or bool(mask[row, d]):
                total -= value * math.log(p) + (1 - value) * math.log(1 - p)
        sums.append(total)
    return sums


def looped_gaussian(output: Tensor, x: Tensor, mask: Tensor | None = None) -> list[float]:
    """Σ_d (x_d − x̂_d)²."""
    sums = []
    for row, (guesses, values) in enumerate(zip(output.flatten(1).tolist(), x.flatten(1).tolist())):
        kept = [d for d in range(len(values)) if mask is None or bool(mask[row, d])]
        sums.append(sum((values[d] - guesses[d]) ** 2 for d in kept))
    return sums


LOOPED = {"bce": looped_bernoulli, "mse": looped_gaussian}


@pytest.mark.parametrize("name", ["bce", "mse"])
@pytest.mark.parametrize("shape", [(4, 5), (3, 2, 4, 3), (1, 1)])
@pytest.mark.parametrize("masked", [False, True])
def test_negative_log_is_its_equation(name: str, shape: tuple[int, ...], masked: bool) -> None:
    output, x = some(shape)
    mask = torch.rand(shape[0], math.prod(shape[1:])) < 0.6 if masked else None
    expected = torch.tensor(LOOPED[name](output, x, mask), dtype=torch.float64)
    torch.testing.assert_close(negative_log(name, output, x, mask), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["bce", "mse"])
@pytest.mark.parametrize("masked", [False, True])
def test_mean_negative_log_is_the_mean_over_samples_and_observed_features(name: str, masked: bool) -> None:
    output, x = some((5, 2, 3, 4))
    mask = torch.rand(5, 24, generator=torch.Generator().manual_seed(3)) < 0.5 if masked else None
    observed = [24] * 5 if mask is None else mask.sum(1).tolist()
    sums = LOOPED[name](output, x, mask)
    expected = sum(total / count for total, count in zip(sums, observed)) / 5
    assert mean_negative_log(name, output, x, mask).item() == pytest.approx(expected, rel=1e-10)


def test_known_values() -> None:
    x = torch.tensor([[0.0, 0.3, 1.0]], dtype=torch.float64)
    # p = 1/2 costs log 2 a feature, whatever x is
    assert bernoulli(torch.zeros_like(x), x).item() == pytest.approx(3 * math.log(2))
    # p = x leaves the entropy of x: H(0) = H(1) = 0
    entropy = -(0.3 * math.log(0.3) + 0.7 * math.log(0.7))
    right = torch.tensor([[-40.0, math.log(0.3 / 0.7), 40.0]], dtype=torch.float64)
    assert bernoulli(right, x).item() == pytest.approx(entropy, abs=1e-12)
    assert gaussian(x, x).item() == 0
    assert gaussian(x + 2, x).item() == pytest.approx(12)
    assert mean_of("bce", torch.tensor([0.0, math.log(3)])).tolist() == pytest.approx([0.5, 0.75])
    assert mean_of("mse", torch.tensor([-3.0])).item() == -3


def test_per_feature_divides_by_what_was_observed() -> None:
    sums = torch.tensor([6.0, 6.0, 0.0])
    mask = torch.tensor([[True, True, True], [True, True, False], [False, False, False]])
    assert per_feature(sums, 3).tolist() == [2, 2, 0]
    assert per_feature(sums, 3, mask).tolist() == [2, 3, 0]  # nothing observed costs nothing


def test_fast_mean_is_the_slow_mean_with_its_gradient() -> None:
    logits, x = some((6, 1, 5, 4), dtype=torch.float32)
    slow, fast = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    expected = bernoulli(slow, x).mean() / 20
    found = mean_bernoulli(fast, x)
    torch.testing.assert_close(found, expected)
    (3 * expected).backward()
    (3 * found).backward()
    torch.testing.assert_close(fast.grad, slow.grad)


def test_fast_mean_of_a_strided_view_is_that_of_its_copy() -> None:
    logits, x = some((6, 8), dtype=torch.float64)
    copies = logits[:, ::2].contiguous(), x[:, ::2].contiguous()
    torch.testing.assert_close(mean_bernoulli(logits[:, ::2], x[:, ::2]), bernoulli(*copies).mean() / 4)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", ["bce", "mse"])
def test_gradients_are_those_of_the_equation(name: str, masked: bool) -> None:
    output, x = some((3, 4))
    mask = torch.tensor([[True, False, True, True]] * 3) if masked else None
    output.requires_grad_()
    assert torch.autograd.gradcheck(lambda o: negative_log(name, o, x, mask), (output,))
    assert torch.autograd.gradcheck(lambda o: mean_negative_log(name, o, x, mask), (output,))


@pytest.mark.parametrize("name", ["bce", "mse"])
def test_the_gradient_with_respect_to_the_data_is_not_lost(name: str) -> None:
    output, x = some((3, 4))
    x = x.clamp(0.1, 0.9).requires_grad_()
    output.requires_grad_()
    assert torch.autograd.gradcheck(lambda o, v: mean_negative_log(name, o, v), (output, x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_logits_stay_finite(dtype: torch.dtype) -> None:
    logits = torch.tensor(EXTREME, dtype=dtype)[:, None].repeat(1, 3).requires_grad_()
    x = torch.tensor([0.0, 0.5, 1.0], dtype=dtype).repeat(len(EXTREME), 1)
    for value in (bernoulli(logits, x).sum(), mean_bernoulli(logits, x), mean_negative_log("bce", logits, x)):
        (gradient,) = torch.autograd.grad(value, logits)
        assert torch.isfinite(value)
        assert torch.isfinite(gradient).all()
    # −log(1 − p) of a logit of 1e4 is 1e4, and −log p is 0: not clipped, as losses on probabilities have to be
    assert bernoulli(torch.tensor([[1e4]]), torch.tensor([[0.0]])).item() == 1e4
    assert bernoulli(torch.tensor([[1e4]]), torch.tensor([[1.0]])).item() == 0
    assert mean_bernoulli(torch.tensor([[-1e4]]), torch.tensor([[1.0]])).item() == 1e4


def test_half_precision_logits_are_summed_in_float32() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(64, 500, generator=generator).bfloat16()
    x = torch.rand(64, 500, generator=generator)
    expected = (bernoulli(logits.double(), x.double()).mean() / 500).item()
    found = mean_bernoulli(logits, x)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected, rel=1e-5)


sizes = st.integers(1, 6)


@settings(max_examples=30, deadline=None)
@given(batch=sizes, width=sizes, seed=st.integers(0, 10_000), name=st.sampled_from(["bce", "mse"]))
def test_samples_do_not_look_at_each_other(batch: int, width: int, seed: int, name: str) -> None:
    output, x = some((batch, width), seed)
    order = torch.randperm(batch, generator=torch.Generator().manual_seed(seed))
    whole = negative_log(name, output, x)
    torch.testing.assert_close(negative_log(name, output[order], x[order]), whole[order])
    torch.testing.assert_close(negative_log(name, output[:1], x[:1]), whole[:1])
    torch.testing.assert_close(mean_negative_log(name, output[order], x[order]), mean_negative_log(name, output, x))


@settings(max_examples=30, deadline=None)
@given(batch=sizes, width=sizes, seed=st.integers(0, 10_000), name=st.sampled_from(["bce", "mse"]))
def test_a_mask_is_the_same_as_dropping_the_features(batch: int, width: int, seed: int, name: str) -> None:
    output, x = some((batch, width + 1), seed)
    kept = torch.rand(width + 1, generator=torch.Generator().manual_seed(seed)) < 0.5
    kept[0] = True
    mask = kept.expand(batch, -1)
    torch.testing.assert_close(negative_log(name, output, x, mask), negative_log(name, output[:, kept], x[:, kept]))
    torch.testing.assert_close(
        mean_negative_log(name, output, x, mask), mean_negative_log(name, output[:, kept], x[:, kept])
    )
    damaged = torch.where(mask, x, torch.full_like(x, 0.123))  # what lies under the mask is of no consequence
    torch.testing.assert_close(negative_log(name, output, damaged, mask), negative_log(name, output, x, mask))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_bernoulli_knows_no_black_from_white(seed: int) -> None:
    logits, x = some((3, 4), seed)
    torch.testing.assert_close(bernoulli(-logits, 1 - x), bernoulli(logits, x))
    assert (bernoulli(logits, x) >= bernoulli(torch.logit(x.clamp(1e-9, 1 - 1e-9)), x) - 1e-6).all()  # x = p is best


def test_excess_is_the_divergence_from_x_to_its_reconstruction() -> None:
    logits, x = torch.randn(3, 4), torch.rand(3, 4)
    x[0, 0], x[0, 1] = 0.0, 1.0
    for row in range(3):
        total = 0.0
        for value, logit in zip(x[row].tolist(), logits[row].tolist()):
            p = 1 / (1 + math.exp(-logit))
            total += value * math.log(value / p) if value else 0.0
            total += (1 - value) * math.log((1 - value) / (1 - p)) if value < 1 else 0.0
        assert excess_per_feature("bce", logits, x)[row].item() == pytest.approx(total / 4, rel=1e-4)
    torch.testing.assert_close(excess_per_feature("mse", logits, x), errors_per_feature("mse", logits, x))


def test_a_grey_image_rebuilt_perfectly_has_no_excess() -> None:
    x = torch.stack([torch.full((9,), 0.5), torch.linspace(0.1, 0.9, 9)])
    excess = excess_per_feature("bce", torch.logit(x), x)
    torch.testing.assert_close(excess, torch.zeros(2), atol=1e-6, rtol=0)
    assert excess_per_feature("bce", torch.logit(x) + 1, x).min() > 0.05


def test_excess_counts_observed_features_only() -> None:
    logits, x = torch.randn(1, 4), torch.rand(1, 4)
    mask = torch.tensor([[True, False, True, True]])
    expected = excess_per_feature("bce", logits[:, [0, 2, 3]], x[:, [0, 2, 3]])
    torch.testing.assert_close(excess_per_feature("bce", logits, x, mask), expected)


@pytest.mark.parametrize("size", [8.0, 15.0, 40.0])
def test_the_fast_mean_of_a_nearly_perfect_reconstruction_does_not_cancel(size: float) -> None:
    x = (torch.rand(256, 784, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    logits = (2 * x - 1) * size
    exact = bernoulli(logits.double(), x.double()).mean().item() / 784
    assert 0 <= mean_bernoulli(logits, x).item() == pytest.approx(exact, abs=6e-8)


def test_the_fast_mean_keeps_the_wider_type() -> None:
    logits, x = torch.randn(4, 5, dtype=torch.float64), torch.rand(4, 5)
    assert mean_bernoulli(logits, x).dtype == torch.float64
    torch.testing.assert_close(mean_bernoulli(logits, x), bernoulli(logits, x.double()).mean() / 5)
