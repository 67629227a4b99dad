"""The order of samples, as a function of (seed, epoch), and the loader that follows it.

Data loaders of `accelerate` and Fabric replay the first epoch's order after a resume (see
decisions/0003-order-of-samples.md). Here an order has no state: epoch 7 of seed 3 is the same permutation whoever asks
for it, whenever, so a run resumes at any step by naming it. Processes take disjoint parts of one global batch.
It knows nothing of what samples are or of what is done with them.
"""

import queue
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nolabel.data.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Order:
    """Which rows make up which batch.

    Parameters
    ----------
    rows
        (N,) row numbers to train on.
    batch_size
        Most samples in one batch, over all processes. An epoch is cut into as few batches as that allows, of equal size
        to within one sample.
    seed
        Whole number.
    """

    rows: Tensor
    batch_size: int
    seed: int

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.rows) // self.batch_size)

    def epoch(self, number: int) -> Tensor:
        """(N,) the rows in the order of epoch `number`."""
        # PCG64 seeded by the pair: numpy keeps its streams stable across versions and threads.
        generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence((self.seed, number))))
        return self.rows[torch.from_numpy(generator.permutation(len(self.rows)))]


def split_rows(total: int, holdout: float, seed: int) -> tuple[Tensor, Tensor]:
    """Row numbers to train on and to hold out, both in rising order.

    `holdout` is the fraction held out; unless it is 0, at least one sample is on either side.
    """
    held = min(max(round(total * holdout), 1), total - 1) if holdout else 0
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, total, 1))))
    chosen = np.zeros(total, dtype=bool)
    chosen[generator.permutation(total)[:held]] = True
    return torch.from_numpy(np.flatnonzero(~chosen)), torch.from_numpy(np.flatnonzero(chosen))


@dataclass(frozen=True, slots=True)
class Share:
    """One process's part of a global batch.

    index: our row numbers.  total: samples in the whole batch.  rows: which of them are ours.
    stored: stored values of our rows.  mask: their mask, or None.
    """

    index: Tensor
    total: int
    rows: slice
    stored: Tensor
    mask: Tensor | None


def part(total: int, rank: int, world: int) -> slice:
    """The `rank`-th of `world` contiguous parts of `total` things, equal to within one; all of fewer than `world`."""
    if total < world:
        return slice(0, total)
    return slice(total * rank // world, total * (rank + 1) // world)


class Loader:
    """Shares of an epoch's batches, one after the other; read ahead by a thread when the data are on disk.

    `waited` adds up the seconds that the caller stood still for data.
    """

    def __init__(self, data: Dataset, order: Order, *, rank: int = 0, world: int = 1) -> None:
        self.data = data
        self.order = order
        self.rank = rank
        self.world = world
        self.waited = 0.0

    def epoch(self, number: int, skip: int = 0) -> Generator[Share, None, None]:
        """The shares of epoch `number`, leaving out its first `skip` batches.

        Whoever does not take them all should close it, so that the reading thread ends.
        """
        rows = self.order.epoch(number).to(self.data.device)
        # as even as can be: a short last batch would have statistics, and a weight, unlike the others'
        cuts = (part(len(rows), step, self.order.steps) for step in range(skip, self.order.steps))
        shares = (self._share(rows[cut]) for cut in cuts)
        return self._timed(shares if self.data.in_memory else _read_ahead(shares))

    def _share(self, batch: Tensor) -> Share:
        rows = part(len(batch), self.rank, self.world)
        index = batch[rows]
        stored, mask = self.data.rows(index)
        return Share(index, len(batch), rows, stored, mask)

    def _timed(self, shares: Generator[Share, None, None]) -> Generator[Share]:
        with closing(shares):
            while True:
                start = time.perf_counter()
                share = next(shares, None)
                self.waited += time.perf_counter() - start
                if share is None:
                    return
                yield share


def _read_ahead(shares: Iterator[Share], depth: int = 4) -> Generator[Share, None, None]:
    """The same shares, made by a thread that keeps up to `depth` of them ready."""
    ready: queue.Queue[Share | BaseException | None] = queue.Queue(depth)
    stopped = threading.Event()

    def put(item: Share | BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for share in shares:
                if not put(share):
                    return
            put(None)
        except BaseException as error:  # handed to the caller, who raises it
            put(error)

    thread = threading.Thread(target=work, name="nolabel-read-ahead", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()
