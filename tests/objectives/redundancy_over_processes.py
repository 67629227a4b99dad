"""Run by two processes at once: each holds some rows of two views, and the terms' values and gradients are written.

    python -m torch.distributed.run --nproc-per-node 2 redundancy_over_processes.py OUT "[[5, 2], [1, 1]]"

Terms are weighted by own rows / all rows and added up over processes, as the engine does; a gradient with respect to
the rows of the whole batch stands for that with respect to weights.
"""

import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from nolabel.objectives.redundancy import barlow_twins, vicreg


def main(out: Path, batches: list[list[int]]) -> None:
    """Compare nothing, write everything: for each batch, of which every process has so many rows."""
    dist.init_process_group("gloo")
    for sizes in batches:
        found = shared(sizes)
        if dist.get_rank() == 0:
            torch.save(found, out / f"{'-'.join(map(str, sizes))}.pt")
    dist.barrier()
    dist.destroy_process_group()


def shared(sizes: list[int]) -> dict[str, torch.Tensor]:
    """Values and gradients of the terms, and the values as each process has them."""
    rank = dist.get_rank()
    generator = torch.Generator().manual_seed(0)
    whole = [torch.randn(sum(sizes), 3, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2)]
    z1, z2 = (torch.split(z, sizes)[rank] for z in whole)
    terms = torch.stack([*barlow_twins(z1, z2, lambda_=0.2), *vicreg(z1, z2, lambda_=25.0, mu=25.0, nu=1.0)])
    weighted = terms * (sizes[rank] / sum(sizes))
    gradients = torch.stack([torch.stack(torch.autograd.grad(term, whole, retain_graph=True)) for term in weighted])
    value = weighted.detach().clone()
    dist.all_reduce(value)
    dist.all_reduce(gradients)
    every = [torch.empty_like(value) for _ in sizes]
    dist.all_gather(every, terms.detach())
    return {"value": value, "gradients": gradients, "value0": every[0], "value1": every[1]}


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
