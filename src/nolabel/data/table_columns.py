"""What a column of a table holds, told from its dtype; and how columns, rows and values are named in messages.

    int, float (plain, nullable, Arrow, sparse) -> "number"      datetime  -> "date"
    bool                                        -> "flag"        timedelta -> "span"
    category, string, everything else           -> "category"    nothing   -> "empty" (only missing values)

The dtype `object` says nothing, so there every value is looked at: all numbers, all booleans or all dates count as
such, anything else is a category. Text that means numbers or dates has been read before (`table_text.py`).

This file knows no network and no recipe (`table_numbers.py`, `table_categories.py`).
"""

import math
from collections.abc import Hashable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import infer_dtype

from nolabel.errors import DataError

Kind = Literal["number", "flag", "date", "span", "category", "empty"]
Writing = Literal["point", "comma"]  # how a fraction is parted from its whole, in text
Label = str | int | float  # what JSON can hold: names of columns and categories keep their type

_BY_CODE: dict[str, Kind] = {"i": "number", "u": "number", "f": "number", "b": "flag", "M": "date", "m": "span"}
_BY_CONTENT: dict[str, Kind] = {
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "boolean": "flag",
    "date": "date",
    "datetime": "date",
    "datetime64": "date",
    "timedelta": "span",
    "timedelta64": "span",
    "empty": "empty",
}
_WORDS: dict[str, str] = {
    "number": "numbers",
    "flag": "true or false",
    "date": "dates",
    "span": "lengths of time",
    "category": "categories",
}


class Raw(NamedTuple):
    """A column: its place in the table, its name, its kind, its values; how they were written, if they were text."""

    place: int
    name: Label
    kind: Kind
    column: pd.Series
    writing: Writing = "point"


class LeftOut(NamedTuple):
    """A column that no network will see, and why."""

    place: int
    name: Label
    why: str


def kind_of(name: Label, column: pd.Series) -> Kind:
    """What the column `name` holds.

    Raises
    ------
    DataError
        Complex numbers.
    """
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype | pd.StringDtype):
        return "category"
    if dtype.kind == "c":
        raise DataError(f"Complex data not supported: column {name!r}; give real and imaginary parts as two columns")
    if dtype.kind in _BY_CODE:
        return _BY_CODE[dtype.kind]
    return _BY_CONTENT.get(infer_dtype(column, skipna=True), "category")


def plain(value: object) -> Label:
    """The value as JSON can hold it: text, whole and finite numbers and booleans as they are, all else as its text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)


def factorized(name: Label, column: pd.Series) -> tuple[NDArray[np.int64], list[Hashable]]:
    """Code of each row (N,), -1 for missing, and the value of each code.

    Raises
    ------
    DataError
        Values that cannot be compared (lists, dictionaries).
    """
    try:
        codes, values = pd.factorize(column)
    except TypeError as error:
        raise DataError(
            f"column {name!r} holds values that cannot be compared ({error}); turn them into text, or leave it out"
        ) from error
    return codes.astype(np.int64), list(values)


def row_name(column: pd.Series, row: int) -> str:
    """'row 3', or 'row 3 (index 'x')' when the index calls it otherwise."""
    label = column.index[row]
    return f"row {row}" if label == row else f"row {row} (index {plain(label)!r})"


def listed(names: Sequence[object], at_most: int = 5) -> str:
    """The first names, quoted, with '...' for the rest."""
    return ", ".join(repr(name) for name in names[:at_most]) + (", ..." if len(names) > at_most else "")


def missing_refused(name: Label, column: pd.Series) -> DataError:
    """The error for missing values where none are allowed."""
    rows = np.flatnonzero(column.isna())
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return DataError(
        f"Input X contains NaN (a missing value) in column {name!r}, {row_name(column, int(rows[0]))}{more}; "
        "fill in the missing values, or say missing='impute' to have nolabel do it"
    )


def kind_changed(name: Label, expected: Kind, column: pd.Series, row: int) -> DataError:
    """The error for a column that holds something else than it did in fit; `row` is the first that shows it."""
    return DataError(
        f"column {name!r} held {_WORDS[expected]} when the model was fitted, now it holds {_found(column)}: "
        f"{row_name(column, row)} is {_shown(column.iloc[row])}; correct the column, or leave unknown values empty"
    )


def _found(column: pd.Series) -> str:
    inferred = infer_dtype(column, skipna=True)
    if inferred in ("string", "categorical", "bytes"):
        return "text" if inferred == "string" else inferred.replace("categorical", "categories")
    kind = _BY_CONTENT.get(inferred)
    return _WORDS[kind] if kind else "mixed values"


def _shown(value: Any) -> str:
    text = repr(plain(value))
    return text if len(text) <= 60 else f"{text[:57]}..."
