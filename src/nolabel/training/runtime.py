"""Where training runs: the device, and the processes that share the work.

Processes come from whatever started them (`torchrun`, `accelerate launch`, `nolabel fit --processes`); `accelerate`
reads their environment and opens the process group. One process on one device is left unwrapped: accelerate's wrapped
optimizer costs 4 to 18 % of a small step (decisions/0004-processes.md).
"""

import atexit
import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from nolabel.errors import ArgumentError


@dataclass(frozen=True)
class Runtime:
    """Device, and place among the processes: `rank` of `world`."""

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def main(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def sum_(self, values: Tensor) -> Tensor:
        """`values` summed over processes, in place."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def agree(self, number: int) -> int:
        """The main process's `number`, in every process."""
        if self.world == 1:
            return number
        told = torch.tensor(number if self.main else 0, dtype=torch.int64, device=self.device)
        return int(self.sum_(told).item())


def find_runtime(device: str) -> Runtime:
    """The runtime for a device name; opens the process group when several processes were started."""
    _keep_memory()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return _shared_runtime(device)
    return Runtime(find_device(device))


def _keep_memory() -> None:
    """Let the C library keep freed memory between steps instead of handing it back to the kernel.

    glibc gives back the free top of its heap and takes it again at the next step, a page fault for every 4 KiB: some
    250 faults and a third of the time of a step of 784-32-784 (LOG.md). Its thresholds follow the largest block that
    was ever freed, up to 32 MiB (mallopt(3), M_MMAP_THRESHOLD), so one such block, never touched, settles them.
    """
    torch.empty(31 << 20, dtype=torch.uint8)


def find_device(name: str) -> torch.device:
    """`"auto"` to the GPU when there is one, else the CPU; any other name to PyTorch's device."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ArgumentError(f"plan.device must be 'auto', 'cpu', 'cuda' or 'cuda:N'; got {name!r}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ArgumentError(f"plan.device={name!r}, but PyTorch sees no GPU here; use device='auto' or 'cpu'")
    return device


def _shared_runtime(device: str) -> Runtime:
    from accelerate import PartialState  # half a second to import; only needed here

    ours = not dist.is_initialized()
    state = PartialState(cpu=True) if device == "cpu" or not torch.cuda.is_available() else PartialState()
    if ours:
        atexit.register(_close)  # left open, its threads may abort the process as it ends
    return Runtime(state.device, state.process_index, state.num_processes)


def _close() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
