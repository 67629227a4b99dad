"""Grids, neighbourhoods, best units, rules and errors of a map, against loops that read like the equations."""

import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from nolabel.errors import ArgumentError
from nolabel.objectives import topographic
from nolabel.objectives.first_units import first_units, principal
from nolabel.objectives.grids import Grid
from nolabel.objectives.neighbourhoods import KERNELS, kernel, pulls_and_pushes, smooth
from nolabel.randomness import Draws

GRIDS = [
    Grid(rows, columns, form, topology)
    for (rows, columns), form, topology in itertools.product(
        [(4, 5), (6, 3), (1, 7), (2, 2)], ["rectangular", "hexagonal"], ["plane", "toroid"]
    )
    if not (form == "hexagonal" and topology == "toroid" and rows % 2)
]
ids = [f"{g.rows}x{g.columns}-{g.form}-{g.topology}" for g in GRIDS]


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def all_units(grid: Grid) -> torch.Tensor:
    return torch.arange(grid.units)


# --- grids -----------------------------------------------------------------------------------------------------------


def slow_distance(grid: Grid, a: int, b: int) -> float:
    """The least distance between unit a and any copy of unit b."""
    (x0, y0), (x1, y1) = grid.positions[a].tolist(), grid.positions[b].tolist()
    copies = (-1, 0, 1) if grid.topology == "toroid" else (0,)
    return min(
        math.hypot(x1 + i * grid.columns - x0, y1 + j * grid.rows * grid.row_height - y0)
        for i in copies
        for j in copies
    )


@pytest.mark.parametrize("grid", GRIDS, ids=ids)
def test_distances_are_those_to_the_nearest_copy(grid: Grid) -> None:
    found = grid.squared_distances(all_units(grid)).sqrt()
    for a, b in itertools.product(range(grid.units), repeat=2):
        assert found[a, b].item() == pytest.approx(slow_distance(grid, a, b), abs=1e-12)


def test_the_six_neighbours_of_a_hexagon_are_all_at_distance_one() -> None:
    for topology in ("plane", "toroid"):
        grid = Grid(6, 5, "hexagonal", topology)
        distances = grid.squared_distances(all_units(grid)).sqrt()
        for unit in range(grid.units) if topology == "toroid" else [7, 12, 17]:
            near = distances[unit][(distances[unit] > 0) & (distances[unit] < 1.5)]
            assert len(near) == 6
            assert_close(near, torch.ones(6, dtype=torch.float64))


def test_every_unit_of_a_toroid_is_like_every_other() -> None:
    for form in ("rectangular", "hexagonal"):
        distances = Grid(6, 5, form, "toroid").squared_distances(torch.arange(30))
        rows = distances.sort(1).values
        assert_close(rows, rows[:1].expand_as(rows))
        assert_close(distances, distances.t())


@pytest.mark.parametrize("grid", GRIDS, ids=ids)
def test_edges_are_the_pairs_of_neighbours(grid: Grid) -> None:
    reach = 1.01 if grid.form == "hexagonal" else 1.42
    pairs = [
        [a, b]
        for a, b in itertools.product(range(grid.units), repeat=2)
        if a != b and slow_distance(grid, a, b) < reach
    ]
    assert grid.edges.tolist() == pairs
    every = torch.tensor(list(itertools.product(range(grid.units), repeat=2)))
    assert every[grid.adjacent(every[:, 0], every[:, 1])].tolist() == pairs


@pytest.mark.parametrize("grid", GRIDS, ids=ids)
def test_each_centre_is_nearest_to_its_unit(grid: Grid) -> None:
    assert grid.nearest(grid.positions).tolist() == list(range(grid.units))
    if grid.topology == "toroid":
        around = torch.tensor([-grid.columns, 2 * grid.rows * grid.row_height], dtype=torch.float64)
        assert grid.nearest(grid.positions + around).tolist() == list(range(grid.units))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 5), "at least 1"),
        ((1, 1), "at least 2 units"),
        ((5, 4, "hexagonal", "toroid"), r"even number of rows .*\(6, 4\)"),
    ],
)
def test_what_is_no_grid_is_refused(arguments: tuple, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        Grid(*arguments)


# --- neighbourhoods --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("neighbourhood", KERNELS)
@pytest.mark.parametrize("grid", GRIDS, ids=ids)
def test_smoothing_is_the_sum_over_all_units(grid: Grid, neighbourhood: str) -> None:
    values = numbers(grid.units, 3)
    expected = torch.zeros_like(values)
    for i, j in itertools.product(range(grid.units), repeat=2):
        d = slow_distance(grid, i, j)
        h = {
            "gaussian": math.exp(-(d**2) / (2 * 1.3**2)),
            "bubble": float(d <= 1.3),
            "mexican_hat": (1 - d**2 / 1.3**2) * math.exp(-(d**2) / (2 * 1.3**2)),
        }[neighbourhood]
        expected[i] += h * values[j]
    assert_close(smooth(grid, neighbourhood, 1.3, values), expected, rtol=1e-12, atol=1e-12)


def test_large_kernels_are_made_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    from nolabel.objectives import neighbourhoods

    grid, values = Grid(6, 7, "hexagonal"), numbers(42, 2)
    whole = smooth(grid, "mexican_hat", 2.0, values)
    monkeypatch.setattr(neighbourhoods, "BLOCK_VALUES", 100)
    assert_close(smooth(grid, "mexican_hat", 2.0, values), whole, rtol=1e-13, atol=0)


@pytest.mark.parametrize("neighbourhood", KERNELS)
def test_pulls_and_pushes_are_the_two_signs_of_a_neighbourhood(neighbourhood: str) -> None:
    grid, values = Grid(5, 4), numbers(20, 3)
    pull, push = pulls_and_pushes(grid, neighbourhood, 1.3, values)
    h = kernel(grid, neighbourhood, 1.3, all_units(grid))
    assert_close(pull, h.where(h > 0, 0.0) @ values, rtol=1e-12, atol=1e-12)
    assert_close(pull - push, smooth(grid, neighbourhood, 1.3, values), rtol=1e-12, atol=1e-12)
    assert (push != 0).any() == (neighbourhood == "mexican_hat")


@pytest.mark.parametrize("radius", [1e-2, 1e-20, 1e-200])
@pytest.mark.parametrize("neighbourhood", KERNELS)
@pytest.mark.parametrize("form", ["rectangular", "hexagonal"])
def test_a_very_small_neighbourhood_is_the_unit_itself(form: str, neighbourhood: str, radius: float) -> None:
    grid, values = Grid(4, 5, form), numbers(20, 3)
    assert_close(smooth(grid, neighbourhood, radius, values.float()), values.float(), rtol=0, atol=0)
    assert_close(smooth(grid, neighbourhood, radius, values), values, rtol=0, atol=0)


# --- best units ------------------------------------------------------------------------------------------------------


def slow_squared(x: torch.Tensor, m: torch.Tensor, seen: torch.Tensor) -> float:
    there = [d for d in range(len(x)) if seen[d]]
    return sum((x[d] - m[d]).item() ** 2 for d in there) * len(x) / len(there)


@given(seed=st.integers(0, 2**30), gaps=st.booleans(), size=st.tuples(*[st.integers(1, 9)] * 2))
@settings(max_examples=30, deadline=None)
def test_best_units_are_the_two_nearest(seed: int, gaps: bool, size: tuple[int, int]) -> None:
    x, weights = numbers(size[0], size[1], seed=seed), numbers(6, size[1], seed=seed + 1)
    seen = numbers(*size, seed=seed + 2) > -0.5 if gaps else torch.ones(size, dtype=torch.bool)
    seen[:, 0] = True
    mask = seen if gaps else None
    found = topographic.best_units(x.where(seen, 77.0), weights, mask)
    for row in range(len(x)):
        distances = [slow_squared(x[row], m, seen[row]) for m in weights]
        order = sorted(range(6), key=distances.__getitem__)
        assert [found.first[row].item(), found.second[row].item()] == order[:2]
        assert found.squared[row].item() == pytest.approx(distances[order[0]], abs=1e-9)
    exact = topographic.distances_to(x.where(seen, 77.0), weights, found.first, mask)
    assert_close(exact, found.squared.sqrt(), rtol=1e-6, atol=1e-6)
    every = topographic.squared_distances(x.where(seen, 77.0), weights, mask)
    assert_close(every.gather(1, found.first[:, None])[:, 0], exact.square(), rtol=1e-9, atol=1e-9)


def test_of_equally_near_units_the_lowest_is_first() -> None:
    found = topographic.best_units(torch.zeros(3, 2), torch.ones(5, 2))
    assert found.first.tolist() == [0, 0, 0]
    assert found.second.tolist() == [1, 1, 1]


@pytest.mark.parametrize("kind", ["dense", "masked", "sparse"])
@pytest.mark.parametrize("offset", [30.0, 1e3, 1e4])
def test_best_units_of_data_far_from_zero(kind: str, offset: float) -> None:
    """Of distances of 1 products of float32 leave nothing at 10^4."""
    x, weights = (numbers(200, 5, seed=seed).float() + offset for seed in (0, 1))
    mask = numbers(200, 5, seed=2) > -0.7 if kind == "masked" else None
    if mask is not None:
        mask[:, 0] = True
    apart = x.double()[:, None] - weights.double()[None]
    exact = (
        apart.square().sum(2) if mask is None else (apart.square() * mask[:, None]).sum(2) * 5 / mask.sum(1)[:, None]
    )
    found = topographic.best_units(sparse(x) if kind == "sparse" else x, weights, mask)
    if kind == "sparse":  # such rows stay where they are: half the digits are gone, not all
        assert (found.first == exact.argmin(1)).double().mean() > 0.9
        return
    assert_close(found.first, exact.argmin(1), rtol=0, atol=0)
    assert_close(found.second, exact.scatter(1, found.first[:, None], math.inf).argmin(1), rtol=0, atol=0)
    assert_close(found.squared.double(), exact.min(1).values, rtol=1e-4, atol=1e-5)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weights = numbers(70, 5), numbers(9, 5, seed=1)
    whole = topographic.best_units(x, weights)
    monkeypatch.setattr(topographic, "BLOCK_VALUES", 9 * 16)
    for a, b in zip(topographic.best_units(x, weights), whole):
        assert_close(a, b)


def sparse(x: torch.Tensor) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return x.to_sparse_csr()


def test_sparse_rows_are_treated_as_dense_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    x = numbers(50, 12).where(numbers(50, 12, seed=3) > 0.7, 0.0)
    x[7] = 0
    weights, rows = numbers(9, 12, seed=1), sparse(x)
    monkeypatch.setattr(topographic, "BLOCK_VALUES", 9 * 16)
    dense, found = topographic.best_units(x, weights), topographic.best_units(rows, weights)
    for a, b in zip(found, dense):
        assert_close(a, b)
    assert_close(topographic.sums_per_unit(rows, dense.first, 9), topographic.sums_per_unit(x, dense.first, 9))
    assert_close(topographic.squared_distances(rows, weights), topographic.squared_distances(x, weights))
    assert_close(topographic.quantization_error(rows, weights), topographic.quantization_error(x, weights))
    for start in ("pca", "samples", "random"):
        draws = [Draws(3, -1) for _ in range(2)]
        one, other = (first_units(start, Grid(3, 3), of, draw) for of, draw in zip((rows, x), draws))
        assert_close(one, other, rtol=1e-7, atol=1e-9)


# --- sums and rules --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("neighbourhood", ["gaussian", "bubble", "mexican_hat"])
def test_the_batch_rule_is_the_weighted_mean(neighbourhood: str, gaps: bool) -> None:
    grid, x, weights = Grid(3, 4), numbers(40, 3), numbers(12, 3, seed=1)
    seen = numbers(40, 3, seed=2) > -0.7 if gaps else torch.ones(40, 3, dtype=torch.bool)
    seen[:, 0] = True
    mask = seen if gaps else None
    first = topographic.best_units(x, weights, mask).first
    expected = weights.clone()
    for k, d in itertools.product(range(12), range(3)):
        h = [kernel(grid, neighbourhood, 1.1, torch.tensor([k]))[0, first[i]].item() for i in range(40)]
        there = [i for i in range(40) if seen[i, d]]
        pull, push = sum(max(h[i], 0.0) for i in there), sum(max(-h[i], 0.0) for i in there)
        c = min(1.0, 0.1 * pull / push) if push else 1.0
        step = sum((h[i] if h[i] > 0 else c * h[i]) * (x[i, d] - weights[k, d]).item() for i in there)
        if pull > 1e-30:
            expected[k, d] += step / (pull + c * push)
    sums = topographic.sums_per_unit(x, first, 12, mask)
    counts = (
        topographic.sums_per_unit(seen.double(), first, 12)
        if gaps
        else topographic.counts_per_unit(first, 12, torch.float64)[:, None]
    )
    pulled, pushed = pulls_and_pushes(grid, neighbourhood, 1.1, sums)
    p, q = pulls_and_pushes(grid, neighbourhood, 1.1, counts)
    found = topographic.pushing_rule(weights, (pulled, p), (pushed, q))
    assert_close(found, expected, rtol=1e-10, atol=1e-10)
    if neighbourhood != "mexican_hat":
        assert_close(topographic.batch_rule(weights, pulled, p), expected, rtol=1e-10, atol=1e-10)


def test_a_hat_moves_units_that_are_pushed_more_than_pulled_and_none_runs_away() -> None:
    grid, x = Grid(12, 12), numbers(3000, 4).clamp(-2, 2)
    weights, pushed, moved = first_units("pca", grid, x, Draws(0, -1)), [], []
    for _ in range(30):
        before = weights
        first = topographic.best_units(x, weights).first
        counts = topographic.counts_per_unit(first, 144, torch.float64)[:, None]
        parts = torch.cat([topographic.sums_per_unit(x, first, 144), counts], dim=1)
        pull, push = (part.split([4, 1], dim=1) for part in pulls_and_pushes(grid, "mexican_hat", 2.0, parts))
        pushed.append((push[1] > pull[1]).double().mean().item())
        weights = topographic.pushing_rule(weights, (pull[0], pull[1]), (push[0], push[1]))
        moved.append((weights != before).any(1).double().mean().item())
        assert weights.abs().max() <= 2 * 1.1 / 0.9
    assert max(pushed) > 0.5
    assert min(moved) > 0.9


def test_a_unit_that_nothing_pulls_stays() -> None:
    weights = numbers(3, 2)
    new = topographic.batch_rule(weights, torch.zeros(3, 2).double(), torch.tensor([[0.0], [1e-35], [2.0]]).double())
    assert_close(new[:2], weights[:2], rtol=0, atol=0)
    assert_close(new[2], torch.zeros(2).double())


@pytest.mark.parametrize("gaps", [False, True])
def test_the_online_rule_takes_one_sample_after_the_other(gaps: bool) -> None:
    grid, x, weights = Grid(3, 4, "hexagonal"), numbers(20, 3), numbers(12, 3, seed=1)
    seen = numbers(20, 3, seed=2) > -0.5 if gaps else torch.ones(20, 3, dtype=torch.bool)
    seen[:, 0] = True
    expected = weights.clone()
    for turn, (sample, there) in enumerate(zip(x, seen)):
        radius, rate = 2 - turn / 19, 0.3 - 0.2 * turn / 19
        c = min(range(12), key=lambda k: slow_squared(sample, expected[k], there))
        for k in range(12):
            h = math.exp(-(slow_distance(grid, c, k) ** 2) / (2 * radius**2))
            expected[k] += rate * h * (sample - expected[k]) * there
    radii, rates = np.linspace(2, 1, 20).tolist(), np.linspace(0.3, 0.1, 20).tolist()
    topographic.online_rule(weights, x, grid, "gaussian", radii, rates, seen if gaps else None)
    assert_close(weights, expected, rtol=1e-12, atol=1e-12)


# --- first weights ---------------------------------------------------------------------------------------------------


def test_principal_directions_are_those_of_the_covariance() -> None:
    x = numbers(200, 6) * torch.tensor([5, 3, 1, 0.5, 0.2, 0.1])
    directions, deviations = principal(x, 2, Draws(0, -1))
    values, vectors = torch.linalg.eigh(torch.cov(x.t(), correction=0))
    assert_close(deviations, values.flip(0)[:2].sqrt(), rtol=1e-6, atol=0)
    assert_close((directions * vectors.flip(1)[:, :2]).sum(0).abs(), torch.ones(2).double(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("start", ["pca", "samples", "random"])
def test_first_units_of_data_far_from_zero(start: str) -> None:
    x = numbers(300, 4) * torch.tensor([4.0, 3.0, 2.0, 1.0])
    near, far = (first_units(start, Grid(4, 5), of.float(), Draws(0, -1)) for of in (x, x + 1e4))
    assert_close(far - 1e4, near, rtol=0, atol=0.02)


@pytest.mark.parametrize("grid", GRIDS, ids=ids)
@pytest.mark.parametrize("start", ["pca", "samples", "random"])
def test_first_units_fit_any_grid_and_few_values(grid: Grid, start: str) -> None:
    for width in (1, 2, 8):
        weights = first_units(start, grid, numbers(9, width), Draws(1, -1))
        assert weights.shape == (grid.units, width)
        assert torch.isfinite(weights).all()


def test_a_toroid_goes_around_two_directions_for_each_side() -> None:
    x = numbers(500, 4) * torch.tensor([4.0, 3.0, 2.0, 1.0])
    grid = Grid(6, 9, "rectangular", "toroid")
    weights = first_units("pca", grid, x, Draws(0, -1)).view(6, 9, 4)
    around_columns, around_rows = weights[0].var(0), weights[:, 0].var(0)
    assert around_columns[:2].sum() > 20 * around_columns[2:].sum()  # the longer side, the first two directions
    assert around_rows[2:].sum() > 20 * around_rows[:2].sum()


@pytest.mark.parametrize("grid", [Grid(1, 16, "rectangular", "toroid"), Grid(16, 1, "rectangular", "toroid")])
def test_a_ring_of_units_lies_around_a_ring_of_samples(grid: Grid) -> None:
    angle = torch.linspace(0, 2 * math.pi, 601, dtype=torch.float64)[:-1]
    x = torch.stack([angle.cos(), angle.sin()], dim=1)
    weights = first_units("pca", grid, x, Draws(0, -1))
    assert_close(weights.norm(dim=1), torch.ones(16).double(), rtol=0.01, atol=0)
    assert topographic.topographic_error(x, weights, grid) == 0


@pytest.mark.parametrize("width", [2, 3])
def test_a_toroid_in_too_few_dimensions_is_not_folded(width: int) -> None:
    x, grid = numbers(500, width), Grid(6, 8, "rectangular", "toroid")
    weights = first_units("pca", grid, x, Draws(0, -1))
    closest = torch.cdist(weights, weights).fill_diagonal_(math.inf).min()
    assert closest > 0.1
    assert topographic.topographic_error(x, weights, grid) < 0.05


def test_the_longer_side_follows_the_first_direction() -> None:
    x = numbers(300, 2) * torch.tensor([1.0, 6.0])
    for grid in (Grid(3, 9), Grid(9, 3)):
        weights = first_units("pca", grid, x, Draws(0, -1)).view(grid.rows, grid.columns, 2)
        across = (weights[0, -1] - weights[0, 0]).abs()
        down = (weights[-1, 0] - weights[0, 0]).abs()
        long, short = (across, down) if grid.columns > grid.rows else (down, across)
        assert long.argmax() == 1
        assert short.argmax() == 0


# --- errors ----------------------------------------------------------------------------------------------------------


def test_errors_of_a_map_that_can_be_done_by_hand() -> None:
    grid, weights = Grid(1, 3), torch.tensor([[0.0], [10.0], [1.0]])
    x = torch.tensor([[0.0], [9.0], [0.4]])  # nearest (0, 2), (1, 2), (0, 2): the first and last are torn
    assert topographic.quantization_error(x, weights) == pytest.approx((0 + 1 + 0.4) / 3)
    assert topographic.topographic_error(x, weights, grid) == pytest.approx(2 / 3)
    assert topographic.umatrix(weights, grid).tolist() == [10.0, 9.5, 9.0]


# --- MiniSom ---------------------------------------------------------------------------------------------------------
# MiniSom's unit (x, y) is ours of row y and column x. Its hexagonal grids shift every other row counted from the last,
# and call the even rows shifted when it looks for neighbours: both agree with each other, and with ours, when the
# number of rows is odd.


def minisom(form: str, rows: int = 5, columns: int = 4, **arguments: object) -> "tuple[object, Grid]":
    from minisom import MiniSom

    made = MiniSom(columns, rows, 6, topology=form, random_seed=3, **arguments)
    return made, Grid(rows, columns, form)


def weights_of(made: object) -> torch.Tensor:
    return torch.from_numpy(made.get_weights().swapaxes(0, 1).reshape(-1, 6).copy())  # type: ignore[attr-defined]


@pytest.mark.parametrize("form", ["rectangular", "hexagonal"])
def test_online_weights_are_minisoms(form: str) -> None:
    x = numbers(60, 6)
    made, grid = minisom(form, sigma=2.0, learning_rate=0.5)
    weights = weights_of(made)
    made.train(x.numpy(), 60)  # one sample after the other, decaying as sigma / (1 + 2 t / T)
    for t, sample in enumerate(x):
        decay = 1 + 2 * t / 60
        topographic.online_rule(weights, sample[None], grid, "gaussian", [2.0 / decay], [0.5 / decay])
    assert_close(weights, weights_of(made), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("form", ["rectangular", "hexagonal"])
def test_batch_epochs_are_minisoms(form: str) -> None:
    x = numbers(80, 6)
    made, grid = minisom(form, sigma=1.5, learning_rate=1.0, decay_function=lambda rate, t, last: 1.0)
    weights = weights_of(made)
    made.train_batch_offline(x.numpy(), 3)
    for t in range(3):
        radius = 1.5 / (1 + 2 * t / 3)
        first = topographic.best_units(x, weights).first
        sums, counts = topographic.sums_per_unit(x, first, 20), topographic.counts_per_unit(first, 20, torch.float64)
        mass = smooth(grid, "gaussian", radius, counts[:, None])
        weights = topographic.batch_rule(weights, smooth(grid, "gaussian", radius, sums), mass)
    assert_close(weights, weights_of(made), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("form", ["rectangular", "hexagonal"])
def test_errors_and_umatrix_are_minisoms(form: str) -> None:
    x = numbers(80, 6)
    made, _ = minisom(form, sigma=1.5)
    made.train(x.numpy(), 200)
    weights, grid = weights_of(made), Grid(5, 4, form)
    assert topographic.quantization_error(x, weights) == pytest.approx(made.quantization_error(x.numpy()), rel=1e-12)
    torn = topographic.topographic_error(x, weights, grid)
    assert 0 < torn == pytest.approx(made.topographic_error(x.numpy()), rel=1e-12)
    heights = made.distance_map(scaling="mean").T.ravel()
    ours = topographic.umatrix(weights, grid).numpy()
    np.testing.assert_allclose(ours / ours.max(), heights, rtol=1e-12)
