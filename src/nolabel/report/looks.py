"""What samples look like to a person: pixels of images, text of table rows.

It knows the two modalities and their recipes, and no model.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from nolabel.data import source
from nolabel.data.dataset import Dataset
from nolabel.report.content import Pixels
from nolabel.types import DataSpec, to_network

MISSING = "–"


def network_values(data: Dataset) -> Tensor:
    """All samples in network space: (N, *shape) float32."""
    stored, _ = data.rows(torch.arange(len(data)))
    return to_network(stored)


def pixels(images: Dataset | Tensor) -> Pixels:
    """Images, as a data set or as network values (N, C, H, W), as (N, H, W) or (N, H, W, 3) uint8."""
    values = network_values(images) if isinstance(images, Dataset) else images
    eight_bits = (values.detach().cpu().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return eight_bits[:, 0].numpy() if values.shape[1] == 1 else eight_bits.permute(0, 2, 3, 1).contiguous().numpy()


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


def texts(rows: Dataset) -> list[list[str]]:
    """Each row of a table as text, one entry for each used column; a dash where the value is missing."""
    written = restored_texts(rows.spec, network_values(rows))
    if rows.mask is None:
        return written
    seen = np.stack([rows.mask[:, where].any(dim=1).numpy() for where in column_slices(rows.spec)], axis=1)
    return [[text if known else MISSING for text, known in zip(row, mask)] for row, mask in zip(written, seen)]


def restored_texts(spec: DataSpec, values: Tensor) -> list[list[str]]:
    """Network values (N, D) of a table as text, one entry for each used column."""
    restored = source.restore(spec, values)
    if isinstance(restored, pd.DataFrame):
        columns = [restored.iloc[:, place].tolist() for place in range(restored.shape[1])]
    else:
        columns = _used_columns(spec, restored)
    return [[written(value) for value in row] for row in zip(*map(_without_dust, columns))]


def _used_columns(spec: DataSpec, restored: NDArray[Any]) -> list[Sequence[Any]]:
    return [restored[:, column["place"]].tolist() for column in spec.recipe["columns"]]


def _without_dust(column: Sequence[Any]) -> Sequence[Any]:
    """Numbers with what the way to network space and back leaves in place of a zero taken off."""
    sizes = [abs(value) for value in column if isinstance(value, float) and math.isfinite(value)]
    dust = 1e-6 * max(sizes, default=0.0)
    return [0.0 if isinstance(value, float) and abs(value) < dust else value for value in column]


def written(value: object) -> str:
    """One value of a table as text, numbers with four significant digits."""
    if isinstance(value, float):
        return MISSING if math.isnan(value) else f"{value:.4g}".replace("-", "\N{MINUS SIGN}")
    return MISSING if value is None or value is pd.NA or value is pd.NaT else str(value)
