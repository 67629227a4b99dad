"""Rules about losses and what is logged beside them by methods with a decoder: stuck, overfitted, ignored codes.

Each takes the history of a run, one record an epoch, and knows no method.
"""

from nolabel.training.health.verdict import History, Verdict


def stuck(history: History) -> Verdict | None:
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
        "a higher {learning_rate} (tenfold); more {epochs}; data that vary",
    )


def overfitted(history: History) -> Verdict | None:
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


def posterior(history: History) -> Verdict | None:
    """A posterior that is the prior: the decoder ignores the code."""
    if not history or "nats" not in history[-1] or history[-1]["nats"] > 0.1:
        return None
    return Verdict(
        "bad",
        "posterior collapse",
        f"The code carries {history[-1]['nats']:.3f} nats: the decoder ignores it.",
        "a smaller beta, or free_bits=0.1",
    )


def codebook(history: History) -> Verdict | None:
    """Hardly any entry of a codebook in use: `in_use` is the perplexity as a fraction of the entries."""
    if not history or "in_use" not in history[-1] or history[-1]["in_use"] > 0.05:
        return None
    return Verdict(
        "bad",
        "codebook collapse",
        f"Only {history[-1]['in_use']:.1%} of the codebook's entries are in use.",
        "a larger restart_below, or a higher learning_rate",
    )
