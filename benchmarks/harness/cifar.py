"""CIFAR-10 as contenders of our own meet it: a split, or some samples spread over it; and how codes are judged."""

from collections.abc import Callable
from typing import Any

import numpy as np

import nolabel
from nolabel.data.dataset import Dataset
from nolabel.evaluation import neighbours

K, TEMPERATURE = 200, 0.1


def cifar(split: str, samples: int | None = None) -> Dataset:
    """One split, "train" or "test"; with `samples`, only so many of it."""
    data = nolabel.open(f"cifar10:{split}")
    return data if samples is None else data.subset(np.linspace(0, len(data) - 1, samples).astype(np.int64))


def by_neighbours(encode: Callable[[Any], np.ndarray], train: Dataset, test: Dataset) -> float:
    """Share of the test images that their 200 nearest training images name right (cosine, temperature 0.1)."""
    codes = np.concatenate([encode(train), encode(test)])
    labels = np.concatenate([np.asarray(train.labels), np.asarray(test.labels)])
    rows = np.arange(len(codes))
    return neighbours.accuracy(codes, labels, rows[: len(train)], rows[len(train) :], k=K, temperature=TEMPERATURE)
