"""`Dataset`: samples in compact form, each with an id; in memory or in a memory map, the user need not care.

It knows nothing of modalities (their rooms make the arrays), of batching order (`sampler.py`) or of devices.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from nolabel.data.sparse import SparseRows
from nolabel.errors import DataError, Problem
from nolabel.types import Batch, DataSpec, to_network


class Dataset:
    """N samples, their ids, and what is known about them. Made by `nolabel.open`.

    Parameters
    ----------
    spec
        What one sample looks like, and the recipe that made it so.
    store
        (N, *spec.shape), uint8 or float32. A tensor is held in memory, and so are `SparseRows`; a `numpy.memmap` stays
        on disk and is read as it is needed.
    ids
        N names: paths, row numbers or the index of a table. They come out beside the embeddings.
    labels
        (N,) integer class codes, -1 for unknown, or None. `fit` does not look at them unless asked.
    classes
        The name of each class code.
    mask
        (N, D) bool, True where the value was observed, or None when nothing is missing.
    skipped
        Files or rows that were left out because the user said `on_error="skip"`.
    name
        What the user opened, for reports.
    texts
        The N texts that were counted, if they are at hand.
    notes
        What else should be known about how the data were read, one sentence each.
    """

    def __init__(
        self,
        spec: DataSpec,
        store: "Tensor | SparseRows | np.memmap[tuple[int, ...], np.dtype[np.uint8 | np.float32]]",
        ids: Sequence[str | int],
        *,
        labels: "np.ndarray[tuple[int], np.dtype[np.int64]] | None" = None,
        classes: Sequence[str] = (),
        mask: Tensor | None = None,
        skipped: Sequence[Problem] = (),
        name: str = "",
        texts: Sequence[str] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        if tuple(store.shape[1:]) != spec.shape:
            raise DataError(f"store holds samples of shape {tuple(store.shape[1:])}, its spec says {spec.shape}")
        if len(ids) != store.shape[0]:
            raise DataError(f"{store.shape[0]} samples have {len(ids)} ids; every sample needs one")
        if labels is not None and len(labels) != store.shape[0]:
            raise DataError(f"{store.shape[0]} samples have {len(labels)} labels; give one each, -1 for unknown")
        self.spec = spec
        self.store = store
        self.ids = ids
        self.labels = labels
        self.classes = tuple(classes)
        self.mask = mask
        self.skipped = tuple(skipped)
        self.name = name
        self.texts = texts
        self.notes = tuple(notes)

    def __len__(self) -> int:
        return int(self.store.shape[0])

    def __repr__(self) -> str:
        where = "in memory" if self.in_memory else "memory-mapped"
        known = f", {len(self.classes)} classes" if self.labels is not None else ""
        return f"Dataset({self.name or self.spec.modality}: {len(self)} x {self.spec.shape}, {where}{known})"

    @property
    def in_memory(self) -> bool:
        """Whether the samples are held in memory (else they are read from a memory map)."""
        return isinstance(self.store, Tensor | SparseRows)

    @property
    def is_sparse(self) -> bool:
        """Whether batches of the samples are sparse tensors."""
        return isinstance(self.store, SparseRows) and not self.store.dense

    @property
    def nbytes(self) -> int:
        """Bytes that the samples take, in memory or on disk."""
        if isinstance(self.store, Tensor):
            return self.store.numel() * self.store.element_size()
        return int(self.store.nbytes)

    @property
    def device(self) -> torch.device:
        """Where the samples are held; the CPU for a memory map."""
        return self.store.device if isinstance(self.store, Tensor | SparseRows) else torch.device("cpu")

    def to(self, device: torch.device) -> "Dataset":
        """The same data set held on `device`, or itself when it is memory-mapped or there already."""
        if not isinstance(self.store, Tensor | SparseRows) or self.store.device == device:
            return self
        return self._with(self.store.to(device), None if self.mask is None else self.mask.to(device))

    def as_dense(self) -> "Dataset":
        """The same data set, whose batches are dense tensors even if it is held sparse; itself if they are already.

        A batch is made dense when it is asked for; nothing else is.
        """
        if not isinstance(self.store, SparseRows) or self.store.dense:
            return self
        return self._with(self.store.as_dense(), self.mask)

    def rows(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        """Stored values (B, *shape) and mask (B, D) of the rows in `index` (B,), in that order.

        Sparse samples come as a tensor of layout `torch.sparse_csr`, float32, columns rising in each row, no zeros.
        """
        mask = None if self.mask is None else self.mask.index_select(0, index)
        if isinstance(self.store, Tensor):
            return self.store.index_select(0, index), mask  # ten times as fast as self.store[index]
        if isinstance(self.store, SparseRows):
            return self.store.gather(index), mask
        return torch.from_numpy(self.store[index.numpy()]), mask

    def batches(self, size: int = 1024) -> Iterator[Batch]:
        """All samples in order, in network space, `size` at a time."""
        for start in range(0, len(self), size):
            index = torch.arange(start, min(start + size, len(self)))
            stored, mask = self.rows(index)
            yield Batch(to_network(stored), index, None, mask)

    def subset(self, index: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> "Dataset":
        """The samples in `index` (row numbers), in that order, held in memory."""
        chosen = torch.as_tensor(index)
        stored: Tensor | SparseRows
        if isinstance(self.store, SparseRows):
            stored, mask = self.store.select(chosen), None if self.mask is None else self.mask.index_select(0, chosen)
        else:
            stored, mask = self.rows(chosen)
        return Dataset(
            self.spec,
            stored,
            [self.ids[int(row)] for row in index],
            labels=None if self.labels is None else self.labels[index],
            classes=self.classes,
            mask=mask,
            skipped=self.skipped,
            name=self.name,
            texts=None if self.texts is None else [self.texts[int(row)] for row in index],
            notes=self.notes,
        )

    def _with(self, store: Tensor | SparseRows, mask: Tensor | None) -> "Dataset":
        """The same samples held otherwise."""
        held = Dataset(self.spec, store, self.ids, labels=self.labels, classes=self.classes, mask=mask)
        held.skipped, held.name, held.texts, held.notes = self.skipped, self.name, self.texts, self.notes
        return held
