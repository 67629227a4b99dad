"""Means over a batch that several processes share.

With one process these are plain means. With several, each process holds some rows of the batch, and the mean (and its
gradient) is over all of them, so that batch statistics are those of one process. It knows nothing of layers.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import FunctionCtx


class _Total(torch.autograd.Function):
    """Sum over processes; its gradient is the sum over processes of the gradients."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        x = x.clone()
        dist.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        dist.all_reduce(gradient)
        return gradient


_apart = False


@contextmanager
def apart() -> Iterator[None]:
    """Inside the block each process goes by its own rows: for a batch that every one of them holds whole."""
    global _apart
    _apart = True
    try:
        yield
    finally:
        _apart = False


def several() -> bool:
    """Whether more than one process has a part in the batch."""
    return not _apart and dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def total(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Sum of x over processes, differentiable."""
    return _Total.apply(x) if several() else x  # type: ignore[no-untyped-call]


def batch_mean(x: Float[Tensor, "B *shape"]) -> Float[Tensor, "*shape"]:
    """Mean over the samples of the whole batch."""
    if not several():
        return x.mean(0)
    count = torch.full((1, *x.shape[1:]), float(len(x)), device=x.device, dtype=x.dtype)
    both = total(torch.cat([x.sum(0, keepdim=True), count]))
    return both[0] / both[1]


def gather(x: Float[Tensor, "B *shape"]) -> Float[Tensor, "N *shape"]:
    """The rows of all processes, in the order of the processes; no gradient."""
    if not several():
        return x
    counts = [torch.zeros((), dtype=torch.int64, device=x.device) for _ in range(dist.get_world_size())]
    dist.all_gather(counts, torch.tensor(len(x), device=x.device))
    longest = max(int(count) for count in counts)
    padded = torch.cat([x, x.new_zeros(longest - len(x), *x.shape[1:])])
    parts = [torch.empty_like(padded) for _ in counts]
    dist.all_gather(parts, padded)
    return torch.cat([part[: int(count)] for part, count in zip(parts, counts)])
