"""The numbers that warn, at the values that they must have where these can be said beforehand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nolabel.objectives import view_signals
from nolabel.objectives.view_signals import agreement, change, matched, signals_of, spread


def normals(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_spread_is_nought_where_all_point_one_way_and_one_where_they_point_everywhere() -> None:
    one_way = torch.rand(50, 1) * torch.tensor([[1.0, 2.0, -3.0]]) + 0.0
    assert spread(one_way).item() == pytest.approx(0, abs=1e-6)
    assert spread(normals(20_000, 16)).item() == pytest.approx(1, abs=0.01)
    axes = torch.cat([torch.eye(4), -torch.eye(4)])
    assert spread(axes).item() == pytest.approx(1)
    half = normals(20_000, 16)
    half[:, 8:] = 0  # √16 · ½ · 1/√8
    assert spread(half).item() == pytest.approx(1 / math.sqrt(2), abs=0.01)


@given(batch=st.integers(2, 9), width=st.integers(1, 6), seed=st.integers(0, 1000))
def test_spread_is_its_equation_and_at_most_one(batch: int, width: int, seed: int) -> None:
    z = normals(batch, width, seed=seed)
    rows = [[value / math.sqrt(sum(v * v for v in row)) for value in row] for row in z.double().tolist()]
    deviations = []
    for column in zip(*rows):
        mean = sum(column) / batch
        deviations.append(math.sqrt(sum((value - mean) ** 2 for value in column) / batch))
    expected = math.sqrt(width) * sum(deviations) / width
    assert spread(z).item() == pytest.approx(expected, abs=1e-5)
    assert spread(z).item() <= 1 + 1e-6


def test_matched_counts_the_samples_that_are_found_again() -> None:
    z = torch.eye(4)
    assert matched(z, 3 * z).item() == 1
    assert matched(z, z.roll(1, 0)).item() == 0
    assert matched(z, z[[1, 0, 2, 3]]).item() == 0.5
    many = normals(400, 32), normals(400, 32, seed=1)
    assert matched(*many).item() < 0.02, "views that have nothing in common meet by chance only"


def test_matched_by_class_asks_for_no_more_than_the_class() -> None:
    z = torch.eye(4)
    y = torch.tensor([5, 5, 2, 2])
    assert matched(z, z[[1, 0, 2, 3]], y).item() == 1
    assert matched(z, z[[2, 0, 1, 3]], y).item() == 0.5


def test_change_compares_views_with_samples() -> None:
    x = normals(64, 1, 8, 8)
    assert change(x, x, x).item() == 0
    unrelated = [normals(64, 1, 8, 8, seed=seed) for seed in (1, 2)]
    assert change(*unrelated, x).item() == pytest.approx(1, abs=0.05)
    assert change(x, x + 0.1, x).item() < 0.2
    small = normals(64, 1, 4, 4, seed=1)
    assert 0 < change(small, small.roll(1, 0), x).item() < 2, "views may be of another size than samples"


def test_change_is_one_where_samples_do_not_differ() -> None:
    x = torch.ones(5, 3)
    assert change(x, 2 * x, x).item() == 1
    assert change(x[:1], 2 * x[:1], x[:1]).item() == 1


def test_agreement_is_a_mean_cosine() -> None:
    a = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    assert agreement(a, 5 * a).item() == pytest.approx(1)
    assert agreement(a, -a).item() == pytest.approx(-1)
    assert agreement(a, a.flip(1)).item() == pytest.approx(0)


def test_they_hold_no_graph() -> None:
    z = normals(6, 4).requires_grad_()
    found = {**signals_of(z, 2 * z, z, z, 3 * z), "agreement": agreement(z, z)}
    assert set(found) == {"spread", "matched", "change", "agreement"}
    assert not any(value.requires_grad for value in found.values())
    assert all(value.ndim == 0 for value in found.values())


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_means_over_processes_are_those_of_one(cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here one process plays both: what others hold is set before its hands."""
    v1, v2, x = (normals(6, 5, seed=seed) for seed in range(3))
    whole = change(v1, v2, x), matched(v1, v2)
    parts = [slice(0, cut), slice(cut, 6)]
    distances = torch.stack([(v1 - v2).abs().mean(1), (x - x.roll(-1, 0)).abs().mean(1)], 1)
    normed = torch.nn.functional.normalize(v2, dim=1)
    found = 0.0
    met: list[Tensor] = []
    for rank, rows in enumerate(parts):
        starts = x[[0, cut]]
        monkeypatch.setattr(view_signals, "several", lambda: True)
        monkeypatch.setattr(view_signals, "batch_mean", lambda own: met.append(own) or distances.mean(0))
        monkeypatch.setattr(view_signals, "gather", lambda z, starts=starts: starts)
        monkeypatch.setattr(view_signals, "offset", lambda _, rank=rank: rank)
        assert change(v1[rows], v2[rows], x[rows]).item() == pytest.approx(whole[0].item())
        monkeypatch.setattr(view_signals, "gather", lambda z: normed)
        monkeypatch.setattr(view_signals, "offset", lambda _, rank=rank: rank * cut)
        found += matched(v1[rows], v2[rows]).item() * len(v1[rows]) / 6
    torch.testing.assert_close(torch.cat(met), distances)
    assert found == pytest.approx(whole[1].item())
