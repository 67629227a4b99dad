"""Players who are told a class: a generator that is scaled and moved by it, a discriminator that projects on it.

    G:  h ← (1 + γ_y) ⊙ h + β_y,   before every inner activation, channel by channel    (section 3.2 of [2], as in [1])
    D:  D(x, y) = v_y · φ(x) + ψ(φ(x)),   and without v_y where y is not known              (section 3 of [1])

Where the generator normalises over its batch, this is conditional batch normalisation. φ(x) is what a discriminator's
head ψ looks at; the v are rows of a matrix that is divided by its largest singular value. Knows nothing of losses.
[1] Miyato and Koyama 2018, "cGANs with projection discriminator", arXiv:1802.05637.
[2] de Vries et al. 2017, "Modulating early visual processing by language", arXiv:1707.00683.
"""

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nolabel.nets.discriminator import Discriminator
from nolabel.nets.linear import Linear
from nolabel.nets.spectral import Spectral
from nolabel.nets.stack import Stack


@final
class ConditionalGenerator(nn.Module):
    """A generator that also takes the shares of K classes: (B, L + K) to (B, *shape).

    All classes begin with γ = 0 and with β of their own, so that they differ from the first step on.

    Parameters
    ----------
    plain
        The generator from (B, L), every stage of which but the last is a sequence that ends in its activation.
    latent
        L.
    classes
        K.
    """

    def __init__(self, plain: Stack, latent: int, classes: int) -> None:
        super().__init__()
        *inner, last = plain.stages
        self.latent = latent
        self.stages = nn.ModuleList(stage[:-1] for stage in inner)  # type: ignore[index]
        self.activations = nn.ModuleList(stage[-1] for stage in inner)  # type: ignore[index]
        self.last = nn.Sequential(last, plain.exit)
        channels = _channels(plain, latent)
        self.gains = nn.ParameterList(torch.zeros(classes, width) for width in channels)
        self.shifts = nn.ParameterList(torch.randn(classes, width) for width in channels)

    def forward(self, latents: Float[Tensor, "B LK"]) -> Float[Tensor, "B *shape"]:
        """Samples of the classes, or of mixtures of classes."""
        h, shares = latents[:, : self.latent], latents[:, self.latent :]
        for stage, activation, gain, shift in zip(self.stages, self.activations, self.gains, self.shifts):
            h = stage(h)
            h = activation(torch.addcmul(_channelwise(shares @ shift, h), h, _channelwise(1 + shares @ gain, h)))
        return self.last(h)  # type: ignore[no-any-return]


def _channels(plain: Stack, latent: int) -> list[int]:
    """Of what every inner stage puts out."""
    was = plain.training
    with torch.no_grad():
        found = [h.shape[1] for h in plain.eval().trace(torch.zeros(1, latent))[:-1]]
    plain.train(was)
    return found


def _channelwise(v: Tensor, like: Tensor) -> Tensor:
    return v.view(*v.shape, *[1] * (like.ndim - 2)).to(like.dtype)


@final
class ProjectionDiscriminator(nn.Module):
    """A discriminator that is told the class of a sample, or that it is not known.

    Parameters
    ----------
    plain
        φ and ψ; its representation is this one's.
    classes
        K.
    """

    def __init__(self, plain: Discriminator, classes: int) -> None:
        super().__init__()
        self.plain = plain
        layer = Linear(plain.width, classes, bias=False)
        nn.init.normal_(layer.weight, std=plain.width**-0.5)
        self.by_class = Spectral(layer)

    def forward(self, x: Float[Tensor, "B *shape"], y: Int[Tensor, "B"]) -> Float[Tensor, "B"]:
        """Logits; `y` are codes of classes, -1 where it is unknown."""
        phi = self.plain.summary(x)
        own = self.by_class(phi).gather(1, y.clamp_min(0)[:, None]).squeeze(1)
        return self.plain.head(phi).squeeze(1) + own * (y >= 0)  # type: ignore[no-any-return]

    def features(self, x: Float[Tensor, "B *shape"]) -> Float[Tensor, "B F"]:
        """Those of φ."""
        return self.plain.features(x)
