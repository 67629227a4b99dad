"""Tables: columns of numbers, categories and dates <-> network values, by one stated rule.

What a column holds is told from its dtype (`table_columns.py`); text that means numbers or dates is read as such, or
refused in words (`table_text.py`).

* Numbers, booleans (0 and 1), dates and lengths of time (in days) become one network column each, by default with mean
  0 and standard deviation 1 over the observed training values (`table_numbers.py`).
* All else is a category: one network column for each category seen in training, 1 in its own and 0 in the others
  (`table_categories.py`).
* A missing number becomes the training mean, a missing or unknown category is 0 everywhere, and the mask says False
  there. Infinite values are errors.
* A column without any observed value, or that looks like an identifier, is left out; `recipe["left_out"]` says which
  and why.

The recipe, plain JSON: kind ("frame" or "array"), scaling, missing ("impute" or "refuse"), width (columns of the raw
table), dtype (of a raw array), columns (one entry for each column used, in the raw order, which is also the order of
the network columns) and left_out. This file knows no files (`table_inputs.py`) and no ids.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from nolabel.data import table_categories, table_numbers, table_text
from nolabel.data.table_categories import MAX_CATEGORIES, Category
from nolabel.data.table_columns import Label, LeftOut, Raw, kind_of, listed, missing_refused, plain
from nolabel.data.table_inputs import from_array, read
from nolabel.data.table_numbers import Number, Scaling
from nolabel.errors import ArgumentError, DataError, nearest, not_a_choice
from nolabel.types import DataSpec

__all__ = ["MAX_CATEGORIES", "column_names", "encode", "from_array", "learn", "read", "restore"]

Missing = Literal["auto", "impute", "refuse"]
Form = Literal["frame", "array"]


def learn(
    frame: pd.DataFrame, *, scaling: Scaling = "standard", missing: Missing = "auto", kind: Form = "frame"
) -> DataSpec:
    """Learn from training rows how a table becomes network values.

    Parameters
    ----------
    frame
        (N, columns), with N of at least one; not modified.
    scaling
        `"standard"`: mean 0, standard deviation 1; `"minmax"`: training values cover [0, 1], new ones are not clipped;
        `"none"`: numbers as they are.
    missing
        `"impute"`: missing values are filled in and masked; `"refuse"`: they are an error, now and in `encode`;
        `"auto"`: `"impute"` for a frame, `"refuse"` for an array.
    kind
        What the user gave, and gets back from `restore`: `"frame"`, whose columns are known by name, or `"array"`
        (through `from_array`), whose columns are known by place.

    Returns
    -------
    DataSpec
        Modality "table", shape (D,); values "unit" if every training value becomes a number in [0, 1].

    Raises
    ------
    DataError
        No rows; no usable column; two columns of one name; infinite, complex or refused missing values.
    ArgumentError
        A choice that does not exist.
    """
    for argument, value, choices in (
        ("scaling", scaling, Scaling),
        ("missing", missing, Missing),
        ("kind", kind, Form),
    ):
        if value not in get_args(choices):
            raise not_a_choice(argument, value, get_args(choices))
    _check_rows(frame)
    refuse = missing == "refuse" or (missing == "auto" and kind == "array")
    learned = _learned(_raws(frame), scaling, refuse=refuse)
    columns = [rule for rule in learned if not isinstance(rule, LeftOut)]
    left_out = [rule for rule in learned if isinstance(rule, LeftOut)]
    if not columns:
        raise DataError(f"the table has no column that can be used: {_reasons(left_out)}")
    recipe = {
        "kind": kind,
        "scaling": scaling,
        "missing": "refuse" if refuse else "impute",
        "width": frame.shape[1],
        "dtype": _array_dtype(frame) if kind == "array" else None,
        "columns": [asdict(rule) for rule in columns],
        "left_out": [rule._asdict() for rule in left_out],
    }
    in_unit = all(rule.in_unit for rule in columns if isinstance(rule, Number))
    return DataSpec("table", (sum(map(_width, columns)),), "unit" if in_unit else "real", recipe)


def encode(frame: pd.DataFrame, spec: DataSpec) -> tuple[Tensor, Tensor | None]:
    """Network values of rows, by the recipe in `spec`.

    Parameters
    ----------
    frame
        (N, columns). For a spec learned from a frame, columns are found by name, in any order, and columns that the
        spec does not know are ignored. For a spec learned from an array, columns are taken by place. Not modified.
    spec
        What `learn` returned.

    Returns
    -------
    values, mask
        (N, D) float32; (N, D) bool, True where the value was observed (and the category known), or None if all were.

    Raises
    ------
    DataError
        No rows; columns missing, of another number or of another kind than in fit; infinite values; missing values if
        the recipe refuses them.
    """
    _check_rows(frame)
    rules, refuse = _rules(spec), spec.recipe["missing"] == "refuse"
    columns = _found(frame, spec, rules)
    values: NDArray[np.float32] = np.zeros((len(frame), spec.shape[0]), dtype=np.float32)
    mask = _Mask(values.shape)
    starts = np.cumsum([0, *map(_width, rules)])[:-1]
    numbers = [k for k, rule in enumerate(rules) if isinstance(rule, Number)]
    _encode_numbers([rules[k] for k in numbers], [columns[k] for k in numbers], starts[numbers], values, mask, refuse)
    for rule, column, start in zip(rules, columns, starts, strict=True):
        if isinstance(rule, Category):
            _encode_category(rule, column, int(start), values, mask, refuse)
    return torch.from_numpy(values), None if mask.seen is None else torch.from_numpy(mask.seen)


def restore(spec: DataSpec, values: Tensor) -> "pd.DataFrame | NDArray[np.floating[Any]]":
    """Rows in the user's own form from network values: the inverse of `encode`.

    Parameters
    ----------
    spec
        What `learn` returned.
    values
        (N, D) network values.

    Returns
    -------
    DataFrame or ndarray
        For a spec learned from a frame: the columns used, in their order and dtypes; whole numbers rounded, booleans
        cut at one half, categories by the greatest value. For an array: (N, columns) floats, NaN in columns left out.

    Raises
    ------
    ArgumentError
        `values` has another shape, or holds NaN or infinite values.
    """
    if values.ndim != 2 or values.shape[1] != spec.width:
        raise ArgumentError(f"values must have shape (N, {spec.width}); got {tuple(values.shape)}")
    network = values.detach().to("cpu", torch.float32).numpy()
    if not np.isfinite(network).all():
        raise ArgumentError(
            "values holds NaN or infinite numbers, which are nothing in a table; has training diverged?"
        )
    rules = _rules(spec)
    starts = np.cumsum([0, *map(_width, rules)])
    parts = [network[:, start:stop] for start, stop in pairwise(starts)]
    return _restore_array(spec, rules, parts) if spec.recipe["kind"] == "array" else _restore_frame(rules, parts)


def column_names(spec: DataSpec) -> list[str]:
    """Names of the D network columns: 'age', 'colour=blue', 'colour=red', ..."""
    names: list[str] = []
    for rule in _rules(spec):
        labels = [f"={label}" for label in rule.labels] if isinstance(rule, Category) else [""]
        names += [f"{rule.name}{label}" for label in labels]
    return names


class _Mask:
    """(N, D) booleans, made when the first missing value turns up."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self.seen: NDArray[np.bool_] | None = None

    def hide(self, rows: Any, columns: Any, missing: NDArray[np.bool_]) -> None:
        """Mark as missing where `missing` is True, among the given rows and columns."""
        if self.seen is None:
            self.seen = np.ones(self._shape, dtype=np.bool_)
        self.seen[rows, columns] = ~missing


def _check_choice(argument: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        raise not_a_choice(argument, value, choices)


def _check_rows(frame: pd.DataFrame) -> None:
    rows, width = frame.shape
    if not width:
        raise DataError(f"Found array with 0 feature(s) (shape={frame.shape}) while a minimum of 1 is required.")
    if not rows:
        raise DataError(f"Found array with 0 sample(s) (shape={frame.shape}) while a minimum of 1 is required.")


def _names(frame: pd.DataFrame) -> list[Label]:
    """The column names as JSON can hold them, each once."""
    names = [plain(name) for name in frame.columns]
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise DataError(f"several columns are named {listed(repeated)}; give each column a name of its own")
    return names


def _raws(frame: pd.DataFrame) -> list[Raw]:
    names = _names(frame)
    columns = table_text.read(names, [frame.iloc[:, place] for place in range(frame.shape[1])])
    pairs = zip(names, columns, strict=True)
    return [Raw(place, name, kind_of(name, one.column), *one) for place, (name, one) in enumerate(pairs)]


def _learned(raws: Sequence[Raw], scaling: Scaling, *, refuse: bool) -> list[Number | Category | LeftOut]:
    """What was learned of each column, in the raw order."""
    learned: list[Number | Category | LeftOut] = []
    learned += table_numbers.learn([raw for raw in raws if raw.kind != "category"], scaling, refuse=refuse)
    learned += [table_categories.learn(raw, refuse=refuse) for raw in raws if raw.kind == "category"]
    return sorted(learned, key=lambda rule: rule.place)


def _reasons(left_out: Sequence[LeftOut]) -> str:
    reasons = "; ".join(f"{column.name!r}: {column.why}" for column in left_out[:5])
    return reasons + ("; ..." if len(left_out) > 5 else "")


def _array_dtype(frame: pd.DataFrame) -> str:
    """float32 if every column is float32 (or float16), else float64."""
    return "float32" if all(dtype.kind == "f" and dtype.itemsize <= 4 for dtype in frame.dtypes) else "float64"


def _width(rule: Number | Category) -> int:
    return len(rule.labels) if isinstance(rule, Category) else 1


def _rules(spec: DataSpec) -> list[Number | Category]:
    return [Category(**raw) if raw["kind"] == "category" else Number(**raw) for raw in spec.recipe["columns"]]


def _found(frame: pd.DataFrame, spec: DataSpec, rules: Sequence[Number | Category]) -> list[pd.Series]:
    """The column for each rule: by place in an array, by name in a frame."""
    if spec.recipe["kind"] == "array":
        width = spec.recipe["width"]
        if frame.shape[1] != width:
            raise DataError(
                f"X has {frame.shape[1]} features, but nolabel is expecting {width} features as input: "
                "give the columns that the model was fitted to, in the same order"
            )
        return [_as_learned(rule, frame.iloc[:, rule.place]) for rule in rules]
    places = {name: place for place, name in enumerate(_names(frame))}
    absent = [rule.name for rule in rules if rule.name not in places]
    if absent:
        raise _absent(absent, frame, list(places))
    return [_as_learned(rule, frame.iloc[:, places[rule.name]]) for rule in rules]


def _as_learned(rule: Number | Category, column: pd.Series) -> pd.Series:
    """The column, its text read as the numbers or dates that it was when the rule was learned."""
    if isinstance(rule, Category) or not table_text.is_text(column):
        return column
    return table_text.read_again(rule.name, column, rule.kind, rule.writing)


def _absent(absent: Sequence[Label], frame: pd.DataFrame, names: Sequence[Label]) -> DataError:
    lines = [f"  {name!r}{nearest(str(name), [str(other) for other in names])}" for name in absent[:10]]
    lines += [f"  and {len(absent) - 10} more"] if len(absent) > 10 else []
    if isinstance(frame.columns, pd.RangeIndex):
        lines.append("The data have no column names; give a DataFrame with the names that the model was fitted to.")
    return DataError(f"columns that the model was fitted to are missing ({len(absent)}):\n" + "\n".join(lines))


def _encode_numbers(
    rules: Sequence[Any],
    columns: Sequence[pd.Series],
    places: NDArray[np.int64],
    values: NDArray[np.float32],
    mask: _Mask,
    refuse: bool,
) -> None:
    if not rules:
        return
    contiguous = places[-1] - places[0] == len(places) - 1
    at = slice(int(places[0]), int(places[-1]) + 1) if contiguous else places
    for rows, block, missing in table_numbers.encode(rules, columns):
        values[rows, at] = block
        if missing is not None:
            if refuse:
                k = int(np.argmax(missing.any(axis=0)))
                raise missing_refused(rules[k].name, columns[k])
            mask.hide(rows, at, missing)


def _encode_category(
    rule: Category, column: pd.Series, start: int, values: NDArray[np.float32], mask: _Mask, refuse: bool
) -> None:
    if refuse and column.isna().any():
        raise missing_refused(rule.name, column)
    codes = table_categories.encode(rule, column)
    known = np.flatnonzero(codes >= 0)
    values[known, start + codes[known]] = 1
    if len(known) < len(codes):
        mask.hide(slice(None), slice(start, start + len(rule.labels)), (codes < 0)[:, None])


def _restore_array(
    spec: DataSpec, rules: Sequence[Number | Category], parts: Sequence[NDArray[np.float32]]
) -> NDArray[np.floating[Any]]:
    array = np.full((len(parts[0]), spec.recipe["width"]), np.nan, dtype=spec.recipe["dtype"])
    for rule, part in zip(rules, parts, strict=True):
        if isinstance(rule, Number):
            array[:, rule.place] = table_numbers.raw_values(rule, part[:, 0])
    return array


def _restore_frame(rules: Sequence[Number | Category], parts: Sequence[NDArray[np.float32]]) -> pd.DataFrame:
    columns = [
        table_categories.restore(rule, part) if isinstance(rule, Category) else table_numbers.restore(rule, part[:, 0])
        for rule, part in zip(rules, parts, strict=True)
    ]
    frame = pd.concat(columns, axis=1) if len(columns) > 1 else columns[0].to_frame()
    frame.columns = pd.Index([rule.name for rule in rules])
    return frame
