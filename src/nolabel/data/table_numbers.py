"""Columns of a table that become one network column each: numbers, booleans (0, 1), dates and lengths of time (days).

    z = (x - offset) / scale - shift          x = (z + shift) * scale + offset

`offset` is the training minimum, so that numbers far from zero (1e12 and a little) lose nothing: the subtraction comes
first, and all of it is float64 until z is cast to float32. Then, over the observed training values,

    "standard"   z has mean 0 and standard deviation 1 (population)     "minmax"   z covers [0, 1]
    "none"       z = x (dates: days since the first training date)

A column that is constant (up to the rounding of float64) gets scale 1 and becomes 0. A missing value becomes the
training mean. New values beyond the training range are not clipped.

Work goes over blocks of rows that fit the cache, all columns at once. This file knows no categories and no files.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nolabel.data.table_columns import (
    Kind,
    Label,
    LeftOut,
    Raw,
    Writing,
    kind_changed,
    kind_of,
    missing_refused,
    row_name,
)
from nolabel.errors import DataError

Scaling = Literal["standard", "minmax", "none"]
Floats = NDArray[np.float64]

BLOCK_VALUES = 2**18
"""Values in a block of rows: 2 MB of float64."""

_EXACT = 2**53  # up to here float64 holds every whole number
_DAY = 86_400_000_000  # microseconds
_FIRST_DAY, _LAST_DAY = -719_162.0, 2_932_896.0  # years 1 to 9999, counted from 1970
_NANOSECOND_DAYS = 106_751.0  # years 1678 to 2261: all that 64 bits of nanoseconds can count
_ACCEPTED: dict[Kind, tuple[Kind, ...]] = {
    "number": ("number", "flag", "empty"),
    "flag": ("number", "flag", "empty"),
    "date": ("date", "empty"),
    "span": ("span", "empty"),
}


@final
@dataclass(frozen=True, slots=True)
class Number:
    """What was learned of one column; plain JSON as a dict.

    `low` and `high` are the training range and `fill` the network value of a missing entry. `dtype` is the dtype to
    return to; `whole_days` says that every training date was a midnight, `writing` how numbers in text are written.
    Dates are counted in days since 1970.
    """

    place: int
    name: Label
    kind: Kind
    dtype: str
    low: float
    high: float
    offset: float
    scale: float
    shift: float
    fill: float
    whole_days: bool = False
    writing: Writing = "point"

    @property
    def in_unit(self) -> bool:
        """Whether every training value becomes a network value in [0, 1]."""
        ends = [(end - self.offset) / self.scale - self.shift for end in (self.low, self.high)]
        return ends[0] >= 0 and ends[1] <= 1


class Spread(NamedTuple):
    """Of K columns: how many values are observed, their range, and mean and deviation as parts of the range."""

    known: NDArray[np.int64]
    low: Floats
    high: Floats
    mean: Floats
    deviation: Floats


def learn(raws: Sequence[Raw], scaling: Scaling, *, refuse: bool) -> list[Number | LeftOut]:
    """Learn how the given columns become network columns.

    Parameters
    ----------
    raws
        Columns of the kinds number, flag, date and span, all of one length.
    scaling
        See the head of this file.
    refuse
        Whether a missing value is an error.

    Returns
    -------
    list of Number or LeftOut
        In the order of `raws`; a column without any observed value is left out.

    Raises
    ------
    DataError
        An infinite value, or a missing one where these are refused; names row and column.
    """
    if not raws:
        return []
    arrays = [_values(raw.name, raw.column, raw.kind) for raw in raws]
    count, low, high = _extent(arrays)
    for raw, least, most in zip(raws, low, high, strict=True):
        if np.isinf(least) or np.isinf(most):
            raise _infinite(raw.name, raw.column, raw.kind)
    for raw, known in zip(raws, count, strict=True):
        if refuse and known < len(raw.column):
            raise missing_refused(raw.name, raw.column)
    _check_range(raws, low, high)
    spread = Spread(count, low, high, *_moments(arrays, count, low, high))
    return [_learned(raw, array, spread, k, scaling) for k, (raw, array) in enumerate(zip(raws, arrays, strict=True))]


def encode(
    rules: Sequence[Number], columns: Sequence[pd.Series]
) -> Iterator[tuple[slice, NDArray[np.float32], NDArray[np.bool_] | None]]:
    """Network values of the columns, a block of rows at a time.

    Yields
    ------
    rows, values, missing
        Which rows; (rows, K) float32; (rows, K) bool, True where the value is missing, or None where none is.

    Raises
    ------
    DataError
        A column of another kind than in fit; a value that is infinite or too far out for float32.
    """
    arrays = [_values_again(rule, column) for rule, column in zip(rules, columns, strict=True)]
    offset, scale, shift, fill = (np.array([getattr(r, part) for r in rules]) for part in _AFFINE)
    for rows, block in _blocks(arrays):
        with np.errstate(over="ignore"):
            block -= offset
            block /= scale
            block -= shift
            missing = np.isnan(block)
            any_missing = bool(missing.any())
            if any_missing:
                block[missing] = np.broadcast_to(fill, block.shape)[missing]
            values = block.astype(np.float32)
        if not np.isfinite(values).all():
            row, k = (int(at[0]) for at in np.nonzero(~np.isfinite(values)))
            raise _too_far(rules[k], columns[k], rows.start + row)
        yield rows, values, missing if any_missing else None


_AFFINE = ("offset", "scale", "shift", "fill")


def raw_values(rule: Number, values: NDArray[np.float32]) -> Floats:
    """From network values (N,) to the column's own numbers (N,): dates in days since 1970, booleans near 0 and 1."""
    with np.errstate(over="ignore"):
        raw: Floats = (values.astype(np.float64) + rule.shift) * rule.scale + rule.offset
    return raw


def restore(rule: Number, values: NDArray[np.float32]) -> pd.Series:
    """From network values (N,) to the column in its training dtype.

    Whole numbers are rounded, booleans cut at one half, dates rounded to days if all training dates were midnights;
    what the dtype cannot hold becomes the nearest value that it can.
    """
    raw = raw_values(rule, values)
    dtype = pd.api.types.pandas_dtype(rule.dtype)
    if rule.kind == "flag":
        return pd.Series(raw > 0.5, dtype=dtype)
    if rule.kind in ("date", "span"):
        return _restore_days(rule, raw, dtype)
    bits = np.dtype(getattr(dtype, "numpy_dtype", dtype))
    return pd.Series(_cast(raw, bits)).astype(dtype)


def _values(name: Label, column: pd.Series, kind: Kind) -> NDArray[Any]:
    """The column's numbers (N,), NaN where missing; a view of the column where its dtype allows."""
    if kind == "empty":
        return np.full(len(column), np.nan)
    if kind in ("date", "span"):
        return _days(_ticks(name, column, kind))
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
        return np.asarray(column)
    try:
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    except OverflowError as error:
        raise DataError(
            f"column {name!r} holds a number too large for float64; divide the column by a constant"
        ) from error


def _ticks(name: Label, column: pd.Series, kind: Kind) -> NDArray[Any]:
    try:
        if kind == "span":
            return np.asarray(pd.to_timedelta(column).to_numpy(dtype="timedelta64[us]"))
        return np.asarray(pd.to_datetime(column, utc=True).dt.tz_localize(None).to_numpy(dtype="datetime64[us]"))
    except (ValueError, OverflowError) as error:
        raise DataError(f"column {name!r} holds dates that cannot be used: {error}") from error


def _days(ticks: NDArray[Any]) -> Floats:
    days: Floats = ticks.astype(np.int64) / _DAY
    days[np.isnat(ticks)] = np.nan
    return days


def _values_again(rule: Number, column: pd.Series) -> NDArray[Any]:
    """The numbers of a new column, which must hold what it held in fit."""
    kind = kind_of(rule.name, column)
    if kind in _ACCEPTED[rule.kind]:
        return _values(rule.name, column, kind)
    known = np.flatnonzero(column.notna())
    if not len(known):
        return np.full(len(column), np.nan)
    raise kind_changed(rule.name, rule.kind, column, _first_wrong(rule, column, known))


def _first_wrong(rule: Number, column: pd.Series, known: NDArray[np.intp]) -> int:
    if rule.kind in ("number", "flag"):
        text = column.astype(object)
        wrong = np.flatnonzero(pd.to_numeric(text, errors="coerce").isna() & column.notna())
        known = wrong if len(wrong) else known
    return int(known[0])


def _blocks(arrays: Sequence[NDArray[Any]]) -> Iterator[tuple[slice, Floats]]:
    """Blocks of rows of all arrays, (rows, K) float64 each; the caller may overwrite a block."""
    total = len(arrays[0])
    step = max(64, BLOCK_VALUES // len(arrays))
    for start in range(0, total, step):
        rows = slice(start, min(start + step, total))
        block = np.empty((rows.stop - start, len(arrays)))
        for k, array in enumerate(arrays):
            block[:, k] = array[rows]
        yield rows, block


def _extent(arrays: Sequence[NDArray[Any]]) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Number of observed values, least and greatest of them, for each of K arrays."""
    count = np.zeros(len(arrays), np.int64)
    low, high = np.full((2, len(arrays)), np.nan)
    for _, block in _blocks(arrays):
        count += len(block) - np.isnan(block).sum(axis=0)
        low = np.fmin(low, np.fmin.reduce(block, axis=0))
        high = np.fmax(high, np.fmax.reduce(block, axis=0))
    return count, low, high


def _moments(
    arrays: Sequence[NDArray[Any]], count: NDArray[np.int64], low: Floats, high: Floats
) -> tuple[Floats, Floats]:
    """Mean and standard deviation of u = (x - low) / (high - low).

    Both ends of [0, 1] are reached, so var(u) is at least 1 / (2 N), and E[u^2] - E[u]^2 cannot cancel.
    """
    width = np.where(high > low, high - low, 1.0)
    total, squares = np.zeros((2, len(arrays)))
    for _, block in _blocks(arrays):
        block -= low
        block /= width
        block[np.isnan(block)] = 0
        total += block.sum(axis=0)
        squares += np.einsum("nk,nk->k", block, block)
    observed = np.maximum(count, 1)
    mean = total / observed
    return mean, np.sqrt(np.maximum(squares / observed - mean**2, 0))


def _check_range(raws: Sequence[Raw], low: Floats, high: Floats) -> None:
    with np.errstate(over="ignore"):
        too_wide = np.flatnonzero(np.isinf(high - low))
    if len(too_wide):
        raw = raws[too_wide[0]]
        raise DataError(
            f"column {raw.name!r} goes from {low[too_wide[0]]:g} to {high[too_wide[0]]:g}, more than float64 can "
            "tell apart; divide the column by a constant first"
        )
    for k in np.flatnonzero(np.fmax(np.abs(low), np.abs(high)) > _EXACT):
        _check_resolved(raws[int(k)])


def _check_resolved(raw: Raw) -> None:
    """Refuses whole numbers so large, and so close to each other, that as float64 they would be much the same."""
    if raw.column.dtype.kind not in "iuO":
        return
    known = raw.column.dropna()
    low, high = int(known.min()), int(known.max())
    if low < high < low + 1000 * math.ulp(float(max(-low, high))):
        raise DataError(
            f"column {raw.name!r} holds whole numbers from {low} to {high}, which float64 can hardly tell apart; leave "
            "the column out if they are identifiers, else subtract a constant first"
        )


def _learned(raw: Raw, array: NDArray[Any], spread: Spread, k: int, scaling: Scaling) -> Number | LeftOut:
    if not spread.known[k]:
        return LeftOut(raw.place, raw.name, "no value is observed")
    low, high = float(spread.low[k]), float(spread.high[k])
    whole_days = raw.kind == "date" and bool(np.all((array == np.floor(array)) | np.isnan(array)))
    affine = _affine(low, high, float(spread.mean[k]), float(spread.deviation[k]), scaling, days=raw.kind == "date")
    return Number(raw.place, raw.name, raw.kind, _dtype_name(raw), low, high, *affine, whole_days, raw.writing)


def _affine(
    low: float, high: float, mean: float, deviation: float, scaling: Scaling, *, days: bool
) -> tuple[float, float, float, float]:
    """Offset, scale, shift and fill of a column; `mean` and `deviation` are parts of its range."""
    width = high - low
    if scaling == "none":
        offset = low if days else 0.0
        return offset, 1.0, 0.0, low - offset + mean * width
    if width <= max(4 * np.finfo(np.float64).eps * max(abs(low), abs(high)), 1e-300):
        return low, 1.0, 0.0, 0.0
    if scaling == "minmax":
        return low, width, 0.0, mean
    return low, width * deviation, mean / deviation, 0.0


def _dtype_name(raw: Raw) -> str:
    """Name of the dtype to return to: the column's own if a name can bring it back."""
    dtype = getattr(raw.column.dtype, "subtype", raw.column.dtype)  # of sparse columns, the values' own
    if not pd.api.types.is_object_dtype(dtype):
        try:
            return str(pd.api.types.pandas_dtype(str(dtype)))
        except (TypeError, NotImplementedError, ValueError):
            pass  # Arrow's dtypes with parameters: no name brings them back
    whole = raw.kind == "number" and pd.api.types.infer_dtype(raw.column, skipna=True) == "integer"
    fits = whole and raw.column.dropna().min() >= -(2**63) and raw.column.dropna().max() < 2**63
    number = "int64" if fits else "float64"
    return {"flag": "bool", "date": "datetime64[us]", "span": "timedelta64[us]"}.get(raw.kind, number)


def _cast(raw: Floats, bits: "np.dtype[Any]") -> NDArray[Any]:
    """Numbers as the given dtype, rounded if it is whole, pulled to the nearest number that it can hold."""
    if bits.kind == "f":
        return np.clip(raw, np.finfo(bits).min, np.finfo(bits).max).astype(bits)
    limits = np.iinfo(bits)
    top = float(limits.max) if float(limits.max) <= limits.max else float(np.nextafter(float(limits.max), 0))
    return np.clip(np.rint(raw), float(limits.min), top).astype(bits)


def _restore_days(rule: Number, days: Floats, dtype: Any) -> pd.Series:
    ends = (-_NANOSECOND_DAYS, _NANOSECOND_DAYS) if "ns" in rule.dtype else (_FIRST_DAY, _LAST_DAY)
    days = np.clip(np.rint(days) if rule.whole_days else days, *ends)
    ticks = np.rint(days * _DAY).astype(np.int64)
    if rule.kind == "span":
        return pd.Series(ticks.astype("timedelta64[us]")).astype(dtype)
    stamps = pd.Series(ticks.astype("datetime64[us]"))
    return (stamps.dt.tz_localize("UTC") if getattr(dtype, "tz", None) else stamps).astype(dtype)


def _infinite(name: Label, column: pd.Series, kind: Kind) -> DataError:
    rows = np.flatnonzero(np.isinf(_values(name, column, kind).astype(np.float64)))
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return DataError(
        f"Input X contains infinity: column {name!r}, {row_name(column, int(rows[0]))}{more}; "
        "replace infinite values by numbers, or by NaN to have them treated as missing"
    )


def _too_far(rule: Number, column: pd.Series, row: int) -> DataError:
    values = _values(rule.name, column, kind_of(rule.name, column))
    value = float(values[row])
    if np.isinf(value):
        return _infinite(rule.name, column, kind_of(rule.name, column))
    return DataError(
        f"column {rule.name!r}, {row_name(column, row)}: {value:g} is too far out for float32 when the training "
        f"values go from {rule.low:g} to {rule.high:g}; correct the value, or scale the column (scaling='standard')"
    )
