"""`Judgement`: what `nolabel.judge` found, with the protocol in every form in which a number can be seen.

A distance of samples means nothing without the features, counts, reference, sizes and seed by which it was taken, so no
number leaves this file alone: a row prints its protocol, and so do the table, the frame and the JSON. This file knows
how to lay results out, not how any number was measured.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, final

import pandas as pd

from nolabel.errors import nearest


@final
@dataclass(frozen=True)
class Protocol:
    """How the samples were judged; one clause each.

    Parameters
    ----------
    samples
        What was judged, and how many.
    reference
        The real samples that they were compared with.
    floor
        The real samples that were compared with the reference in their place.
    ceiling
        The noise that was.
    features
        In what all were compared.
    sizes
        How samples came by their height and width, or their columns.
    seed
        `random_state`.
    """

    samples: str
    reference: str
    floor: str
    ceiling: str
    features: str
    sizes: str
    seed: int

    def __str__(self) -> str:
        return (
            f"{self.samples}, against {self.reference}; floor: {self.floor}; ceiling: {self.ceiling}; features: "
            f"{self.features}; sizes: {self.sizes}; random_state={self.seed}"
        )


def _number(value: float | None, sd: float = math.nan) -> str:
    if value is None:
        return "-"
    told = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return told if math.isnan(sd) else f"{told} ± {sd:.2g}"


@final
@dataclass(frozen=True, repr=False)
class Judged:
    """One measure of the samples, beside what real samples (floor) and noise (ceiling) get in their place.

    Parameters
    ----------
    measure
        Its name, unique in the judgement.
    value
        Of the samples; `float(row)` is it.
    sd
        Its standard deviation over subsets (KID), else NaN.
    floor, ceiling
        The same measure of real samples and of noise; None where it could not be taken.
    higher_is_better
        Which way is good.
    how
        What is special to this measure.
    protocol
        What is common to all.
    """

    measure: str
    value: float
    sd: float
    floor: float | None
    ceiling: float | None
    higher_is_better: bool
    how: str
    protocol: Protocol

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        better = "higher" if self.higher_is_better else "lower"
        return (
            f"{self.measure} {_number(self.value, self.sd)} (floor {_number(self.floor)}, ceiling "
            f"{_number(self.ceiling)}; {better} is better; {self.how}) [{self.protocol}]"
        )

    def __repr__(self) -> str:
        return str(self)


@final
@dataclass(frozen=True)
class ClassShare:
    """The share of one class among the judged samples and among those of the reference."""

    name: str
    samples: float
    reference: float


@final
@dataclass(frozen=True, repr=False)
class Judgement:
    """What `nolabel.judge` found.

    Parameters
    ----------
    rows
        The measures.
    classes
        The share of each class, where labels are known; else empty.
    notes
        What a reader must know: what was refused and why, what was smaller than asked, where noise is as good.
    protocol
        How all of it was taken.
    features
        The features, to judge other models by the same.
    """

    rows: tuple[Judged, ...]
    classes: tuple[ClassShare, ...]
    notes: tuple[str, ...]
    protocol: Protocol
    features: Any

    def __getitem__(self, measure: str) -> Judged:
        """The row of a measure, by its name.

        Raises
        ------
        KeyError
            There is none; says why, if it was refused.
        """
        found = {row.measure: row for row in self.rows}
        if measure not in found:
            why = [note for note in self.notes if note.startswith(f"{measure} ")]
            reason = f": {why[0]}" if why else nearest(measure, found)
            raise KeyError(f"no measure {measure!r} in this judgement{reason}")
        return found[measure]

    def __repr__(self) -> str:
        return self.table()

    def table(self) -> str:
        """The measures beside floor and ceiling, the classes, the protocol and the notes, as plain text."""
        head = ["", "samples", "floor (real)", "ceiling (noise)", "better", ""]
        lines = [head, *(_line(row) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        body = ["  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines]
        how = [f"{name}: {told}" for name, told in self._protocol_lines()]
        return "\n".join([*body, *self._class_lines(), "", *how, *(f"! {note}" for note in self.notes)])

    def _class_lines(self) -> list[str]:
        if not self.classes:
            return []
        shares = ", ".join(f"{one.name} {one.samples:.1%} ({one.reference:.1%})" for one in self.classes)
        return ["", f"classes, in brackets those of the reference: {shares}"]

    def _protocol_lines(self) -> list[tuple[str, Any]]:
        return list(asdict(self.protocol).items())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: protocol, rows, classes and notes; a number that does not exist is null."""
        rows = [
            {
                "measure": row.measure,
                "value": row.value,
                "sd": None if math.isnan(row.sd) else row.sd,
                "floor": row.floor,
                "ceiling": row.ceiling,
                "higher_is_better": row.higher_is_better,
                "how": row.how,
            }
            for row in self.rows
        ]
        classes = [asdict(one) for one in self.classes]
        return {"protocol": asdict(self.protocol), "rows": rows, "classes": classes, "notes": list(self.notes)}

    def to_frame(self) -> pd.DataFrame:
        """One line a measure: measure, value, sd, floor, ceiling, higher_is_better, how, protocol."""
        columns = ["measure", "value", "sd", "floor", "ceiling", "higher_is_better", "how"]
        lines = [[*(getattr(row, name) for name in columns), str(row.protocol)] for row in self.rows]
        return pd.DataFrame(lines, columns=[*columns, "protocol"])


def _line(row: Judged) -> list[str]:
    better = "higher" if row.higher_is_better else "lower"
    numbers = [_number(row.value, row.sd), _number(row.floor), _number(row.ceiling)]
    return [row.measure, *numbers, better, row.how]
