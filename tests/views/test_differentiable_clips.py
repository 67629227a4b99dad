"""DiffAugment of clips: all frames of one are changed as an image would be, by the same numbers."""

import pytest
import torch

from nolabel.errors import ArgumentError
from nolabel.randomness import Draws
from nolabel.types import DataSpec
from nolabel.views.differentiable import DiffAugment

CLIPS, IMAGES = DataSpec("video", (3, 4, 9, 8), "unit"), DataSpec("image", (3, 9, 8), "unit")


def test_places_are_the_same_in_every_frame() -> None:
    x = torch.rand(6, *CLIPS.shape)
    changed = DiffAugment(CLIPS, colour=False)(x, Draws(3))
    for frame in range(4):
        alone = DiffAugment(IMAGES, colour=False)(x[:, :, frame], Draws(3))
        torch.testing.assert_close(changed[:, :, frame], alone, rtol=0, atol=0)


def test_colours_of_a_clip_that_stands_still_are_those_of_an_image() -> None:
    image = torch.rand(6, *IMAGES.shape)
    changed = DiffAugment(CLIPS)(image[:, :, None].expand(-1, -1, 4, -1, -1), Draws(3))
    alone = DiffAugment(IMAGES)(image, Draws(3))
    for frame in range(4):
        torch.testing.assert_close(changed[:, :, frame], alone, rtol=0, atol=1e-6)


def test_the_mean_of_contrast_is_the_clips() -> None:
    """So that a flash in one frame does not darken it alone: what is drawn is one affine map of the whole clip."""
    x = torch.rand(5, 1, 4, 9, 8)
    grey = DataSpec("video", (1, 4, 9, 8), "unit")
    changed = DiffAugment(grey, translation=0.0, cutout=0.0)(x, Draws(1))
    for one, other in zip(x, changed):
        slope = (other - other.mean()).norm() / (one - one.mean()).norm()
        torch.testing.assert_close(other - other.mean(), slope * (one - one.mean()), rtol=0, atol=1e-5)


def test_gradients_flow_through_every_frame() -> None:
    x = torch.rand(3, *CLIPS.shape, requires_grad=True)
    DiffAugment(CLIPS)(x, Draws(0)).square().sum().backward()
    assert (x.grad.flatten(3).abs().sum((0, 1, 3)) > 0).all()


def test_tables_are_still_refused() -> None:
    with pytest.raises(ArgumentError, match=r"changes images .* and clips .*; got samples of shape \(5,\)"):
        DiffAugment(DataSpec("table", (5,), "real"))
