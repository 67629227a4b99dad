"""Rules about the codes of a few hundred samples: do they differ, and in how many ways?

The effective rank is that of Roy and Vetterli (2007), "The effective rank: a measure of effective dimensionality". The
rules know nothing of how the codes were learned.
"""

import torch
from torch import Tensor

from nolabel.training.health.verdict import Verdict

FEW = 8  # samples below which nothing is said
NARROW = 0.02  # share of the dimensions that could be used; fewer is a collapse of dimensions


def effective_rank(codes: Tensor) -> float:
    """Exp of the entropy of the normalised singular values of the centred codes (Roy and Vetterli 2007), in [1, L]."""
    singular = torch.linalg.svdvals((codes - codes.mean(0)).double())
    total = singular.sum()
    if total <= 0:
        return 0.0
    p = singular / total
    return float(torch.exp(-torch.special.xlogy(p, p).sum()))


def broken(codes: Tensor) -> Verdict | None:
    """Codes that are no numbers."""
    lost = int((~torch.isfinite(codes).all(1)).sum())
    if not lost:
        return None
    return Verdict(
        "bad",
        "broken codes",
        f"{lost} of {len(codes)} samples get codes that are not finite numbers.",
        "a lower learning_rate",
    )


def collapse(codes: Tensor, values: int | None = None) -> Verdict | None:
    """Codes that hardly differ from sample to sample, or differ along very few directions.

    `values`: numbers that a sample is made of, if known: a code cannot be asked to have more directions than they.
    """
    if len(codes) < FEW:
        return None
    if _is_one_point(codes):
        return Verdict(
            "bad",
            "collapse",
            "All samples have nearly the same code: nothing about them is kept.",
            "a lower learning_rate, a larger batch_size, or a weaker penalty",
        )
    width = codes.shape[1]
    usable = min(width, values or width)
    rank = effective_rank(codes)
    if usable >= 4 and rank < 1.5:
        return Verdict(
            "bad",
            "dimensional collapse",
            f"Codes lie nearly on a line: effective rank {rank:.2f} of {width}.",
            "a weaker penalty, a lower learning_rate, a larger batch_size, or more epochs",
        )
    if rank < NARROW * min(usable, len(codes) - 1):
        return Verdict(
            "warning",
            "dimensional collapse",
            f"Codes use few of their directions: effective rank {rank:.1f} of {width}.",
            "a larger batch_size, a lower learning_rate, or more epochs",
        )
    return None


def _is_one_point(codes: Tensor) -> bool:
    spread = codes.std(0).mean()
    return bool(spread <= 1e-4 * codes.abs().mean()) or float(spread) == 0.0


def dead_units(codes: Tensor) -> Verdict | None:
    """Dimensions that (almost) never change, when they are more than a tenth."""
    if len(codes) < 2:
        return None
    spread = codes.std(0)
    dead = int((spread < 0.02 * spread.max()).sum())
    if dead == 0 or dead <= 0.1 * codes.shape[1]:
        return None
    return Verdict(
        "warning",
        "dead units",
        f"{dead} of {codes.shape[1]} code dimensions hardly vary and carry nothing.",
        "fewer dimensions, a weaker penalty, or a lower learning_rate",
    )
