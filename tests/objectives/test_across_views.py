"""Cross-entropy between views, against loops."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nolabel.objectives.across_views import cross_entropy_across_views, use_of, vagueness_of


def some(views: int, first: int, batch: int, k: int, seed: int) -> tuple[list[Tensor], list[Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    logits = [torch.randn(batch, k, generator=generator, dtype=torch.float64) for _ in range(views)]
    targets = [torch.randn(batch, k, generator=generator, dtype=torch.float64).softmax(1) for _ in range(first)]
    return targets, logits


def looped(targets: list[Tensor], logits: list[Tensor], temperature: float) -> float:
    found = []
    for t, q in enumerate(targets):
        for s, scores in enumerate(logits):
            if s == t:
                continue
            for row_q, row in zip(q.tolist(), scores.tolist()):
                total = sum(math.exp(value / temperature) for value in row)
                found.append(-sum(a * math.log(math.exp(b / temperature) / total) for a, b in zip(row_q, row)))
    return sum(found) / len(found)


@given(
    views=st.integers(2, 5),
    first=st.integers(1, 2),
    batch=st.integers(1, 4),
    k=st.integers(2, 5),
    seed=st.integers(0, 9999),
    temperature=st.floats(0.1, 2),
)
def test_it_is_its_equation(views: int, first: int, batch: int, k: int, seed: int, temperature: float) -> None:
    targets, logits = some(views, first, batch, k, seed)
    loss = cross_entropy_across_views(targets, logits, temperature)
    assert loss.item() == pytest.approx(looped(targets, logits, temperature), rel=1e-4)


@pytest.mark.parametrize("k", [2, 17, 1024])
def test_uniform_predictions_cost_ln_k_whatever_the_targets(k: int) -> None:
    targets, _ = some(2, 2, 3, k, 0)
    loss = cross_entropy_across_views(targets, [torch.ones(3, k)] * 4, 0.1)
    assert loss.item() == pytest.approx(math.log(k), rel=1e-6)


def test_no_view_is_compared_with_itself() -> None:
    """What a view predicts of itself does not count: with two views and one target, only the other's logits do."""
    targets, logits = some(2, 1, 3, 4, 0)
    moved = [logits[0] + torch.arange(4), logits[1]]
    assert cross_entropy_across_views(targets, logits, 1.0) == cross_entropy_across_views(targets, moved, 1.0)


def test_the_least_loss_is_the_targets_entropy() -> None:
    q = torch.tensor([[0.5, 0.25, 0.25]])
    loss = cross_entropy_across_views([q, q], [q.log(), q.log()], 1.0)
    assert loss.item() == pytest.approx(1.5 * math.log(2))


def test_the_gradient_reaches_the_predictions_alone() -> None:
    targets, logits = some(3, 2, 3, 4, 1)
    leaves = [one.requires_grad_() for one in logits]
    judged = [one.requires_grad_() for one in targets]
    cross_entropy_across_views(judged, leaves, 0.5).backward()
    assert all(one.grad is not None and one.grad.abs().max() > 0 for one in leaves)
    assert all(one.grad is None for one in judged)


def test_the_gradient_is_prediction_less_target() -> None:
    """∂/∂logits of −Σ q log softmax(l / τ) is (softmax(l / τ) − q) / τ, here over 3 samples and 1 pair."""
    targets, logits = some(2, 1, 3, 4, 2)
    leaf = logits[1].float().requires_grad_()
    cross_entropy_across_views(targets, [logits[0], leaf], 0.5).backward()
    expected = ((leaf / 0.5).softmax(1) - targets[0]) / 0.5 / 3
    assert leaf.grad is not None
    assert torch.allclose(leaf.grad, expected.float(), atol=1e-6)


def test_extreme_logits_stay_finite() -> None:
    q = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    logits = torch.tensor([[1e4, -1e4], [1e4, -1e4]], requires_grad=True)
    loss = cross_entropy_across_views([q], [logits, logits], 0.1)
    loss.backward()
    assert math.isfinite(loss.item())
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_use_is_one_when_all_are_used_alike_and_one_in_k_when_one_is() -> None:
    even = torch.eye(5)
    assert use_of([even, even]).item() == pytest.approx(1)
    assert use_of([torch.full((3, 5), 0.2)]).item() == pytest.approx(1)
    assert use_of([torch.eye(5)[[2, 2, 2]]]).item() == pytest.approx(1 / 5)
    halves = torch.eye(4)[[0, 0, 1, 1]]
    assert use_of([halves, torch.eye(4)[[2, 2, 3, 3]]]).item() == pytest.approx(1), "views count together"
    assert use_of([halves]).item() == pytest.approx(1 / 2)


def test_vagueness_is_one_for_uniform_targets_and_nought_for_sure_ones() -> None:
    assert vagueness_of([torch.full((3, 5), 0.2)]).item() == pytest.approx(1)
    assert vagueness_of([torch.eye(5), torch.eye(5)]).item() == pytest.approx(0)
    assert vagueness_of([torch.tensor([[0.5, 0.5, 0.0, 0.0]])]).item() == pytest.approx(0.5)
