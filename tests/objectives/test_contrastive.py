"""Contrastive losses against loops over their equations, analytic values, and what must not change them."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nolabel.objectives import contrastive
from nolabel.objectives.contrastive import info_nce, nt_xent, nt_xent_at_chance, supervised_contrastive

SIZES = {"batch": st.integers(1, 6), "width": st.integers(1, 5), "seed": st.integers(0, 10_000)}


def normals(*shape: int, seed: int = 0, count: int = 1) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(count)]


def order_of(count: int, seed: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


# --- the equations, in loops -----------------------------------------------------------------------------------------


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def minus_log_share(anchor: list[float], positive: list[float], candidates: list[list[float]], tau: float) -> float:
    """−log of the positive's share of Σ exp(cos / τ) over the candidates, the positive among them."""
    shares = [math.exp(cosine(anchor, one) / tau) for one in candidates]
    return -math.log(math.exp(cosine(anchor, positive) / tau) / sum(shares))


def looped_nt_xent(z1: Tensor, z2: Tensor, tau: float) -> float:
    rows = z1.tolist() + z2.tolist()
    n, losses = len(z1), []
    for i in range(2 * n):
        others = [rows[k] for k in range(2 * n) if k != i]
        losses.append(minus_log_share(rows[i], rows[(i + n) % (2 * n)], others, tau))
    return sum(losses) / (2 * n)


def looped_info_nce(
    queries: Tensor, keys: Tensor, tau: float, offset: int = 0, negatives: Tensor | None = None, mine: bool = False
) -> float:
    """`mine`: row k of the negatives is of the sample of query k, as long as there are such."""
    losses = []
    for i, query in enumerate(queries.tolist()):
        candidates = keys.tolist()
        if negatives is not None:
            candidates += [row for k, row in enumerate(negatives.tolist()) if not (mine and k == i)]
        losses.append(minus_log_share(query, keys[offset + i].tolist(), candidates, tau))
    return sum(losses) / len(losses)


def looped_supervised(z: Tensor, y: list[int], tau: float) -> float:
    rows, losses = z.tolist(), []
    for i in range(len(rows)):
        positives = [p for p in range(len(rows)) if p != i and y[p] == y[i] and y[i] >= 0]
        if positives:
            others = [rows[a] for a in range(len(rows)) if a != i]
            terms = [minus_log_share(rows[i], rows[p], others, tau) for p in positives]
            losses.append(sum(terms) / len(positives))
    return sum(losses) / len(losses) if losses else 0.0


# --- they are their equations ----------------------------------------------------------------------------------------


@given(**SIZES, tau=st.floats(0.05, 2))
def test_nt_xent_is_its_equation(batch: int, width: int, seed: int, tau: float) -> None:
    z1, z2 = normals(batch, width, seed=seed, count=2)
    assert nt_xent(z1, z2, tau).item() == pytest.approx(looped_nt_xent(z1, z2, tau), abs=1e-10)


@given(**SIZES, before=st.integers(0, 3), after=st.integers(0, 3), queue=st.integers(0, 7), tau=st.floats(0.05, 2))
def test_info_nce_is_its_equation(
    batch: int, width: int, seed: int, before: int, after: int, queue: int, tau: float
) -> None:
    (queries,) = normals(batch, width, seed=seed)
    (keys,) = normals(before + batch + after, width, seed=seed + 1)
    (negatives,) = normals(queue, width, seed=seed + 2)
    plain = looped_info_nce(queries, keys, tau, before)
    assert info_nce(queries, keys, tau, before).item() == pytest.approx(plain, abs=1e-10)
    queued = looped_info_nce(queries, keys, tau, before, negatives)
    assert info_nce(queries, keys, tau, before, negatives).item() == pytest.approx(queued, abs=1e-10)
    not_mine = torch.arange(batch)[:, None] != torch.arange(queue)
    masked = looped_info_nce(queries, keys, tau, before, negatives, mine=True)
    assert info_nce(queries, keys, tau, before, negatives, not_mine).item() == pytest.approx(masked, abs=1e-10)


@given(**SIZES, tau=st.floats(0.05, 2))
def test_supervised_contrastive_is_its_equation(batch: int, width: int, seed: int, tau: float) -> None:
    (z,) = normals(batch, width, seed=seed)
    y = torch.randint(-1, 3, (batch,), generator=torch.Generator().manual_seed(seed))
    assert supervised_contrastive(z, y, tau).item() == pytest.approx(looped_supervised(z, y.tolist(), tau), abs=1e-10)


# --- values that can be said without a computer ----------------------------------------------------------------------


@pytest.mark.parametrize("batch", [2, 5, 64])
@pytest.mark.parametrize("tau", [0.07, 1.0])
def test_embeddings_that_are_all_alike_cost_the_logarithm_of_the_candidates(batch: int, tau: float) -> None:
    z = torch.tensor([[3.0, -4.0]]).repeat(batch, 1)
    assert nt_xent(z, z, tau).item() == pytest.approx(math.log(2 * batch - 1))
    assert nt_xent_at_chance(z).item() == pytest.approx(math.log(2 * batch - 1))
    assert info_nce(z, z, tau).item() == pytest.approx(math.log(batch))
    assert info_nce(z, z, tau, negatives=z[:2]).item() == pytest.approx(math.log(batch + 2))
    y = torch.arange(batch) % 2
    expected = math.log(batch - 1) if batch > 2 else 0.0  # two samples of two classes have no positive
    assert supervised_contrastive(z, y, tau).item() == pytest.approx(expected)


def test_views_that_agree_and_samples_at_right_angles() -> None:
    z = torch.eye(4)
    tau = 0.5
    expected = -math.log(math.exp(1 / tau) / (math.exp(1 / tau) + 6))
    assert nt_xent(z, z, tau).item() == pytest.approx(expected)
    assert info_nce(z, z, tau).item() == pytest.approx(-math.log(math.exp(1 / tau) / (math.exp(1 / tau) + 3)))


def test_a_batch_of_one_has_nothing_to_tell_apart() -> None:
    z1, z2 = (z.requires_grad_() for z in normals(1, 3, count=2))
    loss = nt_xent(z1, z2, 0.1)
    loss.backward()
    assert loss.item() == 0
    assert z1.grad is not None
    assert (z1.grad == 0).all()
    assert nt_xent_at_chance(z1).item() == 0


def test_labels_that_are_all_different_give_nt_xent() -> None:
    z1, z2 = normals(5, 3, count=2)
    y = torch.tensor([7, 0, 3, 9, 1])
    found = supervised_contrastive(torch.cat([z1, z2]), torch.cat([y, y]), 0.3)
    torch.testing.assert_close(found, nt_xent(z1, z2, 0.3))


def test_no_known_label_is_nothing_and_pulls_at_nothing() -> None:
    z = normals(4, 3)[0].requires_grad_()
    loss = supervised_contrastive(z, torch.full((4,), -1), 0.1)
    loss.backward()
    assert loss.item() == 0
    assert z.grad is not None
    assert (z.grad == 0).all()


def test_samples_of_unknown_label_are_candidates_only() -> None:
    (z,) = normals(6, 3)
    y = torch.tensor([0, 0, -1, -1, 1, 1])
    moved = z.clone()
    moved[2] = 5 * z[0]  # nearer to the first anchor: a harder negative
    assert supervised_contrastive(moved, y, 0.2) > supervised_contrastive(z, y, 0.2)


def test_one_view_further_along_is_told_from_chance() -> None:
    """The loss falls as the views of a sample turn to each other."""
    z1, noise = normals(8, 16, count=2)
    losses = [nt_xent(z1, z1 + scale * noise, 0.2).item() for scale in (0.0, 0.3, 1.0, 10.0)]
    assert losses == sorted(losses)


# --- what must not change them ---------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(batch=st.integers(2, 6), width=st.integers(2, 5), seed=st.integers(0, 10_000), scale=st.floats(0.01, 100))
def test_order_length_and_rotation_do_not_matter(batch: int, width: int, seed: int, scale: float) -> None:
    z1, z2 = normals(batch, width, seed=seed, count=2)
    y = torch.randint(-1, 2, (batch,), generator=torch.Generator().manual_seed(seed))
    order = order_of(batch, seed)
    turn = torch.linalg.qr(normals(width, width, seed=seed + 1)[0]).Q
    lengths = scale * normals(batch, 1, seed=seed + 2)[0].exp()
    losses: list[Callable[[Tensor, Tensor, Tensor], Tensor]] = [
        lambda a, b, _: nt_xent(a, b, 0.4),
        lambda a, b, _: info_nce(a, b, 0.4),
        lambda a, _, labels: supervised_contrastive(a, labels, 0.4),
    ]
    for loss in losses:
        expected = loss(z1, z2, y)
        torch.testing.assert_close(loss(z1[order], z2[order], y[order]), expected)
        torch.testing.assert_close(loss(z1 * lengths, z2 / lengths, y), expected)
        torch.testing.assert_close(loss(z1 @ turn, z2 @ turn, y), expected)
    torch.testing.assert_close(nt_xent(z2, z1, 0.4), nt_xent(z1, z2, 0.4))


def test_gradients_are_those_of_the_equations() -> None:
    z1, z2 = (z.requires_grad_() for z in normals(4, 3, count=2))
    queue = normals(5, 3, seed=1)[0].requires_grad_()
    y = torch.tensor([0, 1, 0, -1])
    assert torch.autograd.gradcheck(lambda a, b: nt_xent(a, b, 0.5), (z1, z2))
    assert torch.autograd.gradcheck(lambda a, b, c: info_nce(a[1:3], b, 0.5, 1, c), (z1, z2, queue))
    assert torch.autograd.gradcheck(lambda a: supervised_contrastive(a, y, 0.5), (z1,))


def test_extreme_similarities_stay_finite() -> None:
    z = torch.cat([torch.ones(3, 4), -torch.ones(3, 4)]).requires_grad_()
    for loss in (
        nt_xent(z, z.roll(3, 0), 1e-3),
        info_nce(z, z.flip(0), 1e-3),
        supervised_contrastive(z, torch.tensor([0, 1, 0, 1, 0, 1]), 1e-3),
        nt_xent(torch.zeros_like(z) * z, z, 0.1),
    ):
        assert torch.isfinite(loss)
        assert torch.isfinite(torch.autograd.grad(loss, z)[0]).all()


def test_similarities_are_float32_under_bf16() -> None:
    """bf16 knows 1 − 1/256 and 1, and nothing between: at τ = 0.07 that is a twentieth of a nat."""
    z1, z2 = (z.float() for z in normals(32, 16, count=2))
    y = torch.arange(32) // 4
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = [nt_xent(z1, z2, 0.07), info_nce(z1, z2, 0.07), supervised_contrastive(z1, y, 0.07)]
    expected = [nt_xent(z1, z2, 0.07), info_nce(z1, z2, 0.07), supervised_contrastive(z1, y, 0.07)]
    assert found == expected


# --- over processes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [1, 3, 4])
def test_weighted_by_rows_the_means_of_two_processes_are_that_of_one(cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here one process plays both: what is gathered is set before its hands."""
    z1, z2 = (z.requires_grad_() for z in normals(7, 3, count=2))
    y = torch.tensor([0, -1, 1, 0, 2, 1, -1])
    parts = [slice(0, cut), slice(cut, 7)]
    held = [torch.cat([z1[rows], z2[rows]]) for rows in parts]
    labels = [torch.cat([y[rows], y[rows]]) for rows in parts]
    known = (torch.cat(labels) >= 0).double().mean()
    one = (nt_xent(z1, z2, 0.3), supervised_contrastive(torch.cat([z1, z2]), torch.cat([y, y]), 0.3))
    wanted = [torch.autograd.grad(loss, (z1, z2), retain_graph=True) for loss in one]
    both = [torch.zeros((), dtype=torch.float64)] * 2
    for rank, rows in enumerate(parts):
        monkeypatch.setattr(contrastive, "gather_with_gradient", lambda _: contrastive.unit(torch.cat(held)))
        monkeypatch.setattr(contrastive, "gather", lambda _: torch.cat(labels))
        monkeypatch.setattr(contrastive, "batch_mean", lambda _: known)
        monkeypatch.setattr(contrastive, "offset", lambda _, rank=rank: rank * len(held[0]))
        weight = len(held[rank]) / 14
        own = (nt_xent(z1[rows], z2[rows], 0.3), supervised_contrastive(held[rank], labels[rank], 0.3))
        both = [total + weight * loss for total, loss in zip(both, own)]
    for loss, expected, gradient in zip(both, one, wanted):
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(torch.autograd.grad(loss, (z1, z2), retain_graph=True), gradient)
