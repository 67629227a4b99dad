"""The classes that the samples of an evaluation have: which are known, how large they are, which can be used.

It knows no features; how labels of any form become codes is `data.labels`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int


@dataclass(frozen=True)
class Classes:
    """The class of each sample. `codes` (N,) int64 with -1 for unknown; `names` the name of each code."""

    codes: Int[np.ndarray, "N"]
    names: tuple[str, ...]

    def take(self, rows: Int[np.ndarray, "n"]) -> "Classes":
        """The classes of some rows, in that order."""
        return Classes(self.codes[rows], self.names)

    def sizes(self) -> Int[np.ndarray, "K"]:
        """Number of samples of each class, in the order of `names`."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))

    def only(self, keep: Sequence[int]) -> "Classes":
        """Samples of the classes in `keep`, numbered anew from 0; all others become unknown."""
        renumbered = np.full(len(self.names) + 1, -1, dtype=np.int64)  # its last place answers for code -1
        renumbered[list(keep)] = np.arange(len(keep))
        return Classes(renumbered[self.codes], tuple(self.names[code] for code in keep))


def usable(classes: Classes, smallest: int = 2) -> tuple[Classes | None, list[str]]:
    """The classes large enough to be split, or None when fewer than two are; and sentences on what was left out."""
    sizes = classes.sizes()
    keep = [code for code, size in enumerate(sizes) if size >= smallest]
    notes = []
    small = [repr(name) for name, size in zip(classes.names, sizes) if size < smallest]
    if small:
        notes.append(f"Classes with fewer than {smallest} labelled samples are left out: {', '.join(small)}.")
    if len(keep) < 2:
        notes.append(
            "Neighbours, linear probe, label curve and agreement of clusters are left out: they need two classes or "
            f"more with at least {smallest} labelled samples each; there are {len(keep)}."
        )
        return None, notes
    return classes.only(keep), notes
