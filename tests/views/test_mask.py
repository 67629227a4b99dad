"""Masks hide exactly as much as was asked, anywhere; patches are cut and put together again."""

import pytest
import torch
from scipy import stats

from nolabel.data import tables, toys
from nolabel.errors import ArgumentError, DataError
from nolabel.randomness import Draws
from nolabel.types import DataSpec
from nolabel.views.mask import Mask
from nolabel.views.patches import from_patches, patch_grid, to_patches

IMAGE = DataSpec("image", (3, 32, 32), "unit")
TABLE = DataSpec("table", (10,), "real")


@pytest.mark.parametrize(
    ("spec", "ratio", "count", "hides"),
    [(IMAGE, 0.75, 64, 48), (IMAGE, 0.6, 64, 38), (TABLE, 0.5, 10, 5), (TABLE, 0.01, 10, 1), (TABLE, 0.99, 10, 9)],
)
def test_of_every_sample_exactly_as_many_are_hidden(spec: DataSpec, ratio: float, count: int, hides: int) -> None:
    mask = Mask(spec, ratio)
    hidden = mask(torch.zeros(50, *spec.shape), Draws(1))
    assert mask.count == count
    assert hidden.shape == (50, count)
    assert hidden.dtype == torch.bool
    assert set(hidden.sum(1).tolist()) == {hides}


def test_every_place_is_as_likely_as_any_other_and_samples_differ() -> None:
    mask = Mask(IMAGE, 0.75)
    hidden = mask(torch.zeros(2000, 3, 32, 32), Draws(2))
    low, high = stats.binom.interval(0.99999, 2000, 0.75)
    assert ((hidden.sum(0) >= low) & (hidden.sum(0) <= high)).all()
    assert len({tuple(row) for row in hidden.tolist()}) == 2000


def test_visible_are_the_others_in_order() -> None:
    mask = Mask(TABLE, 0.4)
    hidden = mask(torch.zeros(30, 10), Draws(3))
    for row, places in zip(hidden, mask.visible(hidden)):
        assert places.tolist() == [place for place in range(10) if not row[place]]


def test_a_category_is_hidden_as_one() -> None:
    frame, _ = toys.mixed(50)
    spec = tables.learn(frame)
    assert Mask(spec, 0.5).count == len(spec.recipe["columns"]) < spec.width


def test_what_processes_see_is_what_one_would_have_seen() -> None:
    mask, x = Mask(TABLE, 0.5), torch.zeros(20, 10)
    parts = [mask(x[a:b], Draws(8, total=20, rows=slice(a, b))) for a, b in ((0, 7), (7, 20))]
    assert torch.equal(torch.cat(parts), mask(x, Draws(8)))


@pytest.mark.parametrize("ratio", [0.0, 1.0, -0.5, 75.0, float("nan")])
def test_nonsense_is_refused(ratio: float) -> None:
    with pytest.raises(ArgumentError, match="mask must be a number above 0 and below 1, the fraction to hide; got"):
        Mask(TABLE, ratio)


def test_one_column_is_refused() -> None:
    with pytest.raises(DataError, match=r"found 1 feature\(s\)"):
        Mask(DataSpec("table", (1,), "real"), 0.5)


# --- patches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "side", "grid"),
    [
        ((3, 32, 32), 4, (8, 8)),
        ((1, 28, 28), 4, (7, 7)),
        ((1, 8, 8), 2, (4, 4)),
        ((3, 64, 64), 8, (8, 8)),
        ((3, 224, 224), 16, (14, 14)),
        ((3, 32, 48), 4, (8, 12)),
    ],
)
def test_a_patch_is_chosen_for_the_size(shape: tuple[int, int, int], side: int, grid: tuple[int, int]) -> None:
    assert patch_grid(shape) == (side, grid)


def test_patches_are_cut_in_row_order() -> None:
    x = torch.arange(2 * 2 * 6 * 4.0).view(2, 2, 6, 4)
    patches = to_patches(x, 2)
    assert patches.shape == (2, 6, 8)
    for number in range(6):
        row, column = 2 * (number // 2), 2 * (number % 2)
        assert torch.equal(patches[1, number], x[1, :, row : row + 2, column : column + 2].flatten())
    assert torch.equal(from_patches(patches, 2, (3, 2)), x)


@pytest.mark.parametrize(
    ("shape", "patch", "says"),
    [
        ((3, 32, 32), 5, "patch=5 does not cut images of 32 x 32 into whole patches; give one of 2, 4, 8"),
        ((3, 32, 32), 32, "patch=32 does not cut images of 32 x 32 into whole patches; give one of 4, 8, 16"),
        ((3, 32, 32), 0, "patch must be a whole number of at least 1, or None to choose; got 0"),
        ((3, 31, 29), None, "images of 31 x 29 cannot be cut into square patches"),
        ((10,), None, r"patches are cut from images \(C, H, W\); these are samples of shape \(10,\)"),
    ],
)
def test_what_cannot_be_cut_is_refused(shape: tuple[int, ...], patch: int | None, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        patch_grid(shape, patch)
