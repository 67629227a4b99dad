"""Rules about methods that compare views of the same samples: views, embeddings, candidates, prototypes, teacher.

Each takes the history of a run, one record an epoch, and reads the signals that such methods log (those of
`objectives/view_signals.py`, and "chance", the value of the loss when nothing is told apart: ln of the number of
candidates, prototypes or classes). A method that does not log a signal is not judged by it. `batch` is the number of
samples that meet in a step (`examining`), infinite if it is not known. No method is named here.
"""

import math
from collections.abc import Sequence

from nolabel.training.health.verdict import History, Record, Verdict

SEVERAL = 3  # epochs in a row that count
LEARNED = 5  # epochs after which something should have been learned
JUDGED = ("contrast", "prototypes", "distillation", "classification")  # loss parts that "chance" may belong to
PINNED = 0.98  # of chance: a loss above it says that nothing is told apart
FALLING = 0.002  # of chance, over these epochs: a loss that falls by less stands still
WORSE = 1.2  # of chance: a loss above it is worse than guessing
FEW_CANDIDATES = 32
FEW_SAMPLES = 32  # for statistics between dimensions
SAMPLES_A_DIMENSION = 1 / 16  # below it most of what is decorrelated is noise of the batch


def collapsed(history: History) -> Verdict | None:
    """Embeddings that all point the same way: `spread` is 1 when they point everywhere, 0 when to one place."""
    if len(history) < SEVERAL or (spread := history[-1].get("spread", 1.0)) >= 0.05:
        return None
    return Verdict(
        "bad",
        "collapse",
        f"The embeddings of all samples point the same way (spread {spread:.3f}; 1 is even): views agree because "
        "nothing is told apart.",
        "a lower learning_rate, a larger batch_size, or a plan with warmup",
    )


def at_chance(history: History, batch: float = math.inf) -> Verdict | None:
    """A loss that stays at the value which it has when nothing is told apart."""
    last = _judged(history)
    if len(last) < SEVERAL or any(not PINNED <= value / chance <= WORSE for value, chance in last) or _falls(last):
        return None
    said = f"The loss stays at {last[-1][0]:.3g}, as guessing would have it"
    matched = _matched(history, batch)
    if matched is not None and matched[0] >= min(0.5, 10 * matched[1]):
        fix = "a lower {temperature}; a higher {learning_rate}"
        return Verdict("bad", "loss at chance", f"{said}, though views of a sample do find each other.", fix)
    if matched is not None and matched[0] <= 2 * matched[1] and history[-1].get("change", 0.0) >= 0.2:
        text = (
            f"{said}, and views of a sample find each other no more often than those of others: they share too little."
        )
        return Verdict("bad", "views too strong", text, "weaker views (a larger smallest crop, less colour)")
    fix = "a higher {learning_rate}; a lower {temperature}; more {epochs}"
    return Verdict("bad", "loss at chance", f"{said}: nothing is told apart.", fix)


def near_chance(history: History) -> Verdict | None:
    """A loss that falls, and in the end is hardly below what it is when nothing is told apart."""
    last = _judged(history)
    if len(last) < SEVERAL or not PINNED <= last[-1][0] / last[-1][1] <= WORSE or not _falls(last):
        return None
    return Verdict(
        "warning",
        "loss at chance",
        f"The loss fell to {last[-1][0]:.3g} only, little below the {last[-1][1]:.3g} of guessing.",
        "more {epochs}; a higher {learning_rate}; a lower {temperature}; weaker {views}",
    )


def above_chance(history: History) -> Verdict | None:
    """A loss that stays well above what guessing would give."""
    last = _judged(history)
    if len(history) < LEARNED or len(last) < SEVERAL or any(value <= WORSE * chance for value, chance in last):
        return None
    value, chance = last[-1]
    return Verdict(
        "warning",
        "worse than guessing",
        f"The loss of {value:.3g} is above the {chance:.3g} that guessing would give: it is sure of what is wrong.",
        "a higher {temperature}; a lower {learning_rate}",
    )


def unmatched(history: History, batch: float = math.inf) -> Verdict | None:
    """Views that in the end find each other no more often than by chance, if the loss says nothing of chance."""
    found = _matched(history, batch)
    if len(history) < LEARNED or found is None or found[0] > 2 * found[1] or _judged(history):
        return None
    return Verdict(
        "warning",
        "views too strong",
        f"Views of a sample find each other in {found[0]:.1%} of the cases, little more than by chance "
        f"({found[1]:.1%}): they share too little, or nothing has been learned.",
        "weaker views (a larger smallest crop, less colour), a higher learning_rate, or more epochs",
    )


def same_views(history: History) -> Verdict | None:
    """Views that hardly differ: `change` is their difference by that between two samples."""
    change = history[-1].get("change", 1.0) if history else 1.0
    if change >= 0.02:
        return None
    many = "do not differ" if change < 1e-4 else f"differ by {change:.1%} of what two samples do"
    return Verdict(
        "bad" if change < 1e-4 else "warning",
        "views too weak",
        f"The views of a sample {many}: there is nothing to learn from matching them.",
        "stronger views",
    )


def easy_views(history: History, batch: float = math.inf) -> Verdict | None:
    """Views that find each other from the first epoch on, and are not very different."""
    if len(history) < SEVERAL or not 0.02 <= history[0].get("change", 1.0) < 0.4:
        return None
    if history[0].get("matched", 0.0) < 0.99 or batch < FEW_CANDIDATES:
        return None
    return Verdict(
        "warning",
        "views too weak",
        f"From the first epoch on {history[0]['matched']:.1%} of the views find the other of their sample: matching "
        "them is too easy to learn much from.",
        "stronger views",
    )


def few_candidates(history: History) -> Verdict | None:
    """Too few others to tell a sample from, in a loss that tells it from the others of a batch or a queue."""
    last = history[-1] if history else {}
    if "contrast" not in last or (count := math.exp(last.get("chance", math.inf))) >= FEW_CANDIDATES:
        return None
    return Verdict(
        "warning",
        "batch too small",
        f"Each sample is told from about {count:.0f} candidates only, which is easy and teaches little.",
        "a larger queue" if "queue_filled" in last else "a larger batch_size",
    )


def few_samples(history: History, batch: float = math.inf) -> Verdict | None:
    """A batch too small for statistics between the dimensions of the embeddings (`dimensions`, if it is logged)."""
    last = history[-1] if history else {}
    dimensions = last.get("dimensions", 0.0)
    if not {"covariance", "redundancy"} & last.keys():
        return None
    if batch >= max(FEW_SAMPLES, SAMPLES_A_DIMENSION * dimensions):
        return None
    between = f"the {dimensions:.0f} dimensions" if dimensions else "dimensions"
    return Verdict(
        "warning",
        "batch too small",
        f"Correlations between {between} of the embeddings are taken from {batch:.0f} samples: mostly noise.",
        "a larger batch_size, or a narrower projection",
    )


def queue_unfilled(history: History) -> Verdict | None:
    """A queue that never got full."""
    if len(history) < SEVERAL or (filled := history[-1].get("queue_filled", 1.0)) >= 0.99:
        return None
    return Verdict(
        "warning",
        "queue not filled",
        f"The queue is filled to {filled:.0%} only: it is larger than what has been seen.",
        "a smaller queue, or more epochs",
    )


def few_prototypes(history: History, batch: float = math.inf) -> Verdict | None:
    """Prototypes without samples: `prototypes_used` is the perplexity of their mean use as a fraction of them."""
    last = history[-1] if history else {}
    used = last.get("prototypes_used", 1.0)
    if len(history) < SEVERAL or used >= 0.5:
        return None
    count = used * math.exp(last["chance"]) if "chance" in last else math.inf
    if count < 1.5:
        text = "All samples are assigned to one prototype, which tells nothing apart."
        return Verdict("bad", "prototypes unused", text, "a lower learning_rate, or stronger balancing of prototypes")
    if used >= 0.05 or count > batch / 4:  # a batch cannot use more prototypes than it has samples
        return None
    return Verdict(
        "warning",
        "prototypes unused",
        f"Only {used:.1%} of the prototypes are in use.",
        "fewer prototypes, or a lower learning_rate",
    )


def apart(history: History) -> Verdict | None:
    """A teacher or a target that in the end says something else: `agreement` is the mean cosine on the same sample."""
    if len(history) < LEARNED or (agreement := history[-1].get("agreement", 1.0)) >= 0.2:
        return None
    return Verdict(
        "warning",
        "teacher and student apart",
        f"Teacher and student hardly agree on the same sample (mean cosine {agreement:.2f}).",
        "a lower momentum, so that the teacher follows sooner, weaker views, or more epochs",
    )


def _falls(last: Sequence[tuple[float, float]]) -> bool:
    (before, guessed), (after, guessing) = last[0], last[-1]
    return after / guessing < before / guessed - FALLING


def _judged(history: History) -> list[tuple[float, float]]:
    """The last few epochs' loss and what it would be at chance; empty if chance is not logged."""
    pairs = [(_part(record), record["chance"]) for record in history[-SEVERAL:] if record.get("chance", 0.0) > 0]
    return [(value, chance) for value, chance in pairs if math.isfinite(value)]


def _part(record: Record) -> float:
    return next((record[name] for name in JUDGED if name in record), record.get("loss", math.nan))


def _matched(history: History, batch: float) -> tuple[float, float] | None:
    """Share of views that find each other, and what it would be by chance; None if either is not known."""
    last = history[-1] if history else {}
    return (last["matched"], 1 / batch) if "matched" in last and 2 < batch < math.inf else None
