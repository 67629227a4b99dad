"""How many epochs of a method of nolabel fit into so many seconds; and a few of the samples of a set."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from nolabel.data.dataset import Dataset

Clock = Callable[[], float]


def epochs_in(
    seconds: float, tried: Any, train: Dataset, *labels: str, images: int, clock: Clock = time.perf_counter
) -> int:
    """By the rate of `tried`, an estimator of two epochs, on so many images spread over `train`; at least one.

    A `clock` that runs slower than the wall's, as the processor's does beside other work, allows more of them.
    """
    few = train.subset(np.arange(0, len(train), max(1, len(train) // images)))
    began, began_wall = clock(), time.perf_counter()
    tried.fit(few, *labels)
    slower = (time.perf_counter() - began_wall) / (clock() - began)
    return max(1, int(seconds * slower * tried.history_[-1]["samples_per_second"] / len(train)))


def some(train: Dataset, count: int, seed: int) -> Dataset:
    """So many of its samples, drawn by the seed."""
    return train.subset(np.random.default_rng(seed).permutation(len(train))[:count])
