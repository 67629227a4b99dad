"""nolabel's DCGAN with the very networks of PyTorch's example on MNIST: images a second of its training steps.

All but the networks is nolabel's: the loop, the order of turns, averaged weights, signals. The last layer's sigmoid is
in the loss, and values in [0, 1] are shifted to the example's. Counted from the second epoch on.
"""

import torch
from dcgan_example import LATENT, networks
from torch import Tensor, nn

import nolabel
from harness.budget import clock, epochs_in, some, with_rate
from harness.contender import Answer, answer
from nolabel.methods.dcgan import DCGAN, DCGANLearner
from nolabel.types import DataSpec


class _Generator(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)

    def forward(self, z: Tensor) -> Tensor:
        made: Tensor = self.network(z[:, :, None, None])
        return (made + 1) / 2


class _Discriminator(nn.Module):
    by_batch = True

    def __init__(self, network: nn.Sequential) -> None:
        super().__init__()
        logits = [layer for layer in network if not isinstance(layer, nn.Sigmoid)]
        self.network = nn.Sequential(*logits).to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        return self.network(2 * x - 1)  # type: ignore[no-any-return]

    def features(self, x: Tensor) -> Tensor:
        """What the last convolution sees, (B, F): codes are looked at after an epoch."""
        *stages, _, _ = self.network
        return nn.Sequential(*stages)(2 * x - 1).flatten(1)  # type: ignore[no-any-return]


class _SameNetworks(DCGAN):
    title = "DCGAN with the networks of PyTorch's example"

    def build(self, spec: DataSpec) -> DCGANLearner:
        generator, discriminator = networks()
        return DCGANLearner(self._sides(spec, _Generator(generator), _Discriminator(discriminator)))


def work(given: Answer) -> Answer:
    """Train for about so many seconds; parameters are counted to see that the networks are the same."""
    train = some(nolabel.open("mnist:train"), given["few"], given["seed"])
    now = clock(given["threads"])
    arguments = {"latent": LATENT, "batch_size": 64, "augment": False}
    arguments |= {"random_state": given["seed"], "plan": given.get("plan")}
    tried = _SameNetworks(**arguments, epochs=2)
    epochs = epochs_in(given["seconds"], tried.fit, train, images=len(train), clock=now)
    model, rate = with_rate(lambda: _SameNetworks(**arguments, epochs=1 + epochs).fit(train), now)
    return {"per_second": rate, "parameters": sum(p.numel() for p in model.learner_.parameters())}


answer(work)
