"""Run by several processes at once (torch.distributed.run): trains methods and writes their weights.

    python -m torch.distributed.run --nproc-per-node 2 two_processes.py OUT [MODULE.CLASS ...]

Without names, every method of the package. The first process writes OUT/METHOD.safetensors and the history beside it.
"""

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
import torch.distributed as dist

from contract.checks import reproducing, samples
from nolabel.methods import all_methods
from nolabel.methods._base import Estimator
from nolabel.training.runtime import find_runtime


def named(name: str) -> type[Estimator]:
    """The class of a dotted name."""
    module, _, cls = name.rpartition(".")
    return getattr(importlib.import_module(module), cls)  # type: ignore[no-any-return]


def main(out: Path, names: list[str]) -> None:
    """Train and write."""
    torch.set_num_threads(1)
    runtime = find_runtime("cpu")
    assert runtime.world == 2, "to be started by two processes"
    classes = [named(name) for name in names] or list(all_methods().values())
    for cls in classes:
        for kind, make in samples.MAKERS.items():
            if kind not in samples.kinds(cls):
                continue
            model = reproducing.trained_alike(cls, make(51))
            if runtime.main:
                reproducing.write_results(model, kind, out)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
