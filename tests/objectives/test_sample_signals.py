"""Signals of samples are their equations, and have the values that can be said beforehand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nolabel.objectives import sample_signals as signals
from nolabel.objectives.sample_signals import sample_signals


def normals(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def as_numbers(found: dict[str, Tensor]) -> dict[str, float]:
    return {name: value.item() for name, value in found.items()}


# --- beside loops ----------------------------------------------------------------------------------------------------


def slow_diversity(f: list[list[float]], x: list[list[float]]) -> float:
    def mean_step(rows: list[list[float]]) -> float:
        return sum(math.dist(row, rows[(i + 1) % len(rows)]) for i, row in enumerate(rows)) / len(rows)

    return mean_step(f) / mean_step(x)


def slow_covered(f: list[list[float]], x: list[list[float]], k: int) -> list[tuple[bool, list[int]]]:
    """Of each x whether it is covered, and its neighbours."""
    found = []
    for j, centre in enumerate(x):
        others = sorted((i for i in range(len(x)) if i != j), key=lambda i, centre=centre: math.dist(centre, x[i]))[:k]
        found.append((any(math.dist(centre, sample) <= math.dist(centre, x[others[-1]]) for sample in f), others))
    return found


def slow_coverage(f: list[list[float]], x: list[list[float]], k: int) -> float:
    return sum(near for near, _ in slow_covered(f, x, k)) / len(x)


def slow_missed(f: list[list[float]], x: list[list[float]], k: int) -> float:
    found = slow_covered(f, x, k)
    return sum(not near and not any(found[i][0] for i in others) for near, others in found) / len(x)


def slow_reused(f: list[list[float]], x: list[list[float]]) -> float:
    nearest = {min(range(len(x)), key=lambda j, row=row: math.dist(row, x[j])) for row in f}
    return 1 - len(nearest) / len(f)


@given(batch=st.integers(2, 24), width=st.integers(1, 7), scale=st.floats(0.1, 3), seed=st.integers(0, 1000))
def test_they_are_their_equations(batch: int, width: int, scale: float, seed: int) -> None:
    f, x = scale * normals(batch, width, seed=seed), normals(batch, width, seed=seed + 1001)
    found = as_numbers(sample_signals(f, x))
    lists = f.double().tolist(), x.double().tolist()
    assert found["diversity"] == pytest.approx(slow_diversity(*lists), rel=1e-4)
    assert found["coverage"] == pytest.approx(slow_coverage(*lists, k=5))
    assert found["reused"] == pytest.approx(slow_reused(*lists))
    assert found["missed"] == pytest.approx(slow_missed(*lists, k=5))


def test_coverage_of_equal_distributions_is_that_of_the_paper() -> None:
    """Naeem et al. 2020, lemma 2: 1 − (N−1)…(N−k) / ((2N−1)…(2N−k)) for N of each."""
    n, k = 100, 5
    expected = 1 - math.prod((n - i) / (2 * n - i) for i in range(1, k + 1))
    pairs = [(normals(n, 3, seed=seed), normals(n, 3, seed=seed + 500)) for seed in range(60)]
    found = [sample_signals(*pair)["coverage"].item() for pair in pairs]
    assert sum(found) / len(found) == pytest.approx(expected, abs=0.01)


# --- what they tell --------------------------------------------------------------------------------------------------


def test_samples_that_are_the_data_again() -> None:
    x = normals(40, 1, 6, 5)
    assert as_numbers(sample_signals(x.flip(0), x)) == {"diversity": 1.0, "coverage": 1.0, "missed": 0.0, "reused": 0.0}


def test_one_sample_again_and_again() -> None:
    x = normals(50, 3)
    found = as_numbers(sample_signals(x[:1].expand(50, -1), x))
    assert found["diversity"] == 0
    assert found["reused"] == pytest.approx(1 - 1 / 50)
    assert found["coverage"] < 0.3


def test_two_modes_of_eight() -> None:
    angle = torch.arange(160) % 8 * (math.pi / 4)
    ring = torch.stack([angle.cos(), angle.sin()], 1)
    x = (ring + 0.02 * normals(160, 2))[torch.randperm(160)]
    found = as_numbers(sample_signals(ring[angle < 1][:1].repeat(160, 1) + 0.02 * normals(160, 2, seed=1), x))
    assert found["diversity"] < 0.05
    two = ring[torch.arange(160) % 2] + 0.02 * normals(160, 2, seed=1)
    found = as_numbers(sample_signals(two, x))
    assert 0.15 < found["coverage"] <= 0.25
    assert found["reused"] > 0.75
    whole = as_numbers(sample_signals(ring + 0.02 * normals(160, 2, seed=1), x))
    assert found["missed"] == pytest.approx(0.75)
    assert whole["coverage"] > 0.9
    assert whole["missed"] == 0
    assert whole["reused"] < 0.5


def test_one_mode_of_twenty_five_is_missed_and_a_thin_one_is_not() -> None:
    """Ten of the batch are of each mode, and as many samples, or half as many and more of the others."""
    modes = torch.arange(250) % 25
    grid = torch.stack([modes % 5, modes // 5], 1) * 2.0
    x = grid + 0.05 * normals(250, 2)
    of_three, moved = modes == 3, grid.roll(1, 0)
    few = of_three & (torch.arange(250) < 125)
    for left_out, share in ((few, 0.0), (of_three, 1 / 25)):
        made = torch.where(left_out[:, None], moved, grid) + 0.05 * normals(250, 2, seed=1)
        assert sample_signals(made, x)["missed"].item() == pytest.approx(share)
    wide = as_numbers(sample_signals(grid + 0.1 * normals(250, 2, seed=1), x))
    assert wide["coverage"] < 0.95
    assert wide["missed"] < 0.02, "not quite right is not missing"


def test_samples_far_away_cover_nothing_though_they_vary() -> None:
    found = as_numbers(sample_signals(normals(64, 4) + 50, normals(64, 4, seed=1)))
    assert found["coverage"] == 0
    assert found["diversity"] == pytest.approx(1, abs=0.2)
    assert found["reused"] > 0.8


def test_a_shift_and_a_scale_of_everything_change_nothing() -> None:
    f, x = normals(64, 2, 4, 4, seed=1), normals(64, 2, 4, 4)
    found, moved = sample_signals(f, x), sample_signals(3 * f + 100, 3 * x + 100)
    assert as_numbers(moved) == pytest.approx(as_numbers(found), rel=1e-3)


# --- edges -----------------------------------------------------------------------------------------------------------


def test_where_nothing_is_known_nothing_alarms() -> None:
    same = torch.full((6, 3), 0.3)
    quiet = {"diversity": 1.0, "coverage": 1.0, "missed": 0.0}
    assert as_numbers(sample_signals(same, same)) == {**quiet, "reused": pytest.approx(5 / 6)}
    assert as_numbers(sample_signals(normals(1, 3), normals(1, 3, seed=1))) == {**quiet, "reused": 0.0}


def test_they_hold_no_graph_and_are_float32_whatever_came() -> None:
    f, x = normals(9, 1, 4, 4).requires_grad_(), normals(9, 1, 4, 4, seed=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = sample_signals(f.bfloat16(), x)
    assert not any(value.requires_grad for value in found.values())
    assert all(value.ndim == 0 and value.dtype == torch.float32 for value in found.values())
    plain = sample_signals(f.detach().bfloat16().float(), x)
    assert as_numbers(found) == as_numbers(plain), "autocast does not reach the distances"


def test_of_a_large_batch_the_first_samples_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "MOST", 10)
    f, x = normals(30, 4), normals(30, 4, seed=1)
    assert as_numbers(sample_signals(f, x)) == as_numbers(sample_signals(f[:10], x[:10]))


def test_every_process_finds_what_one_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here one process plays both: what others hold is set before its hands."""
    f, x = normals(20, 4), normals(20, 4, seed=1)
    whole = as_numbers(sample_signals(f, x))
    everyones = {f[0, 0].item(): f, x[0, 0].item(): x}
    monkeypatch.setattr(signals, "gather", lambda own: everyones[own[0, 0].item()])
    assert as_numbers(sample_signals(f[:7], x[:7])) == whole


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    sample_signals(normals(8, 2), normals(8, 2, seed=1))
    assert torch.equal(before, torch.get_rng_state())
