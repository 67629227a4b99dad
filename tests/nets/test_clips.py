"""Players for clips: sizes of any kind are met, time is seen, and first weights are as they should be."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nolabel.errors import ArgumentError
from nolabel.nets.clips import clip_discriminator, clip_generator, halvings_of
from nolabel.nets.defaults import make_clip_players
from nolabel.nets.spectral import Spectral
from nolabel.randomness import seeded
from nolabel.types import DataSpec

SIZES = [(2, 8, 8), (3, 9, 13), (4, 8, 8), (5, 15, 8), (7, 11, 10), (16, 16, 16), (9, 20, 33)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_players_meet_clips_of_any_size(size: tuple[int, int, int], channels: int) -> None:
    with seeded(0):
        made, judge = make_clip_players(DataSpec("video", (channels, *size), "unit"), 5, 2)
    clips = made(torch.randn(3, 5))
    assert clips.shape == (3, channels, *size)
    assert 0 <= clips.min() < clips.max() <= 1
    assert judge(clips).shape == (3,)
    assert judge.features(clips).ndim == 2
    for module, shape in zip(judge.stages, halvings_of(*size, len(judge.stages))):
        clips = module(clips)
        assert clips.shape[2:] == shape.after


def test_time_is_halved_while_there_are_more_than_four_frames() -> None:
    found = halvings_of(13, 32, 32, 3)
    assert [one.after for one in found] == [(6, 16, 16), (3, 8, 8), (3, 4, 4)]
    assert [one.kernel[0] for one in found] == [4, 4, 3]
    assert [one.lost[0] for one in found] == [1, 0, 0]


def test_a_stage_is_the_convolution_that_loops_make() -> None:
    with seeded(0):
        judge = clip_discriminator((1, 6, 8, 8), (2, 2)).eval()
    x = torch.rand(1, 1, 6, 8, 8)
    layer = judge.stages[0][0]
    weight, bias = layer.layer.weight / layer.sigma, layer.layer.bias
    padded = F.pad(2 * x - 1, (1, 1, 1, 1, 1, 1))[0, 0].double().numpy()
    kernel = weight.detach().double().numpy()[:, 0]
    wanted = np.zeros((2, 3, 4, 4))
    for channel in range(2):
        for place in np.ndindex(3, 4, 4):
            window = padded[tuple(slice(2 * at, 2 * at + 4) for at in place)]
            value = (window * kernel[channel]).sum() + bias[channel].item()
            wanted[(channel, *place)] = max(value, 0.2 * value)
    np.testing.assert_allclose(judge._trace(x)[0][0].detach().numpy(), wanted, atol=1e-5)


def test_the_order_of_frames_is_seen() -> None:
    with seeded(0):
        judge = clip_discriminator((1, 6, 8, 8), (4, 4))
    clips = torch.rand(4, 1, 6, 8, 8)
    assert not torch.allclose(judge(clips), judge(clips.flip(2)), atol=1e-4)


def test_every_layer_of_the_discriminator_is_normalised_and_none_of_the_generator() -> None:
    judge, made = clip_discriminator((1, 6, 8, 8), (4, 4)), clip_generator((1, 6, 8, 8), 3, (4, 4))
    assert sum(isinstance(part, Spectral) for part in judge.modules()) == 3
    assert not any(isinstance(part, Spectral) for part in made.modules())
    for part in judge.modules():
        if isinstance(part, Spectral):
            largest = torch.linalg.svdvals(part.layer.weight.detach().flatten(1))[0]
            assert part.sigma.item() == pytest.approx(largest.item(), rel=0.1)
    assert judge.head.layer.bias is None


def test_frames_that_are_too_small() -> None:
    with pytest.raises(ArgumentError, match="frames of 8 x 7 pixels are too small .* both sides must have at least 8"):
        make_clip_players(DataSpec("video", (1, 4, 8, 7), "unit"), 5, "auto")
    with pytest.raises(ArgumentError, match="channels must be 'auto' or a whole number"):
        make_clip_players(DataSpec("video", (1, 4, 8, 8), "unit"), 5, 0)
