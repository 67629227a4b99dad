"""What every road from raw data to a `Dataset` ends with: ids and labels, put together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from nolabel.data.dataset import Dataset
from nolabel.data.labels import Labels, coded
from nolabel.data.raw import Raw, RawTable
from nolabel.errors import ArgumentError, Problem, nearest
from nolabel.types import DataSpec


def take_column(raw: RawTable, labels: object) -> tuple[Any, object]:
    """The frame without the column that `labels` names, and the labels."""
    if not isinstance(labels, str):
        return raw.frame, labels
    columns = [str(name) for name in raw.frame.columns]
    if raw.kind == "array" or labels not in columns:
        listed = ", ".join(columns[:10]) + (", ..." if len(columns) > 10 else "")
        raise ArgumentError(
            f"labels={labels!r}: {raw.name} has no such column; it has {listed}{nearest(labels, columns)}"
        )
    place = columns.index(labels)
    rest = [number for number in range(len(columns)) if number != place]
    return raw.frame.iloc[:, rest], raw.frame.iloc[:, place]


def row_ids(frame: Any) -> Sequence[str | int]:
    """The row numbers of a frame, or the names in its index."""
    index = frame.index
    if index.dtype.kind == "i" and np.array_equal(index.to_numpy(), np.arange(len(frame))):
        return range(len(frame))
    return [int(name) if isinstance(name, int | np.integer) else str(name) for name in index]


def labels_of(raw: Raw, labels: object, count: int) -> Labels | None:
    """The labels that a user gave, else those of the source, as codes."""
    if labels is not None:
        return coded(labels, count)
    return None if raw.labels is None else coded(raw.labels, count, raw.classes)


def put_together(
    spec: DataSpec,
    store: Any,
    ids: Sequence[str | int],
    known: Labels | None,
    name: str,
    *,
    mask: Tensor | None = None,
    skipped: Sequence[Problem] = (),
    texts: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> Dataset:
    """The data set."""
    codes, classes = (None, ()) if known is None else (known.codes, known.classes)
    return Dataset(
        spec, store, ids, labels=codes, classes=classes, mask=mask, skipped=skipped, name=name, texts=texts, notes=notes
    )
