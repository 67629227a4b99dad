"""Which samples are shown to a classifier and which are asked: drawn once, the same for every representation.

Pure functions of class codes and a seed. They know no features and no classifier.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from nolabel.randomness import mix


@dataclass(frozen=True)
class Split:
    """Row numbers of the samples to learn from and of those to be asked; they do not overlap."""

    train: Int[np.ndarray, "A"]
    test: Int[np.ndarray, "B"]


def seed_of(*numbers: int) -> int:
    """A 32-bit seed, as scikit-learn wants them, from several whole numbers."""
    return int(mix(*numbers) & 0xFFFFFFFF)


def some_rows(total: int, wanted: int, *seed: int) -> Int[np.ndarray, "n"]:
    """`wanted` of `total` row numbers without replacement, ascending; all of them when there are no more."""
    if wanted >= total:
        return np.arange(total)
    return np.sort(np.random.default_rng(seed_of(*seed)).permutation(total)[:wanted])


def _by_class(y: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """The rows of each class, shuffled; rows of unknown class (-1) are left out."""
    return [rng.permutation(np.flatnonzero(y == label)) for label in np.unique(y[y >= 0])]


def _split(y: np.ndarray, test_share: float, rng: np.random.Generator) -> Split:
    train, test = [], []
    for rows in _by_class(y, rng):
        asked = max(1, round(test_share * len(rows)))
        test.append(rows[:asked])
        train.append(rows[asked:])
    return Split(np.sort(np.concatenate(train)), np.sort(np.concatenate(test)))


def stratified_splits(
    y: Int[np.ndarray, "N"], repeats: int, *, random_state: int, test_share: float = 0.2
) -> list[Split]:
    """`repeats` random splits, each class divided in the same proportion and with at least one sample asked.

    Every class needs two samples or more; -1 marks samples of unknown class, which are in neither part.
    """
    return [_split(y, test_share, np.random.default_rng(seed_of(random_state, 1, i))) for i in range(repeats)]


def label_draws(
    y: Int[np.ndarray, "N"], pool: Int[np.ndarray, "A"], per_class: Sequence[int], repeats: int, *, random_state: int
) -> dict[int, list[Int[np.ndarray, "n"]]]:
    """For each number of labels per class, `repeats` draws of that many rows of every class out of `pool`.

    Within a repeat the draws are nested: the rows for 5 labels are among those for 10, so that a curve over the
    number of labels is not roughened by the draw. Numbers larger than the smallest class of the pool are left out.
    """
    smallest = min(np.unique(y[pool], return_counts=True)[1])
    possible = [count for count in per_class if count <= smallest]
    draws: dict[int, list[np.ndarray]] = {count: [] for count in possible}
    for repeat in range(repeats):
        rows_of = _by_class(y[pool], np.random.default_rng(seed_of(random_state, 2, repeat)))
        for count in possible:
            draws[count].append(np.sort(pool[np.concatenate([rows[:count] for rows in rows_of])]))
    return draws
