"""Losses on labels of which most may be missing, against loops."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nolabel.objectives.supervised import cross_entropy_of_labelled


def looped(logits: Tensor, y: Tensor) -> tuple[float, float]:
    """Mean of −log softmax(l)_y, and of argmax l = y, over samples with y ≥ 0."""
    losses, right = [], []
    for row, label in zip(logits.tolist(), y.tolist()):
        if label >= 0:
            top = max(row)
            losses.append(top + math.log(sum(math.exp(value - top) for value in row)) - row[label])
            right.append(row.index(top) == label)
    return (sum(losses) / len(losses), sum(right) / len(right)) if losses else (0.0, 0.0)


@settings(max_examples=40, deadline=None)
@given(batch=st.integers(1, 8), classes=st.integers(1, 5), seed=st.integers(0, 10_000))
def test_it_is_its_equation(batch: int, classes: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(batch, classes, generator=generator, dtype=torch.float64)
    y = torch.randint(-1, classes, (batch,), generator=generator)
    loss, accuracy = cross_entropy_of_labelled(logits, y)
    expected_loss, expected_accuracy = looped(logits, y)
    assert loss.item() == pytest.approx(expected_loss, abs=1e-12)
    assert accuracy.item() == pytest.approx(expected_accuracy, abs=1e-6)
    order = torch.randperm(batch, generator=generator)
    torch.testing.assert_close(cross_entropy_of_labelled(logits[order], y[order])[0], loss)
    known = y >= 0
    if known.any():  # samples of unknown label change nothing
        torch.testing.assert_close(cross_entropy_of_labelled(logits[known], y[known])[0], loss)


def test_even_logits_cost_the_logarithm_of_the_number_of_classes() -> None:
    loss, _ = cross_entropy_of_labelled(torch.zeros(3, 7), torch.tensor([0, -1, 6]))
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
