"""How many epochs of a method of nolabel fit into so many seconds, by which clock; some of the samples of a set."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from nolabel.data.dataset import Dataset

Clock = Callable[[], float]


def clock(threads: int) -> Clock:
    """The processor's with one thread, for it counts nothing but this process; the wall's with several."""
    return time.process_time if threads == 1 else time.perf_counter


def epochs_in(seconds: float, fitted: Callable[[Dataset], Any], train: Dataset, *, images: int, clock: Clock) -> int:
    """By the median rate of an estimator of some epochs, `fitted` to so many images over `train`; at least one.

    A `clock` that runs slower than the wall's, as the processor's does beside other work, allows more of them.
    """
    few = train.subset(np.arange(0, len(train), max(1, len(train) // images)))
    began, began_wall = clock(), time.perf_counter()
    tried = fitted(few)
    slower = (time.perf_counter() - began_wall) / (clock() - began)
    rate = statistics.median(epoch["samples_per_second"] for epoch in tried.history_[1:])
    return max(1, int(seconds * slower * rate / len(train)))


def some(train: Dataset, count: int, seed: int) -> Dataset:
    """So many of its samples, drawn by the seed."""
    return train.subset(np.random.default_rng(seed).permutation(len(train))[:count])
