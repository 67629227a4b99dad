"""Optimizers by name, and the learning-rate schedules. Knows nothing of learners or loops."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from nolabel.training.plan import OptimizerName, ScheduleName


def make_optimizer(
    name: OptimizerName,
    parameters: Iterable[nn.Parameter],
    learning_rate: float,
    weight_decay: float,
    factors: Sequence[float] | None = None,
    betas: Sequence[float] = (0.9, 0.999),
) -> Optimizer:
    """The optimizer `name`; weight decay is applied to matrices and kernels, not to biases and gains.

    `factors`, one for each parameter, multiply the learning rate; each group of the optimizer keeps its own as "factor"
    for whoever moves the rate (`set_rate`). None for 1 everywhere. `betas` are Adam's and AdamW's.
    """
    groups = _groups(list(parameters), weight_decay, factors)
    for group in groups:
        group["lr"] = learning_rate * group["factor"]
    fused = all(parameter.device.type in ("cpu", "cuda") for group in groups for parameter in group["params"])
    if name == "adamw":
        return AdamW(groups, lr=learning_rate, betas=(betas[0], betas[1]), fused=fused)
    if name == "adam":
        return Adam(groups, lr=learning_rate, betas=(betas[0], betas[1]), fused=fused)
    if name == "sgd":
        return SGD(groups, lr=learning_rate, momentum=0.9)
    return LARS(groups, lr=learning_rate)


def _groups(
    parameters: Sequence[nn.Parameter], weight_decay: float, factors: Sequence[float] | None
) -> list[dict[str, Any]]:
    """As few as there may be, decayed ones first: every group is a call of its own, every step."""
    together: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter, factor in zip(parameters, factors or [1.0] * len(parameters), strict=True):
        decay = weight_decay if parameter.ndim > 1 else 0.0
        together.setdefault((decay, factor), []).append(parameter)
    order = sorted(together, key=lambda pair: -pair[0])
    return [{"params": together[pair], "weight_decay": pair[0], "factor": pair[1]} for pair in order]


def set_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """The learning rate of the next step, times each group's own factor."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["factor"]


class LARS(Optimizer):
    """Layer-wise adaptive rate scaling, for large batches (You et al. 2017, arXiv:1708.03888, algorithm 1).

    v ← m v + γ λ (∇L + β w),  w ← w − v,  with the local rate λ = η ‖w‖ / (‖∇L‖ + β ‖w‖) for matrices and kernels,
    1 for biases and gains. `momentum` m, `trust` η; γ is the learning rate and β the weight decay.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust: float = 0.001,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "trust": trust})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step; `closure` is not used."""
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is not None:
                    self._move(w, group)

    def _move(self, w: Tensor, group: dict[str, Any]) -> None:
        beta = group["weight_decay"]
        update = w.grad.add(w, alpha=beta)  # type: ignore[union-attr]
        if w.ndim > 1:
            w_norm, grad_norm = w.norm(), w.grad.norm()  # type: ignore[union-attr]
            local = group["trust"] * w_norm / (grad_norm + beta * w_norm)
            update.mul_(torch.where((w_norm > 0) & (grad_norm > 0), local, torch.ones_like(local)))
        state = self.state[w]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(w)
        w.sub_(state["momentum_buffer"].mul_(group["momentum"]).add_(update, alpha=group["lr"]))


def rate(schedule: ScheduleName, warmup: float, progress: float) -> float:
    """The factor on the learning rate at `progress` in [0, 1] of the run: linear warm-up, then the schedule."""
    if progress < warmup:
        return progress / warmup
    after = (progress - warmup) / (1 - warmup) if warmup < 1 else 1.0
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * min(after, 1.0)))
    if schedule == "step":
        return 1.0 if after < 0.6 else 0.1 if after < 0.85 else 0.01
    return 1.0
