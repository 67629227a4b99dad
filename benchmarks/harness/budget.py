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
    _, rate = with_rate(lambda: fitted(few), clock)
    return max(1, int(seconds * rate / len(train)))


def with_rate(fit: Callable[[], Any], clock: Clock) -> tuple[Any, float]:
    """A fitted estimator, and its samples a second by the `clock`: the median epoch's but for the first.

    Epochs are timed by the wall; a clock that runs slower than it, over the whole of `fit`, makes the rate higher.
    """
    began, began_wall = clock(), time.perf_counter()
    model = fit()
    slower = (time.perf_counter() - began_wall) / (clock() - began)
    later = model.history_[1:] or model.history_
    return model, slower * statistics.median(epoch["samples_per_second"] for epoch in later)


def some(train: Dataset, count: int, seed: int) -> Dataset:
    """So many of its samples, drawn by the seed."""
    return train.subset(np.random.default_rng(seed).permutation(len(train))[:count])
