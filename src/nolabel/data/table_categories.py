"""Columns of a table that become one network column for each category: 1 in the category's own, 0 in the others.

The categories are those seen in training, sorted (those of an ordered categorical stay in their order). More than
`MAX_CATEGORIES` distinct values are too many: if more than `IDENTIFIER_RATIO` of the observed values are distinct, the
column is taken for an identifier and left out; otherwise the most frequent ones keep a column each and all others,
those never seen in training included, share one more. Without such a shared column, a value never seen in training is
0 everywhere, just as a missing value is.

This file knows no numbers and no files.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nolabel.data.table_columns import (
    Kind,
    Label,
    LeftOut,
    Raw,
    factorized,
    kind_changed,
    listed,
    missing_refused,
    plain,
)

MAX_CATEGORIES = 100
"""Network columns that one categorical column may have."""

IDENTIFIER_RATIO = 0.5
"""Distinct values for each observed value above which a column with too many categories is an identifier."""


@final
@dataclass(frozen=True, slots=True)
class Category:
    """What was learned of one column; plain JSON as a dict.

    `other` names the column that rare values share, or is None when every category has a column. `groups` says of what
    types the categories are, so that new data of another type are noticed.
    """

    place: int
    name: Label
    kind: Kind
    dtype: str
    categories: list[Label]
    other: str | None
    ordered: bool
    groups: list[str]

    @property
    def labels(self) -> list[Label]:
        """The name of each network column: the categories, and `other` if there is one."""
        return self.categories if self.other is None else [*self.categories, self.other]


def learn(raw: Raw, *, refuse: bool) -> Category | LeftOut:
    """Learn the categories of a column.

    Parameters
    ----------
    raw
        A column of the kind "category".
    refuse
        Whether a missing value is an error.

    Raises
    ------
    DataError
        A missing value where these are refused; values that cannot be compared (lists, dictionaries).
    """
    codes, values = factorized(raw.name, raw.column)
    if refuse and (codes < 0).any():
        raise missing_refused(raw.name, raw.column)
    times = np.bincount(codes[codes >= 0], minlength=len(values))
    counts: Counter[Label] = Counter()
    for value, count in zip(values, times, strict=True):
        counts[plain(value)] += int(count)
    why = _why_not(counts)
    return LeftOut(raw.place, raw.name, why) if why else _learned(raw, values, counts)


def encode(rule: Category, column: pd.Series) -> NDArray[np.int64]:
    """The number of each row's label (N,), -1 where it is missing or unknown.

    Raises
    ------
    DataError
        Values of another type than in fit; values that cannot be compared.
    """
    codes, values = factorized(rule.name, column)
    if rule.groups == ["text"]:
        values = _as_written(rule, values)
    observed = {_group(value) for value, used in zip(values, _used(codes, len(values)), strict=True) if used}
    if observed and observed.isdisjoint(rule.groups):
        raise kind_changed(rule.name, rule.kind, column, int(np.argmax(codes >= 0)))
    numbers = {label: number for number, label in enumerate(rule.categories)}
    unknown = -1 if rule.other is None else len(rule.categories)
    lookup = np.array([numbers.get(plain(value), unknown) for value in values] + [-1], dtype=np.int64)
    return lookup[codes]  # code -1, missing, takes the last entry


def restore(rule: Category, values: NDArray[np.float32]) -> pd.Series:
    """From network values (N, K) to the label whose value is greatest, in the training dtype."""
    best = values.argmax(axis=1)
    if rule.dtype == "category":
        return pd.Series(pd.Categorical.from_codes(best, categories=pd.Index(rule.labels), ordered=rule.ordered))
    labels = np.empty(len(rule.labels), dtype=object)
    labels[:] = rule.labels
    return pd.Series(labels[best], dtype=object).astype(pd.api.types.pandas_dtype(rule.dtype))


def _as_written(rule: Category, values: list[Hashable]) -> list[Hashable]:
    """New values as text, if some are known then: of a file's "0", "1", "3+", today's rows may lack the "3+"."""
    written = [_text(value) for value in values]
    return list(written) if not set(rule.categories).isdisjoint(written) else values


def _text(value: object) -> str:
    value = plain(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _used(codes: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    used = np.zeros(count + 1, dtype=np.bool_)
    used[codes] = True
    return used[:count]


def _group(value: object) -> str:
    if isinstance(value, str):
        return "text"
    return "number" if isinstance(value, int | float | np.number | np.bool_) else type(value).__name__


def _why_not(counts: Counter[Label]) -> str:
    """Why a column with these categories is left out, or ''."""
    observed = counts.total()
    if not observed:
        return "no value is observed"
    if len(counts) > MAX_CATEGORIES and len(counts) / observed > IDENTIFIER_RATIO:
        return f"{len(counts)} distinct values among {observed}, like an identifier (such as {listed(list(counts), 2)})"
    return ""


def _learned(raw: Raw, values: Sequence[Hashable], counts: Counter[Label]) -> Category:
    rank = _rank(raw.column)
    kept = sorted((label for label in counts if counts[label]), key=rank)
    other = None
    if len(kept) > MAX_CATEGORIES:
        by_frequency = sorted(kept, key=lambda label: -counts[label])[: MAX_CATEGORIES - 1]
        kept = sorted(by_frequency, key=rank)
        other = _free_name(kept)
    chosen = set(kept)
    groups = sorted({_group(value) for value in values if plain(value) in chosen})
    ordered = bool(getattr(raw.column.dtype, "ordered", False))
    return Category(raw.place, raw.name, raw.kind, _dtype_name(raw.column.dtype), kept, other, ordered, groups)


def _rank(column: pd.Series) -> Any:
    """The key that puts categories in order: numbers before text, unless the dtype has an order of its own."""
    if getattr(column.dtype, "ordered", False):
        order = {plain(value): place for place, value in enumerate(column.cat.categories)}
        return order.__getitem__
    return lambda label: (isinstance(label, str), label)


def _free_name(taken: Sequence[Label]) -> str:
    name = "other"
    while name in taken:
        name = f"({name})"
    return name


def _dtype_name(dtype: Any) -> str:
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    return str(dtype) if dtype.kind == "U" or isinstance(dtype, pd.StringDtype) else "object"
