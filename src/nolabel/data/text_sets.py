"""Raw texts, a table with a column of them, or a matrix of counts -> `Dataset` of counts.

It decides which of these a source is, and which column holds the texts; `documents` reads them and `text` counts.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from nolabel.data import text
from nolabel.data.assembling import labels_of, put_together, row_ids, take_column
from nolabel.data.dataset import Dataset
from nolabel.data.documents import GivenTexts, Progress, Reader
from nolabel.data.labels import Labels, from_folders
from nolabel.data.raw import RawSparse, RawTable, RawTexts
from nolabel.data.sparse import SparseRows
from nolabel.data.vocabulary import Rules, Tokenizer
from nolabel.errors import ArgumentError, BrokenFilesError, DataError, Problem, nearest
from nolabel.types import DataSpec

_LOOKED_AT = 1000  # values of a column, to tell whether it holds running text
_WORDS = 3.0  # words or more in the mean value of a column of running text
_LETTERS = 10.0  # or so many characters, where there are no spaces between words
_LISTED = 20


@final
@dataclass(frozen=True)
class Wishes:
    """The arguments of `nolabel.open` that concern texts."""

    spec: DataSpec | None
    labels: object
    column: str | None
    encoding: str | None
    rules: Rules
    tokenizer: Tokenizer | None
    grow: bool
    on_error: str
    in_memory: bool | None
    progress: Progress | None


def dataset(raw: RawTexts | RawTable | RawSparse, wishes: Wishes) -> Dataset:
    """Counts of words, from texts or from a matrix of such counts.

    Raises
    ------
    DataError
        The texts cannot be used: no word is left, a value is no text, a count is no count.
    BrokenFilesError
        Some files cannot be read.
    ArgumentError
        The encoding is not known; there is no such column; or which column holds the texts cannot be told.
    """
    if isinstance(raw, RawTable):
        return _from_table(raw, wishes)
    _refuse_column(raw, wishes)
    if isinstance(raw, RawSparse):
        spec, store = _counted(raw.matrix, wishes)
        return put_together(spec, store, range(store.shape[0]), labels_of(raw, wishes.labels, store.shape[0]), raw.name)
    return _from_texts(raw, wishes)


def recounted(data: Dataset, rules: Rules, tokenizer: Tokenizer | None) -> Dataset:
    """The same texts counted by these rules, with a note; the data set itself if it was counted by them.

    Raises
    ------
    DataError
        They are others, and the texts were not kept; or no word is left.
    """
    then, now = Rules.from_recipe(data.spec.recipe).recipe(), rules.recipe()
    changed = [name for name in now if repr(then[name]) != repr(now[name])]  # min_df=1 is another than 1.0
    if not changed:
        return data
    before, after = (", ".join(f"{name}={one[name]!r:.40}" for name in changed) for one in (then, now))
    if data.texts is None:
        raise DataError(
            f"{data!r} was opened with {before}; here words are counted with {after}, and the texts were not kept. Say "
            "the same in both places, give the texts themselves, or open them with in_memory=True"
        )
    spec, store = text.learn(data.texts, rules, tokenizer, column=data.spec.recipe["column"])
    note = f"The words were counted anew, with {after} in place of {before}, with which the texts had been opened."
    return Dataset(
        spec,
        store,
        data.ids,
        labels=data.labels,
        classes=data.classes,
        skipped=data.skipped,
        name=data.name,
        texts=data.texts,
        notes=(*data.notes, note),
    )


def _refuse_column(raw: RawTexts | RawSparse, wishes: Wishes) -> None:
    if wishes.column is not None and wishes.spec is None:
        what = "is a count matrix" if isinstance(raw, RawSparse) else "has texts and no columns"
        raise ArgumentError(f"text={wishes.column!r} names the column of a table; {raw.name} {what}")


def _from_table(raw: RawTable, wishes: Wishes) -> Dataset:
    frame, labels = take_column(raw, wishes.labels)
    column = None if raw.kind == "array" else _text_column(frame, raw.name, wishes)
    if column is None:
        spec, store = _counted(frame if raw.kind == "frame" else frame.to_numpy(), wishes)
        known = labels_of(raw, labels, len(frame))
        return put_together(spec, store, row_ids(frame), known, raw.name)
    place = [str(name) for name in frame.columns].index(column)
    texts = GivenTexts(frame.iloc[:, place].tolist())
    opened = RawTexts(raw.name, lambda: nullcontext(texts), raw.labels, raw.classes, row_ids(frame), column=column)
    return _from_texts(opened, replace(wishes, labels=labels))


def _counted(counts: Any, wishes: Wishes) -> tuple[DataSpec, SparseRows]:
    if wishes.spec is None:
        return text.learn_counts(counts)
    return text.encode_counts(counts, wishes.spec, growing=wishes.grow)


def _from_texts(raw: RawTexts, wishes: Wishes) -> Dataset:
    if isinstance(wishes.labels, str):
        raise ArgumentError(f"labels={wishes.labels!r}: {raw.name} has no columns; pass one label for each text")
    reader = Reader(wishes.encoding or raw.encoding, raw.body, wishes.in_memory, wishes.progress)
    with raw.opened() as documents:
        names = documents.names
        if not len(names):
            raise DataError(f"{raw.name} holds no texts; give at least one")
        spec, store = _count(reader, documents, raw, wishes)
    if reader.broken and wishes.on_error == "raise":
        raise _broken_files(reader.broken, len(names))
    known = _labels(raw, wishes.labels, names, reader)
    return put_together(
        spec,
        store,
        _ids(raw, names, reader.rows),
        known,
        raw.name,
        skipped=reader.broken,
        texts=reader.texts,
        notes=reader.notes(),
    )


def _count(reader: Reader, documents: Any, raw: RawTexts, wishes: Wishes) -> tuple[DataSpec, SparseRows]:
    texts = reader.read(documents)
    try:
        if wishes.spec is not None and wishes.grow:
            return text.grow(texts, wishes.spec, wishes.tokenizer)
        if wishes.spec is not None:
            return wishes.spec, text.encode(texts, wishes.spec, wishes.tokenizer)
        return text.learn(texts, wishes.rules, wishes.tokenizer, column=raw.column)
    except DataError as error:
        if reader.broken and len(reader.rows) + len(reader.broken) == len(documents.names):
            raise _broken_files(reader.broken, len(documents.names)) from error
        raise


def _ids(raw: RawTexts, names: Sequence[str], rows: Sequence[int]) -> Sequence[str | int]:
    if raw.ids == "rows":
        return range(len(rows)) if len(rows) == len(names) else list(rows)
    ids: Sequence[str | int] = names if raw.ids == "names" else raw.ids
    return ids if len(rows) == len(names) else [ids[row] for row in rows]


def _labels(raw: RawTexts, labels: object, names: Sequence[str], reader: Reader) -> Labels | None:
    if labels is None and raw.labels == "folders":
        return from_folders([names[row] for row in reader.rows]) if reader.rows else None
    known = labels_of(raw, labels, len(names))
    return known.without(reader.gaps) if known is not None and reader.gaps else known


def _broken_files(broken: Sequence[Problem], total: int) -> BrokenFilesError:
    lines = [f"  {one.where}: {one.why}" for one in broken[:_LISTED]]
    lines += [f"  and {len(broken) - _LISTED} more"] if len(broken) > _LISTED else []
    head = f"{len(broken)} of {total} texts cannot be read:\n" + "\n".join(lines)
    return BrokenFilesError(f"{head}\nRepair or remove them, or leave them out with on_error='skip'", broken)


# --- which column ----------------------------------------------------------------------------------------------------


def _text_column(frame: Any, name: str, wishes: Wishes) -> str | None:
    """The column of texts, or None for a table of counts."""
    columns = [str(column) for column in frame.columns]
    asked = wishes.column
    if asked is None and wishes.spec is not None and wishes.spec.recipe["column"] in columns:
        return str(wishes.spec.recipe["column"])
    if asked is not None:
        if asked not in columns:
            raise ArgumentError(
                f"text={asked!r}: {name} has no such column; it has {_listed(columns)}{nearest(asked, columns)}"
            )
        return asked
    of_text = [column for place, column in enumerate(columns) if _is_text(frame.iloc[:, place])]
    if not of_text:
        return None
    running = [column for column in of_text if _is_running(frame.iloc[:, columns.index(column)])]
    if len(of_text) == 1 and len(columns) == 1:
        return of_text[0]
    if len(running) == 1:
        return running[0]
    which = f"several do ({_listed(running)})" if running else "none of them does clearly"
    raise ArgumentError(
        f"which column of {name} holds the texts? By their looks {which}. Name it, as in text={of_text[0]!r}; there "
        f"are {_listed(columns)}"
    )


def _is_text(column: Any) -> bool:
    """Whether a column holds strings, or objects that are such or missing."""
    import pandas as pd

    if isinstance(column.dtype, pd.StringDtype):
        return True
    if isinstance(column.dtype, pd.CategoricalDtype):
        return isinstance(column.dtype.categories.dtype, pd.StringDtype) or column.dtype.categories.dtype == object
    if column.dtype != object:
        return False
    known = column.dropna().iloc[:_LOOKED_AT]
    return not len(known) or any(isinstance(value, str | bytes) for value in known)


def _is_running(column: Any) -> bool:
    """Whether the values look like sentences rather than names of things."""
    known = [value for value in column.dropna().iloc[:_LOOKED_AT] if isinstance(value, str)]
    if not known:
        return False
    words = float(np.mean([len(value.split()) for value in known]))
    beyond = float(np.mean([not value.isascii() for value in known]))
    return words >= _WORDS or (beyond > 1 / 2 and float(np.mean([len(value) for value in known])) >= _LETTERS)


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(columns[:10]) + (", ..." if len(columns) > 10 else "")
