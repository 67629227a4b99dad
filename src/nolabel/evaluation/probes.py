"""Linear probe: how well a linear classifier reads the classes from a representation that it cannot change.

scikit-learn's LogisticRegression (L2, C = 1, L-BFGS to tolerance 1e-3) on codes scaled by one number over the whole
unlabelled training part, which needs no label (`scaling` says why not column by column); asked samples never enter.
Pure functions of arrays; they know no model, and a fit that stopped early warns as scikit-learn warns.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression

from nolabel.evaluation.scaling import evenly
from nolabel.evaluation.splits import Split


def probe(c: float = 1.0, max_iter: int = 200, tol: float = 1e-3) -> LogisticRegression:
    """The classifier: inverse strength of its L2 penalty, L-BFGS iterations at most, and its tolerance."""
    return LogisticRegression(C=c, max_iter=max_iter, tol=tol)


def _accuracy(features: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    return float(probe().fit(features[train], labels[train]).score(features[test], labels[test]))


def accuracy(codes: Float[np.ndarray, "N L"], labels: Int[np.ndarray, "N"], split: Split) -> float:
    """Share of the asked samples that a linear classifier, fitted to the training part, names right."""
    return _accuracy(evenly(codes, codes[split.train]), labels, split.train, split.test)


def label_curve(
    codes: Float[np.ndarray, "N L"],
    labels: Int[np.ndarray, "N"],
    split: Split,
    draws: Mapping[int, Sequence[Int[np.ndarray, "_"]]],
) -> dict[int, list[float]]:
    """Accuracy on the fixed asked part for every draw of labelled rows, by number of labels per class.

    Parameters
    ----------
    codes, labels
        (N, L) and (N,).
    split
        Its training part is the pool that scales the codes, its other part is asked.
    draws
        What `splits.label_draws` drew from the pool.
    """
    features = evenly(codes, codes[split.train])
    return {
        count: [_accuracy(features, labels, rows, split.test) for rows in rows_of_draw]
        for count, rows_of_draw in draws.items()
    }
