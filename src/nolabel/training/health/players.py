"""Rules about players who move against each other: a generator of samples, and a discriminator that judges them.

Each takes the history of a run, one record an epoch, and reads the signals that such players log, with the player's
name before them: of the generator those of `objectives/sample_signals.py`, at the end of an epoch by averaged weights
if there are such, and `push`, the norm of the gradient of its loss with respect to its samples; of the discriminator
`right`, the share that it tells apart, and its mean logits. A signal that is not logged is not judged. Losses are not
looked at: one player's gain is the other's loss, so that they say nothing of what was learned. `values` is the number
of values that a sample is made of. Only knobs name methods.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from nolabel.objectives.copies import AMONG_NEW
from nolabel.training.health.verdict import History, Verdict

LEARNED = 300  # steps before which no game is lost: samples need about so many to come near the data at all
SEVERAL = 3  # epochs in a row that count, the most favourable of them
SWINGS = 8  # epochs in which a swing to and fro is looked for
FEW_VALUES = 16  # up to which a distance says how alike two samples are; beyond it, right ones are merely not near
ALIKE = 0.2  # diversity: one sample over and over has hundredths, a blur of each 0.5, one digit of ten, well drawn, 0.9
# Of few values equal distributions miss less than 0.1 %, and without one mode of 25 it is 4 %. Samples three times as
# wide as their modes miss up to 8 % of them, and cover 0.75 of the rest, where sharp ones cover 0.9 or more.
MISSED = (0.02, 0.25)  # for a warning, for a bad verdict
MISSED_IF_WIDE = 0.1  # for a warning, if samples cover less than `DENSE` of what is not missed
DENSE, SCATTERED = 0.85, 0.6  # below the second they are no better where they are: `unlike`
# Of many values samples that are not quite right are not near: then many must also have the same nearest neighbour. Of
# `mnist` all but one digit left out makes 0.4 (batches of 64) to 0.7 (of 256) uncovered, and reuses 0.75 to 0.9.
UNCOVERED = (0.3, 0.5)
REUSED = 0.7  # equal distributions have 0.4 to 0.65
GATHERED = 0.8  # reused: so many are a collapse, however good the samples
UNLIKE = 0.1  # coverage: noise has 0, one digit of ten 0.3 to 0.6, equal distributions 0.97
UNLIKE_FEW = 0.5  # of few values, where samples three times as wide as their modes still have 0.7
SURE = 0.98  # of the judgements right: healthy discriminators have 0.6 to 0.95
GUESSING = 0.55  # of the judgements right, where 0.5 is chance
LEVEL = 0.1  # difference of the mean logits; those that tell anything apart are one or more away
FADED = 0.02  # of the strongest push; near a good end it falls too, but then samples are good
STILL = 1e-8  # a push that moves nothing, whatever it was
SWING = 0.15  # mean change of a share or a diversity from epoch to epoch; means over an epoch waver by hundredths
LOGIT_SWING = 0.5  # mean change of the difference of mean logits, by that difference
COPIED = "generator.copied"  # of which the engine measures now and then how many there are
BY_HEART, FEW_OWN = 0.2, 0.5  # copies, for a warning, for a bad verdict; of new data `AMONG_NEW` are, 0.1 at the most


def have_moved(history: History) -> bool:
    """Whether several players wrote this history: their names stand before what they log."""
    return any("." in name for record in history[-1:] for name in record)


def collapsed(history: History, values: int | None = None) -> Verdict | None:
    """Samples that are nearly all the same, or that leave out parts of the data."""
    diversity = _best(history, "generator.diversity")
    if diversity is not None and diversity < ALIKE:
        text = f"Samples differ from each other by {diversity:.0%} of what the data do: they are nearly all alike."
        return _collapse("bad", text)
    return _left_out(history) if values is not None and values <= FEW_VALUES else _uncovered(history)


def unlike(history: History, values: int | None = None) -> Verdict | None:
    """Samples that vary, and in the end come near hardly any data, or of few values are not near enough."""
    covered = _best(history, "generator.coverage")
    few = values is not None and values <= FEW_VALUES
    if covered is None or covered >= (UNLIKE_FEW if few else UNLIKE) or collapsed(history, values) is not None:
        return None
    return Verdict(
        "bad" if covered < UNLIKE else "warning",
        "samples unlike the data",
        f"Samples vary, but only {covered:.0%} of the data have one nearby; 97% would, were they distributed alike.",
        "more epochs, another learning_rate, or wider networks",
    )


def discriminator_won(history: History, values: int | None = None) -> Verdict | None:
    """A discriminator that is nearly always right: the generator cannot follow, or the data are known by heart."""
    right = _each(history, "discriminator.right")
    if right is None or min(right) < SURE:
        return None
    seen = f"The discriminator tells data from samples in {right[-1]:.1%} of the cases"
    fix = "a lower discriminator_rate, discriminator_steps=1, a larger gamma, or augment=True"
    poor = _are_poor(history, values)
    if poor is None:
        return Verdict("warning", "discriminator has won", f"{seen}: it may have little left to teach.", fix)
    if poor:
        text = f"{seen}, and the samples are still unlike the data: the generator cannot follow."
        return Verdict("bad", "discriminator has won", text, fix)
    text = f"{seen}, though the samples are varied and near the data: it may know those by heart."
    return Verdict("warning", "discriminator has won", text, "augment=True, more data, or a larger gamma")


def generator_won(history: History, values: int | None = None) -> Verdict | None:
    """A discriminator that guesses, though samples are not like the data.

    Both by its judgements and by its logits: those of a Wasserstein critic have no sign that would mean anything.
    """
    right, gaps = _each(history, "discriminator.right"), _gaps(history)[-SEVERAL:]
    if right is None or max(right) > GUESSING or len(gaps) < SEVERAL or max(gaps) > LEVEL:
        return None
    if not _are_poor(history, values):
        return None
    return Verdict(
        "bad",
        "generator has won",
        f"The discriminator tells data from samples in {right[-1]:.0%} of the cases, as guessing would, though the "
        "samples are unlike the data: it is too weak to teach.",
        "a higher discriminator_rate, discriminator_steps=2, a smaller gamma, or a wider discriminator",
    )


def vanished(history: History, values: int | None = None) -> Verdict | None:
    """A generator that is hardly pushed any more, though its samples are not like the data."""
    pushes = _each(history, "generator.push")
    strongest = max((record.get("generator.push", 0.0) for record in history), default=0.0)
    if pushes is None or max(pushes) > max(FADED * strongest, STILL) or not _are_poor(history, values):
        return None
    by = f"{pushes[-1] / strongest:.1g} of what it was" if strongest else "nothing"
    return Verdict(
        "bad",
        "vanishing gradients",
        f"What the discriminator tells the generator has faded to {by}, though the samples are unlike the data.",
        "a lower discriminator_rate, a larger gamma, or a method with a gradient penalty (R3GAN, WGANGP)",
    )


def swinging(history: History) -> Verdict | None:
    """Players that chase each other: samples, or logits, that go to and fro from epoch to epoch."""
    for name in ("diversity", "coverage", "missed"):
        seen = [record[f"generator.{name}"] for record in history[-SWINGS:] if f"generator.{name}" in record]
        if _goes_to_and_fro(seen) and (swing := _mean_change(seen)) > SWING:
            return _oscillation(f"the {name} of the samples changes by {swing:.2f} from epoch to epoch, to and fro")
    gaps = _gaps(history)[-SWINGS:]
    if _goes_to_and_fro(gaps) and (swing := _mean_change(gaps)) > LOGIT_SWING * max(1.0, _mean([abs(g) for g in gaps])):
        return _oscillation(f"the distance of the mean logits changes by {swing:.2g} from epoch to epoch, to and fro")
    return None


def memorised(history: History) -> Verdict | None:
    """Samples that are copies of training data: `generator.copied` is their share, when it was last measured."""
    shares = [record[COPIED] for record in history if COPIED in record]
    return by_heart(shares[-1]) if shares else None


def by_heart(copied: float) -> Verdict | None:
    """What is to be said of such a share of copies, as `objectives/copies.py` has it."""
    if copied < BY_HEART:
        return None
    return Verdict(
        "bad" if copied >= FEW_OWN else "warning",
        "memorisation",
        f"{copied:.0%} of the samples lie as much nearer to one training sample than to any other as only "
        f"{AMONG_NEW:.0%} "
        "of new data would: they are copies.",
        "augment=True, more data, fewer epochs, or narrower networks",
    )


def said_of_samples(history: History) -> str:
    """What is good about the samples, for a verdict that nothing is wrong; empty if nothing of it is logged."""
    diversity = _best(history, "generator.diversity")
    return "" if diversity is None else f"Samples differ from each other by {diversity:.0%} of what the data do. "


def _left_out(history: History) -> Verdict | None:
    share, covered = _best(history, "generator.missed"), _best(history, "generator.coverage")
    if share is None or covered is None or share < MISSED[0]:
        return None
    dense = covered / (1 - share) if covered >= UNLIKE and share < 1 else 0.0  # of hardly any it says nothing
    if dense < DENSE and not _reuses(history, GATHERED) and (dense < SCATTERED or share < MISSED_IF_WIDE):
        return None
    text = f"{share:.0%} of the data lie where no sample comes near: parts of them are left out."
    return _collapse("bad" if share >= MISSED[1] else "warning", text)


def _uncovered(history: History) -> Verdict | None:
    covered = _best(history, "generator.coverage")
    if covered is None or (share := 1 - covered) < UNCOVERED[0] or not _reuses(history, REUSED):
        return None
    text = f"{share:.0%} of the data have no sample nearby, and samples gather about few: parts are left out."
    return _collapse("bad" if share >= UNCOVERED[1] else "warning", text)


def _collapse(level: Literal["warning", "bad"], text: str) -> Verdict:
    fix = "more epochs, a lower learning_rate, a larger batch_size or gamma, or R3GAN or WGANGP in its place"
    return Verdict(level, "mode collapse", text, fix)


def _oscillation(seen: str) -> Verdict:
    fix = "a lower learning_rate, a larger gamma, or plan ema=0.999"
    return Verdict("warning", "oscillation", f"The players chase each other: {seen}.", fix)


def _are_poor(history: History, values: int | None) -> bool | None:
    """Whether samples are not what they should be; None if nothing of that is logged."""
    diversity, covered = (_best(history, f"generator.{name}") for name in ("diversity", "coverage"))
    if diversity is None or covered is None:
        return None
    return diversity < 0.5 or covered < 0.5 or collapsed(history, values) is not None


def _reuses(history: History, least: float) -> bool:
    reused = _best(history, "generator.reused")
    return reused is not None and reused > least


def _each(history: History, name: str) -> list[float] | None:
    """A signal in the last few epochs; None if it is not logged in all of them, or there are not so many."""
    seen = [record[name] for record in history[-SEVERAL:] if name in record]
    return seen if len(seen) == SEVERAL else None


def _best(history: History, name: str) -> float | None:
    """The most favourable value of a signal in the last few epochs, as `_each` has them."""
    seen = _each(history, name)
    if seen is None:
        return None
    return min(seen) if name in ("generator.missed", "generator.reused") else max(seen)


def _gaps(history: History) -> list[float]:
    """By how much the mean logit of data is above that of samples, epoch by epoch."""
    real, fake = "discriminator.logit_real", "discriminator.logit_fake"
    gaps = [record[real] - record[fake] for record in history if {real, fake} <= record.keys()]
    return [gap for gap in gaps if math.isfinite(gap)]


def _goes_to_and_fro(seen: Sequence[float]) -> bool:
    """Whether the direction changes at more than half of the epochs between the first and the last."""
    if len(seen) < SWINGS:
        return False
    steps = [after - before for before, after in pairwise(seen)]
    turns = sum(one * other < 0 for one, other in pairwise(steps))
    return turns > (len(steps) - 1) / 2


def _mean_change(seen: Sequence[float]) -> float:
    return _mean([abs(after - before) for before, after in pairwise(seen)])


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
