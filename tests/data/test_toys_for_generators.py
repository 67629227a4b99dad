"""The toys on which generators are judged: modes stand where they should, and digits move as they should."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from nolabel.data import tables, toys
from nolabel.errors import ArgumentError

MIXTURES = [(toys.ring, toys.ring_mixture(), 8), (toys.grid, toys.grid_mixture(), 25)]


@pytest.mark.parametrize(("make", "mixture", "modes"), MIXTURES, ids=["ring", "grid"])
def test_modes_are_narrow_equally_frequent_and_labelled(make: object, mixture: toys.Mixture, modes: int) -> None:
    data = make(modes * 200, seed=1)  # type: ignore[operator]
    assert data.name == mixture.name
    assert data.spec.modality == "table"
    assert data.store.shape == (modes * 200, 2)
    assert np.bincount(data.labels).tolist() == [200] * modes
    assert data.classes == tuple(str(mode) for mode in range(modes))
    torch.testing.assert_close(data.store.mean(0), torch.zeros(2), rtol=0, atol=1e-3)
    torch.testing.assert_close(data.store.std(0), torch.ones(2), rtol=0, atol=0.01)
    away = np.asarray(tables.restore(data.spec, data.store)) - mixture.centres[data.labels]
    for mode in range(modes):
        own = away[data.labels == mode]
        assert abs(own.mean(0)).max() < 5 * mixture.deviation / np.sqrt(200)
        assert own.std(0) == pytest.approx([mixture.deviation] * 2, rel=0.25)


def test_where_the_modes_are() -> None:
    ring, grid = toys.ring_mixture(), toys.grid_mixture()
    assert np.linalg.norm(ring.centres, axis=1) == pytest.approx([2.0] * 8)
    assert ring.centres[0] == pytest.approx([2, 0])
    assert ring.centres[2] == pytest.approx([0, 2])
    assert grid.centres[:6].tolist() == [[-4, -4], [-2, -4], [0, -4], [2, -4], [4, -4], [-4, -2]]
    for mixture in (ring, grid):
        apart = np.linalg.norm(mixture.centres[:, None] - mixture.centres, axis=-1)
        assert apart[apart > 0].min() > 30 * mixture.deviation


def test_a_digit_is_whole_in_every_frame_and_is_of_its_class() -> None:
    made = toys.moving_digits(30, 20, 14, seed=1)
    assert made.clips.shape == (30, 20, 14, 14)
    assert made.clips.dtype == np.uint8
    assert np.bincount(made.labels).tolist() == [3] * 10
    images = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)
    targets = load_digits().target
    for clip, label in zip(made.clips, made.labels):
        ink = clip.reshape(20, -1).sum(1, dtype=int)
        assert len(set(ink.tolist())) == 1, "nothing leaves the picture"
        known = images[targets == label]
        windows = np.lib.stride_tricks.sliding_window_view(clip[0], (8, 8)).reshape(-1, 8, 8)
        assert any((known == window).all((1, 2)).any() for window in windows)


def _ways(clips: np.ndarray) -> np.ndarray:
    """(N, T, 2) centres of the ink."""
    weight = clips / clips.sum((2, 3), keepdims=True)
    places = np.arange(clips.shape[2])
    return np.stack([weight.sum(3) @ places, weight.sum(2) @ places], axis=-1)


def test_digits_go_straight_on_at_their_speed() -> None:
    ways = _ways(toys.moving_digits(200, 13, 60, seed=2).clips)  # so much room that few reach an edge
    steps = np.diff(ways, axis=1)
    assert abs(steps).max() < 2.01
    straight = ((steps >= -1e-9).all(1) | (steps <= 1e-9).all(1)).all(1)
    assert straight.mean() > 0.5
    way = (ways[:, -1] - ways[:, 0])[straight]
    speed = np.linalg.norm(way, axis=1) / 12
    assert speed.min() > 0.4
    assert speed.max() < 1.6
    assert speed.mean() == pytest.approx(1.0, abs=0.12)
    assert abs(np.sign(way).mean(0)).max() < 0.25, "in all directions"


def test_digits_bounce_and_never_stand_still_for_long() -> None:
    ways = _ways(toys.moving_digits(40, 40, 12, seed=3).clips)
    turns = (np.diff(np.sign(np.diff(ways, axis=1)), axis=1) != 0).sum((1, 2))
    assert (turns > 0).all()
    moved = ways.max(1) - ways.min(1)
    assert moved.max(1) == pytest.approx(4, abs=1e-9), "from one edge to the other"


def test_they_are_the_same_every_time_and_leave_generators_alone() -> None:
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    a, b, c = (toys.moving_digits(5, 3, 12, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(a.clips, b.clips)
    assert not np.array_equal(a.clips, c.clips)
    for make in (toys.ring, toys.grid):
        assert torch.equal(make(50, 1).store, make(50, 1).store)
        assert not torch.equal(make(50, 1).store, make(50, 2).store)
    assert np.array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(before[1], torch.get_rng_state())


def test_edges_and_refusals() -> None:
    assert toys.moving_digits(1, 1, 8).clips.shape == (1, 1, 8, 8)
    still = toys.moving_digits(4, 5, 8).clips
    assert (still == still[:, :1]).all(), "in eight pixels nothing can move"
    assert len(toys.ring(1)) == len(toys.grid(1)) == 1
    with pytest.raises(ArgumentError, match="size must be at least 8; got 7"):
        toys.moving_digits(size=7)
    with pytest.raises(ArgumentError, match="frames must be at least 1; got 0"):
        toys.moving_digits(frames=0)
    for make in (toys.ring, toys.grid, toys.moving_digits):
        with pytest.raises(ArgumentError, match="n must be at least 1; got 0"):
            make(0)
