"""A teacher: a copy of a module that follows it slowly (Tarvainen and Valpola 2017; Grill et al. 2020).

    ξ ← m ξ + (1 − m) θ,    m = 1 − (1 − m_0) (cos(π progress) + 1) / 2

No gradient reaches it. Its batch norms keep statistics of their own, of what it is shown. Knows nothing of losses.
"""

import copy
import math
from typing import Any, Protocol, final, runtime_checkable

import torch
from torch import nn


@runtime_checkable
class Moment(Protocol):
    """Where training stands: what `momentum` must know of a step."""

    @property
    def progress(self) -> float:
        """Fraction of the run that is done."""

    @property
    def endless(self) -> bool:
        """Whether the run has no end."""


def momentum(base: float, step: Moment) -> float:
    """M at a step: from `base` (m_0) up to 1 over the run, along a cosine; `base` always if the run has no end."""
    if step.endless:
        return base
    return 1 - (1 - base) * (math.cos(math.pi * step.progress) + 1) / 2


@final
class Teacher(nn.Module):
    """A copy of a module without gradients, which `follow` moves towards it.

    Parameters
    ----------
    module
        What is copied, as it is now.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = copy.deepcopy(module).requires_grad_(False)

    @torch.no_grad()
    def forward(self, *inputs: Any) -> Any:
        """What the copy says."""
        return self.module(*inputs)

    @torch.no_grad()
    def follow(self, module: nn.Module, momentum: float) -> None:
        """ξ ← m ξ + (1 − m) θ, with the parameters θ of `module`."""
        torch._foreach_lerp_(list(self.module.parameters()), list(module.parameters()), 1 - momentum)
