"""Losses on labels of which most may be missing, against loops."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nolabel.objectives.supervised import cross_entropy_of_labelled


def looped(logits: Tensor, y: Tensor, fraction: float) -> tuple[float, float]:
    """Sum of −log softmax(l)_y, and of argmax l = y, over samples with y ≥ 0, by how many there should be."""
    losses, right = [], []
    for row, label in zip(logits.tolist(), y.tolist()):
        if label >= 0:
            top = max(row)
            losses.append(top + math.log(sum(math.exp(value - top) for value in row)) - row[label])
            right.append(row.index(top) == label)
    expected = len(y) * fraction
    return sum(losses) / expected, sum(right) / expected


def some(batch: int, classes: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(batch, classes, generator=generator, dtype=torch.float64)
    return logits, torch.randint(-1, classes, (batch,), generator=generator)


@given(batch=st.integers(1, 8), classes=st.integers(1, 5), seed=st.integers(0, 10_000), fraction=st.floats(0.01, 1))
def test_it_is_its_equation(batch: int, classes: int, seed: int, fraction: float) -> None:
    logits, y = some(batch, classes, seed)
    loss, accuracy = cross_entropy_of_labelled(logits, y, fraction)
    expected_loss, expected_accuracy = looped(logits, y, fraction)
    assert loss.item() == pytest.approx(expected_loss, abs=1e-12)
    assert accuracy.item() == pytest.approx(expected_accuracy, rel=1e-5, abs=1e-6)
    order = torch.randperm(batch, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(cross_entropy_of_labelled(logits[order], y[order], fraction)[0], loss)


@given(cut=st.integers(1, 19), seed=st.integers(0, 10_000))
def test_a_mean_over_batches_is_a_mean_over_labelled_samples(cut: int, seed: int) -> None:
    """However they are spread over the batches, and however few one of them has."""
    logits, y = some(20, 3, seed)
    y[0] = 1
    known = y >= 0
    fraction = known.double().mean().item()
    parts = [
        (len(part), cross_entropy_of_labelled(part, y_part, fraction))
        for part, y_part in zip((logits[:cut], logits[cut:]), (y[:cut], y[cut:]))
    ]
    alone = cross_entropy_of_labelled(logits[known], y[known])
    for which in (0, 1):
        mean = sum(size * pair[which].item() for size, pair in parts) / 20
        assert mean == pytest.approx(alone[which].item(), abs=1e-6)


def test_even_logits_cost_the_logarithm_of_the_number_of_classes() -> None:
    loss, _ = cross_entropy_of_labelled(torch.zeros(3, 7), torch.tensor([0, -1, 6]), 2 / 3)
    assert loss.item() == pytest.approx(math.log(7))


def test_no_known_label_is_nothing_and_pulls_at_nothing() -> None:
    logits = torch.randn(4, 3, requires_grad=True)
    loss, accuracy = cross_entropy_of_labelled(logits, torch.full((4,), -1))
    loss.backward()
    assert loss.item() == 0
    assert accuracy.item() == 0
    assert logits.grad is not None
    assert (logits.grad == 0).all()


def test_the_gradient_is_that_of_the_equation_and_nought_for_unknown_samples() -> None:
    logits = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    y = torch.tensor([2, -1, 0, -1])
    assert torch.autograd.gradcheck(lambda values: cross_entropy_of_labelled(values, y)[0], (logits,))
    cross_entropy_of_labelled(logits, y)[0].backward()
    assert logits.grad is not None
    assert (logits.grad[1::2] == 0).all()


def test_extreme_logits_stay_finite() -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e4, -1e4, 1e4]], requires_grad=True)
    loss, accuracy = cross_entropy_of_labelled(logits, torch.tensor([1, 2]))
    loss.backward()
    assert loss.item() == pytest.approx(1e4)  # (2e4 + 0) / 2
    assert accuracy.item() == 0.5
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
