"""Exponential moving average of a learner's weights, or of a part of it. Knows nothing of optimizers or files."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Average:
    """θ̄ ← d θ̄ + (1 − d) θ after every step, with d ramped as min(decay, (1 + t) / (10 + t)).

    The ramp keeps the first weights, which are noise, from lingering (as TensorFlow's ExponentialMovingAverage does).
    With a `part` of the module only its weights are followed, under the names that they have in the whole.
    """

    def __init__(self, module: nn.Module, decay: float, part: nn.Module | None = None) -> None:
        self.decay = decay
        within = {id(tensor) for tensor in _averaged(module if part is None else part).values()}
        named = {name: tensor for name, tensor in _averaged(module).items() if id(tensor) in within}
        self.weights = {name: tensor.detach().clone() for name, tensor in named.items()}

    @torch.no_grad()
    def follow(self, module: nn.Module, step: int) -> None:
        """Move towards the module's weights after optimizer step `step` (counted from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        current = _averaged(module)
        torch._foreach_lerp_(list(self.weights.values()), [current[name] for name in self.weights], 1 - decay)


def _averaged(module: nn.Module) -> dict[str, Tensor]:
    """Parameters, and buffers of real numbers: running statistics and codebooks belong to the weights they go with."""
    buffers = {name: buffer for name, buffer in module.named_buffers() if buffer.is_floating_point()}
    return {**dict(module.named_parameters()), **buffers}


@torch.no_grad()
def load_weights(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy `weights` into the parameters and buffers of `module` that bear their names."""
    own: dict[str, Tensor] = dict(module.named_buffers(remove_duplicate=False))
    own.update(module.named_parameters(remove_duplicate=False))  # a weight that is shared has several names
    for name, weight in weights.items():
        own[name].copy_(weight)
