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

    def text(self, digits: int = 3) -> str:
        """Median and range: "0.512 [0.501, 0.540]"."""
        if self.count == 1:
            return f"{self.median:.{digits}f}"
        return f"{self.median:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


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

    work: what was done.  unit: of `ours` and `theirs`.  beside: what `theirs` is.  judged: the number that the target is
    about, and `judged_as` what that number is ("median", "times faster", ...).  target: None for a row that only informs.
    """

    work: str
    unit: str
    ours: Spread
    beside: str = ""
    theirs: Spread | None = None
    judged: float | None = None
    judged_as: str = "median"
    judged_spread: Spread | None = None
    target: Target | None = None
    digits: int = 3

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
    text = f"  {row.work}: {row.ours.text(row.digits)} {row.unit}"
    if row.theirs is not None:
        text += f"; {row.beside} {row.theirs.text(row.digits)}"
    if row.judged is not None:
        spread = f" [{row.judged_spread.low:.2f}, {row.judged_spread.high:.2f}]" if row.judged_spread else ""
        text += f"; {row.judged:.{_digits(row)}f}{spread} {row.judged_as}"
    if row.target is not None:
        text += f"; target {row.target.sign} {row.target.value:g}: {row.verdict}"
    return text


def _digits(row: Row) -> int:
    return 2 if row.judged_as == "times faster" else row.digits


def revived(raw: Mapping[str, Any]) -> Row:
    """A row from the JSON that `conclude` wrote."""
    parts = dict(raw)
    for name in ("ours", "theirs", "judged_spread"):
        parts[name] = None if parts[name] is None else Spread(**parts[name])
    parts["target"] = None if parts["target"] is None else Target(**parts["target"])
    return Row(**parts)
