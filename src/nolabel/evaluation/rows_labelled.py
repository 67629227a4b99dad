"""Rows of evidence that need labels: neighbours, linear probe, accuracy against the number of labels.

From arrays to rows, with the sentence that says how each number was taken. It knows no model and no file.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from nolabel.evaluation import neighbours, probes
from nolabel.evaluation.convergence import Tally
from nolabel.evaluation.evidence import Row
from nolabel.evaluation.labels import Classes
from nolabel.evaluation.repeats import Codes, Repeats, cells, default_of
from nolabel.evaluation.splits import Split, label_draws, stratified_splits


def _asked(split: Split, classes: Classes, count: int) -> str:
    guess = classes.sizes().max() / classes.sizes().sum()
    return (
        f"{count} stratified splits, {len(split.train):,} to learn from and {len(split.test):,} asked, "
        f"{len(classes.names)} classes; always guessing the largest class gives {guess:.3f}"
    )


def neighbour_row(codes: Codes, classes: Classes, splits: Sequence[Split], k: int) -> Row:
    """Accuracy of the weighted vote of the k nearest neighbours by cosine."""
    k = min(k, len(splits[0].train))
    y = classes.codes
    values = {
        name: [neighbours.accuracy(of, y, split.train, split.test, k=k) for split in splits]
        for name, of in codes.items()
    }
    protocol = (
        f"k = {k} nearest by cosine, exact; votes weigh exp(cosine / {default_of(neighbours.accuracy, 'temperature')}) "
        f"(Wu et al. 2018); {_asked(splits[0], classes, len(splits))}"
    )
    return Row("neighbours", "k-NN accuracy", protocol, True, cells(values))


def _probe_protocol() -> str:
    settings = probes.probe().get_params()
    return (
        f"logistic regression, L2 with C = {settings['C']:g}, at most {settings['max_iter']} iterations to "
        f"tolerance {settings['tol']:g}, on codes centred and divided by one number"
    )


def probe_row(codes: Codes, classes: Classes, splits: Sequence[Split], tally: Tally) -> Row:
    """Accuracy of the linear probe."""
    values: dict[str, list[float]] = {}
    for name, of in codes.items():
        with tally.watch("linear probe", name, len(splits)):
            values[name] = [probes.accuracy(of, classes.codes, split) for split in splits]
    protocol = f"{_probe_protocol()}; {_asked(splits[0], classes, len(splits))}"
    return Row("probe", "linear probe accuracy", protocol, True, cells(values))


def label_curve_rows(
    codes: Codes,
    classes: Classes,
    split: Split,
    repeats: Repeats,
    per_class: Sequence[int] = (1, 2, 5, 10, 50, 100),
) -> list[Row]:
    """Accuracy of the linear probe for each number of labels per class that the smallest class allows."""
    draws = label_draws(classes.codes, split.train, per_class, repeats.count, random_state=repeats.random_state)
    curves: dict[str, dict[int, list[float]]] = {}
    for name, of in codes.items():
        with repeats.tally.watch("linear probe with few labels", name, repeats.count * len(draws)):
            curves[name] = probes.label_curve(of, classes.codes, split, draws)
    how = (
        f"{_probe_protocol()}; {repeats.count} draws of the labelled samples, the same for every column, out of "
        f"{len(split.train):,}; always the same {len(split.test):,} asked"
    )
    return [_curve_row(count, how, {name: curve[count] for name, curve in curves.items()}) for count in draws]


def _curve_row(count: int, how: str, values: Mapping[str, Sequence[float]]) -> Row:
    measure = f"accuracy with {count} label{'s' if count > 1 else ''} a class"
    return Row("label curve", measure, how, True, cells(values), labels_per_class=count)


def _end_of_curve(rows: Sequence[Row], classes: Classes, split: Split) -> str | None:
    wanted = default_of(label_curve_rows, "per_class")
    skipped = [str(count) for count in wanted if count not in {row.labels_per_class for row in rows}]
    if not skipped:
        return None
    sizes = np.bincount(classes.codes[split.train])
    return (
        f"Accuracy with {', '.join(skipped)} labels a class is left out: class {classes.names[sizes.argmin()]!r} has "
        f"only {sizes.min()} labelled samples to draw from."
    )


def labelled_rows(codes: Codes, classes: Classes, repeats: Repeats, k: int) -> tuple[list[Row], list[str]]:
    """Neighbours, linear probe and label curve, and notes on what had to be left out."""
    splits = stratified_splits(classes.codes, repeats.count, random_state=repeats.random_state)
    curve = label_curve_rows(codes, classes, splits[0], repeats)
    rows = [neighbour_row(codes, classes, splits, k), probe_row(codes, classes, splits, repeats.tally), *curve]
    notes = [_end_of_curve(curve, classes, splits[0])]
    if k > len(splits[0].train):
        notes.append(f"k was lowered from {k} to {len(splits[0].train)}, all samples there are to learn from.")
    return rows, [note for note in notes if note]
