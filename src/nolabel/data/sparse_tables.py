"""Sparse tables: a scipy matrix of numbers <-> network values, which are the numbers as they are.

Nothing is scaled: a mean taken off would leave no zero. Missing and infinite values are refused. The recipe, plain
JSON: kind "sparse" and width (D). Words have a room of their own (`text.py`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from torch import Tensor

from nolabel.data import sparse
from nolabel.data.sparse import SparseRows
from nolabel.data.table_inputs import from_array
from nolabel.errors import ArgumentError, DataError
from nolabel.types import DataSpec


def learn(matrix: Any) -> DataSpec:
    """The spec of a sparse matrix (N, D): modality "table", values "unit" if all lie in [0, 1]."""
    _check(matrix)
    values = matrix.tocsr().data
    unit = not len(values) or bool(values.min() >= 0 and values.max() <= 1)
    return DataSpec(
        "table", (matrix.shape[1],), "unit" if unit else "real", {"kind": "sparse", "width": matrix.shape[1]}
    )


def encode(matrix: Any, spec: DataSpec) -> SparseRows:
    """The rows of a matrix (N, D), sparse or dense, as `spec` has them.

    Raises
    ------
    DataError
        It has another width, holds missing or infinite values, or no real numbers.
    """
    rows = matrix if issparse(matrix) else csr_array(from_array(matrix).to_numpy())
    _check(rows)
    if rows.shape[1] != spec.width:
        raise DataError(
            f"X has {rows.shape[1]} features, but nolabel is expecting {spec.width} features as input: give the "
            "columns that the model was fitted to, in the same order"
        )
    return sparse.from_scipy(rows)


def restore(spec: DataSpec, values: Tensor) -> NDArray[np.float32]:
    """Network values (B, D) as a dense array."""
    if values.ndim != 2 or values.shape[1] != spec.width:
        raise ArgumentError(f"values must have shape (N, {spec.width}); got {tuple(values.shape)}")
    return np.asarray(values.detach().to_dense().cpu().float().numpy())


def _check(matrix: Any) -> None:
    if matrix.ndim != 2:
        raise DataError(f"a sparse table must have two axes, (N, D); this one has {matrix.ndim}")
    for axis, what in enumerate(("sample(s)", "feature(s)")):
        if not matrix.shape[axis]:
            raise DataError(f"Found array with 0 {what} (shape={matrix.shape}) while a minimum of 1 is required.")
    entries = matrix.tocoo()
    if entries.dtype.kind == "c":
        raise DataError("Complex data not supported: a sparse table must hold real numbers")
    if entries.dtype.kind not in "biuf":
        raise DataError(f"a sparse table must hold real numbers; this one holds values of dtype {entries.dtype}")
    wrong = ~np.isfinite(entries.data)
    if wrong.any():
        place = int(np.argmax(wrong))
        value = "NaN" if np.isnan(entries.data[place]) else "infinity"
        raise DataError(
            f"the sparse table contains {value} (row {entries.row[place]}, column {entries.col[place]}); it can have "
            "no missing values: give a dense one with missing='impute', or put a number there"
        )
