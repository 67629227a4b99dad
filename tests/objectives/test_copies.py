import math

import pytest
import torch
from torch import Tensor

from nolabel.objectives.copies import AMONG_NEW, copied, ratios, two_nearest


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def parts(data: Tensor, rows: int = 7) -> list[Tensor]:
    return list(torch.split(data, rows))


def share(samples: Tensor, data: Tensor) -> float:
    """Of copies, as whoever measures it does."""
    own = torch.arange(len(data))
    among = ratios(two_nearest(data, parts(data), own)[0], data)
    return copied(ratios(two_nearest(samples, parts(data))[0], samples), among)


@pytest.mark.parametrize("width", [2, 40])  # distances by difference, and from squares
@pytest.mark.parametrize("is_among", [False, True])
def test_the_two_nearest_are_those_of_a_loop(width: int, is_among: bool) -> None:
    data = normal(0, 23, width)
    points = data[:9] if is_among else normal(1, 9, width)
    found, rows = two_nearest(points, parts(data), torch.arange(9) if is_among else None)
    for number, point in enumerate(points):
        each = [
            (math.dist(point.tolist(), other.tolist()), row)
            for row, other in enumerate(data)
            if not (is_among and row == number)
        ]
        nearest = sorted(each)[:2]
        assert rows[number].tolist() == [row for _, row in nearest]
        assert found[number].tolist() == pytest.approx([distance for distance, _ in nearest], rel=1e-4)


def test_a_ratio_is_what_it_says() -> None:
    points = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    distances = torch.tensor([[1.0, 4.0], [2.0, 2.0], [0.0, 0.0]])
    assert ratios(distances, points).tolist() == pytest.approx([0.25, 1.0, 1.0], abs=1e-4)


def test_the_share_is_that_below_the_quantile() -> None:
    of_data = torch.linspace(0, 1, 101)
    assert copied(torch.tensor([0.0, 0.04, 0.06, 1.0]), of_data) == 0.5
    assert copied(of_data, of_data) == pytest.approx(AMONG_NEW, abs=0.01)


@pytest.mark.parametrize("width", [2, 64])
def test_new_samples_are_no_copies_and_copies_are(width: int) -> None:
    data = normal(0, 400, width)
    assert share(normal(1, 1000, width), data) == pytest.approx(AMONG_NEW, abs=0.05)
    assert share(data + 0.003 * normal(2, 400, width), data) > 0.9
    half = torch.cat([data[:200], normal(3, 200, width)])
    assert share(half, data) == pytest.approx(0.5, abs=0.1)


def test_what_is_blurred_is_no_copy_though_it_is_near() -> None:
    """The mean of everything is nearer to each datum than most others are."""
    data = normal(0, 400, 64)
    blurred = 0.2 * normal(1, 300, 64)
    assert (
        two_nearest(blurred, parts(data))[0][:, 0].median()
        < two_nearest(data, parts(data), torch.arange(400))[0].median()
    )
    assert share(blurred, data) < 0.2


def test_of_data_that_occur_twice_nothing_is_said() -> None:
    data = normal(0, 100, 5).round().repeat(3, 1)
    assert share(data, data) == 0
    assert share(normal(1, 100, 5).round(), data) == 0
    some = torch.cat([(data := normal(2, 400, 5)), data[:60]])  # three in ten, and most of what is copied only once
    assert share(data[100:], some) == 0
