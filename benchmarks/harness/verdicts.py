"""Rows of the table of targets: what was measured, beside what, and whether it is enough.

A run prints its rows and appends one line of JSON to `results/NAME.jsonl`; `table.py` reads the last line of each. A
missed target is printed as MISSED and the script still ends with 0: it measures, it does not judge the build.
"""

import json
import statistics
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from harness.places import RESULTS, WORK


def shown(value: float, digits: int) -> str:
    """A number with so many digits after the point; -2 for two that count, as in 1.2e-08."""
    return f"{value:.{-digits}g}" if digits < 0 else f"{value:,.{digits}f}"


@dataclass(frozen=True)
class Spread:
    """Several measurements of one thing."""

    median: float
    low: float
    high: float
    mean: float
    deviation: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Median, range, mean and standard deviation of `values`."""
        deviation = statistics.stdev(values) if len(values) > 1 else 0.0
        middle, mean = statistics.median(values), statistics.fmean(values)
        return cls(middle, min(values), max(values), mean, deviation, len(values))

    def text(self, digits: int = 3, *, deviation: bool = False) -> str:
        """Median and range, "0.512 [0.501, 0.540]"; or mean and standard deviation, "0.518 ± 0.012"."""
        if deviation:
            return f"{shown(self.mean, digits)} ± {shown(self.deviation, digits)}"
        middle = shown(self.median, digits)
        return middle if self.count == 1 else f"{middle} [{shown(self.low, digits)}, {shown(self.high, digits)}]"


@dataclass(frozen=True)
class Target:
    """What a row must reach."""

    sign: Literal["<=", ">=", "<", ">"]
    value: float

    def met_by(self, judged: float) -> bool:
        """Whether `judged` is enough."""
        return {
            "<=": judged <= self.value,
            ">=": judged >= self.value,
            "<": judged < self.value,
            ">": judged > self.value,
        }[self.sign]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    work: what was done.  unit: of `ours` and `theirs`.  beside: what `theirs` is.  judged: the number that the target
    is about, if not the median of `ours`; `judged_as` says what it is ("times faster", ...).  target: None for a row
    that only informs.  digits: after the point; -2 for two that count.  deviation: show mean and deviation, not median
    and range.
    """

    work: str
    unit: str
    ours: Spread
    beside: str = ""
    theirs: Spread | None = None
    judged: float | None = None
    judged_as: str = ""
    judged_spread: Spread | None = None
    target: Target | None = None
    digits: int = 3
    judged_digits: int = 2
    deviation: bool = False

    @property
    def number(self) -> float:
        """The number that is compared with the target."""
        return self.ours.median if self.judged is None else self.judged

    @property
    def verdict(self) -> str:
        """MET, MISSED, or nothing for a row without a target."""
        return "" if self.target is None else "MET" if self.target.met_by(self.number) else "MISSED"


def faster(
    work: str, ours: Sequence[float], beside: str, theirs: Sequence[float], target: Target | None, unit: str = "s"
) -> Row:
    """A row about speed: ratio of medians, and the ratios of the single repeats as its spread."""
    ratios = [slow / fast for fast, slow in zip(ours, theirs, strict=True)]
    mine, other = Spread.of(ours), Spread.of(theirs)
    ratio = other.median / mine.median
    return Row(work, unit, mine, beside, other, ratio, "times faster", Spread.of(ratios), target)


def more(
    work: str, ours: Sequence[float], beside: str, theirs: Sequence[float], target: Target | None, digits: int = 0
) -> Row:
    """A row about rates, the higher the better: ratio of medians; the ratios of the single repeats are its spread."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    mine, other = Spread.of(ours), Spread.of(theirs)
    ratio = mine.median / other.median
    return Row(work, "", mine, beside, other, ratio, "times as many", Spread.of(ratios), target, digits=digits)


def conclude(
    name: str,
    rows: Sequence[Row],
    options: Namespace,
    *,
    settings: Mapping[str, Any],
    details: Mapping[str, Any] | None = None,
) -> None:
    """Print the rows and keep them; a quick run proves that the script works and is kept out of the table."""
    print(f"\n{name}{' (quick: these numbers mean nothing)' if options.quick else ''}")
    for row in rows:
        print(line(row))
    record = {
        "benchmark": name,
        "quick": options.quick,
        "machine": options.machine,
        "settings": dict(settings),
        "rows": [asdict(row) for row in rows],
        "details": dict(details or {}),
    }
    folder = WORK / "quick" if options.quick else RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps(record) + "\n")


def line(row: Row) -> str:
    """A row as one line of text."""
    text = f"  {row.work}: {ours_text(row)}"
    if row.theirs is not None:
        text += f"; {theirs_text(row)}"
    if row.judged is not None:
        text += f"; {judged_text(row)}"
    if row.target is not None:
        text += f"; target {row.target.sign} {row.target.value:g}: {row.verdict}"
    return text


def ours_text(row: Row) -> str:
    """What nolabel gave, with its unit."""
    return f"{row.ours.text(row.digits, deviation=row.deviation)} {row.unit}".rstrip()


def theirs_text(row: Row) -> str:
    """What stands beside it, by name."""
    return "" if row.theirs is None else f"{row.beside}: {row.theirs.text(row.digits, deviation=row.deviation)}"


def judged_text(row: Row) -> str:
    """The number that is compared with the target, its range and what it is: "4.31 [4.1, 4.6] times faster"."""
    if row.judged is None:
        return ""
    spread = ""
    if row.judged_spread is not None:
        low, high = (shown(edge, row.judged_digits) for edge in (row.judged_spread.low, row.judged_spread.high))
        spread = f" [{low}, {high}]"
    return f"{shown(row.judged, row.judged_digits)}{spread} {row.judged_as}"


def revived(raw: Mapping[str, Any]) -> Row:
    """A row from the JSON that `conclude` wrote."""
    parts = dict(raw)
    for name in ("ours", "theirs", "judged_spread"):
        parts[name] = None if parts[name] is None else Spread(**parts[name])
    parts["target"] = None if parts["target"] is None else Target(**parts["target"])
    return Row(**parts)
