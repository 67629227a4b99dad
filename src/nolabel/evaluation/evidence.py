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

from nolabel.errors import nearest

REPRESENTATIONS = ("model", "raw", "PCA", "untrained")
_CALLED = {"raw": "the raw values", "PCA": "PCA", "untrained": "the untrained network"}


class Cell(NamedTuple):
    """Mean over `n` repeats and their standard deviation (n - 1 in the denominator; NaN for a single repeat)."""

    mean: float
    sd: float
    n: int

    def __str__(self) -> str:
        places = 1 if abs(self.mean) >= 100 else 2 if abs(self.mean) >= 10 else 4
        mean = f"{self.mean:,.{places}f}"
        return mean if math.isnan(self.sd) else f"{mean} ± {self.sd:,.{places}f}"


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


def _text_cells(row: Row, protocol: int) -> list[str]:
    return [f"{row.measure} [{protocol}]", *(str(row.values.get(name, "-")) for name in REPRESENTATIONS)]


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
        found = {row.measure: row for row in self.rows}
        if measure not in found:
            raise KeyError(f"no measure {measure!r} in this evidence{nearest(measure, found)}")
        return found[measure]

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
        """The table as plain text, the protocols that its rows refer to, then the notes."""
        protocols = list(dict.fromkeys(row.protocol for row in self.rows))
        body = [_text_cells(row, 1 + protocols.index(row.protocol)) for row in self.rows]
        how = [f"[{number}] {protocol}" for number, protocol in enumerate(protocols, start=1)]
        notes = [f"! {note}" for note in self.notes]
        return "\n".join([*_aligned([["", *REPRESENTATIONS], *body]), "", *how, *([""] if notes else []), *notes])


def _lead(row: Row, baseline: str) -> tuple[float, float] | None:
    """By how much the model is better than a baseline, and the larger of the two spreads; None if not comparable."""
    ours, theirs = row.values.get("model"), row.values.get(baseline)
    if row.higher_is_better is None or ours is None or theirs is None:
        return None
    lead = (ours.mean - theirs.mean) * (1 if row.higher_is_better else -1)
    return lead, max((sd for sd in (ours.sd, theirs.sd) if not math.isnan(sd)), default=0.0)


def comparisons(rows: Sequence[Row]) -> list[str]:
    """Sentences for every baseline that the model does not beat somewhere, or beats only within the spread.

    Only rows that may be ranked count. "Within the spread" is a lead of no more than the larger of the two standard
    deviations.
    """
    notes = []
    for baseline in REPRESENTATIONS[1:]:
        leads = [(row.measure, lead) for row in rows if (lead := _lead(row, baseline)) is not None]
        behind = [measure for measure, (lead, _) in leads if lead <= 0]
        level = [measure for measure, (lead, sd) in leads if 0 < lead <= sd]
        if behind:
            notes.append(f"The model does not beat {_CALLED[baseline]} in: {', '.join(behind)}.")
        if level:
            notes.append(f"The model leads {_CALLED[baseline]} by no more than the spread in: {', '.join(level)}.")
    return notes
