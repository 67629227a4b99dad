"""Text in a table that means numbers or dates: read by a stated rule, refused in words, or left to be categories.

The same for a file and for a frame. Surrounding spaces do not count. Only a pandas `category` is never looked at: it is
how a user says that digits are categories.

* Dates: every value is an ISO 8601 date, 2026-01-31, with or without a time. Dates written otherwise are refused.
* Numbers: more than half of the values are numbers in writing, and the others are at most `FEW` different ones or one
  in ten. Then they must *all* be numbers, written in one way:

      "point"    12   1.5   -2e-3   .5
      "comma"    12   1,5   -0,25   1.234,5

  "1,234" may be either 1.234 or 1234, so a column of nothing clearer is a column of decimal commas only if another
  column of the table proves that they are in use; and there, "1.234" proves no point. What remains open is refused, and
  so are thousands, currencies, per cent and units, and the strange value among numbers, by its row. A whole number with
  a leading zero is a code, not a number.
* A column of at most `CODES` different values, each there at least `REPEATED` times, may mix numbers and words ("0",
  "1", "2", "3+"): they are categories.
* `MISSING` lists what stands for a missing value, in columns of numbers and dates; elsewhere it is a category.

This file knows no network and no files.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import infer_dtype

from nolabel.data.table_columns import Kind, Label, Writing, factorized, kind_changed, listed, plain, row_name
from nolabel.errors import DataError

_DASHES = {"-", "--", "\u2013", "\u2014"}
MISSING = frozenset({"", "?", ".", *_DASHES, "n/a", "na", "nan", "null", "none", "#n/a", "#value!"})
"""What stands for a missing number or date, in any case."""

FEW = 3
CODES, REPEATED = 20, 5

_WHOLE = r"(?:0|[1-9]\d*)"
_POINT = re.compile(rf"[+-]?(?:{_WHOLE}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|infinity)", re.IGNORECASE)
_COMMA = re.compile(rf"[+-]?(?:(?:{_WHOLE}|[1-9]\d{{0,2}}(?:\.\d{{3}})+)(?:,\d*)?|,\d+)(?:[eE][+-]?\d+)?")
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}")  # a fraction of three digits, or a thousand
_AMOUNT = r"\d[\d.,'’_ \u00a0\u202f]*"
_SIGN = r"(?:[$€£¥₹₽₩%‰]|USD|EUR|GBP|CHF|JPY)"
_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(?:([.,'’_ \u00a0\u202f])\d{3})(?:\1\d{3})*(?:[.,]\d+)?")
_SIGNED = re.compile(
    rf"\(?[+-]?\s*(?:{_SIGN}\s*[+-]?{_AMOUNT}|{_AMOUNT}\s*{_SIGN})\s*\)?|\(\s*{_AMOUNT}\)", re.IGNORECASE
)
_UNIT = re.compile(rf"[+-]?{_AMOUNT}([^\W\d_][^\d]{{0,7}})")
_FIRST = frozenset("0123456789+-.,( iI$€£¥₹₽₩%‰UEGCJuegcj")  # of whatever these patterns take, except other digits
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ].*)?")
_OTHER_DATE = re.compile(r"(?:\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})|\d{4}[/.]\d{1,2}[/.]\d{1,2})(?:[T ,]+\d.*)?")

_CATEGORIES = "if they are categories, pass a DataFrame with frame[{0!r}] = frame[{0!r}].astype('category')"


class _Seen(NamedTuple):
    """The different values of a column of text without spaces around them, where they are, and how often."""

    name: Label
    column: pd.Series
    codes: NDArray[np.int64]
    texts: list[str]
    times: NDArray[np.int64]


class Read(NamedTuple):
    """A column as numbers or dates, or as it was; how its numbers are written."""

    column: pd.Series
    writing: Writing = "point"


def read(names: Sequence[Label], columns: Sequence[pd.Series]) -> list[Read]:
    """The columns of a table, those of text that mean numbers or dates as such.

    Raises
    ------
    DataError
        A column means numbers or dates, but not all of its values can be read, or can be read in two ways.
    """
    seen = [_seen(name, column) if is_text(column) else None for name, column in zip(names, columns, strict=True)]
    commas = any(one is not None and _proves_commas(one) for one in seen)
    return [Read(column) if one is None else _read(one, commas) for one, column in zip(seen, columns, strict=True)]


def read_again(name: Label, column: pd.Series, kind: Kind, writing: Writing) -> pd.Series:
    """A new column of text as what the column `name` was when it was learned.

    Raises
    ------
    DataError
        A value that cannot be read so; names it and its row.
    """
    seen = _seen(name, column)
    missing = _missing(seen)
    fits = np.array([_fits(text, writing) for text in seen.texts], dtype=np.bool_)
    wrong = ~((_are_dates(seen.texts) if kind == "date" else fits) | missing)
    if wrong.any():
        raise kind_changed(name, kind, column, _first_row(seen, wrong))
    return _dates(seen, missing) if kind == "date" else _numbers(seen, missing, writing)


def is_text(column: pd.Series) -> bool:
    """Whether a column holds text, or text among other objects, and is not declared a category."""
    if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype.kind not in "OU":
        return False
    return infer_dtype(column, skipna=True) in ("string", "mixed", "mixed-integer")


def shows_decimal_commas(column: pd.Series) -> bool:
    """Whether a column of text can only be numbers with decimal commas."""
    return is_text(column) and _proves_commas(_seen("", column))


def _seen(name: Label, column: pd.Series) -> _Seen:
    codes, values = factorized(name, column)
    times = np.bincount(codes[codes >= 0], minlength=len(values))
    return _Seen(name, column, codes, [_stripped(value) for value in values], times)


def _stripped(value: object) -> str:
    text = value if type(value) is str else str(plain(value))
    return text.strip().replace("\u2212", "-")  # the minus sign of printed text


def _missing(seen: _Seen) -> NDArray[np.bool_]:
    return np.array([text.lower() in MISSING for text in seen.texts], dtype=np.bool_)


def _first_row(seen: _Seen, which: NDArray[np.bool_]) -> int:
    return int(np.argmax(np.append(which, False)[seen.codes]))


def _fits(text: str, writing: Writing) -> bool:
    return (_POINT if writing == "point" else _COMMA).fullmatch(text) is not None


def _is_number(text: str) -> bool:
    """Whether text is a number in any writing, readable here or not."""
    return any(pattern.fullmatch(text) for pattern in (_POINT, _COMMA, _GROUPS, _SIGNED))


def _proves_commas(seen: _Seen) -> bool:
    """Whether all values are numbers with decimal commas, and some cannot be anything else."""
    if not any("," in text for text in seen.texts):
        return False
    texts = [text for text in seen.texts if text.lower() not in MISSING]
    return _all_fit(texts, "comma") and any("," in text and not _EITHER.fullmatch(text) for text in texts)


def _all_fit(texts: Sequence[str], writing: Writing) -> bool:
    return bool(texts) and all(_fits(text, writing) for text in texts)


def _read(seen: _Seen, commas: bool) -> Read:
    missing = _missing(seen)
    if _is_prose(seen, missing):
        return Read(seen.column)
    if missing.all():
        return Read(pd.Series(np.nan, index=seen.column.index)) if len(missing) else Read(seen.column)
    texts = [text for text, absent in zip(seen.texts, missing, strict=True) if not absent]
    if _are_dates(texts).all():
        return Read(_dates(seen, missing))
    if _means_numbers(seen, missing):
        writing = _writing(seen, texts, commas)
        return Read(_numbers(seen, missing, writing), writing)
    _check_units(seen, texts)
    if all(_OTHER_DATE.fullmatch(text) for text in texts):
        raise DataError(
            f"column {seen.name!r} holds dates such as {listed(texts, 2)}; only ISO 8601 dates (2026-01-31) are read, "
            f"because day and month could change places. Write them so, or pass a DataFrame with "
            f"frame[{seen.name!r}] = pandas.to_datetime(frame[{seen.name!r}], dayfirst=True) (or False); "
            + _CATEGORIES.format(seen.name)
        )
    return Read(seen.column)


def _is_prose(seen: _Seen, missing: NDArray[np.bool_]) -> bool:
    """Whether at most half of the values begin as numbers and dates do: a look that spares most text the rest."""
    likely = np.array([text[:1] in _FIRST for text in seen.texts], dtype=np.bool_) & ~missing
    return bool((~missing).any() and 2 * seen.times[likely].sum() <= seen.times[~missing].sum())


def _means_numbers(seen: _Seen, missing: NDArray[np.bool_]) -> bool:
    """Whether a column is meant as numbers; if so, and some value is none, an error names it."""
    numbers = np.array([_is_number(text) for text in seen.texts], dtype=np.bool_) & ~missing
    strange = ~numbers & ~missing
    observed = int(seen.times[~missing].sum())
    if 2 * seen.times[numbers].sum() <= observed or strange.sum() > max(FEW, observed // 10):
        return False
    if not strange.any():
        return True
    if (~missing).sum() <= CODES and seen.times[~missing].min() >= REPEATED:
        return False
    row = _first_row(seen, strange)
    others = f" ({int(seen.times[strange].sum()) - 1} more like it)" if seen.times[strange].sum() > 1 else ""
    raise DataError(
        f"column {seen.name!r} holds numbers, but {row_name(seen.column, row)} is {_short(seen.column.iloc[row])}"
        f"{others}; write a number there, or leave it empty for a missing value; " + _CATEGORIES.format(seen.name)
    )


def _writing(seen: _Seen, texts: Sequence[str], commas: bool) -> Writing:
    """How the numbers of a column are written; `commas` says that decimal commas are in use in this table."""
    if any(_SIGNED.fullmatch(text) for text in texts):
        raise _signs(seen, texts)
    fractions = [text for text in texts if not text.lstrip("+-").isdigit()]
    unclear = bool(fractions) and all(_EITHER.fullmatch(text) for text in fractions)
    if _all_fit(texts, "point") and not (commas and unclear):
        return "point"
    if _all_fit(texts, "comma") and any("," in text for text in texts) and (commas or not unclear):
        return "comma"
    raise _separators(seen, fractions)


def _signs(seen: _Seen, texts: Sequence[str]) -> DataError:
    signed = [text for text in texts if _SIGNED.fullmatch(text)]
    negative = " (and -12.5 for negative ones)" if signed[0].startswith("(") else ""
    return DataError(
        f"column {seen.name!r} holds numbers with something around them, such as {listed(signed, 3)}; write plain "
        f"numbers{negative} with the unit in the column's name, or convert the column with pandas and pass a DataFrame"
    )


def _separators(seen: _Seen, fractions: Sequence[str]) -> DataError:
    return DataError(
        f"column {seen.name!r} holds numbers such as {listed(fractions, 3)}, in which a separator could part thousands "
        "or the fraction; write plain numbers (1234.5), or read the table with pandas.read_csv(path, thousands=',') "
        "or (path, decimal=',', thousands='.') and pass the DataFrame"
    )


def _check_units(seen: _Seen, texts: Sequence[str]) -> None:
    if len(texts) <= CODES:  # "12 months", "36 months" are categories as they stand
        return
    found = [_UNIT.fullmatch(text) for text in texts]
    units = {match.group(1) if match else None for match in found}
    if len(units) == 1 and None not in units:
        raise DataError(
            f"column {seen.name!r} holds numbers with a unit, such as {listed(texts, 3)}; write plain numbers (12.5) "
            "and name the unit in the column's name; " + _CATEGORIES.format(seen.name)
        )


def _numbers(seen: _Seen, missing: NDArray[np.bool_], writing: Writing) -> pd.Series:
    """The column as int64 if all are whole numbers that float64 holds exactly, else as float64."""
    texts = [text.replace(".", "").replace(",", ".") if writing == "comma" else text for text in seen.texts]
    values = np.array([np.nan if absent else float(text) for text, absent in zip(texts, missing, strict=True)])
    numbers = np.append(values, np.nan)[seen.codes]
    digits = all(text.lstrip("+-").isdigit() for text in seen.texts)
    if digits and np.isfinite(numbers).all() and np.abs(numbers).max() <= 2**53:
        return pd.Series(numbers.astype(np.int64), index=seen.column.index)
    return pd.Series(numbers, index=seen.column.index)


def _are_dates(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Which texts are ISO 8601 dates."""
    dates = np.array([_DATE.fullmatch(text) is not None for text in texts], dtype=np.bool_)
    if dates.any():
        likely = [text for text, date in zip(texts, dates, strict=True) if date]
        dates[dates] = pd.to_datetime(likely, format="ISO8601", errors="coerce", utc=True).notna()
    return dates


def _dates(seen: _Seen, missing: NDArray[np.bool_]) -> pd.Series:
    texts = pd.Series(
        [None if absent else text for text, absent in zip(seen.texts, missing, strict=True)], dtype=object
    )
    try:
        stamps = pd.to_datetime(texts, format="ISO8601")
    except ValueError:  # several time zones, as where summer time is kept
        stamps = pd.to_datetime(texts, format="ISO8601", utc=True)
    return pd.Series(stamps.reindex(seen.codes).array, index=seen.column.index)


def _short(value: object) -> str:
    text = repr(plain(value))
    return text if len(text) <= 60 else f"{text[:57]}..."
