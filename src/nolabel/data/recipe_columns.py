"""Where the columns of a table lie among the values of a sample, as a table's recipe says.

It knows recipes, and neither tables nor models.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nolabel.types import DataSpec


def in_columns(spec: DataSpec) -> bool:
    """Whether a sample is a row of a table with few enough columns to be shown one by one."""
    return spec.modality == "table" and spec.recipe.get("kind") != "sparse"


def column_names(spec: DataSpec) -> list[str]:
    """The columns of a table that are used, in their order, as a person knows them."""
    return [_column_name(column) for column in spec.recipe["columns"]]


def _column_name(column: dict[str, Any]) -> str:
    return f"column {column['name']}" if isinstance(column["name"], int) else str(column["name"])


def column_slices(spec: DataSpec) -> list[slice]:
    """Where each used column of a table lies among the D network columns."""
    widths = [_width(column) for column in spec.recipe["columns"]]
    stops = np.cumsum(widths).tolist()
    return [slice(stop - width, stop) for stop, width in zip(stops, widths)]


def _width(column: dict[str, Any]) -> int:
    if column["kind"] != "category":
        return 1
    return len(column["categories"]) + (column["other"] is not None)


def most_varied_category(column: Mapping[str, Any], variances: "NDArray[np.floating[Any]]") -> tuple[int, str]:
    """Of a column of categories, the place and name of that whose network value has the largest variance."""
    place = int(variances.argmax())
    known = column["categories"]
    return place, str(known[place]) if place < len(known) else "other"
