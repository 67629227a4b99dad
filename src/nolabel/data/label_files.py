"""Labels that name their samples: a file of `id,label`, a table or a mapping from ids -> one label for each sample.

    id,label
    cats/001.jpg,cat
    cats/002.jpg,

Ids are those of `Dataset.ids`: paths of files, row numbers, the index of a table. A sample that is not named, or whose
label is empty, is of unknown class. Other columns are passed over, so the file that `nolabel.suggest` writes serves
once its column `label` is filled in. Which form of labels a source has by itself is the affair of its reader.
"""

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from nolabel.data import source
from nolabel.data.dataset import Dataset
from nolabel.errors import ArgumentError, DataError, nearest

OWN = "labels"  # the word for labels that a data set has by itself
ID, LABEL = "id", "label"
SUFFIXES = (".csv", ".tsv")
_SHOWN = 5
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,14})(\.0+)?")


def is_label_file(labels: object) -> bool:
    """Whether labels are named by a path: a `Path`, or text that ends as such a file does."""
    return isinstance(labels, Path) or (isinstance(labels, str) and labels.lower().endswith(SUFFIXES))


def is_by_id(labels: object) -> bool:
    """Whether labels name their samples, so that `by_id` takes them."""
    return is_label_file(labels) or isinstance(labels, Mapping | pd.DataFrame)


def opened(data: Any, labels: Any = None, **options: Any) -> Dataset:
    """The data with these labels, in any form.

    Parameters
    ----------
    data
        Any source that `nolabel.open` takes, or a Dataset.
    labels
        A path of a file of `id,label`; a mapping from ids, or a DataFrame with the columns id and label; one label for
        each sample, -1, NaN or None where unknown; the name of a table's column; "labels" or None for those that the
        data have.
    **options
        Of `nolabel.open`.

    Raises
    ------
    ArgumentError
        There are no labels.
    DataError
        They cannot be used; the message says why.
    """
    if is_by_id(labels):
        found = source.open(data, **options)
        return source.open(found, labels=by_id(labels, found.ids), spec=options.get("spec"))
    given = None if isinstance(labels, str) and labels == OWN else labels
    found = source.open(data, labels=given, **options)
    if found.labels is None:
        raise ArgumentError(
            f"labels are missing: {found.name or 'the data'} has none of its own. Give a file of id,label, a mapping "
            "from ids, one label for each sample, or the name of a table's column"
        )
    return found


def as_given(labels: Any) -> Any:
    """The labels as values whose types tell how classes are to be called: numbers stay numbers, a name is no value."""
    if isinstance(labels, Mapping):
        return list(labels.values())
    if isinstance(labels, pd.DataFrame):
        return labels[next(name for name in labels.columns if str(name).strip().lower() == LABEL)].tolist()
    return OWN if labels is None or isinstance(labels, str | Path) else labels


def refuse_too_few_classes(data: Dataset) -> None:
    """Raise DataError unless at least two classes have a labelled sample."""
    assert data.labels is not None
    used = sorted({int(code) for code in data.labels if code >= 0})
    if not used:
        raise DataError("no sample has a known label; give at least one of each class")
    if len(used) == 1:
        raise DataError(
            f"every known label is {data.classes[used[0]]!r}; to tell classes apart, give labels of at least 2"
        )


def by_id(labels: "str | Path | Mapping[Any, Any] | pd.DataFrame", ids: Sequence[str | int]) -> list[Any]:
    """One label for each of the N samples with these ids, in their order; None where it is unknown.

    Parameters
    ----------
    labels
        Path of a .csv or .tsv with the columns id and label, a DataFrame with these, or a mapping from ids to labels.
    ids
        N ids.

    Raises
    ------
    DataError
        An id is unknown, named twice with two labels, empty, or of several samples; columns or all labels are missing.
    """
    where, pairs = _pairs(labels)
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(ids):
        rows.setdefault(str(name), []).append(row)
    found = _agreed(where, pairs)
    _refuse_unknown(where, found, rows)
    several = [name for name in found if len(rows[name]) > 1]
    if several:
        raise DataError(
            f"{where}: the id {several[0]!r} is that of {len(rows[several[0]])} samples; ids must tell them apart. "
            "Give one label for each sample instead"
        )
    aligned: list[Any] = [None] * len(ids)
    for name, label in found.items():
        aligned[rows[name][0]] = label
    if all(label is None for label in aligned):
        raise DataError(f"{where} has no label filled in: its column {LABEL!r} is empty")
    return aligned


def _pairs(labels: Any) -> tuple[str, list[tuple[str, Any]]]:
    """What the labels are called, and (id, label) in order, None for an empty label."""
    if isinstance(labels, Mapping):
        return "labels", [(str(name), _known(label)) for name, label in labels.items()]
    where = "labels" if isinstance(labels, pd.DataFrame) else str(labels)
    frame = labels if isinstance(labels, pd.DataFrame) else _read(Path(labels).expanduser())
    columns = {str(name).strip().lower(): name for name in frame.columns}
    missing = [name for name in (ID, LABEL) if name not in columns]
    if missing:
        close = nearest(missing[0], columns)
        raise DataError(
            f"{where} has no column {missing[0]!r}{close or '.'} Its first line must name the columns id and label; it "
            f"names {', '.join(map(str, frame.columns[:_SHOWN]))}"
        )
    names, given = frame[columns[ID]], frame[columns[LABEL]]
    empty = [number for number, name in enumerate(names) if pd.isna(name) or not str(name).strip()]
    if empty:
        raise DataError(f"{where}: row {empty[0] + 1} has no id")
    return where, _numbered([(str(name).strip(), _known(label)) for name, label in zip(names, given)])


def _read(file: Path) -> pd.DataFrame:
    try:
        separator = "\t" if file.suffix.lower() == ".tsv" else ","
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # without index_col=False a comma too much in every row would move all columns by one
            return pd.read_csv(
                file, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False
            )
    except pd.errors.ParserWarning:
        raise DataError(
            f"labels: {file} has rows with more entries than its first line names; put labels that hold a comma "
            'between quotation marks, as in 1,"cat, black"'
        ) from None
    except FileNotFoundError:
        raise ArgumentError(f"labels: there is no file {file}") from None
    except (OSError, UnicodeError, pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise DataError(f"labels: {file} cannot be read as a table of id,label: {error}") from error


def _known(label: Any) -> Any:
    if isinstance(label, str):
        return None if label.strip().lower() in ("", "nan") else label.strip()
    return None if label is None or pd.isna(label) else label


def _numbered(pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Classes that are all whole numbers as such, so that 10 comes after 9; 1.0 is what a column with gaps has for 1.

    Others, such as 007, are names.
    """
    if not all(label is None or _WHOLE.fullmatch(str(label)) for _, label in pairs):
        return pairs
    return [(name, None if label is None else int(float(label))) for name, label in pairs]


def _agreed(where: str, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The label of each id; one that is named twice must have one label."""
    found: dict[str, Any] = {}
    for name, label in pairs:
        before = found.get(name)
        if name in found and label is not None and before is not None and label != before:
            raise DataError(f"{where}: the id {name!r} has two labels, {before!r} and {label!r}; keep one")
        found[name] = before if label is None else label
    return found


def _refuse_unknown(where: str, found: Mapping[str, Any], rows: Mapping[str, Any]) -> None:
    unknown = [name for name in found if name not in rows]
    if not unknown:
        return
    listed = ", ".join(map(repr, unknown[:_SHOWN])) + (", ..." if len(unknown) > _SHOWN else "")
    first = next(iter(rows))
    raise DataError(
        f"{where}: {len(unknown):,} of {len(found):,} ids are not in the data: {listed}"
        f"{nearest(unknown[0], rows) or '.'} The data's ids look like {first!r}"
    )
