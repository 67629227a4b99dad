"""`make_report`: from a fitted model and data to a page on disk, in one call."""

import os
from pathlib import Path
from typing import Any

from nolabel.evaluation.evidence import Evidence
from nolabel.report.gather import gather
from nolabel.report.writing import write_report


def make_report(
    model: object,
    data: Any,
    path: str | os.PathLike[str],
    *,
    evidence: Evidence | None = None,
    labels: Any = None,
    run: str | Path | None = None,
    random_state: int = 0,
) -> Path:
    """Write a report on a model as one HTML file that opens without a network.

    Parameters
    ----------
    model
        A fitted estimator.
    data
        Anything that `nolabel.open` takes, or a `Dataset`; encoded with the model's own recipe.
    path
        Where to write the page; one that is there already is replaced.
    evidence
        What `nolabel.evaluate` found; without it the page has no evidence and its verdict says so.
    labels
        (N,) classes of any kind, -1 or NaN where unknown. None takes those of the data set, if it has any.
    run
        The run folder (`out` of `fit`), if there is one: the page shows what was kept there, as samples over training.
    random_state
        Seed of the sub-sample, the map, the clusters and the new samples.

    Returns
    -------
    Path
        The path written.

    Raises
    ------
    ArgumentError, DataError, NotFittedError
        The model, the data or the labels cannot be used.
    OutputError
        The page cannot be written.
    """
    return write_report(gather(model, data, evidence=evidence, labels=labels, run=run, random_state=random_state), path)
