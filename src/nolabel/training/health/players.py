"""Rules about players who move against each other: a generator of samples, and a discriminator that judges them.

Each takes the history of a run, one record an epoch, and reads the signals that such players log, with the player's
name before them: of the generator those of `objectives/sample_signals.py`, at the end of an epoch by averaged weights
if there are such, and `push`, the norm of the gradient of its loss with respect to its samples; of the discriminator
`right`, the share that it tells apart, and its mean logits. A signal that is not logged is not judged. Losses are not
looked at: one player's gain is the other's loss, so that they say nothing of what was learned. Only knobs name methods.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from nolabel.objectives.copies import AMONG_NEW
from nolabel.training.health.verdict import History, Record, Verdict

LEARNED = 300  # steps before which no game is lost: samples need about so many to come near the data at all
SEVERAL = 3  # last epochs with a signal that count, the most favourable of them
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
_UNPENALISED = "{+latent}{-gamma}{-penalty}"  # a knob for games from noise without a gradient penalty
BY_HEART, FEW_OWN = 0.2, 0.5  # copies, for a warning, for a bad verdict; of new data `AMONG_NEW` are, 0.1 at the most


@dataclass(frozen=True, slots=True)
class Game:
    """What is judged: one record an epoch, the number of values of a sample (None if it is not known), and how many
    epochs must have a signal before it is.
    """

    history: History
    values: int | None = None
    fewest: int = SEVERAL

    @property
    def is_small(self) -> bool:
        """Whether samples have so few values that their distances say how alike they are."""
        return self.values is not None and self.values <= FEW_VALUES

    def each(self, name: str) -> list[float] | None:
        """A signal in the last epochs that have it: a player who waits for its turn may not move in an epoch."""
        seen = [record[name] for record in self.history if name in record][-SEVERAL:]
        return seen if len(seen) >= self.fewest else None

    def best(self, name: str) -> float | None:
        """The most favourable value of a signal in the epochs that `each` has."""
        seen = self.each(name)
        if seen is None:
            return None
        return min(seen) if name in ("generator.missed", "generator.reused") else max(seen)


def have_moved(history: History) -> bool:
    """Whether several players wrote this history: their names stand before what they log."""
    return any("." in name for record in history[-1:] for name in record)


def collapsed(game: Game) -> Verdict | None:
    """Samples that are nearly all the same, or that leave out parts of the data."""
    diversity = game.best("generator.diversity")
    if diversity is not None and diversity < ALIKE:
        text = f"Samples differ from each other by {diversity:.0%} of what the data do: they are nearly all alike."
        return _collapse("bad", text)
    return _left_out(game) if game.is_small else _uncovered(game)


def unlike(game: Game) -> Verdict | None:
    """Samples that vary, and in the end come near hardly any data, or of few values are not near enough."""
    covered = game.best("generator.coverage")
    if covered is None or covered >= (UNLIKE_FEW if game.is_small else UNLIKE) or collapsed(game) is not None:
        return None
    return Verdict(
        "bad" if covered < UNLIKE else "warning",
        "samples unlike the data",
        f"Samples vary, but only {covered:.0%} of the data have one nearby; 97% would, were they distributed alike.",
        "more {epochs}; another {learning_rate}; wider networks",
    )


def discriminator_won(game: Game) -> Verdict | None:
    """A discriminator that is nearly always right: the generator cannot follow, or the data are known by heart."""
    right = game.each("discriminator.right")
    if right is None or min(right) < SURE:
        return None
    seen = f"The discriminator tells data from samples in {right[-1]:.1%} of the cases"
    fix = "a lower {discriminator_rate}; {discriminator_steps}=1; a larger {gamma}; {augment}=True"
    poor = _are_poor(game)
    if poor is None:
        return Verdict("warning", "discriminator has won", f"{seen}: it may have little left to teach.", fix)
    if poor:
        text = f"{seen}, and the samples are still unlike the data: the generator cannot follow."
        return Verdict("bad", "discriminator has won", text, fix)
    text = f"{seen}, though the samples are varied and near the data: it may know those by heart."
    return Verdict("warning", "discriminator has won", text, "{augment}=True; more data; a larger {gamma}")


def generator_won(game: Game) -> Verdict | None:
    """A discriminator that guesses, though samples are not like the data.

    Both by its judgements and by its logits: those of a Wasserstein critic have no sign that would mean anything. So a
    good game ends too: that a few data are left out, of which `collapsed` warns, does not say that it was lost.
    """
    right, gaps = game.each("discriminator.right"), _gaps(game.history)[-SEVERAL:]
    if right is None or max(right) > GUESSING or len(gaps) < game.fewest or max(gaps) > LEVEL:
        return None
    if not _are_poor(game, gravely=True):
        return None
    return Verdict(
        "bad",
        "generator has won",
        f"The discriminator tells data from samples in {right[-1]:.0%} of the cases, as guessing would, though the "
        "samples are unlike the data: it is too weak to teach.",
        "a higher {discriminator_rate}; {discriminator_steps}=2; a smaller {gamma}; a wider discriminator",
    )


def vanished(game: Game) -> Verdict | None:
    """A generator that is hardly pushed any more, though its samples are not like the data."""
    pushes = game.each("generator.push")
    strongest = max((record.get("generator.push", 0.0) for record in game.history), default=0.0)
    if pushes is None or max(pushes) > max(FADED * strongest, STILL) or not _are_poor(game):
        return None
    by = f"{pushes[-1] / strongest:.1g} of what it was" if strongest else "nothing"
    return Verdict(
        "bad",
        "vanishing gradients",
        f"What the discriminator tells the generator has faded to {by}, though the samples are unlike the data.",
        "a lower {discriminator_rate}; a larger {gamma}; "
        f"{_UNPENALISED}a method with a gradient penalty (R3GAN, WGANGP)",
    )


def swinging(game: Game) -> Verdict | None:
    """Players that chase each other: samples, or logits, that go to and fro from epoch to epoch."""
    for name in ("diversity", "coverage", "missed"):
        seen = [record[f"generator.{name}"] for record in game.history if f"generator.{name}" in record][-SWINGS:]
        if _goes_to_and_fro(seen) and (swing := _mean_change(seen)) > SWING:
            return _oscillation(f"the {name} of the samples changes by {swing:.2f} from epoch to epoch, to and fro")
    gaps = _gaps(game.history)[-SWINGS:]
    if _goes_to_and_fro(gaps) and (swing := _mean_change(gaps)) > LOGIT_SWING * max(1.0, _mean([abs(g) for g in gaps])):
        return _oscillation(f"the distance of the mean logits changes by {swing:.2g} from epoch to epoch, to and fro")
    return None


def made_samples(records: Iterable[Record]) -> bool:
    """Whether samples were looked at beside the data."""
    return any("generator.diversity" in record for record in records)


def few_steps(steps: float) -> Verdict:
    """What is said at the end of a game of few steps of which nothing else is."""
    text = (
        f"{steps:,.0f} steps are too few to judge a game by: samples need some {LEARNED} to come near the data at all."
    )
    return Verdict("warning", "few steps", text, "more epochs")


def memorised(game: Game) -> Verdict | None:
    """Samples that are copies of training data: `generator.copied` is their share, when it was last measured."""
    shares = [record[COPIED] for record in game.history if COPIED in record]
    return by_heart(shares[-1]) if shares and not _are_no_copies(game.history) else None


def by_heart(copied: float) -> Verdict | None:
    """What is to be said of such a share of copies, as `objectives/copies.py` has it."""
    if copied < BY_HEART:
        return None
    return Verdict(
        "bad" if copied >= FEW_OWN else "warning",
        "memorisation",
        f"{copied:.0%} of the samples lie as much nearer to one training sample than to any other as only "
        f"{AMONG_NEW:.0%} of new data would: they are copies.",
        "{augment}=True; more data; fewer {epochs}; narrower networks",
    )


def _are_no_copies(history: History) -> bool:
    """Whether samples are all alike, whatever they are near to, or near to hardly any data; each is said elsewhere."""
    game = Game(history, fewest=1)
    diversity, covered = game.best("generator.diversity"), game.best("generator.coverage")
    return (diversity is not None and diversity < ALIKE) or (covered is not None and covered < UNLIKE)


def said_of_samples(history: History) -> str:
    """What is good about the samples, for a verdict that nothing is wrong; empty if nothing of it is logged."""
    diversity = Game(history, fewest=1).best("generator.diversity")
    return "" if diversity is None else f"Samples differ from each other by {diversity:.0%} of what the data do."


def _left_out(game: Game) -> Verdict | None:
    share, covered = game.best("generator.missed"), game.best("generator.coverage")
    if share is None or covered is None or share < MISSED[0]:
        return None
    dense = covered / (1 - share) if covered >= UNLIKE and share < 1 else 0.0  # of hardly any it says nothing
    if dense < DENSE and not _reuses(game, GATHERED) and (dense < SCATTERED or share < MISSED_IF_WIDE):
        return None
    text = f"{share:.0%} of the data lie where no sample comes near: parts of them are left out."
    return _collapse("bad" if share >= MISSED[1] else "warning", text)


def _uncovered(game: Game) -> Verdict | None:
    covered = game.best("generator.coverage")
    if covered is None or (share := 1 - covered) < UNCOVERED[0] or not _reuses(game, REUSED):
        return None
    text = f"{share:.0%} of the data have no sample nearby, and samples gather about few: parts are left out."
    return _collapse("bad" if share >= UNCOVERED[1] else "warning", text)


def _collapse(level: Literal["warning", "bad"], text: str) -> Verdict:
    fix = "more {epochs}; a lower {learning_rate}; a larger {batch_size}; a larger {gamma}"
    return Verdict(level, "mode collapse", text, f"{fix}; {_UNPENALISED}R3GAN or WGANGP in its place")


def _oscillation(seen: str) -> Verdict:
    fix = "a lower {learning_rate}; a larger {gamma}; {+plan}plan ema=0.999"
    return Verdict("warning", "oscillation", f"The players chase each other: {seen}.", fix)


def _are_poor(game: Game, *, gravely: bool = False) -> bool | None:
    """Whether samples are not what they should be, `gravely` or at all; None if nothing of that is logged."""
    diversity, covered = (game.best(f"generator.{name}") for name in ("diversity", "coverage"))
    if diversity is None or covered is None:
        return None
    if diversity < 0.5 or covered < 0.5:
        return True
    left_out = collapsed(game)
    return left_out is not None and (left_out.level == "bad" or not gravely)


def _reuses(game: Game, least: float) -> bool:
    reused = game.best("generator.reused")
    return reused is not None and reused > least


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
