"""Run by two processes at once (torch.distributed.run): a batch of which each holds some rows.

    python -m torch.distributed.run --nproc-per-node 2 shared_batch.py OUT

Each process writes OUT/RANK.safetensors; `everything` is also what one process does with all of the rows.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import Tensor

from nolabel.nets import sync
from nolabel.nets.norm import BatchNorm

ROWS = (3, 5)  # of each process


def batch(*shape: int) -> Tensor:
    """The whole batch, the same in every process."""
    return torch.randn(sum(ROWS), *shape, generator=torch.Generator().manual_seed(0)) * 2 + 1


def everything(rows: slice, share: float) -> dict[str, Tensor]:
    """Values and gradients of the rows; `share` is that of the rows in the batch."""
    return {
        **normalised("flat", (4,), rows, share),
        **normalised("image", (4, 3, 2), rows, share),
        **gathered(rows, share),
    }


def normalised(name: str, shape: Sequence[int], rows: slice, share: float) -> dict[str, Tensor]:
    """A batch norm with a gain and a bias, of a loss that is a mean over the rows."""
    norm = BatchNorm(4, gain=0.7)
    x = batch(*shape)[rows].requires_grad_()
    y = norm(x)
    weight = torch.linspace(-1, 1, y[0].numel()).view(y[0].shape)
    (share * (y.sin() * weight).flatten(1).sum(1).mean()).backward()
    assert norm.weight is not None
    assert norm.bias is not None
    assert x.grad is not None
    found = {"y": y, "x": x.grad, "weight": norm.weight.grad, "bias": norm.bias.grad}
    found |= {"mean": norm.running_mean, "variance": norm.running_var}
    return {f"{name}.{key}": value.detach().contiguous() for key, value in found.items() if value is not None}


def gathered(rows: slice, share: float) -> dict[str, Tensor]:
    """A contrastive loss: own anchors against everybody's rows, the right one being the next row."""
    x = batch(4)[rows].requires_grad_()
    everyone = sync.gather_with_gradient(x)
    own = sync.offset(len(x)) + torch.arange(len(x))
    loss = torch.nn.functional.cross_entropy(x @ everyone.t() / 10, (own + 1) % len(everyone))
    (share * loss).backward()
    assert x.grad is not None
    return {"gathered": everyone.detach(), "own": own, "gathered.x": x.grad}


def main(out: Path) -> None:
    """Do it, and write."""
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    first = sum(ROWS[:rank])
    rows = slice(first, first + ROWS[rank])
    save_file(everything(rows, ROWS[rank] / sum(ROWS)), out / f"{rank}.safetensors")
    with sync.apart():
        save_file(everything(slice(None), 1.0), out / f"apart-{rank}.safetensors")
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
