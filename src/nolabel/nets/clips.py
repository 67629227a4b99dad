"""Players for clips: a generator of transposed convolutions over time and space, and a discriminator of convolutions.

DCGAN's players with one axis more, as Vondrick et al. 2016 ("Generating videos with scene dynamics", arXiv:1609.02612)
have them in their model of one stream. 4 x 4 kernels of stride 2 halve height and width until the smaller side is 2 to
4, and time with them, with 4 as well, as long as there are more than 4 frames; after that a kernel sees 3 frames and
leaves their number as it is. For clips of any length, height and width of at least 8 pixels. The generator normalises
over its batch, the discriminator's layers by their largest stretch (Miyato et al. 2018, arXiv:1802.05957). Values lie
in [0, 1]. Knows nothing of losses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

from torch import nn

from nolabel.nets.conv import halved, missing, sizes
from nolabel.nets.discriminator import DCGAN_DEVIATION, LAST_SIDE, SLOPE, Discriminator
from nolabel.nets.halving import KERNEL, PADDING, STRIDE
from nolabel.nets.linear import Linear
from nolabel.nets.norm import BatchNorm
from nolabel.nets.spectral import Spectral
from nolabel.nets.stack import Stack

STILL = 3  # frames that a kernel sees where time is not halved

Triple = tuple[int, int, int]


@final
@dataclass(frozen=True)
class Halving:
    """One stage's convolution, seen from the clip: its kernel, stride and padding in (T, H, W).

    after: size (T, H, W) of what it leaves.  lost: places at an end that transposing it must add to come back.
    """

    kernel: Triple
    stride: Triple
    padding: Triple
    after: Triple
    lost: Triple


def halvings_of(frames: int, height: int, width: int, stages: int) -> list[Halving]:
    """The stages of clips of so many frames and pixels, nearest the clip first."""
    at, found = sizes(height, width, stages), []
    for level in range(stages):
        halves = frames > LAST_SIDE
        after = halved(frames) if halves else frames
        lost = frames - (STRIDE * after) if halves else 0
        found.append(
            Halving(
                (KERNEL if halves else STILL, KERNEL, KERNEL),
                (STRIDE if halves else 1, STRIDE, STRIDE),
                (PADDING, PADDING, PADDING),
                (after, *at[level + 1]),
                (lost, *missing(at, level)),
            )
        )
        frames = after
    return found


def clip_generator(shape: tuple[int, int, int, int], latent: int, channels: Sequence[int]) -> Stack:
    """(B, L) to (B, C, T, H, W) in [0, 1]: one stage for each entry of `channels`, nearest the clip first.

    Parameters
    ----------
    shape
        (C, T, H, W), H and W such that they can be halved so often.
    latent
        L.
    channels
        Of the maps that are doubled: the first entry is that of the last map before the clip.
    """
    ways = halvings_of(*shape[1:], len(channels))
    first = Linear(latent, channels[-1] * _places(ways[-1].after), bias=False)
    nn.init.normal_(first.weight, std=DCGAN_DEVIATION)
    opened = nn.Unflatten(1, (channels[-1], *ways[-1].after))
    stages: list[nn.Module] = [nn.Sequential(first, opened, BatchNorm(channels[-1]), nn.ReLU())]
    levels = list(enumerate(pairwise((shape[0], *channels))))
    for level, (width_out, width_in) in reversed(levels):
        way, is_last = ways[level], level == 0
        layer = nn.ConvTranspose3d(width_in, width_out, way.kernel, way.stride, way.padding, way.lost, bias=is_last)
        nn.init.normal_(layer.weight, std=DCGAN_DEVIATION)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        after = [nn.Sigmoid()] if is_last else [BatchNorm(width_out), nn.ReLU()]
        stages.append(nn.Sequential(layer, *after))
    return Stack(stages)


def clip_discriminator(shape: tuple[int, int, int, int], channels: Sequence[int]) -> Discriminator:
    """For clips (B, C, T, H, W) in [0, 1]: a halving stage for each entry of `channels`, nearest the clip first.

    Parameters
    ----------
    shape
        (C, T, H, W), H and W such that they can be halved so often.
    channels
        Of the stages' outputs.
    """
    ways = halvings_of(*shape[1:], len(channels))
    stages = []
    for way, (width_in, width_out) in zip(ways, pairwise((shape[0], *channels))):
        layer = nn.Conv3d(width_in, width_out, way.kernel, way.stride, way.padding)
        nn.init.kaiming_normal_(layer.weight, a=SLOPE)
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        stages.append(nn.Sequential(Spectral(layer), nn.LeakyReLU(SLOPE)))
    width = channels[-1] * _places(ways[-1].after)
    head = Linear(width, 1, bias=False)  # within the hinge's margins a bias would stand still
    nn.init.normal_(head.weight, std=width**-0.5)
    return Discriminator(stages, Spectral(head), unit=True, by_batch=False)


def _places(size: Triple) -> int:
    frames, height, width = size
    return frames * height * width
