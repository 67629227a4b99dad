"""Rules about self-organizing maps: units that never moved, folds, units without samples.

Each takes the history of a run, one record an epoch, and reads the signals that a map logs.
"""

from nolabel.training.health.verdict import History, Verdict


def still(history: History) -> Verdict | None:
    """A map of which hardly any unit has ever moved: `units_moved` is the share of those that did in an epoch."""
    if not history or (most := max(record.get("units_moved", 1.0) for record in history)) >= 0.1:
        return None
    return Verdict(
        "bad",
        "not learning",
        f"No more than {most:.0%} of the map's units ever moved: hardly any sample pulls them.",
        "a larger first radius, or another neighbourhood",
    )


def torn(history: History) -> Verdict | None:
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


def empty(history: History) -> Verdict | None:
    """A map of which most units are nearest to no sample: `units_in_use` is the share of those that are."""
    if not history or history[-1].get("units_in_use", 1.0) >= 0.5:
        return None
    return Verdict(
        "warning",
        "empty units",
        f"Only {history[-1]['units_in_use']:.0%} of the map's units are the nearest of any sample.",
        "a smaller shape (about 5 √N units for N samples)",
    )
