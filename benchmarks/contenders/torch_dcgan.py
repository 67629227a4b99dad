"""PyTorch's DCGAN example on MNIST, adapted to 28 x 28 x 1: 64 channels, two steps of doubling instead of four.

As in the example: its networks (`dcgan_example.py`), binary cross-entropy with a sum of two backward passes
for the discriminator, Adam at 0.0002 with β1 = 0.5, batches of 64, values in [-1, 1], a DataLoader.
"""

from itertools import islice

import numpy as np
import torch
from dcgan_example import LATENT, networks
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from harness.budget import clock
from harness.contender import Answer, answer

WARM = 4  # steps before the clock starts: nolabel's first epoch is not counted either


def work(given: Answer) -> Answer:
    """Train for so many seconds, then write samples (N, 28, 28) uint8; images a second of the training steps."""
    torch.set_num_threads(given["threads"])
    torch.manual_seed(given["seed"])
    images = np.load(given["images"])[: given.get("few")]
    x = torch.from_numpy(images.astype(np.float32) / 127.5 - 1).unsqueeze(1)
    batch = given.get("batch", 64)
    loader = DataLoader(TensorDataset(x), batch_size=batch, shuffle=True, drop_last=True)
    generator, discriminator = networks()
    players = _Players(generator, discriminator)
    for (real,) in islice(loader, WARM):
        players.step(real)
    now = clock(given["threads"])
    steps, start, seconds = 0, now(), 0.0
    while seconds < given["seconds"]:
        for (real,) in loader:
            players.step(real)
            steps += 1
            seconds = now() - start
            if seconds >= given["seconds"]:
                break
    if given.get("out"):
        np.save(given["out"], _samples(generator, given["samples"]))
    return {"per_second": steps * batch / seconds, "steps": steps, "seconds": seconds}


class _Players:
    def __init__(self, generator: nn.Module, discriminator: nn.Module) -> None:
        self.generator, self.discriminator = generator, discriminator
        self.generator_steps, self.discriminator_steps = (
            torch.optim.Adam(network.parameters(), lr=0.0002, betas=(0.5, 0.999))
            for network in (generator, discriminator)
        )

    def step(self, real: Tensor) -> None:
        """The discriminator on reals and fakes, then the generator on the same fakes."""
        criterion, ones, zeros = nn.functional.binary_cross_entropy, torch.ones(len(real)), torch.zeros(len(real))
        self.discriminator.zero_grad()
        criterion(self.discriminator(real), ones).backward()
        fake = self.generator(torch.randn(len(real), LATENT, 1, 1))
        criterion(self.discriminator(fake.detach()), zeros).backward()
        self.discriminator_steps.step()
        self.generator.zero_grad()
        criterion(self.discriminator(fake), ones).backward()
        self.generator_steps.step()


@torch.no_grad()
def _samples(generator: nn.Module, count: int) -> np.ndarray:
    parts = [generator(torch.randn(min(500, count - at), LATENT, 1, 1)) for at in range(0, count, 500)]
    return torch.cat(parts)[:, 0].add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8).numpy()


answer(work)
