"""What is left of an image: noise, holes, half the pixels."""

import numpy as np
import pytest
import torch

from nolabel.errors import ArgumentError
from nolabel.randomness import Draws
from nolabel.views.damage import STROKES, Damage, doubled, even, filled, halved, holes, noisy


@pytest.fixture
def x() -> torch.Tensor:
    return torch.rand(400, 1, 12, 10, generator=torch.Generator().manual_seed(0)) * 0.02 + 0.49


def test_noise_has_every_strength_up_to_the_largest(x: torch.Tensor) -> None:
    apart = noisy(x, 0.1, Draws(0, 0)) - x
    sigma = apart.flatten(1).std(1)
    assert sigma.min() < 0.01
    assert 0.09 < sigma.max() < 0.12
    assert abs(sigma.mean() - 0.05) < 0.005
    assert abs(apart.mean()) < 1e-3
    strong = noisy(torch.zeros(50, 3, 8, 8), 1.0, Draws(0, 1))
    assert strong.min() == 0
    assert strong.max() <= 1
    strengths = noisy(torch.full((1, 3, 64, 64), 0.5), 0.1, Draws(0, 2)) - 0.5
    assert strengths.std((2, 3)).std() < 0.01  # one strength for all channels


@pytest.mark.parametrize("share", [0.05, 0.25, 0.6])
@pytest.mark.parametrize("size", [(28, 28), (20, 30)])
def test_holes_cover_about_the_share(share: float, size: tuple[int, int]) -> None:
    x = torch.zeros(600, 3, *size)
    known = holes(x, share, Draws(0, 0))
    assert known.shape == (600, 1, *size)
    missing = (~known).float().mean((1, 2, 3))
    assert missing.min() > 0
    assert missing.max() < 1
    assert 0.8 * share < missing.mean() < 1.25 * share
    inner = (~known).float().mean((0, 1))[2:-2, 2:-2]
    assert inner.min() > 0.2 * share  # nothing but the rim is often spared


def test_holes_are_rectangles_or_strokes() -> None:
    known = holes(torch.zeros(200, 1, 20, 24), 0.2, Draws(3, 0))[:, 0].numpy()
    kinds = [_is_rectangle(~one) for one in known]
    assert 0.35 < np.mean(kinds) < 0.65
    sizes = {(~one).sum() for one, rectangle in zip(known, kinds) if rectangle}
    assert all(abs(size - 96) <= 24 for size in sizes)


def _is_rectangle(missing: np.ndarray) -> bool:
    rows, columns = np.flatnonzero(missing.any(1)), np.flatnonzero(missing.any(0))
    return bool(missing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all())


def test_strokes_are_the_pixels_near_a_segment() -> None:
    """By loops over pixels."""
    from nolabel.views.damage import _strokes

    u = torch.rand(4, 4 * STROKES, generator=torch.Generator().manual_seed(1))
    height, width, share = 11, 14, 0.2
    found = _strokes(u, torch.zeros(4, 1, height, width), share)
    for row in range(4):
        ends = u[row].view(STROKES, 2, 2).numpy() * np.array([height - 1, width - 1])
        lengths = [np.linalg.norm(b - a) for a, b in ends]
        half = np.clip(share * height * width / (2 * max(1, sum(lengths))), 0.5, height / 4)
        for i in range(height):
            for j in range(width):
                apart = []
                for (a, b), length in zip(ends, lengths):
                    t = np.clip(np.dot(np.array([i, j]) - a, b - a) / length**2, 0, 1)
                    apart.append(np.linalg.norm(np.array([i, j]) - a - t * (b - a)))
                if abs(min(apart) - half) > 1e-4:
                    assert bool(found[row, i, j]) == (min(apart) <= half)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2)])
def test_of_the_smallest_images_something_is_left_or_nothing_taken(size: tuple[int, int]) -> None:
    known = holes(torch.zeros(50, 1, *size), 0.9, Draws(0, 0))
    assert known.flatten(1).any(1).all()


def test_of_small_images_a_large_share_is_missing_not_nothing() -> None:
    missing = (~holes(torch.zeros(300, 1, 8, 8), 0.97, Draws(0, 0))).float().mean((1, 2, 3))
    assert missing.min() > 0.25
    assert missing.max() < 1


def test_what_is_missing_is_grey_and_all_else_as_it_was(x: torch.Tensor) -> None:
    found = Damage("inpaint", 0.2, 0.25)(x, Draws(0, 0))
    assert torch.equal(found.clean, x)
    assert torch.equal(found.seen, filled(x, found.known))
    assert torch.equal(found.seen[found.known], x[found.known])
    assert (found.seen[~found.known] == 0.5).all()


def test_two_by_two_pixels_become_one_and_one_becomes_four() -> None:
    x = torch.arange(2 * 3 * 4 * 6, dtype=torch.float32).view(2, 3, 4, 6)
    small = halved(x)
    for i in range(2):
        for j in range(3):
            square = x[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            assert torch.equal(small[:, :, i, j], square.mean((2, 3)))
            assert (doubled(small)[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] == small[:, :, i, j, None, None]).all()


def test_an_odd_side_loses_its_last_row() -> None:
    found = Damage("super_resolve", 0.2, 0.25)(torch.rand(2, 1, 9, 6), Draws(0, 0))
    assert found.clean.shape == found.seen.shape == (2, 1, 8, 6)
    assert found.known is None
    with pytest.raises(ArgumentError, match="images of 1 x 6 pixels cannot be halved"):
        even(torch.zeros(1, 1, 1, 6))


@pytest.mark.parametrize(
    ("task", "noise", "missing", "words"),
    [
        ("denoise", 0.0, 0.25, "noise must be a number above 0 and at most 1; got 0.0"),
        ("inpaint", 0.2, 1.0, "missing must be a number above 0 and below 1; got 1.0"),
        ("inpaint", 0.2, 0.0, "missing must be"),
    ],
)
def test_damage_that_cannot_be_meant(task, noise, missing, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        Damage(task, noise, missing)


@pytest.mark.parametrize("task", ["denoise", "inpaint", "super_resolve"])
def test_a_process_damages_its_rows_as_one_alone_would(task, x: torch.Tensor) -> None:
    damage = Damage(task, 0.2, 0.25)
    whole = damage(x, Draws(0, 5))
    part = damage(x[100:150], Draws(0, 5, total=400, rows=slice(100, 150)))
    assert torch.equal(part.seen, whole.seen[100:150])
    assert torch.equal(damage(x, Draws(0, 5)).seen, whole.seen)
