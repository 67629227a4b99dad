"""SwAV's codes against a loop, their marginals, and the optimum that they approach."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nolabel.objectives.prototypes import balanced_codes, sinkhorn


def cosines(n: int, k: int, seed: int) -> Tensor:
    return 2 * torch.rand(n, k, generator=torch.Generator().manual_seed(seed)) - 1


def looped(scores: list[list[float]], epsilon: float, iterations: int) -> list[list[float]]:
    """Algorithm 1 of the paper, entry by entry."""
    n, k = len(scores), len(scores[0])
    q = [[math.exp(value / epsilon) for value in row] for row in scores]
    whole = sum(map(sum, q))
    q = [[value / whole for value in row] for row in q]
    for _ in range(iterations):
        columns = [sum(q[i][j] for i in range(n)) for j in range(k)]
        q = [[q[i][j] / columns[j] / k for j in range(k)] for i in range(n)]
        q = [[value / sum(row) / n for value in row] for row in q]
    return [[value * n for value in row] for row in q]


@given(n=st.integers(1, 6), k=st.integers(1, 6), seed=st.integers(0, 9999), epsilon=st.sampled_from([0.05, 0.5]))
def test_it_is_the_papers_algorithm(n: int, k: int, seed: int, epsilon: float) -> None:
    scores = cosines(n, k, seed)
    expected = torch.tensor(looped(scores.tolist(), epsilon, 3))
    assert torch.allclose(sinkhorn(scores, epsilon, 3), expected, atol=1e-4)


@given(n=st.integers(2, 20), k=st.integers(2, 10), seed=st.integers(0, 9999))
def test_samples_have_one_unit_and_prototypes_equal_shares(n: int, k: int, seed: int) -> None:
    q = sinkhorn(cosines(n, k, seed), 0.25, 500)
    assert torch.allclose(q.sum(1), torch.ones(n), atol=1e-4)
    assert torch.allclose(q.sum(0), torch.full((k,), n / k), atol=1e-2 * n / k)
    assert (q >= 0).all()


def test_scores_that_are_all_alike_give_uniform_codes() -> None:
    assert torch.allclose(sinkhorn(torch.full((6, 4), 0.7), 0.05, 3), torch.full((6, 4), 0.25))


def test_no_prototype_takes_all() -> None:
    """Every sample is nearest to the first prototype; the codes share them out nevertheless."""
    scores = cosines(40, 4, 0) * 0.1
    scores[:, 0] += 0.8
    assert (scores.argmax(1) == 0).all()
    shares = sinkhorn(scores, 0.05, 20).mean(0)
    assert shares.max() < 0.3


def test_it_is_the_best_plan_with_these_marginals() -> None:
    """No other plan of the same marginals has a larger Tr(Qᵀ S) + ε H(Q)."""
    scores, epsilon = cosines(5, 3, 1).double(), 0.3
    q = sinkhorn(scores, epsilon, 2000).double() / 5

    def objective(plan: Tensor) -> float:
        return ((plan * scores).sum() - epsilon * torch.special.xlogy(plan, plan).sum()).item()

    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        i, j = torch.randperm(5, generator=generator)[:2]
        a, b = torch.randperm(3, generator=generator)[:2]
        move = torch.zeros(5, 3, dtype=torch.float64)  # keeps all sums of rows and columns
        move[i, a], move[j, b], move[i, b], move[j, a] = 1, 1, -1, -1
        shifted = q + move * 0.2 * min(q[i, b].item(), q[j, a].item())
        assert objective(shifted) <= objective(q) + 1e-6


@pytest.mark.parametrize("epsilon", [0.001, 0.05, 10.0])
def test_any_sharpness_stays_finite(epsilon: float) -> None:
    q = sinkhorn(cosines(8, 4, 0), epsilon, 3)
    assert torch.isfinite(q).all()
    assert torch.allclose(q.sum(1), torch.ones(8), atol=1e-4)


def test_a_smaller_epsilon_makes_harder_codes() -> None:
    hardness = [sinkhorn(cosines(30, 5, 0), epsilon, 5).max(1).values.mean().item() for epsilon in (0.02, 0.2, 2.0)]
    assert hardness == sorted(hardness, reverse=True)


def test_samples_from_a_queue_take_part_and_get_no_code() -> None:
    scores, beside = cosines(4, 3, 0), cosines(10, 3, 1)
    codes = balanced_codes(scores, 0.05, 3, beside)
    assert torch.equal(codes, sinkhorn(torch.cat([scores, beside]), 0.05, 3)[:4])
    assert not torch.allclose(codes, balanced_codes(scores, 0.05, 3))


def test_codes_have_no_gradient() -> None:
    assert not balanced_codes(cosines(4, 3, 0).requires_grad_(), 0.05, 3).requires_grad
