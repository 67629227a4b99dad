"""Randomness that depends on (seed, step) and on nothing else.

Every draw of a training step comes from a generator seeded by the run's seed and the step's number, and is drawn for
the *whole* batch before a process takes its rows. So the same seed gives the same bits, a resumed run needs no saved
generator, and two processes see the noise that one would have seen. Global generators are left as they were: only this
file ever moves them, for code that draws from nothing else, and puts them back.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

_MIX = 0x9E3779B97F4A7C15  # odd constant of splitmix64: spreads neighbouring (seed, step) pairs over 64 bits


def mix(*numbers: int) -> int:
    """One 63-bit seed from several whole numbers (splitmix64's finaliser, folded over them)."""
    state = 0
    for number in numbers:
        state = (state + number + _MIX) & 0xFFFFFFFFFFFFFFFF
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state >> 1


class Draws:
    """The random numbers of one step.

    Parameters
    ----------
    seed
        Whole numbers that name the step: (run seed, step).
    device
        Where the numbers are wanted.
    total
        Samples in the whole batch, over all processes; None when the caller's batch is the whole.
    rows
        Which of them are ours: a slice of `range(total)`.
    gather
        Brings together the rows of all processes, in their order; None when the caller's rows are all there are.
    """

    def __init__(
        self,
        *seed: int,
        device: torch.device | str = "cpu",
        total: int | None = None,
        rows: slice = slice(None),
        gather: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self._seed = seed
        self._device = torch.device(device)
        self._total = total
        self._rows = rows
        self._gather = gather
        self._seeds = 0  # that were asked for

    @cached_property
    def _generator(self) -> torch.Generator:
        """Made when first asked: many a step draws nothing."""
        return torch.Generator(device=self._device).manual_seed(mix(*self._seed))

    def _shape(self, like: Tensor) -> tuple[int, ...]:
        return (self._total or like.shape[0], *like.shape[1:])

    def normal(self, like: Tensor) -> Tensor:
        """Standard normal numbers, one for each entry of `like` (B, ...)."""
        shape = self._shape(like)
        return torch.randn(shape, generator=self._generator, device=self._device, dtype=torch.float32)[self._rows]

    def uniform(self, like: Tensor) -> Tensor:
        """Uniform numbers in [0, 1), one for each entry of `like` (B, ...)."""
        shape = self._shape(like)
        return torch.rand(shape, generator=self._generator, device=self._device, dtype=torch.float32)[self._rows]

    def everyones(self, x: Tensor) -> Tensor:
        """The rows of `x` (B, ...) that all processes hold, in their order (N, ...): what one process would hold."""
        return x if self._gather is None else self._gather(x)

    def shared_integers(self, high: int, count: int) -> Tensor:
        """`count` integers below `high`, the same in every process."""
        return torch.randint(high, (count,), generator=self._generator, device=self._device)

    def own_seed(self) -> int:
        """A seed for a generator that is not ours; another one each time, and in every process."""
        self._seeds += 1
        return mix(*self._seed, self._seeds, self._rows.start or 0)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's global CPU generator set to `seed` inside the block, and put back as it was after it.

    PyTorch's modules draw their first weights from the global generator.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(mix(seed))
        yield


@contextmanager
def all_seeded(seed: int, device: torch.device) -> Iterator[None]:
    """All global generators set to `seed` inside the block and put back after it, for code that is not ours.

    They are torch's on the CPU and on `device`, NumPy's and Python's.
    """
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the one that is drawn from
    on_gpu = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=on_gpu):
            torch.default_generator.manual_seed(mix(seed))
            for gpu in on_gpu:
                with torch.cuda.device(gpu):
                    torch.cuda.manual_seed(mix(seed))
            random.seed(mix(seed))
            np.random.seed(mix(seed) % 2**32)  # noqa: NPY002
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)  # noqa: NPY002
