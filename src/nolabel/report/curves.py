"""Which lines belong in one chart: the history of a training, and accuracy against labels.

It knows the keys of a history, and no geometry.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from nolabel.report.cells import column_name, ordered
from nolabel.report.figures import Chart, Line, chart

HELD_OUT = "holdout_"
_NOT_CURVES = {"epoch", "step", "steps", "seconds", "samples_per_second", "waiting", "learning_rate", "lr"}


def learning_charts(history: Sequence[Mapping[str, Any]]) -> list[Chart]:
    """One chart for the loss, then one for each of its parts and each signal, held-out beside train."""
    epochs = [float(row["epoch"]) for row in history]
    columns = _columns(history)
    total = columns.get("loss")
    # A loss of one part is that part: drawing it twice would say nothing.
    wanted = [name for name, ys in columns.items() if not name.startswith(HELD_OUT) and (name == "loss" or ys != total)]
    wanted.sort(key=lambda name: name != "loss")
    charts = [_pair(name, epochs, columns) for name in wanted if _any_finite(columns[name])]
    return charts


def label_chart(curve: Mapping[str, Sequence[Mapping[str, float]]]) -> Chart | None:
    """Accuracy against labels per class, one line with its band for each column of the evidence; None without any."""
    lines = [_label_line(column, curve[column]) for column in ordered(curve) if curve[column]]
    return chart("Accuracy", "labels per class", lines, log_x=True) if lines else None


def _label_line(column: str, points: Sequence[Mapping[str, float]]) -> Line:
    role = column.lower() if column.lower() in {"model", "raw", "pca", "untrained"} else "other"
    return Line(
        column_name(column),
        f"role-{role}",
        [float(point["labels"]) for point in points],
        [float(point["mean"]) for point in points],
        [float(point.get("sd") or 0.0) for point in points],
    )


def _columns(history: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    names = {name: None for row in history for name in row if name not in _NOT_CURVES}
    columns = {name: [_as_float(row.get(name)) for row in history] for name in names}
    return {name: ys for name, ys in columns.items() if _any_finite(ys)}


def _pair(name: str, epochs: Sequence[float], columns: Mapping[str, Sequence[float]]) -> Chart:
    lines = [Line("train", "train", epochs, columns[name])]
    if HELD_OUT + name in columns:
        lines.append(Line("held out", "heldout", epochs, columns[HELD_OUT + name]))
    return chart(name.replace("_", " ").capitalize(), "epoch", lines)


def _any_finite(ys: Sequence[float]) -> bool:
    return any(map(math.isfinite, ys))


def _as_float(value: object) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known else math.nan  # type: ignore[arg-type]
