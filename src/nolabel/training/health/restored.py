"""Rules about methods that undo damage: is what they make nearer to the truth than what they were shown?

Each takes the history of a run, one record an epoch, and compares two signals: `pixels`, the mean distance of restored
samples to the clean ones, and `damage`, that of the damaged ones, over the same values; with a player's name before
them or without. A method that does not log both is not judged. A net may do more harm than good at first: of a run of
few steps only what no more of them would mend is bad.
"""

from nolabel.training.health.verdict import History, Record, Verdict

WRECKED, WORSE = 2.0, 1.02  # of the damage; noise that is faint is doubled by chance in a first epoch, and no more
NOTHING, LITTLE = 0.998, 0.98  # of the damage, above which nothing, or hardly anything, is undone
STILL = 1e-4  # of the damage: a net that has moved at all differs by more


def undone(history: History, *, short: bool = False) -> Verdict | None:
    """A net that leaves the damage as it is in the end, or that does more; `short` after few steps."""
    shares = [left for record in history if (left := _left(record)) is not None]
    if not shares or shares[-1] <= LITTLE:
        return None
    share = shares[-1]
    forgiven = short and share <= WRECKED and any(abs(one - 1) > STILL for one in shares)
    if share > WORSE:
        return Verdict(
            "warning" if forgiven else "bad",
            "worse than the damage",
            f"What is restored is {share:.3g} times as far from the truth as what was damaged: it is made worse.",
            "more {epochs}; a lower {learning_rate}" if forgiven else "a lower {learning_rate}; more {epochs}",
        )
    return Verdict(
        "warning" if forgiven or share <= NOTHING else "bad",
        "not learning",
        f"What is restored is as far from the truth as what was damaged ({share:.1%} of it): hardly any is undone.",
        "more {epochs}; another {learning_rate} (tenfold, a tenth)",
    )


def _left(record: Record) -> float | None:
    """`pixels` by `damage`, of the player who logs both; None if nobody does, or if there is no damage."""
    for name, damage in record.items():
        player, dot, signal = name.rpartition(".")
        if signal == "damage" and damage > 0 and f"{player}{dot}pixels" in record:
            return record[f"{player}{dot}pixels"] / damage
    return None
