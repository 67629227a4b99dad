"""Turns, tiles and orders, pixel by pixel."""

import itertools

import numpy as np
import pytest
import torch

from nolabel.randomness import Draws
from nolabel.views.puzzles import far_permutations, put_together, quarter_turns, square, standardised, tile_size, tiles


def counted(batch: int, height: int, width: int, channels: int = 1) -> torch.Tensor:
    """Every pixel a number of its own."""
    return torch.arange(batch * channels * height * width, dtype=torch.float32).view(batch, channels, height, width)


def test_quarter_turns_are_to_the_left() -> None:
    turned = quarter_turns(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
    found = [view[0, 0].tolist() for view in turned]
    assert found == [[[1, 2], [3, 4]], [[2, 4], [1, 3]], [[4, 3], [2, 1]], [[3, 1], [4, 2]]]


@pytest.mark.parametrize(("height", "width"), [(9, 5), (5, 9), (6, 6)])
def test_a_square_is_a_piece_of_its_image_at_any_place(height: int, width: int) -> None:
    x = counted(200, height, width, 2)
    cut = square(x, Draws(0))
    side = min(height, width)
    assert cut.shape == (200, 2, side, side)
    places = set()
    for image, piece in zip(x, cut):
        found = [
            (top, left)
            for top, left in itertools.product(range(height - side + 1), range(width - side + 1))
            if torch.equal(image[:, top : top + side, left : left + side], piece)
        ]
        assert len(found) == 1
        places.add(found[0])
    assert len(places) == max(height, width) - side + 1, "every place occurs"


@pytest.mark.parametrize(("height", "width", "grid", "gap"), [(8, 8, 2, 0.15), (13, 10, 3, 0.3), (12, 9, 3, 0.0)])
def test_tiles_lie_each_in_its_cell(height: int, width: int, grid: int, gap: float) -> None:
    x = counted(50, height, width, 2)
    cut = tiles(x, grid, gap, Draws(0))
    h, w = tile_size(height, width, grid, gap)
    assert cut.shape == (50, grid * grid, 2, h, w)
    ch, cw = height // grid, width // grid
    for image, pieces in zip(x, cut):
        for number, piece in enumerate(pieces):
            top, left = (number // grid) * height // grid, (number % grid) * width // grid
            found = [
                (i, j)
                for i, j in itertools.product(range(ch - h + 1), range(cw - w + 1))
                if torch.equal(image[:, top + i : top + i + h, left + j : left + j + w], piece)
            ]
            assert len(found) == 1


def test_a_gap_is_a_pixel_at_least_and_none_if_nought() -> None:
    assert tile_size(8, 8, 2, 0.01) == (3, 3)
    assert tile_size(8, 8, 2, 0.0) == (4, 4)
    assert tile_size(225, 225, 3, 0.15) == (64, 64), "the paper's: tiles of 64 in cells of 75"


def test_standardised_tiles_have_mean_nought_and_deviation_one_and_flat_ones_are_nought() -> None:
    pieces = standardised(torch.rand(4, 3, 5, 6) * 0.5 + 0.1)
    assert torch.allclose(pieces.mean((1, 2, 3)), torch.zeros(4), atol=1e-5)
    assert torch.allclose(pieces.std((1, 2, 3), correction=0), torch.ones(4), atol=1e-4)
    assert standardised(torch.full((1, 1, 3, 3), 0.7)).abs().max() < 1e-3


def test_tiles_in_order_make_the_image_again() -> None:
    x = counted(3, 9, 12)
    assert torch.equal(put_together(tiles(x, 3, 0.0, Draws(0)), 9, 12), x)


def test_orders_are_permutations_that_differ_much_and_always_the_same() -> None:
    orders = far_permutations(4, 24)
    assert sorted(map(tuple, orders.tolist())) == sorted(itertools.permutations(range(4)))
    chosen = far_permutations(9, 16)
    assert (np.sort(chosen, axis=1) == np.arange(9)).all()
    assert chosen[0].tolist() == list(range(9))
    apart = [(a != b).sum() for a, b in itertools.combinations(chosen, 2)]
    assert min(apart) >= 7
    first = far_permutations.__wrapped__(9, 16)
    assert np.array_equal(first, chosen)


def test_each_order_is_the_farthest_from_those_before() -> None:
    chosen = far_permutations(4, 8)
    every = np.array(list(itertools.permutations(range(4))))
    for count in range(1, 8):
        nearest = [min((one != other).sum() for other in chosen[:count]) for one in every]
        assert min((chosen[count] != other).sum() for other in chosen[:count]) == max(nearest)
