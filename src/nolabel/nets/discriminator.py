"""Discriminators: stages that look at a sample, and one logit; the stages' outputs serve as a representation, too.

Convolutional ones follow Radford et al. 2016 (arXiv:1511.06434): 4 x 4 kernels of stride 2 with leaky rectifiers of
slope 0.2, for images of any height and width of at least 8 pixels, until the smaller side is 2 to 4, so that a place of
the last map sees most of the image; then a matrix. Perceptrons are for all else. Values in [0, 1] are looked at as
[-1, 1]. Knows nothing of generators or losses.
"""

from collections.abc import Sequence
from itertools import count, pairwise
from typing import Literal, final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nolabel.errors import ArgumentError
from nolabel.nets.conv import sizes
from nolabel.nets.halving import Halving
from nolabel.nets.linear import Linear
from nolabel.nets.norm import BatchNorm
from nolabel.nets.spectral import Spectral

Norm = Literal["batch", "none", "spectral"]
SLOPE = 0.2
PLACES = 4  # to which a side of a stage's output is pooled in `features`, as Radford et al. do
TIMES = 2  # and of a clip's, time among them, for there is one side more
DCGAN_DEVIATION = 0.02  # of first weights where norms follow
LEAST_SIDE = 8  # of images that are convolved
FEW_COLUMNS = 16  # of more, He's weights learn sooner
LAST_SIDE = 4  # the smaller one of the map that is left after all stages, at most


@final
class Discriminator(nn.Module):
    """Stages, then a matrix to one logit.

    Parameters
    ----------
    stages
        Layers, activations included, each (B, ...) to (B, ...).
    head
        From the last stage's values (B, P) to (B, 1).
    unit
        Whether values lie in [0, 1].
    by_batch
        Whether a stage normalises over its batch: then data and samples are to be looked at apart.
    """

    def __init__(self, stages: Sequence[nn.Module], head: nn.Module, *, unit: bool, by_batch: bool) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.head = head
        self.unit = unit
        self.by_batch = by_batch

    @property
    def width(self) -> int:
        """P, as the head has it."""
        matrix = self.head.layer if isinstance(self.head, Spectral) else self.head
        return matrix.in_features  # type: ignore[return-value]

    def forward(self, x: Float[Tensor, "B *shape"]) -> Float[Tensor, "B"]:
        """Logits."""
        return self.head(self.summary(x)).squeeze(1)  # type: ignore[no-any-return]

    def summary(self, x: Float[Tensor, "B *shape"]) -> Float[Tensor, "B P"]:
        """What the head looks at: the last stage's values."""
        return self._trace(x)[-1].flatten(1)

    def features(self, x: Float[Tensor, "B *shape"]) -> Float[Tensor, "B F"]:
        """The values of every stage: of images their maxima over at most 4 x 4 places, of clips over 2 x 2 x 2."""
        return torch.cat([_pooled(one).flatten(1) for one in self._trace(x)], 1)

    def _trace(self, x: Tensor) -> list[Tensor]:
        x = 2 * x - 1 if self.unit else x
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found


def _pooled(x: Tensor) -> Tensor:
    if x.ndim == 4:
        return F.adaptive_max_pool2d(x, [min(PLACES, side) for side in x.shape[2:]])
    if x.ndim == 5:
        return F.adaptive_max_pool3d(x, [min(TIMES, side) for side in x.shape[2:]])
    return x


def halvings(height: int, width: int) -> int:
    """How often images are halved until the smaller side is 2 to 4 pixels, at least twice; 0 if it has fewer than 8."""
    side, times = min(height, width), 0
    if side < LEAST_SIDE:
        return 0
    while side > LAST_SIDE or times < 2:
        side, times = side // 2, times + 1
    return times


def refuse_strips(shape: tuple[int, int, int], stages: int, instead: str) -> None:
    """Refuse images that cannot be halved so often.

    Raises
    ------
    ArgumentError
        Says how large they must be, and what to do: `instead`.
    """
    allowed = halvings(shape[1], shape[2])
    if stages > allowed:
        least = next(side for side in count(LEAST_SIDE) if halvings(side, side) >= stages)
        raise ArgumentError(
            f"images of {shape[1]} x {shape[2]} pixels are too small for {stages} convolutions that halve them: both "
            f"sides must have at least {least}. {instead}"
        )


def conv_discriminator(
    shape: tuple[int, int, int], channels: Sequence[int], norm: Norm, *, unit: bool, last_bias: bool = True
) -> Discriminator:
    """For images (B, C, H, W): a halving stage for each entry of `channels`, nearest the image first.

    Parameters
    ----------
    shape
        (C, H, W).
    channels
        Of the stages' outputs.
    norm
        "batch" normalises every stage but the first, "spectral" every layer, "none" nothing.
    unit
        Whether values lie in [0, 1].
    last_bias
        Whether the head has a bias; without one where the loss looks at differences of logits only.

    Raises
    ------
    ArgumentError
        The images are too small for so many stages.
    """
    refuse_strips(shape, len(channels), "Give fewer channels, or open them with a larger size=")
    stages: list[nn.Module] = []
    for number, (width_in, width_out) in enumerate(pairwise((shape[0], *channels))):
        normed = norm == "batch" and number > 0
        layer = Halving(width_in, width_out, bias=not normed)
        parts = [_started(layer, norm), *([BatchNorm(width_out)] if normed else []), nn.LeakyReLU(SLOPE)]
        stages.append(nn.Sequential(*parts))
    height, width = sizes(shape[1], shape[2], len(channels))[-1]
    head = _head(channels[-1] * height * width, norm, last_bias)
    made = Discriminator(stages, head, unit=unit, by_batch=norm == "batch")
    made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as oneDNN has it
    return made


def flat_discriminator(
    width: int,
    hidden: Sequence[int],
    *,
    unit: bool,
    spectral: bool = False,
    sharp: bool = True,
    last_bias: bool = True,
) -> Discriminator:
    """For samples of any shape with `width` values: a perceptron; `hidden` from the data to the logit.

    If it is to be `sharp` and values are `narrow`, weights and biases begin evenly within one over the root of the
    width that comes in: were biases 0, all kinks of a layer would meet in one point, and few columns are told apart by
    nothing else. Otherwise it begins with He's weights, which keep the scale of values. With `spectral` every layer is
    normalised. The rest as for `conv_discriminator`.
    """
    norm: Norm = "spectral" if spectral else "none"
    plain = [Linear(*widths) for widths in pairwise((width, *hidden))]
    if sharp and narrow(width, unit=unit):
        last = Linear(hidden[-1], 1, bias=last_bias)
        head, layers = _normalised(last, norm), [_normalised(layer, norm) for layer in plain]
    else:
        head, layers = _head(hidden[-1], norm, last_bias), [_started(layer, norm) for layer in plain]
    stages = [nn.Sequential(layer, nn.LeakyReLU(SLOPE)) for layer in layers]
    stages[0].insert(0, nn.Flatten())
    return Discriminator(stages, head, unit=unit, by_batch=False)


def narrow(width: int, *, unit: bool) -> bool:
    """Whether samples of so many values are a few columns of real ones, which perceptrons bend by spread kinks."""
    return not unit and width <= FEW_COLUMNS


def _head(width: int, norm: Norm, bias: bool) -> nn.Module:
    layer = Linear(width, 1, bias=bias)
    nn.init.normal_(layer.weight, std=DCGAN_DEVIATION if norm == "batch" else width**-0.5)
    if bias:
        nn.init.zeros_(layer.bias)
    return _normalised(layer, norm)


def _started(layer: "nn.Conv2d | nn.Linear", norm: Norm) -> nn.Module:
    """The layer with first weights that suit what follows it, normalised if that is wanted."""
    if norm == "batch":
        nn.init.normal_(layer.weight, std=DCGAN_DEVIATION)
    else:
        nn.init.kaiming_normal_(layer.weight, a=SLOPE)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return _normalised(layer, norm)


def _normalised(layer: "nn.Conv2d | nn.Linear", norm: Norm) -> nn.Module:
    return Spectral(layer) if norm == "spectral" else layer
