"""CIFAR-10 as contenders of nolabel's own meet it: a split, or some samples spread over it."""

import numpy as np

import nolabel
from nolabel.data.dataset import Dataset


def cifar(split: str, samples: int | None = None) -> Dataset:
    """One split, "train" or "test"; with `samples`, only so many of it."""
    data = nolabel.open(f"cifar10:{split}")
    return data if samples is None else data.subset(np.linspace(0, len(data) - 1, samples).astype(np.int64))
