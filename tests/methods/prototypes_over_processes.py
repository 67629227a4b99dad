"""Run by two processes at once (torch.distributed.run): trains SwAV with a queue and writes its weights to OUT.

python -m torch.distributed.run --nproc-per-node 2 prototypes_over_processes.py OUT
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
import torch.distributed as dist
from safetensors.torch import save_file

from nolabel import SwAV
from nolabel.data import toys
from nolabel.training.runtime import find_runtime


def trained() -> SwAV:
    """SwAV with a queue of 40 that is in use from a third of the run on; 51 samples in batches of 32."""
    model = SwAV.tiny().set_params(queue=40, queue_from=0.3, epochs=3, temperature=0.5)
    return model.fit(toys.blobs(51, 6))


def main(out: Path) -> None:
    """Train and write."""
    torch.set_num_threads(1)
    runtime = find_runtime("cpu")
    assert runtime.world == 2, "to be started by two processes"
    state = trained().learner_.state_dict()
    if runtime.main:
        save_file({name: value.contiguous() for name, value in state.items()}, out)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
