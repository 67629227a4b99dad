"""From the four representations, as arrays, to the whole table and its notes. It knows no estimator and no file."""

from dataclasses import dataclass, field

from threadpoolctl import threadpool_limits

from nolabel.evaluation import rows_clusters, rows_labelled, rows_unlabelled
from nolabel.evaluation.clusters import choose_k
from nolabel.evaluation.evidence import Evidence, Row, comparisons
from nolabel.evaluation.labels import Classes, usable
from nolabel.evaluation.repeats import Codes, Repeats, Scores
from nolabel.evaluation.splits import seed_of


@dataclass(frozen=True)
class Measured:
    """What was computed from model and data before anything is weighed.

    Parameters
    ----------
    codes
        (N, L) for each representation; L may differ.
    scores
        Reconstruction scores (N,) by representation and measure; empty for a model that cannot reconstruct.
    floor
        BCE of the data with themselves, or None where BCE has no meaning.
    window
        Side of the SSIM window, or None where the data are not images.
    notes
        What had to be done to get there.
    """

    codes: Codes
    scores: Scores = field(default_factory=dict)
    floor: float | None = None
    window: int | None = None
    notes: tuple[str, ...] = ()


def _number_of_clusters(codes: Codes, classes: Classes | None, repeats: Repeats) -> tuple[int, str]:
    if classes is not None:
        return len(classes.names), "the number of classes"
    found = choose_k(codes["model"], seed_of(repeats.random_state, 9))
    if found < 2:
        return 2, "2, for the model's codes are all the same"
    return found, "the one with the best silhouette on the model's codes"


def _cluster_rows(codes: Codes, classes: Classes | None, repeats: Repeats) -> list[Row]:
    k, why = _number_of_clusters(codes, classes, repeats)
    made = rows_clusters.cluster_all(codes, k, repeats)
    rows = rows_clusters.unlabelled_cluster_rows(codes, made, repeats, why)
    if classes is None:
        return rows
    return [*rows, *rows_clusters.cluster_agreement_rows(made, classes.codes, repeats)]


def _reconstruction_rows(measured: Measured, repeats: Repeats) -> list[Row]:
    if not measured.scores:
        return []
    return rows_unlabelled.reconstruction_rows(measured.scores, repeats, floor=measured.floor, window=measured.window)


def _constant(codes: Codes) -> list[str]:
    same = [name for name, of in codes.items() if bool((of == of[0]).all())]
    return [f"All codes of {name} are the same: it tells no sample from another." for name in same]


def weigh(measured: Measured, labels: Classes | None, repeats: Repeats, k: int) -> Evidence:
    """Every measure that the data allow, on every representation.

    Parameters
    ----------
    measured
        The representations of N samples.
    labels
        The classes of the N samples, or None.
    repeats
        How often and with which randomness.
    k
        Neighbours that vote.
    """
    codes = measured.codes
    classes, missing = usable(labels) if labels is not None else (None, [])
    # hundreds of small fits: threads that wait for each other cost more than they bring, above all on a busy machine
    with threadpool_limits(limits=1):
        labelled, short = rows_labelled.labelled_rows(codes, classes, repeats, k) if classes is not None else ([], [])
        rows = [
            *_reconstruction_rows(measured, repeats),
            *rows_unlabelled.rank_rows(codes, repeats),
            *labelled,
            *_cluster_rows(codes, classes, repeats),
        ]
    notes = [*comparisons(rows), *_constant(codes), *measured.notes, *missing, *short, *repeats.tally.notes()]
    return Evidence(tuple(rows), tuple(notes), len(codes["model"]))
