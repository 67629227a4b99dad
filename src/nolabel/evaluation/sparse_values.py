"""Sparse samples as the raw values that a model must beat: few enough columns for neighbours, probes and clusters.

Counts of words become TF-IDF, (1 + log count) · (1 + log((1 + N) / (1 + N_w))), each text of length 1; other values
stay as they are. Either is then turned to its first principal directions without being centred: truncated singular
value decomposition, which for texts is latent semantic analysis (Deerwester et al. 1990). It knows no model.
"""

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import csr_array, vstack
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.utils.extmath import randomized_svd

from nolabel.data.dataset import Dataset
from nolabel.types import Batch

_WIDTH = 256


def is_counted(data: Dataset) -> bool:
    """Whether the samples are texts, counts or sparse rows."""
    return data.spec.modality == "text" or data.is_sparse


def reduced_values(data: Dataset, width: int = _WIDTH, seed: int = 0) -> tuple[Float[np.ndarray, "N W"], str]:
    """Flat vectors of at most `width` columns, and a sentence on what they are.

    Parameters
    ----------
    data
        N texts, counts or sparse rows.
    width
        Columns at most; data that have no more are only made dense.
    seed
        Of the randomised decomposition.
    """
    text = data.spec.modality == "text"
    rows = vstack([_matrix(batch) for batch in data.batches()]).tocsr()
    values = TfidfTransformer(sublinear_tf=True).fit_transform(rows) if text else rows
    what = "TF-IDF of the words" if text else "the values"
    if data.spec.width <= width:
        return values.toarray().astype(np.float32), f"The raw and PCA columns see {what}." if text else ""
    kept = min(width, len(data) - 1)
    left, sizes, _ = randomized_svd(values, kept, random_state=seed)
    note = f"The raw and PCA columns see {what} reduced to {kept} columns by truncated SVD."
    return np.ascontiguousarray(left * sizes, dtype=np.float32), note


def _matrix(batch: Batch) -> csr_array:
    x = batch.x if batch.x.layout == torch.sparse_csr else batch.x.to_sparse_csr()
    parts = (x.values().numpy(), x.col_indices().numpy(), x.crow_indices().numpy())
    return csr_array(parts, shape=tuple(x.shape))
