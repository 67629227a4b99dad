"""Sparse samples: rows in compressed form, of which only the values that are not zero are kept.

    row i holds values[indptr[i]:indptr[i+1]] in the columns indices[indptr[i]:indptr[i+1]], columns rising, no zeros

A batch of them is a torch tensor of layout `sparse_csr`, (B, D) float32, on the device where the rows are; or a dense
one, for learners that know no other. This file knows nothing of words, recipes or order.
"""

import warnings
from functools import cache
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_BYTE = 255


@final
class SparseRows:
    """N rows of D values, most of them zero; held in memory, or on a device.

    Parameters
    ----------
    indptr
        (N + 1,) int64: where each row begins, and where the last one ends.
    indices
        (nnz,) int32 column numbers, rising in each row.
    values
        (nnz,) uint8 (counts up to 255) or float32, none of them zero.
    width
        Number of columns (D).
    dense
        Whether `gather` gives dense tensors.
    """

    def __init__(self, indptr: Tensor, indices: Tensor, values: Tensor, width: int, *, dense: bool = False) -> None:
        self.indptr = indptr
        self.indices = indices
        self.values = values
        self.width = width
        self.dense = dense

    @property
    def shape(self) -> tuple[int, int]:
        """(N, D)."""
        return len(self.indptr) - 1, self.width

    @property
    def nnz(self) -> int:
        """Number of values that are not zero."""
        return len(self.values)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(part.numel() * part.element_size() for part in (self.indptr, self.indices, self.values))

    @property
    def device(self) -> torch.device:
        """Where the rows are held."""
        return self.values.device

    def __repr__(self) -> str:
        return f"SparseRows({self.shape[0]} x {self.width}, {self.nnz} not zero)"

    def to(self, device: torch.device) -> "SparseRows":
        """The same rows held on `device`."""
        indptr, indices, values = (part.to(device) for part in (self.indptr, self.indices, self.values))
        return SparseRows(indptr, indices, values, self.width, dense=self.dense)

    def as_dense(self) -> "SparseRows":
        """The same rows, of which `gather` makes dense tensors; nothing is copied."""
        return SparseRows(self.indptr, self.indices, self.values, self.width, dense=True)

    def gather(self, index: Tensor) -> Tensor:
        """The rows in `index` (B,), in that order: (B, D) float32, of layout `sparse_csr` unless `dense`."""
        crow, places = self._places(index)
        rows = _csr(crow, self.indices[places].long(), self.values[places].float(), self.width)
        return rows.to_dense() if self.dense else rows

    def select(self, index: Tensor) -> "SparseRows":
        """The rows in `index` (B,), in that order, as compact as these."""
        crow, places = self._places(index)
        return SparseRows(crow, self.indices[places], self.values[places], self.width, dense=self.dense)

    def to_scipy(self) -> Any:
        """A scipy `csr_array` (N, D) float32."""
        from scipy.sparse import csr_array

        parts = (part.cpu().numpy() for part in (self.values.float(), self.indices, self.indptr))
        return csr_array(tuple(parts), shape=self.shape)

    def _places(self, index: Tensor) -> "tuple[Tensor, Tensor | slice]":
        """Where each of these rows begins among theirs alone (B + 1,), and the places of their values in ours."""
        index = index.to(self.device)
        starts = self.indptr[index]
        crow = torch.zeros(len(index) + 1, dtype=torch.int64, device=self.device)
        lengths = self.indptr[index + 1] - starts
        torch.cumsum(lengths, 0, out=crow[1:])
        if len(index) and bool((index[1:] - index[:-1] == 1).all()):  # neighbours lie together
            return crow, slice(int(starts[0]), int(starts[0] + crow[-1]))
        total = int(crow[-1])
        shifts = torch.repeat_interleave(starts - crow[:-1], lengths, output_size=total)
        return crow, shifts + torch.arange(total, device=self.device)


def from_scipy(matrix: Any) -> SparseRows:
    """The rows of a scipy sparse matrix or array of real numbers (N, D), which is not changed.

    Entries of one place are added up; whole numbers from 0 to 255 are kept in one byte each.
    """
    rows = matrix.tocsr()
    if not (rows.has_canonical_format and np.all(rows.data)):
        rows = rows.copy() if rows is matrix else rows
        rows.sum_duplicates()  # sorts the columns, too
        rows.eliminate_zeros()
    indptr, indices = (torch.from_numpy(part) for part in (rows.indptr.astype(np.int64), rows.indices.astype(np.int32)))
    return SparseRows(indptr, indices, torch.from_numpy(_compact(rows.data)), rows.shape[1])


def part_of(stored: Tensor, cut: slice) -> Tensor:
    """Rows `cut` (start and stop) of a batch of stored values, dense or `sparse_csr`."""
    if stored.layout != torch.sparse_csr:
        return stored[cut]
    start, stop, _ = cut.indices(stored.shape[0])
    if (start, stop) == (0, stored.shape[0]):
        return stored
    crow = stored.crow_indices()[start : stop + 1]
    own = slice(int(crow[0]), int(crow[-1]))
    return _csr(crow - crow[0], stored.col_indices()[own], stored.values()[own], stored.shape[1])


def all_equal(stored: Tensor, first: Tensor) -> bool:
    """Whether every row of `stored` (B, ...) is `first` (1, ...); both dense or both `sparse_csr`."""
    if stored.layout != torch.sparse_csr:
        return bool((stored == first).all())
    lengths = stored.crow_indices().diff()
    if not bool((lengths == first.values().numel()).all()):
        return False
    shape = (len(lengths), -1) if first.values().numel() else (len(lengths), 0)
    pairs = ((stored.col_indices(), first.col_indices()), (stored.values(), first.values()))
    return all(bool((many.view(shape) == one).all()) for many, one in pairs)


def plain_parts(stored: Tensor) -> tuple[Tensor, ...]:
    """The strided tensors that a batch of stored values is made of: itself, or rows, columns and values."""
    if stored.layout != torch.sparse_csr:
        return (stored,)
    return stored.crow_indices(), stored.col_indices(), stored.values()


def _csr(crow: Tensor, columns: Tensor, values: Tensor, width: int) -> Tensor:
    _silence()
    return torch.sparse_csr_tensor(crow, columns, values, (len(crow) - 1, width), check_invariants=False)


@cache
def _silence() -> None:
    """Make the first sparse tensor of this process, of which torch warns once that such tensors are new."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        torch.sparse_csr_tensor(torch.tensor([0, 0]), torch.empty(0, dtype=torch.int64), torch.empty(0), (1, 1))


def _compact(values: NDArray[Any]) -> "NDArray[np.uint8] | NDArray[np.float32]":
    """One byte a value where that loses nothing."""
    if values.dtype == np.uint8 or values.dtype == np.bool_:
        return values.astype(np.uint8)
    if len(values) and values.min() >= 0 and values.max() <= _BYTE:
        small = values.astype(np.uint8)
        if np.array_equal(small, values):
            return small
    return values.astype(np.float32)
