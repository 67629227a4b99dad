"""What is held in memory and what stays on disk.

Decoded samples are loaded whole if they take at most `WHOLE_BYTES` and a quarter of the memory that this process may
use; larger sets stay in their file and are read as they are needed.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

WHOLE_BYTES = 2**30
_SHARE = 4
_NO_LIMIT = 2**62


def settle(values: NDArray[Any], in_memory: bool | None) -> "Tensor | np.memmap[Any, Any]":
    """An array as a `Dataset` stores it.

    Parameters
    ----------
    values
        (N, ...), uint8 or float32; an array in memory is not copied if that can be helped.
    in_memory
        For a memory map: load it, leave it on disk, or None for the rule above.
    """
    if isinstance(values, np.memmap) and not (fits(values.nbytes) if in_memory is None else in_memory):
        return values
    if isinstance(values, np.memmap) or not values.flags.writeable:
        values = np.array(values)  # torch shares memory with an array, and must not share what cannot be written
    return torch.from_numpy(np.ascontiguousarray(values))


def fits(size: int) -> bool:
    """Whether a set of `size` bytes is held in memory by the rule above."""
    return size <= whole_bytes()


def whole_bytes() -> int:
    """The size of the largest set that is held in memory by the rule above."""
    return min(WHOLE_BYTES, allowed_bytes() // _SHARE)


def allowed_bytes() -> int:
    """Memory that this process may use: the machine's, its control group's or its resource limit, the least of them."""
    return min(_machine_bytes(), _group_bytes(), _limit_bytes())


def _machine_bytes() -> int:
    with suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return _NO_LIMIT


def _group_bytes(groups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    limits = [_NO_LIMIT]
    for file in (*_own_groups(groups, own), groups / "memory" / "memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # no such file, or "max"
            limits.append(int(file.read_text()))
    return min(limits)


def _own_groups(groups: Path, own: Path) -> list[Path]:
    with suppress(OSError):
        for line in own.read_text().splitlines():
            if line.startswith("0::"):
                group = groups / line[3:].strip("/")
                return [place / "memory.max" for place in (group, *group.parents) if place.is_relative_to(groups)]
    return []


def _limit_bytes() -> int:
    if sys.platform == "win32":
        return _NO_LIMIT
    import resource

    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    return min((limit for limit in limits if limit != resource.RLIM_INFINITY), default=_NO_LIMIT)
