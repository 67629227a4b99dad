"""Verdicts in plain words on how training went, each with the knob to turn.

Rules look only at codes of a few fixed samples and at the numbers already logged, so they serve every method. A rule is
a function that returns a verdict or None. It knows no method by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Verdict:
    """One finding. `level` says how bad, `knob` which argument to turn ('' when there is nothing to do)."""

    level: Literal["good", "warning", "bad"]
    name: str
    text: str
    knob: str = ""


Record = Mapping[str, float]


def effective_rank(codes: Tensor) -> float:
    """Exp of the entropy of the normalised singular values of the centred codes (Roy and Vetterli 2007), in [1, L]."""
    singular = torch.linalg.svdvals((codes - codes.mean(0)).double())
    total = singular.sum()
    if total <= 0:
        return 0.0
    p = singular / total
    return float(torch.exp(-torch.special.xlogy(p, p).sum()))


def examine(codes: Tensor, history: Sequence[Record], *, best_kept: bool = False) -> list[Verdict]:
    """All verdicts, worst first. `codes`: (B, L) of a few hundred training samples; `history`: one record an epoch;
    `best_kept`: whether the weights are those of the best held-out loss instead of the last.
    """
    found = [
        rule
        for rule in (_collapse(codes), _dead_units(codes), _stuck(history), None if best_kept else _overfit(history))
        if rule
    ]
    found += [rule for rule in (_still(history), _posterior(history), _codebook(history)) if rule]
    found += [rule for rule in (_torn(history), _empty(history)) if rule]
    if not found:
        fell = "The loss fell, and codes" if len(history) >= 3 else "Codes"
        text = f"{fell} use {effective_rank(codes):.1f} effective of {codes.shape[1]} dimensions."
        found = [Verdict("good", "healthy", text)]
    order = {"bad": 0, "warning": 1, "good": 2}
    return sorted(found, key=lambda verdict: order[verdict.level])


def _collapse(codes: Tensor) -> Verdict | None:
    """Codes that hardly differ from sample to sample, or differ along one line only."""
    if len(codes) < 8:
        return None
    scale = codes.abs().mean()
    spread = codes.std(0).mean()
    if spread <= 1e-4 * scale or float(spread) == 0.0:
        return Verdict(
            "bad",
            "collapse",
            "All samples have nearly the same code: nothing about them is kept.",
            "lower learning_rate, or a weaker penalty",
        )
    rank = effective_rank(codes)
    if codes.shape[1] >= 4 and rank < 1.5:
        return Verdict(
            "bad",
            "dimensional collapse",
            f"Codes lie nearly on a line: effective rank {rank:.2f} of {codes.shape[1]}.",
            "a weaker penalty, a lower learning_rate, or more epochs",
        )
    return None


def _dead_units(codes: Tensor) -> Verdict | None:
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
        "a smaller latent width, or a weaker penalty",
    )


def _stuck(history: Sequence[Record]) -> Verdict | None:
    """A loss that fell by less than 2 in a thousand from the first epoch to the best.

    A cross-entropy has a floor, the entropy of the data, that may lie close below where it begins: hence so little.
    """
    if len(history) < 3 or "units_moved" in history[0]:
        return None  # a map may begin with samples as its weights: near them all, and in no order
    losses = [record["loss"] for record in history]
    if min(losses[1:]) < losses[0] - 0.002 * abs(losses[0]):
        return None
    return Verdict(
        "bad",
        "not learning",
        f"The loss stayed at {losses[0]:.4g}: it is pinned where it began.",
        "a higher learning_rate (tenfold), or more epochs; check that the data vary",
    )


def _still(history: Sequence[Record]) -> Verdict | None:
    """A map of which hardly any unit has ever moved: `units_moved` is the share of those that did in an epoch."""
    if not history or (most := max(record.get("units_moved", 1.0) for record in history)) >= 0.1:
        return None
    return Verdict(
        "bad",
        "not learning",
        f"No more than {most:.0%} of the map's units ever moved: hardly any sample pulls them.",
        "a larger first radius, or another neighbourhood",
    )


def _overfit(history: Sequence[Record]) -> Verdict | None:
    """A held-out loss that has risen well above its best while the training loss fell."""
    held = [record["holdout_loss"] for record in history if "holdout_loss" in record]
    if len(held) < 5:
        return None
    best = min(held)
    fell = history[0]["loss"] - history[-1]["loss"]
    if fell <= 0 or held[-1] - best < 0.05 * abs(best):
        return None
    return Verdict(
        "warning",
        "overfitting",
        f"The held-out loss rose to {held[-1]:.4g} from its best {best:.4g}.",
        "plan patience=5, fewer epochs, a smaller latent width, or more data",
    )


def _posterior(history: Sequence[Record]) -> Verdict | None:
    """A posterior that is the prior: the decoder ignores the code."""
    if not history or "nats" not in history[-1] or history[-1]["nats"] > 0.1:
        return None
    return Verdict(
        "bad",
        "posterior collapse",
        f"The code carries {history[-1]['nats']:.3f} nats: the decoder ignores it.",
        "a smaller beta, or free_bits=0.1",
    )


def _codebook(history: Sequence[Record]) -> Verdict | None:
    """Hardly any entry of a codebook in use: `in_use` is the perplexity as a fraction of the entries."""
    if not history or "in_use" not in history[-1] or history[-1]["in_use"] > 0.05:
        return None
    return Verdict(
        "bad",
        "codebook collapse",
        f"Only {history[-1]['in_use']:.1%} of the codebook's entries are in use.",
        "a larger restart_below, or a higher learning_rate",
    )


def _torn(history: Sequence[Record]) -> Verdict | None:
    """A map on which the two nearest units of many samples are no neighbours: folded, or cut into pieces."""
    if not history or history[-1].get("topographic_error", 0.0) <= 0.3:
        return None
    return Verdict(
        "warning",
        "folded map",
        f"For {history[-1]['topographic_error']:.0%} of the samples the two nearest units are no neighbours on the "
        "map: it is folded or torn.",
        "a larger first and last radius, or more epochs",
    )


def _empty(history: Sequence[Record]) -> Verdict | None:
    """A map of which most units are nearest to no sample: `units_in_use` is the share of those that are."""
    if not history or history[-1].get("units_in_use", 1.0) >= 0.5:
        return None
    return Verdict(
        "warning",
        "empty units",
        f"Only {history[-1]['units_in_use']:.0%} of the map's units are the nearest of any sample.",
        "a smaller shape (about 5 √N units for N samples)",
    )
