"""Players who know both ways: a generator with its inverse, and a discriminator that sees a sample and its latent.

    G: z ↦ x,   E: x ↦ z,   D(x, z) = head([φ(x), χ(z)])                      (Donahue et al. 2017, arXiv:1605.09782)

φ are the stages of a discriminator of samples alone, χ two layers on latents, and the head two layers on both; those
of D beside φ are divided by their largest singular values. Knows nothing of losses.
"""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nolabel.nets.discriminator import SLOPE, Discriminator
from nolabel.nets.linear import Linear
from nolabel.nets.spectral import Spectral

LEAST_WIDTH = 128  # of the layers that see latents; a quarter of what φ puts out, if that is more


@final
class TwoWay(nn.Module):
    """A generator and its inverse, which move together.

    Parameters
    ----------
    generator
        G: (B, L) to (B, *shape).
    plain
        A discriminator, whose stages E begins with; its head is not used.
    latent
        L.
    """

    def __init__(self, generator: nn.Module, plain: Discriminator, latent: int) -> None:
        super().__init__()
        self.generator = generator
        self.stages = _headless(plain)
        self.last = Linear(plain.width, latent)
        nn.init.normal_(self.last.weight, std=plain.width**-0.5)
        nn.init.zeros_(self.last.bias)

    def forward(self, z: Float[Tensor, "B L"]) -> Float[Tensor, "B *shape"]:
        """G(z)."""
        return self.generator(z)  # type: ignore[no-any-return]

    def inverse(self, x: Float[Tensor, "B *shape"]) -> Float[Tensor, "B L"]:
        """E(x)."""
        return self.last(self.stages.summary(x))  # type: ignore[no-any-return]


@final
class JointDiscriminator(nn.Module):
    """D(x, z).

    Parameters
    ----------
    plain
        A discriminator, whose stages are φ; its head is not used.
    latent
        L.
    """

    def __init__(self, plain: Discriminator, latent: int) -> None:
        super().__init__()
        width = max(LEAST_WIDTH, plain.width // 4)
        self.of_data = _headless(plain)
        self.of_latents = nn.Sequential(*_layer(latent, width), *_layer(width, width))
        self.of_both = nn.Sequential(*_layer(plain.width + width, width), _matrix(width, 1))

    def forward(self, x: Float[Tensor, "B *shape"], z: Float[Tensor, "B L"]) -> Float[Tensor, "B"]:
        """Logits."""
        both = torch.cat([self.of_data.summary(x), self.of_latents(z)], 1)
        return self.of_both(both).squeeze(1)  # type: ignore[no-any-return]


def _headless(plain: Discriminator) -> Discriminator:
    return Discriminator(list(plain.stages), nn.Identity(), unit=plain.unit, by_batch=plain.by_batch)


def _layer(width_in: int, width_out: int) -> tuple[nn.Module, nn.Module]:
    return _matrix(width_in, width_out), nn.LeakyReLU(SLOPE)


def _matrix(width_in: int, width_out: int) -> Spectral:
    layer = Linear(width_in, width_out)
    nn.init.kaiming_normal_(layer.weight, a=SLOPE)
    nn.init.zeros_(layer.bias)
    return Spectral(layer)
