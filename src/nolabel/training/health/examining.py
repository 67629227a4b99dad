"""`examine`: every rule asked, the worst verdict first.

It knows which rules there are, and what one verdict makes superfluous.
"""

import math
from collections.abc import Collection, Iterator
from dataclasses import replace

from torch import Tensor

from nolabel.training.health import codes as about_codes
from nolabel.training.health import losses, maps, players, restored, views
from nolabel.training.health.knobs import worded
from nolabel.training.health.verdict import History, Verdict, worst_first


def examine(
    codes: Tensor | None,
    history: History,
    *,
    best_kept: bool = False,
    batch: float = math.inf,
    values: int | None = None,
    ended: bool = True,
    steps: float = math.inf,
    arguments: Collection[str] | None = None,
) -> list[Verdict]:
    """All verdicts, worst first; of one name the worst only.

    Parameters
    ----------
    codes
        (B, L) of a few hundred training samples; None asks only the rules about what is logged.
    history
        One record an epoch.
    best_kept
        Whether the weights are those of the best held-out loss instead of the last.
    batch
        Samples that meet in a step, over all processes: of one piece, if a plan accumulates gradients.
    values
        Numbers that a sample is made of; None if that is not known.
    ended
        Whether training is over: some rules say what has not been reached, and wait for that.
    steps
        Steps that the learner has made; after few of them no game is lost.
    arguments
        Names of the arguments that the method has, so that no other is said to be turned; None if they are not known.

    Returns
    -------
    list of Verdict
        One that is good if nothing is wrong.
    """
    if game := players.have_moved(history):
        logged = _of_players(history, values, ended, steps)
    else:
        logged = _of_history(history, best_kept, batch, ended)
    undone = restored.undone(history, short=steps < players.LEARNED) if ended else None
    told = [*_of_codes(codes, values, game=game), *logged, *filter(None, [undone])]
    found = worst_first([replace(verdict, knob=worded(verdict.knob, arguments)) for verdict in told])
    if not found:
        return [_healthy(codes, history)]
    first = {verdict.name: place for place, verdict in reversed(list(enumerate(found)))}
    return [verdict for place, verdict in enumerate(found) if first[verdict.name] == place]


def _of_codes(codes: Tensor | None, values: int | None, *, game: bool) -> Iterator[Verdict]:
    """Of a game the codes are a discriminator's units, of unlike sizes because all are leaky: none of them is dead."""
    if codes is None:
        return
    if broken := about_codes.broken(codes):
        yield broken
        return  # nothing else can be said of them
    rules = (about_codes.collapse(codes, values), None if game else about_codes.dead_units(codes))
    yield from filter(None, rules)


def _of_history(history: History, best_kept: bool, batch: float, ended: bool) -> Iterator[Verdict]:
    yield from filter(None, (_unmoved(history, batch), None if best_kept else losses.overfitted(history)))
    yield from filter(None, (maps.still(history), losses.posterior(history), losses.codebook(history)))
    yield from filter(None, _of_views(history, batch))
    if ended:
        yield from filter(None, (maps.torn(history), maps.empty(history)))
        yield from filter(None, (views.near_chance(history), views.unmatched(history, batch), views.apart(history)))


def _of_players(history: History, values: int | None, ended: bool, steps: float) -> Iterator[Verdict]:
    """What is said of a game; when it ends after few steps, that more are needed, though not to stop copying.

    When it ends after many in few epochs, these do to judge it by, for there will be no more. What is logged may be
    their mean, with the beginning of the game in it: so only what is bad is said, for which that is not enough.
    """
    late = steps >= players.LEARNED
    if not late and not ended:
        return
    game = players.Game(history, values, fewest=1 if late and ended else players.SEVERAL)
    if verdict := players.memorised(game):
        yield verdict
    few, told = len(history) < players.SEVERAL, False
    for found in filter(None, _of_the_game(game, ended)):
        if few and found.level != "bad":
            continue
        told = True
        yield found if late else replace(found, level="warning", knob="more epochs")
    if not late and not told and players.made_samples(history):
        yield players.few_steps(steps)


def _of_the_game(game: players.Game, ended: bool) -> Iterator[Verdict | None]:
    yield players.collapsed(game)
    yield players.discriminator_won(game)
    yield players.generator_won(game)
    yield players.vanished(game)
    yield players.swinging(game)
    if ended:
        yield players.unlike(game)


def _unmoved(history: History, batch: float) -> Verdict | None:
    """A loss that says nothing is learned: by what guessing would give if that is known, and by where it began.

    The loss of a queue that fills rises with what guessing would give, though more is learned: then only the first.
    """
    chances = [record["chance"] for record in history if "chance" in record]
    if chances and max(chances) > 1.01 * min(chances):
        return views.at_chance(history, batch)
    return views.at_chance(history, batch) or losses.stuck(history)


def _of_views(history: History, batch: float) -> Iterator[Verdict | None]:
    yield views.collapsed(history)
    yield views.above_chance(history)
    yield views.same_views(history)
    yield views.easy_views(history, batch)
    yield views.few_candidates(history)
    yield views.few_samples(history, batch)
    yield views.few_prototypes(history, batch)
    yield views.queue_unfilled(history)


def _healthy(codes: Tensor | None, history: History) -> Verdict:
    if codes is None:
        return Verdict("good", "healthy", "Nothing that was logged gives cause for concern.")
    if said := players.said_of_samples(history):
        return Verdict("good", "healthy", f"{said} Nothing that was logged of the players gives cause for concern.")
    fell = "The loss fell, and codes" if len(history) >= 3 and not players.have_moved(history) else "Codes"
    rank = about_codes.effective_rank(codes)
    return Verdict("good", "healthy", f"{fell} use {rank:.1f} effective of {codes.shape[1]} dimensions.")
