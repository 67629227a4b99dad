"""Generators: from latents (B, L) to samples (B, *shape) in network values.

Convolutional ones follow Radford et al. 2016 (arXiv:1511.06434): a matrix to a small map, then transposed 4 x 4 kernels
of stride 2 that double it, and add a row or a column where the image's side is odd; for images of any height and width
of at least 8 pixels. Perceptrons are for all else. Values in [0, 1] end in a logistic function, real ones in nothing.
Knows nothing of discriminators or losses.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from nolabel.nets.conv import missing, sizes
from nolabel.nets.discriminator import DCGAN_DEVIATION, SLOPE, narrow, refuse_strips
from nolabel.nets.halving import KERNEL, STRIDE, Doubling
from nolabel.nets.linear import Linear
from nolabel.nets.norm import BatchNorm
from nolabel.nets.stack import Stack

Norm = Literal["batch", "none"]


def conv_generator(
    shape: tuple[int, int, int], latent: int, channels: Sequence[int], norm: Norm, *, unit: bool
) -> Stack:
    """(B, L) to (B, C, H, W): one doubling stage for each entry of `channels`, nearest the image first.

    Parameters
    ----------
    shape
        (C, H, W).
    latent
        L.
    channels
        Of the maps that are doubled: the first entry is that of the last map before the image.
    norm
        "batch" normalises every stage but the last, which makes the image; "none" nothing.
    unit
        Whether values lie in [0, 1].

    Raises
    ------
    ArgumentError
        The images are too small for so many stages.
    """
    refuse_strips(shape, len(channels), "Give fewer channels, or open them with a larger size=")
    at = sizes(shape[1], shape[2], len(channels))
    height, width = at[-1]
    first = Linear(latent, channels[-1] * height * width, bias=norm == "none")
    _start(first.weight, latent, norm)
    stages: list[nn.Module] = [
        nn.Sequential(first, nn.Unflatten(1, (channels[-1], height, width)), *_after(first.bias, channels[-1], norm))
    ]
    for level, (width_out, width_in) in reversed(list(enumerate(pairwise((shape[0], *channels))))):
        is_last = level == 0
        bias = norm == "none" or is_last
        layer = Doubling(width_in, width_out, missing(at, level), bias=bias)
        _start(layer.weight, width_in * KERNEL * KERNEL // STRIDE**2, norm)  # taps that reach a pixel
        stages.append(
            nn.Sequential(layer, *(_end(layer.bias, unit) if is_last else _after(layer.bias, width_out, norm)))
        )
    made: Stack = Stack(stages).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as oneDNN has it
    return made


def flat_generator(
    shape: tuple[int, ...], latent: int, hidden: Sequence[int], *, unit: bool, sharp: bool = True
) -> Stack:
    """(B, L) to (B, *shape): a perceptron; `hidden` from the latents to the data.

    If it is to be `sharp` and values are `narrow`, rectifiers that begin as `flat_discriminator` does: leaky ones make
    blurs of narrow, separate modes. Otherwise leaky rectifiers that begin with He's weights.
    """
    layers = [Linear(*widths) for widths in pairwise((latent, *hidden, math.prod(shape)))]
    sharp = sharp and narrow(math.prod(shape), unit=unit)
    if not sharp:
        for layer in layers:
            _start(layer.weight, layer.in_features, "none")
            nn.init.zeros_(layer.bias)
    *inner, last = layers
    stages = [nn.Sequential(layer, nn.ReLU() if sharp else nn.LeakyReLU(SLOPE)) for layer in inner]
    stages.append(nn.Sequential(last, *([nn.Sigmoid()] if unit else [])))
    return Stack(stages, exit=nn.Unflatten(1, shape) if len(shape) > 1 else None)


def _start(weight: Tensor, fan_in: int, norm: Norm) -> None:
    deviation = DCGAN_DEVIATION if norm == "batch" else math.sqrt(2 / ((1 + SLOPE**2) * fan_in))
    nn.init.normal_(weight, std=deviation)


def _after(bias: Tensor | None, width: int, norm: Norm) -> list[nn.Module]:
    """What follows an inner layer; a norm has a bias of its own."""
    if norm == "batch":
        return [BatchNorm(width), nn.ReLU()]
    if bias is not None:
        nn.init.zeros_(bias)
    return [nn.LeakyReLU(SLOPE)]


def _end(bias: Tensor | None, unit: bool) -> list[nn.Module]:
    if bias is not None:
        nn.init.zeros_(bias)
    return [nn.Sigmoid()] if unit else []
