"""How measures are repeated, and the small pieces that every row of evidence is made with.

Repeats use the same samples, splits and draws for every representation, so that columns may be compared.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nolabel.evaluation.convergence import Tally
from nolabel.evaluation.evidence import Cell, cell
from nolabel.evaluation.splits import seed_of

Codes = Mapping[str, np.ndarray]  # representation -> (N, L)
Scores = Mapping[str, Mapping[str, np.ndarray]]  # representation -> measure -> (N,)


@dataclass(frozen=True)
class Repeats:
    """How the measures are repeated: `count` times, with randomness from `random_state`; `tally` counts warnings."""

    count: int
    random_state: int
    tally: Tally = field(default_factory=Tally)

    def seeds(self, purpose: int) -> list[int]:
        """A seed for each repeat."""
        return [seed_of(self.random_state, purpose, repeat) for repeat in range(self.count)]


def default_of(function: Callable[..., Any], argument: str) -> Any:
    """The number a sentence speaks of, from its one home: the signature."""
    return inspect.signature(function).parameters[argument].default


def cells(values: Mapping[str, Sequence[float]]) -> dict[str, Cell]:
    """The cell of each representation; one whose repeats are all NaN has none."""
    found = {name: cell(repeats) for name, repeats in values.items()}
    return {name: one for name, one in found.items() if one is not None}
