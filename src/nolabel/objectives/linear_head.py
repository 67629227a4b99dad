"""The linear classifier on codes, by its optimum: where a probe ends and where fine-tuning does best to begin.

    W, b = argmin  Σ_i w_{y_i} · −log softmax(W z_i + b)_{y_i} + ‖W‖² / 2C

Pure function of arrays, by scikit-learn's L-BFGS; how codes are scaled before is the caller's affair.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression


def linear_head(
    codes: Float[np.ndarray, "N L"],
    y: Int[np.ndarray, "N"],
    classes: int,
    *,
    c: float = 1.0,
    class_weight: Literal["balanced"] | None = None,
) -> tuple[Float[np.ndarray, "K L"], Float[np.ndarray, "K"]]:
    """W (K, L) and b (K,), float64; a class without a sample scores nowhere above the least of the others' b.

    Parameters
    ----------
    codes, y
        Codes, centred and scaled, and classes 0..K-1, of which at least two occur.
    classes
        K.
    c
        Inverse strength of the penalty.
    class_weight
        "balanced" for w = N / (K n_y); None for 1.
    """
    fitted = LogisticRegression(C=c, max_iter=1000, tol=1e-3, class_weight=class_weight).fit(codes, y)
    own, biases = fitted.coef_.astype(np.float64), fitted.intercept_.astype(np.float64)
    if len(own) == 1:  # two classes have one row: its score against 0
        own, biases = np.concatenate([-own, own]) / 2, np.concatenate([-biases, biases]) / 2
    weights, b = np.zeros((classes, codes.shape[1])), np.full(classes, biases.min())
    weights[fitted.classes_], b[fitted.classes_] = own, biases
    return weights, b
