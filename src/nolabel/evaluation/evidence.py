"""`Evidence`: the table that an evaluation ends in, as numbers, as text and as a frame.

Each row is a measure with the sentence that says how it was taken; each column is a representation. This file knows
how to lay results out and how to compare columns, not how any number was measured.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

REPRESENTATIONS = ("model", "raw", "PCA", "untrained")


class Cell(NamedTuple):
    """Mean over `n` repeats and their standard deviation (n - 1 in the denominator; NaN for a single repeat)."""

    mean: float
    sd: float
    n: int

    def __str__(self) -> str:
        return _number(self.mean) if math.isnan(self.sd) else f"{_number(self.mean)} ± {_number(self.sd)}"


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.1f}"
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.4f}"


def cell(values: Sequence[float]) -> Cell | None:
    """The cell of some repeats; NaN repeats do not count, and none left means no cell."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    sd = float(np.std(finite, ddof=1)) if len(finite) > 1 else math.nan
    return Cell(float(np.mean(finite)), sd, len(finite))


@dataclass(frozen=True)
class Row:
    """One measure on every representation.

    Parameters
    ----------
    group
        Which family it belongs to: `"reconstruction"`, `"rank"`, `"clusters"`, `"neighbours"`, `"probe"`,
        `"label curve"` or `"cluster agreement"`.
    measure
        Its name, unique in the table.
    protocol
        One sentence: what was computed, on how many samples, repeated how.
    higher_is_better
        True or False where the columns may be ranked, None where the measure only describes.
    values
        A cell for each representation that has one.
    labels_per_class
        The place on the label curve, for rows of that group.
    """

    group: str
    measure: str
    protocol: str
    higher_is_better: bool | None
    values: Mapping[str, Cell]
    labels_per_class: int | None = None


def _json_number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _row_to_dict(row: Row) -> dict[str, Any]:
    values = {
        name: {"mean": _json_number(cell.mean), "sd": _json_number(cell.sd), "n": cell.n}
        for name, cell in row.values.items()
    }
    return {
        "group": row.group,
        "measure": row.measure,
        "protocol": row.protocol,
        "higher_is_better": row.higher_is_better,
        "labels_per_class": row.labels_per_class,
        "values": values,
    }


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines]


@dataclass(frozen=True)
class Evidence:
    """What `nolabel.evaluate` found.

    Parameters
    ----------
    rows
        The measures.
    notes
        What a reader must know: where the model does not beat a baseline, what was left out and why, what was
        sub-sampled, which fits warned.
    samples
        Number of samples that were evaluated.
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    samples: int

    def __getitem__(self, measure: str) -> Row:
        """The row of a measure, by its name."""
        return {row.measure: row for row in self.rows}[measure]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: samples, rows and notes; a spread that does not exist is null."""
        return {"samples": self.samples, "rows": [_row_to_dict(row) for row in self.rows], "notes": list(self.notes)}

    def to_frame(self) -> pd.DataFrame:
        """One line for each measure and representation: group, measure, representation, mean, sd, n, and how."""
        lines = [
            (row.group, row.measure, name, cell.mean, cell.sd, cell.n, row.higher_is_better, row.protocol)
            for row in self.rows
            for name, cell in row.values.items()
        ]
        columns = ["group", "measure", "representation", "mean", "sd", "n", "higher_is_better", "protocol"]
        return pd.DataFrame(lines, columns=columns)

    def table(self) -> str:
        """The table as plain text, the protocol of each row below it, then the notes."""
        head = ["", *REPRESENTATIONS]
        body = [
            [f"{row.measure} [{number}]", *(str(row.values.get(name, "-")) for name in REPRESENTATIONS)]
            for number, row in enumerate(self.rows, start=1)
        ]
        protocols = [f"[{number}] {row.protocol}" for number, row in enumerate(self.rows, start=1)]
        notes = [f"! {note}" for note in self.notes]
        return "\n".join([*_aligned([head, *body]), "", *protocols, *([""] if notes else []), *notes])


def _lead(row: Row, baseline: str) -> tuple[float, float] | None:
    """By how much the model is better than a baseline, and the larger of the two spreads; None if not comparable."""
    ours, theirs = row.values.get("model"), row.values.get(baseline)
    if row.higher_is_better is None or ours is None or theirs is None:
        return None
    lead = (ours.mean - theirs.mean) * (1 if row.higher_is_better else -1)
    return lead, max((sd for sd in (ours.sd, theirs.sd) if not math.isnan(sd)), default=0.0)


def _against(row: Row, baseline: str) -> str:
    return f"{row.measure} ({row.values['model']} against {row.values[baseline]})"


def comparisons(rows: Sequence[Row]) -> list[str]:
    """Sentences for every baseline that the model does not beat somewhere, or beats only within the spread."""
    notes = []
    for baseline in REPRESENTATIONS[1:]:
        leads = [(row, lead) for row in rows if (lead := _lead(row, baseline)) is not None]
        behind = [_against(row, baseline) for row, (lead, _) in leads if lead <= 0]
        level = [_against(row, baseline) for row, (lead, sd) in leads if 0 < lead <= sd]
        if behind:
            notes.append(f"The model does not beat {baseline} in {'; '.join(behind)}.")
        if level:
            notes.append(f"The model is ahead of {baseline} by no more than the spread in {'; '.join(level)}.")
    return notes
