"""Class balance: are the classes as frequent among generated samples as among real ones?

    imbalance  1/2 Σ_c | p_c − q_c |        total variation: 0 for the same shares, 1 for no class in common

A generated sample has the class that most of its k nearest labelled real samples have, by Euclidean distance of
features; how often that is right is measured on other real samples, and belongs to the number.

Shapes: features (N, F), class codes (N,) with -1 for unknown, shares (K,).
What it does not know: whether samples look good; noise may well be balanced. Classes that few samples tell apart blur.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from nolabel.evaluation.labels import Classes
from nolabel.evaluation.manifolds import Manifold, manifold, nearest_points
from nolabel.evaluation.neighbours import vote

NEIGHBOURS = 5


@final
@dataclass(frozen=True)
class Namer:
    """Says the class of a sample by the vote of the nearest labelled ones; `k` of them."""

    known: Manifold
    codes: Int[np.ndarray, "N"]
    names: tuple[str, ...]
    k: int

    def name(self, features: Float[np.ndarray, "M F"]) -> Int[np.ndarray, "M"]:
        """Class codes (M,); ties go to the smaller code."""
        far, index = nearest_points(self.known, features, self.k)
        return vote(-far, self.codes[index], len(self.names), temperature=None)

    def shares(self, features: Float[np.ndarray, "M F"]) -> Float[np.ndarray, "K"]:
        """Share of each class."""
        return np.bincount(self.name(features), minlength=len(self.names)) / len(features)

    def right(self, features: Float[np.ndarray, "M F"], codes: Int[np.ndarray, "M"]) -> float:
        """Share of the samples of known class (code ≥ 0) that are named right; NaN if none is known."""
        known = codes >= 0
        return float((self.name(features)[known] == codes[known]).mean()) if known.any() else float("nan")


def namer(features: Float[np.ndarray, "N F"], classes: Classes, k: int = NEIGHBOURS) -> Namer | None:
    """A namer from the samples of known class; None unless two classes are among them."""
    known = np.flatnonzero(classes.codes >= 0)
    codes = classes.codes[known]
    if len(np.unique(codes)) < 2:
        return None
    k = min(k, len(known) - 1)
    return Namer(manifold(features[known], 1), codes, classes.names, k)


def imbalance(shares: Float[np.ndarray, "K"], reference: Float[np.ndarray, "K"]) -> float:
    """Total variation distance of two sets of class shares."""
    return float(np.abs(shares - reference).sum() / 2)
