"""Anything a user has -> `Dataset`, and network values -> the user's own form.

It only says who does what: `finding` reads a source, `images` and `tables` encode and restore it.

    source                                                    read by
    "mnist", "mnist:test", ...                                named
    folder, list or pandas Series of paths                    files
    .tar, .tar.gz, .tar.xz, .tar.bz2, .zip                    archives
    .npy, .npz, NumPy array, torch tensor, nested lists       arrays
    IDX file, also .gz                                        idx
    .csv, .tsv, .txt (also .gz), .parquet, pandas DataFrame   tables
    Hugging Face `datasets` object                            hub
    Dataset                                                   returned as it is
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nolabel.data import cache as cache_room
from nolabel.data import decoded, finding, images, memory
from nolabel.data.dataset import Dataset
from nolabel.data.decoding import Progress
from nolabel.data.labels import Labels, coded, from_folders
from nolabel.data.raw import Raw, RawArray, RawImages, RawTable
from nolabel.errors import ArgumentError, DataError, ModalityError, Problem, nearest, not_a_choice
from nolabel.types import DataSpec

_NO_COLUMNS = "labels={!r}: images have no columns; pass one label for each sample"


@final
@dataclass(frozen=True)
class _Wishes:
    """The arguments of `open`."""

    spec: DataSpec | None
    labels: object
    size: tuple[int, int] | None
    channels: int | None
    split: str | None
    scaling: Literal["standard", "minmax", "none"]
    missing: Literal["auto", "impute", "refuse"]
    on_error: str
    cache: "bool | str | Path"
    in_memory: bool | None
    progress: Progress | None


def open(
    source: Any,
    *,
    spec: DataSpec | None = None,
    labels: object = None,
    size: int | tuple[int, int] | None = None,
    channels: Literal[1, 3] | None = None,
    split: str | None = None,
    scaling: Literal["standard", "minmax", "none"] = "standard",
    missing: Literal["auto", "impute", "refuse"] = "auto",
    on_error: Literal["raise", "skip"] = "raise",
    cache: "bool | str | Path" = True,
    in_memory: bool | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Open a source of any kind as a `Dataset`.

    Parameters
    ----------
    source
        What to open: an array (2-D: a table; 3-D or 4-D: images), tensor, DataFrame, list of image paths, folder of
        images, archive, IDX, .npy, .npz, CSV, TSV or Parquet file, `datasets` object, the name of a data set
        (`nolabel.data.named.NAMES`, `"mnist:test"` for a split of it), or a `Dataset`. A name wins over a file of that
        name; write "./mnist" for the file.
    spec
        Encode by this recipe, learned before, instead of learning one: what `transform` does with new data.
    labels
        One label for each sample, -1, NaN or None where unknown; or the name of a table's column, which is then no
        feature. None for what the source has: class folders, IDX labels, `y` in an .npz, a class column.
    size
        Height and width (one number for a square) that image files are brought to; None for their own if all have the
        same, else a square of their median shorter side, at most 128.
    channels
        1 for grey, 3 for colour; None for grey unless a file is colour. For image files.
    split
        Part of a source that has parts: "train", "test", a sub-folder, `x_test` in an .npz.
    scaling
        Of the numbers in a table, see `nolabel.data.tables.learn`.
    missing
        What to do about missing values in a table, see `nolabel.data.tables.learn`.
    on_error
        "raise" to refuse a set with broken images, naming them; "skip" to leave them out, listed in
        `Dataset.skipped`.
    cache
        Whether decoded images are kept on disk for the next time, or the folder to keep them in. True for the folder
        in the variable NOLABEL_CACHE, or the platform's own.
    in_memory
        Whether decoded images are held in memory; None if they take at most 1 GiB and a quarter of the memory allowed.
    progress
        Called with images done and images in all while decoding, from any thread.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        The data cannot be used as given.
    BrokenFilesError
        Some images cannot be read.
    ModalityError
        The data are of another kind than `spec`.
    ArgumentError
        An argument is wrong, or a name or path is not there.
    OutputError
        Decoded images cannot be written to the cache.
    """
    _check_choices(channels, scaling, missing, on_error)
    wishes = _Wishes(
        spec, labels, _as_size(size), channels, split, scaling, missing, on_error, cache, in_memory, progress
    )
    if isinstance(source, str) and not source.strip():
        raise ArgumentError('source is empty; give a path or a name, "." for this folder')
    if isinstance(source, Dataset):
        return _reopened(source, wishes)
    column = labels if isinstance(labels, str) else None
    return _encoded(finding.read(source, split=split, label=column), wishes)


def restore(spec: DataSpec, values: Tensor) -> "NDArray[Any] | Any":
    """Network values back in the user's own form.

    Parameters
    ----------
    spec
        The recipe that the data were encoded with.
    values
        (B, *spec.shape) network values.

    Returns
    -------
    ndarray or DataFrame
        Images in the layout and dtype they came in; tables as DataFrame or array, as they came in.
    """
    if spec.modality == "image":
        return images.restore(spec, values)
    from nolabel.data import tables

    return tables.restore(spec, values)


def _check_choices(channels: object, scaling: object, missing: object, on_error: object) -> None:
    for argument, value, choices in (
        ("scaling", scaling, ("standard", "minmax", "none")),
        ("missing", missing, ("auto", "impute", "refuse")),
        ("on_error", on_error, ("raise", "skip")),
    ):
        if value not in choices:
            raise not_a_choice(argument, value, choices)
    if channels not in (None, 1, 3):
        raise ArgumentError(f"channels must be 1 (grey), 3 (colour) or None; got {channels!r}")


def _as_size(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    pair = tuple(size) if isinstance(size, Sequence) else (size, size)
    if len(pair) != 2 or not all(isinstance(side, int) and side > 0 for side in pair):
        raise ArgumentError(f"size must be a positive whole number of pixels, or (height, width); got {size!r}")
    return pair


def _encoded(raw: Raw, wishes: _Wishes) -> Dataset:
    _check_modality(raw, wishes)
    if isinstance(raw, RawTable):
        return _from_table(raw, wishes)
    if isinstance(wishes.labels, str) and not isinstance(raw, RawImages):
        raise ArgumentError(_NO_COLUMNS.format(wishes.labels))
    return _from_array(raw, wishes) if isinstance(raw, RawArray) else _from_images(raw, wishes)


def _check_modality(raw: Raw, wishes: _Wishes) -> None:
    kind = "table" if isinstance(raw, RawTable) else "image"
    spec = wishes.spec
    if spec is not None and spec.modality != kind:
        raise ModalityError(_wrong_modality(raw, spec))
    if kind == "table" and (wishes.size is not None or wishes.channels is not None):
        raise ArgumentError(f"size and channels are for images; {raw.name} is a table")


def _wrong_modality(raw: Raw, spec: DataSpec) -> str:
    if isinstance(raw, RawTable):
        fix = "pass images"
        if raw.kind == "array" and raw.frame.shape[1] == spec.width:
            fix = f"reshape the flat rows: X.reshape(-1, {', '.join(map(str, spec.shape))})"
        return f"the model was fitted to images of shape {spec.shape}; {raw.name} is a table: {fix}"
    fix = "pass a table with the columns it was fitted to"
    if isinstance(raw, RawArray) and raw.values[0].size == spec.recipe.get("width"):
        fix = "flatten the images: X.reshape(len(X), -1)"
    return f"the model was fitted to a table with {spec.recipe.get('width')} columns; {raw.name} holds images: {fix}"


def _from_table(raw: RawTable, wishes: _Wishes) -> Dataset:
    from nolabel.data import tables

    frame, labels = _take_column(raw, wishes.labels)
    spec = wishes.spec or tables.learn(frame, scaling=wishes.scaling, missing=wishes.missing, kind=raw.kind)
    values, mask = tables.encode(frame, spec)
    known = _labels(replace(raw, frame=frame), labels, len(frame))
    return _dataset(spec, values, _row_ids(frame), known, raw.name, mask=mask)


def _take_column(raw: RawTable, labels: object) -> tuple[Any, object]:
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


def _row_ids(frame: Any) -> Sequence[str | int]:
    index = frame.index
    if index.dtype.kind == "i" and np.array_equal(index.to_numpy(), np.arange(len(frame))):
        return range(len(frame))
    return [int(name) if isinstance(name, int | np.integer) else str(name) for name in index]


def _from_array(raw: RawArray, wishes: _Wishes) -> Dataset:
    spec = wishes.spec or images.learn(raw.values, channels_first=raw.channels_first)
    stored = images.encode(raw.values, spec, channels_first=raw.channels_first)
    _check_as_wished(spec, wishes)
    known = _labels(raw, wishes.labels, len(stored))
    return _dataset(spec, memory.settle(stored, wishes.in_memory), range(len(stored)), known, raw.name)


def _check_as_wished(spec: DataSpec, wishes: _Wishes) -> None:
    """Arrays are not resized or recoloured."""
    channels, *size = spec.shape
    if wishes.size not in (None, tuple(size)):
        raise ArgumentError(f"size is for image files; this array holds {size[0]} x {size[1]} pixels: resize it first")
    if wishes.channels not in (None, channels):
        raise ArgumentError(f"channels is for image files; this array has {channels}: convert it first")


def _from_images(raw: RawImages, wishes: _Wishes) -> Dataset:
    wanted = decoded.Wanted(wishes.size, wishes.channels)
    if wishes.spec is not None:
        wanted = decoded.Wanted((wishes.spec.shape[1], wishes.spec.shape[2]), wishes.spec.shape[0])
    entry = decoded.pixels(raw, wanted, cache_room.root(wishes.cache), wishes.progress)
    names, broken = entry.about.names, entry.about.broken
    total = len(names) + len(broken)
    if broken and wishes.on_error == "raise":
        raise decoded.broken_files(broken, total)
    rows = np.delete(np.arange(total), [one.row for one in broken]).tolist() if broken else range(total)
    known = _image_labels(raw, wishes.labels, names, total, [one.row for one in broken])
    spec = wishes.spec or images.learn_files(*entry.about.shape[1:])
    ids = names if raw.ids == "names" else rows
    skipped = [Problem(one.where, one.why) for one in broken]
    return _dataset(spec, memory.settle(entry.pixels, wishes.in_memory), ids, known, raw.name, skipped=skipped)


def _image_labels(
    raw: RawImages, labels: object, names: Sequence[str], total: int, gaps: Sequence[int]
) -> Labels | None:
    """Labels of the images that are left; those that a user or a source gave count the broken ones too."""
    if labels is None and raw.labels == "folders":
        return from_folders(names)
    if isinstance(labels, str):
        if raw.labels == "folders":
            raise ArgumentError(_NO_COLUMNS.format(labels))
        labels = None  # the reader has chosen that column
    known = _labels(raw, labels, total)
    return known.without(gaps) if known is not None and gaps else known


def _labels(raw: Raw, labels: object, count: int) -> Labels | None:
    if labels is not None:
        return coded(labels, count)
    return None if raw.labels is None else coded(raw.labels, count, raw.classes)


def _dataset(
    spec: DataSpec,
    store: Any,
    ids: Sequence[str | int],
    known: Labels | None,
    name: str,
    *,
    mask: Tensor | None = None,
    skipped: Sequence[Problem] = (),
) -> Dataset:
    codes, classes = (None, ()) if known is None else (known.codes, known.classes)
    return Dataset(spec, store, ids, labels=codes, classes=classes, mask=mask, skipped=skipped, name=name)


def _reopened(source: Dataset, wishes: _Wishes) -> Dataset:
    spec = wishes.spec
    if spec is not None and spec != source.spec:
        _check_same_kind(source, spec)
    if wishes.labels is None and spec in (None, source.spec):
        return source
    known = None if wishes.labels is None else coded(wishes.labels, len(source))
    codes, classes = (source.labels, source.classes) if known is None else (known.codes, known.classes)
    return Dataset(
        spec or source.spec,
        source.store,
        source.ids,
        labels=codes,
        classes=classes,
        mask=source.mask,
        skipped=source.skipped,
        name=source.name,
    )


def _check_same_kind(source: Dataset, spec: DataSpec) -> None:
    """Images of the right shape are the same to a network wherever they came from; tables need the same recipe."""
    if spec.modality != source.spec.modality:
        raise ModalityError(
            f"the model was fitted to data of kind {spec.modality!r}; {source!r} is of kind {source.spec.modality!r}"
        )
    if spec.modality == "table" or spec.shape != source.spec.shape:
        raise DataError(
            f"{source!r} was not encoded as the model's data were (shape {spec.shape}). Pass what it was opened "
            "from, or open it with spec=model.spec_"
        )
