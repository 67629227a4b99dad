"""The evidence as cells of a table and as tiles with bars: names, rounding, which is best.

It reads the plain form of an `Evidence` (its `to_dict()`) and knows neither how a number was measured nor HTML.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nolabel.report.content import Headline
from nolabel.report.numbers import decimals_for, number, sentence_case

LABEL_CURVE = "label curve"  # the group of evidence rows that are points of a curve
_COLUMNS = {"model": "This model", "raw": "Raw values", "PCA": "PCA, same width", "untrained": "Untrained network"}


@dataclass(frozen=True)
class Cell:
    """One number of the evidence, ready to print; `best` marks the best of its row."""

    mean: str
    sd: str = ""
    repeats: str = ""
    best: bool = False


@dataclass(frozen=True)
class EvidenceRow:
    """One measure: its name, how it was taken, which way is better, and a cell for each column."""

    measure: str
    protocol: str
    arrow: str
    direction: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class EvidenceTable:
    """The evidence: names of the columns, (name of the family, its rows), and notes below."""

    columns: Sequence[str]
    groups: Sequence[tuple[str, Sequence[EvidenceRow]]]
    notes: Sequence[str]


@dataclass(frozen=True)
class LabelTable:
    """The label curve: names of the columns, a row for each number of labels, and how it was measured."""

    columns: Sequence[str]
    rows: Sequence[EvidenceRow]
    protocol: str


@dataclass(frozen=True)
class Bar:
    """A number with a bar: `share` is its length in percent."""

    name: str
    text: str
    share: float


@dataclass(frozen=True)
class Tile:
    """A key number: large, and as bars beside its baselines."""

    measure: str
    value: str
    direction: str
    bars: Sequence[Bar]


_SHORT = {"model": "model", "raw": "raw", "PCA": "PCA", "untrained": "untrained"}


def column_name(column: str) -> str:
    """What the page calls a column of the evidence."""
    return _COLUMNS.get(column, column)


def ordered(columns: Iterable[str]) -> list[str]:
    """The model first, then the usual baselines, then any others as they came."""
    known = list(_COLUMNS)
    names = list(dict.fromkeys(columns))
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known))


def evidence_table(evidence: Mapping[str, Any]) -> EvidenceTable | None:
    """The evidence as a table, or None when there is none. The label curve is left to its chart."""
    rows = [row for row in evidence.get("rows") or [] if row.get("group") != LABEL_CURVE]
    if not rows:
        return None
    columns = ordered(name for row in rows for name in row["values"])
    groups: dict[str, list[EvidenceRow]] = {}
    for row in rows:
        groups.setdefault(sentence_case(row.get("group") or ""), []).append(_row(row, columns))
    names = [column_name(each) for each in columns]
    return EvidenceTable(names, list(groups.items()), list(evidence.get("notes") or []))


def label_table(evidence: Mapping[str, Any]) -> LabelTable | None:
    """The points of the label curve as a table, fewest labels first; None without a curve."""
    rows = label_rows(evidence)
    if not rows:
        return None
    columns = ordered(name for row in rows for name in row["values"])
    drawn = [replace(_row(row, columns), measure=f"{row['labels_per_class']:,}") for row in rows]
    protocol = sentence_case(rows[0].get("protocol", "").rstrip("."))
    return LabelTable([_SHORT.get(each, each) for each in columns], drawn, protocol)


def label_rows(evidence: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The evidence rows that are points of the label curve, fewest labels first."""
    rows = [row for row in evidence.get("rows") or [] if row.get("group") == LABEL_CURVE]
    return sorted(rows, key=lambda row: int(row["labels_per_class"]))


def tile(headline: Headline) -> Tile:
    """A key number with a bar for the model and for each baseline, all from zero to the largest."""
    decimals = decimals_for(headline.values.values())
    top = max((abs(value) for value in headline.values.values() if math.isfinite(value)), default=0.0) or 1.0
    bars = [
        Bar(_SHORT.get(name, name), number(value, decimals), _share(value, top))
        for name, value in headline.values.items()
    ]
    return Tile(sentence_case(headline.measure), bars[0].text, _direction(headline.higher_is_better), bars)


def _share(value: float, top: float) -> float:
    return round(100 * max(0.0, value) / top, 1) if math.isfinite(value) else 0.0


def _direction(higher_is_better: bool | None) -> str:
    return "" if higher_is_better is None else "higher is better" if higher_is_better else "lower is better"


def _row(row: Mapping[str, Any], columns: Sequence[str]) -> EvidenceRow:
    values: Mapping[str, Mapping[str, Any]] = row["values"]
    means = {name: entry.get("mean") for name, entry in values.items()}
    decimals = decimals_for(mean for mean in means.values() if mean is not None)
    higher: bool | None = row.get("higher_is_better")
    best = _best(means, higher, decimals)
    return EvidenceRow(
        sentence_case(row["measure"]),
        sentence_case(row.get("protocol", "")),
        "" if higher is None else "↑" if higher else "↓",
        _direction(higher),
        [_cell(values.get(name), decimals, name in best) for name in columns],
    )


def _best(means: Mapping[str, float | None], higher: bool | None, decimals: int) -> set[str]:
    """Columns with the best mean, as printed: what looks equal is equally best."""
    known = {name: round(mean, decimals) for name, mean in means.items() if mean is not None and math.isfinite(mean)}
    if higher is None or len(known) < 2:
        return set()
    top = max(known.values()) if higher else min(known.values())
    return {name for name, mean in known.items() if mean == top}


def _cell(entry: Mapping[str, Any] | None, decimals: int, best: bool) -> Cell:
    if entry is None or entry.get("mean") is None:
        return Cell("–")
    sd, repeats = entry.get("sd"), entry.get("n")
    spread = number(sd, decimals) if sd is not None and math.isfinite(sd) and (repeats or 2) > 1 else ""
    return Cell(number(entry["mean"], decimals), spread, f"over {repeats} repeats" if (repeats or 0) > 1 else "", best)
