"""The samples of the maps' benchmark: MNIST from files, or the normal noise that TorchSOM publishes its times on."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.contender import Answer


def samples(given: Answer) -> tuple[NDArray[np.generic], NDArray[np.generic] | None]:
    """Training and test samples: images (N, 28, 28) uint8, or `given["noise"]` = (N, D) as float32 and no test."""
    if "noise" in given:
        return np.random.default_rng(0).normal(size=given["noise"]).astype(np.float32), None
    folder = Path(given["folder"])
    return np.load(folder / "train.npy"), np.load(folder / "test.npy")


def rows(given: Answer) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """The same as flat float32 rows, grey values from 0 to 1."""
    train, test = samples(given)
    return _flat(train), None if test is None else _flat(test)


def _flat(values: NDArray[np.generic]) -> NDArray[np.float32]:
    if values.ndim == 2:
        return values.astype(np.float32)
    return values.reshape(len(values), -1).astype(np.float32) / 255
