"""Rows of evidence that need no labels: reconstruction, effective rank, active units, spread.

From arrays to rows, with the sentence that says how each number was taken. It knows no model and no file.
"""

from collections.abc import Callable, Sequence

import numpy as np

from nolabel.evaluation import rank
from nolabel.evaluation.evidence import Cell, Row, cell
from nolabel.evaluation.repeats import Codes, Repeats, Scores, cells, default_of
from nolabel.evaluation.splits import some_rows

_RECONSTRUCTION = {
    "BCE": ("binary cross-entropy in nats, intensities read as Bernoulli means", False),
    "MSE": ("mean squared error in network space", False),
    "PSNR": ("10 log10(1 / MSE) of each image, then the mean over images", True),
    "SSIM": ("Wang et al. 2004, Gaussian window of {window} x {window}, sigma 1.5, positions where it fits", True),
}


def _reconstruction_name(measure: str, image: bool) -> str:
    if measure in ("BCE", "MSE"):
        return f"{measure} per {'pixel' if image else 'value'}"
    return f"{measure} (dB)" if measure == "PSNR" else measure


def _mean_and_fold_spread(scores: np.ndarray, folds: Sequence[np.ndarray]) -> Cell:
    spread = cell([float(scores[fold].mean()) for fold in folds])
    return Cell(float(scores.mean()), spread.sd if spread else float("nan"), len(folds))


def reconstruction_rows(scores: Scores, repeats: Repeats, *, floor: float | None, window: int | None) -> list[Row]:
    """A row for each reconstruction measure.

    Parameters
    ----------
    scores
        For each representation that can reconstruct, each measure's (N,) scores.
    repeats
        The spread is over that many random parts of the samples.
    floor
        BCE of the data with themselves, which no reconstruction can go below; None where BCE was not measured.
    window
        Side of the SSIM window; None where the data are not images.
    """
    total = len(next(iter(scores["model"].values())))
    folds = np.array_split(np.random.default_rng(repeats.seeds(3)[0]).permutation(total), min(repeats.count, total))
    rows = []
    for measure in scores["model"]:
        how, higher = _RECONSTRUCTION[measure]
        lowest = f"; no reconstruction can go below {floor:.4f}" if measure == "BCE" and floor is not None else ""
        protocol = (
            f"{how.format(window=window)}{lowest}; mean over {total:,} samples, spread over {len(folds)} parts of them"
        )
        values = {name: _mean_and_fold_spread(of[measure], folds) for name, of in scores.items()}
        rows.append(Row("reconstruction", _reconstruction_name(measure, window is not None), protocol, higher, values))
    return rows


_RANK: tuple[tuple[str, str, Callable[[np.ndarray], float]], ...] = (
    ("effective rank", "RankMe, exp of the entropy of the normalised singular values, uncentred", rank.effective_rank),
    (
        "active units",
        f"columns with variance above {default_of(rank.active_units, 'threshold')} (Burda et al. 2016)",
        rank.active_units,
    ),
    ("sphere spread", "column spread of z / |z|, times sqrt(width): 0 collapsed, 1 even", rank.sphere_spread),
)


def rank_rows(codes: Codes, repeats: Repeats, most: int = 2000) -> list[Row]:
    """Effective rank, active units and spread over the sphere, on random halves of at most `most` samples."""
    total = len(codes["model"])
    size = min(most, max(2, total // 2))
    subsets = [some_rows(total, size, seed) for seed in repeats.seeds(4)]
    over = f"{repeats.count} random subsets of {size:,} of {total:,} samples; columns of other width do not compare"
    return [
        Row("rank", name, f"{how}; {over}", None, cells(_over_subsets(codes, subsets, measure)))
        for name, how, measure in _RANK
    ]


def _over_subsets(
    codes: Codes, subsets: Sequence[np.ndarray], measure: Callable[[np.ndarray], float]
) -> dict[str, list[float]]:
    return {name: [float(measure(of[rows])) for rows in subsets] for name, of in codes.items()}
