"""Mild views leave a sample what it is: small crops, no colours changed, tables and small images left alone."""

import pytest
import torch

from nolabel.errors import ArgumentError
from nolabel.randomness import Draws
from nolabel.types import DataSpec
from nolabel.views.images import ImageViews
from nolabel.views.mild import mild_views

COLOUR = DataSpec("image", (3, 32, 32), "unit")


@pytest.mark.parametrize(
    ("spec", "views"),
    [(COLOUR, "none"), (DataSpec("image", (1, 8, 8), "unit"), "auto"), (DataSpec("table", (5,), "real"), "auto")],
)
def test_left_alone(spec, views):
    assert mild_views(spec, views) is None


def test_grey_images_are_not_mirrored_and_colours_stay():
    grey, colour = mild_views(DataSpec("image", (1, 32, 32), "unit")), mild_views(COLOUR)
    assert isinstance(grey, ImageViews)
    assert isinstance(colour, ImageViews)
    assert (grey.flip, colour.flip) == (0.0, 0.5)
    x = torch.rand(4, 3, 1, 1).expand(4, 3, 32, 32).contiguous()  # of one colour each
    torch.testing.assert_close(colour(x, Draws(0, 0)), x)


def test_a_mapping_differs_from_auto_in_what_it_says():
    made = mild_views(COLOUR, {"crop": (0.9, 1.0)})
    assert isinstance(made, ImageViews)
    assert (made.crop, made.jitter) == ((0.9, 1.0), 0.0)


def test_two_ways_and_unknown_words_are_refused():
    with pytest.raises(ArgumentError, match="one way"):
        mild_views(COLOUR, [{"crop": None}, {"flip": 0.0}])
    with pytest.raises(ArgumentError, match="auto"):
        mild_views(COLOUR, "automatic")
