"""DiffAugment is the paper's code in [0, 1], draws what that draws, and lets gradients through."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from nolabel.errors import ArgumentError
from nolabel.randomness import Draws
from nolabel.types import DataSpec
from nolabel.views.differentiable import DiffAugment, displace, draw_colours, recolour

LIKELY = 1e-3  # a test of a distribution fails in one of a thousand experiments; the seeds are fixed


def spec(*shape: int) -> DataSpec:
    return DataSpec("image", shape, "unit")


def images(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def augmented(x: Tensor, seed: int = 0, **settings: Any) -> Tensor:
    return DiffAugment(spec(*x.shape[1:]), **settings)(x, Draws(seed))


def only_colour(x: Tensor, seed: int = 0) -> Tensor:
    return augmented(x, seed, translation=0.0, cutout=0.0)


# --- beside the paper's steps, in its own range ----------------------------------------------------------------------


def step_by_step(x: Tensor, u: Tensor) -> Tensor:
    """What the paper says for values in [-1, 1], one image and one pixel after the other, from the same numbers."""
    seen = []
    for image, numbers in zip(2 * x.double() - 1, u.double().tolist()):
        image = image + (numbers[0] - 0.5)
        grey = image.mean(0, keepdim=True)
        image = (image - grey) * (2 * numbers[1]) + grey
        image = (image - image.mean()) * (numbers[2] + 0.5) + image.mean()
        seen.append((_cut(_moved(image, numbers[3:5]), numbers[5:7]) + 1) / 2)
    return torch.stack(seen)


def _moved(image: Tensor, numbers: list[float]) -> Tensor:
    down, right = (
        math.floor(u * (2 * int(side / 8 + 0.5) + 1)) - int(side / 8 + 0.5) for u, side in zip(numbers, image.shape[1:])
    )
    moved = torch.zeros_like(image)
    for i in range(image.shape[1]):
        for j in range(image.shape[2]):
            if 0 <= i - down < image.shape[1] and 0 <= j - right < image.shape[2]:
                moved[:, i, j] = image[:, i - down, j - right]
    return moved


def _cut(image: Tensor, numbers: list[float]) -> Tensor:
    cut = image.clone()
    sides = image.shape[1:]
    lengths = [int(side / 2 + 0.5) for side in sides]
    centres = [math.floor(u * (side + 1 - length % 2)) for u, side, length in zip(numbers, sides, lengths)]
    for i in range(centres[0] - lengths[0] // 2, centres[0] - lengths[0] // 2 + lengths[0]):
        for j in range(centres[1] - lengths[1] // 2, centres[1] - lengths[1] // 2 + lengths[1]):
            if 0 <= i < sides[0] and 0 <= j < sides[1]:
                cut[:, i, j] = 0
    return cut


@given(
    channels=st.sampled_from([1, 3]),
    height=st.integers(2, 12),
    width=st.integers(2, 12),
    seed=st.integers(0, 1000),
)
def test_it_is_the_papers_steps_in_half_their_range(channels: int, height: int, width: int, seed: int) -> None:
    x = images(3, channels, height, width, seed=seed)
    u = Draws(seed).uniform(x.new_empty(3, 7))
    torch.testing.assert_close(augmented(x, seed), step_by_step(x, u).float(), rtol=1e-5, atol=1e-5)


# --- what is drawn ---------------------------------------------------------------------------------------------------


def uniform_p(values: Tensor, low: float, high: float) -> float:
    return float(stats.kstest(values.numpy(), "uniform", args=(low, high - low)).pvalue)


def test_colours_are_drawn_as_the_paper_draws_them() -> None:
    x = images(1500, 3, 6, 6)
    y = only_colour(x)
    shift = y.mean((1, 2, 3)) - x.mean((1, 2, 3))
    grey = [image.mean(1).flatten(1).std(1) for image in (x, y)]
    chroma = [(image - image.mean(1, keepdim=True)).flatten(1).norm(dim=1) for image in (x, y)]
    contrast = grey[1] / grey[0]
    saturation = chroma[1] / chroma[0] / contrast
    assert uniform_p(shift, -0.25, 0.25) > LIKELY
    assert uniform_p(contrast, 0.5, 1.5) > LIKELY
    assert uniform_p(saturation, 0.0, 2.0) > LIKELY
    together = np.corrcoef(torch.stack([shift, contrast, saturation]).numpy())
    assert abs(together[np.triu_indices(3, 1)]).max() < 4 / math.sqrt(1500), "one is drawn without the others"


def test_saturation_does_nothing_without_colours() -> None:
    grey = images(40, 1, 6, 6)
    torch.testing.assert_close(only_colour(grey.expand(-1, 3, -1, -1))[:, :1], only_colour(grey))
    many = images(40, 5, 4, 4)
    _, _, contrast = draw_colours(Draws(0).uniform(many.new_empty(40, 7))[:, :3])
    across = (only_colour(many) - only_colour(many).mean((1, 2, 3), keepdim=True)).flatten(1)
    before = (many - many.mean((1, 2, 3), keepdim=True)).flatten(1)
    torch.testing.assert_close(across, before * contrast[:, None], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (28, 12)])
def test_moves_are_uniform_up_to_an_eighth_and_leave_grey_behind(height: int, width: int) -> None:
    x = torch.zeros(3000, 1, height, width)
    x[:, :, height // 2, width // 2] = 1
    y = augmented(x, colour=False, cutout=0.0)
    assert ((y == 0) | (y == 1) | (y == 0.5)).all()
    found = (y[:, 0] == 1).nonzero()
    assert len(found) == 3000, "the pixel of the middle is always there"
    for axis, side in ((1, height), (2, width)):
        reach = int(side / 8 + 0.5)
        moves = found[:, axis] - side // 2 + reach
        assert moves.min() == 0
        assert moves.max() == 2 * reach
        assert stats.chisquare(np.bincount(moves, minlength=2 * reach + 1)).pvalue > LIKELY
    rows = (y[:, 0] == 0.5).all(2).sum(1)
    assert torch.equal(rows, (found[:, 1] - height // 2).abs()), "as many rows are grey as it moved"


@pytest.mark.parametrize("side", [8, 7])
def test_a_rectangle_of_half_the_sides_is_cut_anywhere(side: int) -> None:
    y = augmented(torch.ones(4000, 1, side, side + 6), colour=False, translation=0.0)
    lost = (y[:, 0] == 0.5).any(2)
    length = int(side / 2 + 0.5)
    places = [max(0, first) for first in range(-(length // 2), side - length // 2 + (1 - length % 2))]
    firsts = lost.to(torch.uint8).argmax(1)
    expected = np.bincount(places, minlength=side) / len(places) * 4000
    counts = np.bincount(firsts, minlength=side)
    assert counts[expected == 0].sum() == 0
    assert stats.chisquare(counts[expected > 0], expected[expected > 0]).pvalue > LIKELY
    inside = (firsts > 0) & (firsts + length < side)
    assert set(lost.sum(1)[inside].tolist()) == {length}
    whole = (y[:, 0] == 0.5).flatten(1).sum(1)
    assert torch.equal(whole, lost.sum(1) * (y[:, 0] == 0.5).any(1).sum(1)), "what is lost is a rectangle"


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 9), (1, 5, 1), (3, 31, 2), (1, 28, 28)])
def test_any_height_and_width_will_do_and_something_is_left(shape: tuple[int, ...]) -> None:
    x = images(50, *shape)
    y = augmented(x, fill=9.0)
    assert y.shape == x.shape
    assert (y.flatten(1).amin(1) < 9).float().mean() > 0.9
    assert torch.equal(x, images(50, *shape)), "what is given stays as it is"


# --- gradients -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_gradients_and_their_gradients_go_through(channels: int) -> None:
    """A penalty on ‖∇D(T(x))‖ asks for the second."""
    x = images(2, channels, 5, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(augmented, (x,))
    assert torch.autograd.gradgradcheck(lambda x: augmented(x).square(), (x,))


def test_the_gradient_is_that_of_the_pixels_that_are_seen() -> None:
    x = images(30, 1, 16, 16).requires_grad_()
    y = augmented(x, colour=False)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert set(gradient.unique().tolist()) == {0.0, 1.0}
    seen = [set(image[mask].tolist()) for image, mask in zip(x.detach(), gradient == 1)]
    shown = [set(image[image != 0.5].tolist()) for image in y.detach()]
    assert seen == shown


def test_a_generator_learns_through_it() -> None:
    made = torch.full((1, 1, 8, 8), 0.9, requires_grad=True)
    for step in range(60):
        seen = DiffAugment(spec(1, 8, 8))(made.expand(16, -1, -1, -1), Draws(0, step))
        (gradient,) = torch.autograd.grad((seen - 0.2).square().mean(), made)
        with torch.no_grad():
            made -= 3 * gradient
    assert made.mean().item() < 0.4


# --- draws -----------------------------------------------------------------------------------------------------------


def test_processes_see_what_one_would() -> None:
    x = images(10, 3, 8, 8)
    whole = DiffAugment(spec(3, 8, 8))(x, Draws(3, 4))
    for rows in (slice(0, 7), slice(7, 10)):
        part = DiffAugment(spec(3, 8, 8))(x[rows], Draws(3, 4, total=10, rows=rows))
        assert torch.equal(part, whole[rows])


def test_the_same_draws_give_the_same_images_and_the_next_ones_others() -> None:
    x = images(10, 1, 8, 8)
    augment, draws = DiffAugment(spec(1, 8, 8)), Draws(1)
    before = torch.get_rng_state()
    first, second = augment(x, draws), augment(x, draws)
    assert torch.equal(first, augment(x, Draws(1)))
    assert not torch.equal(first, second), "reals and fakes of a step are changed each in its own way"
    assert torch.equal(before, torch.get_rng_state())


def test_what_is_switched_off_does_not_change_what_the_rest_draws() -> None:
    x = images(20, 1, 16, 16)
    both, moved = augmented(x, colour=False), augmented(x, colour=False, cutout=0.0)
    kept = both != 0.5
    assert torch.equal(both[kept], moved[kept])
    assert torch.equal(augmented(x, colour=False, translation=0.0, cutout=0.0), x)


def test_the_dtype_stays_that_of_the_images() -> None:
    assert augmented(images(3, 3, 8, 8).bfloat16()).dtype == torch.bfloat16
    assert augmented(images(3, 1, 8, 8).double()).dtype == torch.float64


def test_a_number_rounded_up_moves_no_farther_than_the_last_place() -> None:
    last = 1 - 2.0**-24  # the greatest uniform float32; times 9 it rounds to 9
    x = images(1, 1, 28, 28)
    pixels = DiffAugment(spec(1, 28, 28), colour=False)

    class Highest(Draws):
        def uniform(self, like: Tensor) -> Tensor:
            return torch.full_like(like, last)

    y = pixels(x, Highest())
    assert torch.equal(y[0, 0, 5, 5:10], x[0, 0, 1, 1:6])


def test_displace_by_hand() -> None:
    x = torch.arange(6.0).view(1, 1, 2, 3)
    rows, columns = torch.tensor([[1, 0]]), torch.tensor([[2, 2, 0]])
    kept = torch.tensor([[[True, False, True], [True, True, False]]])
    assert displace(x, rows, columns, kept, -1.0).tolist() == [[[[5.0, -1.0, 3.0], [2.0, 2.0, -1.0]]]]


def test_recolour_by_hand() -> None:
    x = torch.tensor([[0.0, 0.6], [0.2, 0.4], [0.4, 0.2]]).view(1, 3, 1, 2)
    one, half = torch.ones(1), torch.full((1,), 0.5)
    torch.testing.assert_close(recolour(x, 0 * one, one, one), x)
    torch.testing.assert_close(recolour(x, 0.1 * one, 0 * one, one)[0, :, 0], torch.tensor([[0.3, 0.5]] * 3))
    torch.testing.assert_close(recolour(x, 0 * one, one, half), 0.3 + (x - 0.3) / 2)


# --- refusals --------------------------------------------------------------------------------------------------------


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"changes images.*\(7,\).*augment=False"):
        DiffAugment(DataSpec("table", (7,), "real"))
    for name in ("translation", "cutout"):
        for wrong in (1.0, -0.1, math.nan):
            with pytest.raises(ArgumentError, match=f"{name} must be a share .*got {wrong!r}"):
                DiffAugment(spec(1, 8, 8), **{name: wrong})
