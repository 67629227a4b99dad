"""U-Net and instance normalisation: shapes of any size, what goes straight across, what depends on what."""

import pytest
import torch

from nolabel.errors import ArgumentError
from nolabel.nets.defaults import make_unet
from nolabel.nets.instance_norm import InstanceNorm
from nolabel.nets.unet import UNet, levels
from nolabel.randomness import seeded

SIZES = [(1, 1), (1, 9), (4, 4), (5, 7), (13, 30), (28, 28), (33, 18)]


def net(height: int, width: int, norm: str = "instance", *, unit: bool = True) -> UNet:
    with seeded(0):
        return make_unet((3, height, width), 2, 4, norm, unit=unit)


@pytest.mark.parametrize("norm", ["instance", "none"])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_any_size_comes_back_at_its_size(height, width, norm):
    model = net(height, width, norm)
    y = model(torch.rand(2, 3, height, width))
    assert y.shape == (2, 2, height, width)
    assert y.min() > 0
    assert y.max() < 1
    code = model.code(torch.rand(2, 3, height, width))
    deepest = 4 * min(2 ** levels(height, width), 8)
    sides = [min(4, side // 2 ** levels(height, width)) for side in (height, width)]
    assert code.shape == (2, deepest * sides[0] * sides[1])


def test_halvings_stop_at_four_pixels():
    assert [levels(side, 2 * side) for side in (1, 4, 5, 8, 9, 28, 64, 256)] == [0, 0, 1, 1, 1, 3, 4, 6]
    assert net(28, 28).bottom[0].out_channels == 32


def test_other_sizes_than_those_of_training_can_be_given():
    assert net(28, 28)(torch.rand(1, 3, 17, 40)).shape == (1, 2, 17, 40)


def test_every_weight_has_a_gradient():
    model = net(13, 10)
    model(torch.rand(2, 3, 13, 10)).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


def test_fine_things_go_straight_across():
    # one pixel is changed: with every weight below the entry at 0, what is made still sees it, in its 5 x 5 pixels only
    model = net(28, 28, "none", unit=False)
    with torch.no_grad():
        for part in (*model.down, model.bottom):
            for p in part.parameters():
                p.zero_()
        x = torch.zeros(1, 3, 28, 28)
        changed = x.clone()
        changed[..., 11, 17] = 1
        moved = (model(changed) - model(x)).abs().sum(1)[0] > 0
    rows, columns = torch.nonzero(moved, as_tuple=True)
    assert moved[11, 17]
    assert (rows - 11).abs().max() <= 2
    assert (columns - 17).abs().max() <= 2


def test_coarse_things_reach_every_pixel():
    x = torch.zeros(1, 3, 28, 28, requires_grad=True)
    net(28, 28)(x)[0, 0, 0, 0].backward()
    assert x.grad[0, :, -1, -1].abs().sum() > 0


@pytest.mark.parametrize("norm", ["instance", "none"])
def test_an_image_does_not_depend_on_its_batch(norm):
    x = torch.rand(3, 3, 9, 12)
    model = net(9, 12, norm)
    torch.testing.assert_close(model(x)[1:2], model(x[1:2]), rtol=1e-5, atol=1e-6)


def test_values_in_0_1_are_looked_at_around_0():
    plain, unit = net(8, 8, "none", unit=False), net(8, 8, "none", unit=True)
    x = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(unit(x), torch.sigmoid(plain(2 * x - 1)))


def test_first_values_neither_vanish_nor_explode():
    x = torch.randn(4, 3, 32, 32)
    assert 0.2 < net(32, 32, "none", unit=False)(x).std() < 5


def test_no_width_is_refused():
    with pytest.raises(ArgumentError, match="channels must be 'auto' or a whole number of at least 1; got 0"):
        make_unet((1, 8, 8), 1, 0, unit=True)


def test_instance_norm_by_its_equation():
    x = torch.randn(2, 3, 4, 5)
    norm = InstanceNorm(3)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 2.0, 3.0]))
        norm.bias.copy_(torch.tensor([0.0, 1.0, -1.0]))
    y = norm(x)
    for image in range(2):
        for channel in range(3):
            values = x[image, channel]
            own = (values - values.mean()) / (values.var(correction=0) + 1e-5).sqrt()
            wanted = norm.weight[channel] * own + norm.bias[channel]
            torch.testing.assert_close(y[image, channel], wanted)


def test_a_single_place_is_left_as_it_is():
    x = torch.randn(2, 3, 1, 1)
    assert torch.equal(InstanceNorm(3)(x), x)
