"""What samples look like to a person: pixels of images, values of table rows, the first line of a text.

It knows the modalities and their recipes, and no model.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from nolabel.data import source
from nolabel.data.dataset import Dataset
from nolabel.data.recipe_columns import column_slices, in_columns
from nolabel.report.content import Pixels
from nolabel.types import DataSpec, to_network

MISSING = "–"
_LINE = 160  # characters
_HEAVIEST = 8  # values named of a sparse row


def network_values(data: Dataset) -> Tensor:
    """All samples in network space: (N, *shape) float32."""
    stored, _ = data.as_dense().rows(torch.arange(len(data)))
    return to_network(stored)


def is_seen(spec: DataSpec) -> bool:
    """Whether samples are shown as pixels."""
    return spec.modality in ("image", "video")


def pixels(images: Dataset | Tensor) -> Pixels:
    """Images, as a data set or as network values (N, C, H, W), as (N, H, W) or (N, H, W, 3) uint8.

    Of a clip (C, T, H, W) some frames stand side by side, line by line.
    """
    values = network_values(images) if isinstance(images, Dataset) else images
    values = _side_by_side(values) if values.ndim == 5 else values
    eight_bits = (values.detach().cpu().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return eight_bits[:, 0].numpy() if values.shape[1] == 1 else eight_bits.permute(0, 2, 3, 1).contiguous().numpy()


def _side_by_side(clips: Tensor) -> Tensor:
    """Clips (N, C, T, H, W) as (N, C, s H, s W): s x s frames, evenly spread from the first to the last."""
    side = 3 if clips.shape[2] >= 9 else 2
    chosen = torch.linspace(0, clips.shape[2] - 1, side * side, device=clips.device).round().long()
    count, channels, _, height, width = clips.shape
    grid = clips[:, :, chosen].reshape(count, channels, side, side, height, width)
    return grid.transpose(3, 4).reshape(count, channels, side * height, side * width)


def lines(data: Dataset) -> list[str]:
    """For texts how each begins, for counts and sparse rows what each holds most of, in one line; else nothing."""
    if data.texts is not None:
        return [first_line(text) for text in data.texts]
    return [] if in_columns(data.spec) or is_seen(data.spec) else _heaviest(data)


def first_line(text: str) -> str:
    """The first line of a text that holds a word, cut at a length that can be read."""
    line = next((each.strip() for each in text.splitlines() if any(map(str.isalnum, each))), text.strip())
    return line if len(line) <= _LINE else f"{line[: _LINE - 1].rstrip()}…"


def _heaviest(data: Dataset) -> list[str]:
    names = value_names(data.spec)
    return [
        ", ".join(f"{names[column]} {written(value)}" for column, value in row) or "all zero" for row in _largest(data)
    ]


def _largest(data: Dataset) -> Iterator[list[tuple[int, float]]]:
    """Columns and values of each row that are farthest from zero, the farthest first."""
    for batch in data.batches():
        sparse = batch.x if batch.x.layout == torch.sparse_csr else batch.x.to_sparse_csr()
        ends = sparse.crow_indices().tolist()
        for start, stop in pairwise(ends):
            columns, values = sparse.col_indices()[start:stop].tolist(), sparse.values()[start:stop].tolist()
            yield sorted(zip(columns, values), key=lambda pair: -abs(pair[1]))[:_HEAVIEST]


def value_names(spec: DataSpec) -> list[str]:
    """A name for each of the D values of a text or of a sparse row."""
    known = spec.recipe.get("tokens")
    if known:
        return [str(name) for name in known]
    what = "word" if spec.modality == "text" else "column"
    return [f"{what} {place}" for place in range(spec.width)]


def texts(rows: Dataset) -> list[list[str]]:
    """Each row of a table as text, one entry for each used column; a dash where the value is missing."""
    written = restored_texts(rows.spec, network_values(rows))
    if rows.mask is None:
        return written
    seen = np.stack([rows.mask[:, where].any(dim=1).numpy() for where in column_slices(rows.spec)], axis=1)
    return [[text if known else MISSING for text, known in zip(row, mask)] for row, mask in zip(written, seen)]


def restored_texts(spec: DataSpec, values: Tensor) -> list[list[str]]:
    """Network values (N, D) of a table as text, one entry for each used column."""
    return [[written(value) for value in row] for row in zip(*restored_columns(spec, values))]


def restored_columns(spec: DataSpec, values: Tensor) -> list[Sequence[Any]]:
    """Network values (N, D) of a table in the user's units: N values for each used column."""
    restored = source.restore(spec, values)
    if isinstance(restored, pd.DataFrame):
        columns = [restored.iloc[:, place].tolist() for place in range(restored.shape[1])]
    else:
        columns = [restored[:, column["place"]].tolist() for column in spec.recipe["columns"]]
    return [_without_dust(column) for column in columns]


def _without_dust(column: Sequence[Any]) -> Sequence[Any]:
    """Numbers with what the way to network space and back leaves in place of a zero taken off."""
    sizes = [abs(value) for value in column if isinstance(value, float) and math.isfinite(value)]
    dust = 1e-6 * max(sizes, default=0.0)
    return [0.0 if isinstance(value, float) and abs(value) < dust else value for value in column]


def written(value: object) -> str:
    """One value of a table as text, numbers with four significant digits, thousands whole and separated."""
    if isinstance(value, float):
        text = f"{value:,.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.4g}"
        return MISSING if math.isnan(value) else text.replace("-", "\N{MINUS SIGN}")
    return MISSING if value is None or value is pd.NA or value is pd.NaT else str(value)
