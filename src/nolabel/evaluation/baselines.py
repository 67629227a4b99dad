"""What a model must beat to be worth its training: the raw values, and principal components of the same width.

The third baseline, the untrained network, is the model's own (`Estimator.untrained`).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from sklearn.utils.extmath import randomized_svd
from torch import Tensor
from torch.nn import functional

from nolabel.data.dataset import Dataset
from nolabel.evaluation.sparse_values import is_counted, reduced_values


def _side_that_fits(data: Dataset, most: int) -> int | None:
    """Side of a square to which images must shrink so that N x C x side x side <= most; None if they need not."""
    if data.spec.modality != "image" or len(data) * data.spec.width <= most:
        return None
    return max(1, int((most / (len(data) * data.spec.shape[0])) ** 0.5))


def raw_values(data: Dataset, most: int = 128_000_000) -> tuple[Float[np.ndarray, "N D"], str]:
    """Network values as flat vectors, and a sentence if they had to be shrunk.

    Parameters
    ----------
    data
        N samples.
    most
        Values held at once. Images that would need more are average-pooled to the largest square that fits.

    Returns
    -------
    values
        (N, D) float32.
    note
        Empty, or what was done to the images, texts or sparse rows, and why.
    """
    if is_counted(data):
        return reduced_values(data)
    side = _side_that_fits(data, most)
    if side is None:
        return torch.cat([batch.x.flatten(1) for batch in data.batches()]).numpy(), ""
    small = [functional.adaptive_avg_pool2d(batch.x, side).flatten(1) for batch in data.batches(256)]
    height, width = data.spec.shape[1:]
    note = f"The raw and PCA columns see images shrunk from {height} x {width} to {side} x {side}, to fit into memory."
    return torch.cat(small).numpy(), note


@dataclass(frozen=True)
class Components:
    """Principal components: `mean` (D,) and `axes` (L, D), orthonormal, the one of largest variance first."""

    mean: Float[np.ndarray, "D"]
    axes: Float[np.ndarray, "L D"]

    def encode(self, values: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N L"]:
        """Coordinates along the axes."""
        return np.asarray((values - self.mean) @ self.axes.T)

    def rebuild(self, x: Tensor) -> Tensor:
        """Network values (B, *shape) projected on the span of the axes."""
        flat = x.flatten(1).numpy()
        return torch.from_numpy(self.encode(flat) @ self.axes + self.mean).reshape(x.shape)


def principal_components(
    values: Float[np.ndarray, "N D"], width: int, *, seed: int = 0, exact_up_to: int = 1500
) -> Components:
    """The first `width` principal components, or as many as samples and columns allow.

    Exact, from the covariance in double precision, up to `exact_up_to` columns; beyond that by scikit-learn's
    randomised singular value decomposition, which `seed` seeds.
    """
    width = min(width, *values.shape)
    mean = values.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = values - mean
    if values.shape[1] <= exact_up_to:
        wide = centred.astype(np.float64)
        axes = np.linalg.eigh(wide.T @ wide)[1][:, ::-1][:, :width].T
    else:
        axes = randomized_svd(centred, width, random_state=seed)[2]
    return Components(mean, np.ascontiguousarray(axes, dtype=np.float32))
