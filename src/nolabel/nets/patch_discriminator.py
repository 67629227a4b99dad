"""PatchGAN: a discriminator that gives a logit for every patch of an image, not one for the whole.

After Isola et al. 2017 (arXiv:1611.07004, section 3.2.2): it looks at texture and edges and leaves the whole to another
part of the loss. Stages of 4 x 4 kernels of stride 2 with leaky rectifiers of slope 0.2, then a 3 x 3 kernel to one
channel of logits. After k stages a logit is about a patch of 5 · 2^k − 2 pixels a side: 8, 18 and 38 for 1, 2 and 3. To
judge an image together with what it is to be made of, their channels are given one after the other.

For images of any height and width of at least 2^stages pixels. Knows nothing of generators or losses.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, final

from jaxtyping import Float
from torch import Tensor, nn

from nolabel.nets.discriminator import SLOPE
from nolabel.nets.halving import Halving
from nolabel.nets.instance_norm import InstanceNorm
from nolabel.nets.spectral import Spectral

Norm = Literal["instance", "spectral", "none"]
MOST_STAGES = 3
SIDE = 16  # pixels a side up to which one stage is enough


def patch_stages(height: int, width: int) -> int:
    """How many stages suit images: 1 for a smaller side up to 16, one more for each doubling of that, at most 3."""
    side, stages = min(height, width), 1
    while side > SIDE and stages < MOST_STAGES:
        side, stages = side // 2, stages + 1
    return stages


@final
class PatchDiscriminator(nn.Module):
    """Stages that halve, then a logit at every place.

    Parameters
    ----------
    channels_in
        C, of all that is judged together.
    widths
        Channels of the stages' outputs.
    norm
        "instance" normalises every stage but the first, "spectral" every layer by its largest stretch (who trains it
        calls `nets.spectral.refresh` once a step), "none" nothing. None of them depends on the batch.
    unit
        Whether values lie in [0, 1]; then they are looked at as [-1, 1].
    """

    def __init__(self, channels_in: int, widths: Sequence[int], norm: Norm, *, unit: bool) -> None:
        super().__init__()
        self.unit = unit
        stages = []
        for number, (width_in, width_out) in enumerate(pairwise((channels_in, *widths))):
            normed = norm == "instance" and number > 0
            layer = Halving(width_in, width_out, bias=not normed)
            after = [InstanceNorm(width_out)] if normed else []
            stages.append(nn.Sequential(_started(layer, norm, SLOPE), *after, nn.LeakyReLU(SLOPE)))
        self.stages = nn.Sequential(*stages)
        self.head = _started(nn.Conv2d(widths[-1], 1, 3, padding=1), norm, 1.0)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B h w"]:
        """Logits, one a patch; `.flatten()` for objectives that take a list of them."""
        return self.head(self.stages(2 * x - 1 if self.unit else x)).squeeze(1)  # type: ignore[no-any-return]


def _started(layer: nn.Conv2d, norm: Norm, slope: float) -> nn.Module:
    """The layer with first weights that suit a leaky rectifier of that slope after it; of slope 1: none."""
    nn.init.kaiming_normal_(layer.weight, a=slope)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return Spectral(layer) if norm == "spectral" else layer
