"""A batch that several processes share: means over it, and its rows.

With one process these are plain means and its own rows. With several, each process holds some rows of the batch, and
the mean (and its gradient) is over all of them, so that batch statistics are those of one process. It knows nothing of
layers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float, Shaped
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


def share_of_batch(count: int, device: torch.device) -> float:
    """Which share of the rows of all processes this one holds, holding `count`."""
    if not several():
        return 1.0
    return count / total(torch.tensor(float(count), device=device)).item()


def gather(x: Shaped[Tensor, "B *shape"]) -> Shaped[Tensor, "N *shape"]:
    """The rows of all processes, in the order of the processes; no gradient."""
    return _gathered(x.detach(), _counts(len(x), x.device)) if several() else x


def gather_with_gradient(x: Float[Tensor, "B *shape"]) -> Float[Tensor, "N *shape"]:
    """The rows of all processes, in the order of the processes; the gradients of all of them reach each row."""
    return _Gather.apply(x) if several() else x  # type: ignore[no-untyped-call]


def offset(count: int) -> int:
    """How many rows the processes before this one hold, this one holding `count`: where its own begin in `gather`."""
    if not several():
        return 0
    on_gpu = dist.get_backend() == "nccl"
    held = _counts(count, torch.device("cuda", torch.cuda.current_device()) if on_gpu else torch.device("cpu"))
    return sum(held[: dist.get_rank()])


class _Gather(torch.autograd.Function):
    """Rows of all processes; backwards, the sum over processes of the gradients of our own rows."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        held = _counts(len(x), x.device)
        first = sum(held[: dist.get_rank()])
        ctx.rows = slice(first, first + len(x))
        return _gathered(x, held)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(gradient)
        return gradient[ctx.rows]


def _counts(count: int, device: torch.device) -> list[int]:
    """How many rows each process holds."""
    held = [torch.zeros((), dtype=torch.int64, device=device) for _ in range(dist.get_world_size())]
    dist.all_gather(held, torch.tensor(count, device=device))
    return [int(one) for one in held]


def _gathered(x: Tensor, held: list[int]) -> Tensor:
    longest = max(held)
    padded = torch.cat([x, x.new_zeros(longest - len(x), *x.shape[1:])])
    parts = [torch.empty_like(padded) for _ in held]
    dist.all_gather(parts, padded)
    return torch.cat([part[:count] for part, count in zip(parts, held)])
