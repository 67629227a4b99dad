"""Every measure of generated samples, from features: of the samples, of real ones (the floor), of noise (the ceiling).

All are compared with the same reference. It knows no model, no data set and no protocol.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float

from nolabel.evaluation.class_balance import Namer, imbalance, namer
from nolabel.evaluation.feature_rows import both
from nolabel.evaluation.frechet import frechet, gaussian, refusal
from nolabel.evaluation.kernel_distance import kid
from nolabel.evaluation.labels import Classes
from nolabel.evaluation.manifolds import Manifold, authenticity, manifold, overlap
from nolabel.evaluation.repeats import default_of

K, K_DENSITY = default_of(overlap, "k"), default_of(overlap, "k_density")
_LOWER = ("FID", "KID", "class imbalance")


@final
@dataclass(frozen=True)
class Sets:
    """Features of the `reference` (N, F), of the samples that are judged, of other `real` ones, and of `noise`."""

    reference: Float[np.ndarray, "N F"]
    samples: Float[np.ndarray, "M F"]
    real: Float[np.ndarray, "R F"]
    noise: Float[np.ndarray, "M F"]

    def in_turn(self) -> list[np.ndarray]:
        """What is compared with the reference."""
        return [self.samples, self.real, self.noise]


@final
@dataclass(frozen=True)
class Found:
    """One measure of the samples, the real ones and the noise, each with its standard deviation or NaN."""

    measure: str
    how: str
    values: tuple[float | None, ...]
    sd: float = math.nan

    @property
    def higher_is_better(self) -> bool:
        """Which way is good."""
        return self.measure not in _LOWER


def measured(sets: Sets, random_state: int) -> tuple[list[Found], list[str]]:
    """Every measure that needs no labels, and sentences on those that were refused."""
    for compared in sets.in_turn():
        both(sets.reference, compared)
    frechets, notes = _frechets(sets)
    return [*frechets, _kernels(sets, random_state), *_overlaps(sets)], notes


def _frechets(sets: Sets) -> tuple[list[Found], list[str]]:
    width = sets.reference.shape[1]
    fewest = min(len(sets.reference), len(sets.samples))
    reason = refusal(fewest, width)
    if reason:
        return [], [f"FID is left out: {reason}. KID stands in its place."]
    own = gaussian(sets.reference)
    values = [None if refusal(len(rows), width) else frechet(own, gaussian(rows)) for rows in sets.in_turn()]
    how = f"{len(sets.samples):,} against {len(sets.reference):,}; compare at equal counts only"
    return [Found("FID", how, tuple(values))], []


def _kernels(sets: Sets, random_state: int) -> Found:
    found = [kid(sets.reference, rows, random_state=random_state) for rows in sets.in_turn()]
    subsets = f"{found[0].subsets} subsets of {found[0].size:,}" if found[0].subsets > 1 else "all samples at once"
    return Found("KID", f"{subsets}; kernel (x·y/F + 1)³", tuple(one.mean for one in found), found[0].sd)


def _overlaps(sets: Sets) -> list[Found]:
    reach = max(K, K_DENSITY)
    reference = manifold(sets.reference, reach)
    balls: list[Manifold | None] = [
        manifold(rows, reach, reference.origin) if len(rows) > reach else None for rows in sets.in_turn()
    ]
    found = [None if one is None else overlap(reference, one) for one in balls]
    rows = [
        Found(name, f"k = {k}", tuple(None if one is None else float(getattr(one, name)) for one in found))
        for name, k in (("precision", K), ("recall", K), ("density", K_DENSITY), ("coverage", K_DENSITY))
    ]
    return [*rows, *_authenticity(balls[1], sets)]


def _authenticity(training: Manifold | None, sets: Sets) -> list[Found]:
    """Real samples that are no training samples, those of the reference, are the floor here."""
    if training is None:
        return []
    values = [authenticity(training, rows) for rows in (sets.samples, sets.reference, sets.noise)]
    known = f"{len(training.points):,} training samples"
    how = f"share farther from the nearest of {known} than its nearest other; below the floor: memorised"
    return [Found("authenticity", how, tuple(values))]


@final
@dataclass(frozen=True)
class Balance:
    """Class balance as a measure, the names and the shares of each class in the samples and in the reference."""

    found: Found
    names: tuple[str, ...]
    samples: Float[np.ndarray, "K"]
    reference: Float[np.ndarray, "K"]


def balance(sets: Sets, real: Classes, reference: Classes) -> Balance | None:
    """Class balance, classes named by the labelled real samples; None unless those have two."""
    names = namer(sets.real, real)
    if names is None:
        return None
    own = names.shares(sets.reference)
    shares = [names.shares(rows) for rows in sets.in_turn()]
    found = Found("class imbalance", _naming(names, sets, reference), tuple(imbalance(one, own) for one in shares))
    return Balance(found, names.names, shares[0], own)


def _naming(names: Namer, sets: Sets, reference: Classes) -> str:
    right = names.right(sets.reference, reference.codes)
    told = "" if math.isnan(right) else f", who are right on {right:.1%} of the reference"
    return f"{len(names.names)} classes, by the vote of {names.k} of {len(names.codes):,} labelled samples{told}"


def no_better_than_noise(rows: Sequence[Any]) -> list[str]:
    """A sentence on the measures by which noise is as good as the samples.

    Not asked are imbalance and authenticity, which say nothing of that, and recall: balls about noise reach everywhere.
    """
    worse = []
    for row in rows:
        noise = row.values[2]
        if row.measure in ("recall", "authenticity", "class imbalance") or noise is None or row.values[0] is None:
            continue
        if (row.values[0] - noise) * (1 if row.higher_is_better else -1) <= 0:
            worse.append(row.measure)
    return [f"The samples are no better than noise in: {', '.join(worse)}."] if worse else []
