"""A table file, or an array of numbers, as a `DataFrame`: one row a sample, one column a feature.

Text files (`.csv`, `.tsv`, `.txt`, each also `.gz`) are UTF-8 and begin with a line of column names. Commas part the
columns of a `.csv`; only when they give a single column are `;`, tab and `|` tried. Numbers are written with a decimal
point. A column in which every value is an ISO 8601 date (2026-01-31, with or without a time) becomes dates. A first
column without a name, as `DataFrame.to_csv` writes the index, becomes the index. Parquet files say all this themselves.

This file knows nothing of what a network wants (`tables.py`), nor of which rows to keep.
"""

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from nolabel.data.table_columns import listed
from nolabel.errors import DataError, nearest

SEPARATORS = {".csv": ",", ".txt": ",", ".tsv": "\t"}
"""How each text ending parts its columns."""

OTHER_SEPARATORS = (";", "\t", "|")
"""Tried in this order when a comma gives a single column."""

_DATE = r"\d{4}-\d{2}-\d{2}(?:[T ].*)?"


@final
class NotNumbersError(DataError, TypeError):
    """An array holds something that is no number; a `TypeError` too, because scikit-learn's own checks ask for one."""


def read(path: Path) -> pd.DataFrame:
    """Read a table file.

    Parameters
    ----------
    path
        A `.csv`, `.tsv` or `.txt` file, each also with `.gz` behind it, or a `.parquet` file.

    Returns
    -------
    DataFrame
        (N, columns) with N of at least one.

    Raises
    ------
    DataError
        The file is missing, empty, not UTF-8, damaged, has no rows, repeats a column name, has no line of column
        names, or has another ending.
    """
    ending = _ending(path)
    with _explained(path):
        frame = pd.read_parquet(path) if ending == ".parquet" else _read_text(path, SEPARATORS[ending])
    if not len(frame):
        names = ", ".join(repr(str(name)) for name in frame.columns[:5])
        raise DataError(f"{path} has column names ({names or 'none'}) but no rows; give a file with at least one row")
    return frame


def from_array(array: Any) -> pd.DataFrame:
    """Take anything array-like of shape (N, D) that holds real numbers as a table with columns 0 to D - 1.

    Parameters
    ----------
    array
        NumPy array or whatever NumPy can turn into one. Objects are accepted if each is a number (or None, for
        missing); masked entries of a masked array are missing. Nothing is copied unless it must be converted.

    Returns
    -------
    DataFrame
        (N, D), columns 0 to D - 1.

    Raises
    ------
    DataError
        Not two-dimensional, empty, sparse, complex, or not numbers. NaN and infinite values are left to `tables.learn`.
    """
    if isinstance(array, np.ma.MaskedArray) and array.dtype.kind in "biuf":
        array = np.ma.filled(array.astype(np.float64), np.nan)
    try:
        checked = check_array(array, ensure_all_finite=False)
    except TypeError as error:
        raise NotNumbersError(f"{error}{_array_advice(array)}") from error
    except ValueError as error:
        raise DataError(f"{error}{_array_advice(array)}") from error
    if checked.dtype.kind not in "biuf" or _holds_text(array):
        raise DataError(f"an array of real numbers was expected, this one holds {_content(array)}{_FRAME_ADVICE}")
    return pd.DataFrame(checked, copy=False)


_FRAME_ADVICE = (
    "; give a table with text, categories or dates as a pandas DataFrame, whose columns are encoded by their dtype"
)


def _array_advice(array: Any) -> str:
    """What to do about an array that scikit-learn's own check has refused."""
    dtype = getattr(array, "dtype", None)
    has_text = getattr(dtype, "kind", "O") in "OUSTV" and not hasattr(array, "toarray")
    return _FRAME_ADVICE if has_text else "\nnolabel takes a table as an (N, D) array of real numbers."


def _holds_text(array: Any) -> bool:
    """Whether an array of objects holds any text: NumPy would silently read '1.5' as a number."""
    if getattr(array, "dtype", None) is None:
        array = np.asarray(array, dtype=object)
    return array.dtype == object and any(isinstance(value, str | bytes) for value in np.asarray(array).flat)


def _content(array: Any) -> str:
    found: NDArray[Any] = np.asarray(array)
    return "text" if found.dtype == object else f"values of dtype {found.dtype}"


def _ending(path: Path) -> str:
    name = path.name.lower()
    ending = Path(name.removesuffix(".gz")).suffix
    if ending in SEPARATORS or (ending == ".parquet" and not name.endswith(".gz")):
        return ending
    known = [*SEPARATORS, ".parquet"]
    raise DataError(
        f"{path} does not end like a table; expected .csv, .tsv or .txt (also with .gz), or .parquet"
        f"{nearest(ending, known)}"
    )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Whatever goes wrong inside while reading `path`, said in our words."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist") from error
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise DataError(
            f"{path} is not UTF-8 text (byte 0x{byte:02X}); save it as UTF-8, for instance with "
            f"`iconv -f latin1 -t utf-8 {path.name} > utf8-{path.name}`"
        ) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged or not gzip ({error}); download or compress it again") from error
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    except (pd.errors.ParserError, csv.Error) as error:
        raise DataError(
            f"{path} is not a regular table: {str(error).strip()}; every row needs as many values as there are column "
            "names, and a value that holds the separator needs quotes"
        ) from error


def _read_text(path: Path, separator: str) -> pd.DataFrame:
    top = _top(path, separator)
    if separator == "," and top and len(top[0]) == 1:
        separator, top = _other_separator(path, top)
    if not top:
        raise DataError(f"{path} is empty; give a file with a line of column names and at least one row")
    header = top[0]
    _check_header(path, header, top[1:])
    frame = pd.read_csv(
        path,
        sep=separator,
        encoding="utf-8",
        skipinitialspace=separator != "\t",
        index_col=0 if len(header) > 1 and not header[0] else None,
        low_memory=False,  # one dtype a column, whatever the size of the file
    )
    return _with_dates(frame)


def _top(path: Path, separator: str) -> list[list[str]]:
    """The first two rows that are not blank: the column names and the first sample."""
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as binary:
        text = io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")
        rows = csv.reader(text, delimiter=separator, skipinitialspace=separator != "\t")
        return list(islice((row for row in rows if row), 2))


def _other_separator(path: Path, by_comma: list[list[str]]) -> tuple[str, list[list[str]]]:
    """The first other separator that gives several columns, and the top of the file read with it; else the comma."""
    for separator in OTHER_SEPARATORS:
        if separator in by_comma[0][0]:
            top = _top(path, separator)
            if len(top[0]) > 1:
                return separator, top
    return ",", by_comma


def _check_header(path: Path, header: list[str], first_rows: list[list[str]]) -> None:
    data = next((name for name in header if _is_decimal(name)), None)
    if data is not None:
        raise DataError(f"{path} begins with a row of data ({data!r} is no column name); put a line of names before it")
    repeated = [name for name, times in Counter(header).items() if times > 1 and name]
    if repeated:
        raise DataError(f"{path} has several columns named {listed(repeated)}; give each column a name of its own")
    for row in first_rows:
        if len(row) > len(header):
            raise DataError(
                f"{path} has {len(header)} column names, but its first row has {len(row)} values; name every column"
            )


def _is_decimal(name: str) -> bool:
    """Whether a column name reads as a number with a decimal point (whole numbers, such as years, do name columns)."""
    try:
        float(name)
    except ValueError:
        return False
    return "." in name


def _with_dates(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with each text column whose values are all ISO 8601 dates turned into dates."""
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        if column.dtype.kind == "O" and column.notna().any() and _is_dates(column.dropna()):
            frame[name] = pd.to_datetime(column, format="ISO8601")
    return frame


def _is_dates(values: pd.Series) -> bool:
    head = values.iloc[:1].astype(str)  # a look at one value spares most columns the rest
    if not head.str.fullmatch(_DATE).all() or not values.astype(str).str.fullmatch(_DATE).all():
        return False
    return bool(pd.to_datetime(values.astype(str), format="ISO8601", errors="coerce", utc=True).notna().all())
