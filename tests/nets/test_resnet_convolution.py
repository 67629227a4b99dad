"""The residual networks' convolution is torch's, and right where a side has one pixel, in bf16 too."""

import pytest
import torch
import torch.nn.functional as F

from nolabel.nets.resnet import conv

SIDES = [(1, 1), (2, 1), (1, 2), (1, 5), (5, 1), (3, 4)]


@pytest.mark.parametrize("sides", SIDES, ids=str)
@pytest.mark.parametrize(("kernel", "stride"), [(1, 2), (3, 1), (3, 2), (7, 2)])
def test_as_torchs(sides, kernel, stride):
    torch.manual_seed(0)
    layer, x = conv(3, 8, kernel, stride), torch.randn(4, 3, *sides)
    expected = F.conv2d(x, layer.weight, None, stride, kernel // 2)
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("sides", SIDES, ids=str)
def test_gradient_in_bf16_is_near_that_in_float32(sides):
    torch.manual_seed(0)
    layer, x = conv(64, 64, 3, 2), torch.randn(512, 64, *sides)
    found = []
    for enabled in (False, True):
        layer.weight.grad = None
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            layer(x).float().square().mean().backward()
        found.append(layer.weight.grad)
    exact, rounded = found
    assert (rounded - exact).abs().max() < 0.05 * exact.abs().max()
