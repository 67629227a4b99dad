"""The networks of PyTorch's DCGAN example, adapted to 28 x 28 x 1: two steps of doubling instead of four.

As in the example, 64 channels, weights from N(0, 0.02), batch normalisation.
"""

from torch import nn

LATENT, CHANNELS = 100, 64


def networks() -> tuple[nn.Sequential, nn.Sequential]:
    """Generator, (B, 100, 1, 1) to (B, 1, 28, 28) in [-1, 1], and discriminator, to probabilities (B,)."""
    channels = CHANNELS
    generator = nn.Sequential(
        nn.ConvTranspose2d(LATENT, 4 * channels, 7, 1, 0, bias=False), nn.BatchNorm2d(4 * channels), nn.ReLU(True),
        nn.ConvTranspose2d(4 * channels, 2 * channels, 3, 1, 1, bias=False), nn.BatchNorm2d(2 * channels),
        nn.ReLU(True), nn.ConvTranspose2d(2 * channels, channels, 4, 2, 1, bias=False), nn.BatchNorm2d(channels),
        nn.ReLU(True), nn.ConvTranspose2d(channels, 1, 4, 2, 1, bias=False), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Conv2d(1, channels, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * channels),
        nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(2 * channels, 4 * channels, 3, 1, 1, bias=False),
        nn.BatchNorm2d(4 * channels), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(4 * channels, 1, 7, 1, 0, bias=False), nn.Sigmoid(), nn.Flatten(0),
    )  # fmt: skip
    for network in (generator, discriminator):
        network.apply(_start)
    return generator, discriminator


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
