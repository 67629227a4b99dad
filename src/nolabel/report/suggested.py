"""What to label first, for the page: the suggested samples as pictures, rows or first lines, with what they stand for.

`write_suggestions` makes a page of its own of them; the report of a run shows those in RUN/suggestions.csv. It knows no
model.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from nolabel.data.dataset import Dataset
from nolabel.data.recipe_columns import column_names, in_columns
from nolabel.evaluation.suggesting import Suggestions
from nolabel.report.content import Content, Pictures, Rows, Summary
from nolabel.report.looks import lines, pixels, texts
from nolabel.report.writing import write_report

FILE = "suggestions.csv"
_MOST_COLUMNS, _MOST_PICTURES, _MOST_ROWS = 30, 200, 30
_CAPTION = "Label these first: each stands for many samples like it, and no two stand for the same"


def suggested(data: Dataset, rows: Sequence[int], why: Sequence[str]) -> Pictures | Rows:
    """The samples in these rows, the first one first, each with its reason."""
    image = data.spec.modality == "image"
    rows = list(rows)[: _MOST_PICTURES if image else _MOST_ROWS]
    part = data.subset(np.asarray(rows, dtype=np.int64))
    ids = [f"{rank}. {name}" for rank, name in enumerate(part.ids, start=1)]
    if image:
        return Pictures(_CAPTION, ids, [("sample", pixels(part))])
    reasons = list(why)[: len(rows)]
    if in_columns(part.spec):
        names = column_names(part.spec)[:_MOST_COLUMNS]
        shown = [[reason, *row[:_MOST_COLUMNS]] for reason, row in zip(reasons, texts(part))]
        return Rows(_CAPTION, ids, ["why", *names], [("sample", shown)])
    return Rows(_CAPTION, ids, ["why", "begins"], [("sample", [list(pair) for pair in zip(reasons, lines(part))])])


def kept_suggestions(data: Dataset, run: str | Path | None) -> Pictures | Rows | None:
    """Those in RUN/suggestions.csv, as far as these data have them; None without any."""
    file = None if run is None else Path(run) / FILE
    if file is None or not file.is_file():
        return None
    try:
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
        kept = dict(zip(frame["id"], frame["why"]))
    except (OSError, ValueError, KeyError):
        return None  # somebody else's file of that name
    places = {str(name): row for row, name in enumerate(data.ids)}
    found = [name for name in kept if name in places]
    return suggested(data, [places[name] for name in found], [kept[name] for name in found]) if found else None


def write_suggestions(found: Suggestions, data: Dataset, path: str | Path) -> Path:
    """A page of its own: the suggested samples.

    Parameters
    ----------
    found
        What `nolabel.suggest` returned.
    data
        The samples that it chose from.
    path
        Where to write the page; one that is there is replaced.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    covered = int(found.sizes.sum())
    return write_report(
        Content(
            title=f"What to label first{f' in {data.name}' if data.name else ''}",
            method="",
            method_line="Samples that are typical of many others and unlike each other, most telling first.",
            summary=Summary(
                f"These {len(found):,} samples stand for {covered:,} of {found.total:,}.",
                "Fill in the column label of the table that came with this page.",
                "good",
                f"{len(found):,} samples",
            ),
            suggested=suggested(data, found.rows.tolist(), found.why()),
        ),
        path,
    )
