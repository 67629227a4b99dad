"""Which lines belong in one chart: the history of a training, and accuracy against labels.

It knows the keys of a history, and no geometry.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from nolabel.objectives.copies import AMONG_NEW
from nolabel.report.cells import column_name, label_rows, ordered
from nolabel.report.figures import Chart, Line, chart
from nolabel.training.health import COPIED
from nolabel.training.health.views import JUDGED

HELD_OUT = "holdout_"
_ROLES = {"model", "raw", "pca", "untrained"}  # each has a look of its own in page.css
_LIKE = {"fine-tuned": "model", "probe": "pca", "from scratch": "untrained"}  # the look of another
CHANCE = "chance"  # what a loss would be if nothing were told apart: a line in the chart of that loss
_TITLES = {
    "spread": "Spread of the embeddings (1 is even)",
    "matched": "Views that find their sample",
    "change": "Difference of views (1: of samples)",
    "agreement": "Agreement (mean cosine)",
    "prototypes_used": "Share of prototypes in use",
    "queue_filled": "Share of the queue filled",
    "generator.diversity": "Difference of samples (1: of data)",
    "generator.coverage": "Share of data with a sample near",
    "generator.missed": "Share of data in holes",
    "generator.reused": "Samples that share their nearest datum",
    "generator.push": "Push on the samples",
    COPIED: "Share of samples that are copies",
    "discriminator.right": "Share told apart by the discriminator",
}
_NOT_CURVES = {"epoch", "step", "steps", "seconds", "samples_per_second", "waiting", "learning_rate", "lr"}


def learning_charts(history: Sequence[Mapping[str, Any]]) -> list[Chart]:
    """One chart for the loss, then one for each of its parts and each signal, held-out beside train."""
    epochs = [float(row["epoch"]) for row in history]
    columns = _columns(history)
    names = [name for name in columns if not name.startswith(HELD_OUT) and name != CHANCE]
    return [_pair(name, epochs, columns) for name in _distinct(sorted(names, key=lambda each: each != "loss"), columns)]


def _distinct(names: Sequence[str], columns: Mapping[str, Sequence[float]]) -> list[str]:
    """Names whose values no earlier name has: a loss of one part is that part, and need not be drawn twice."""
    kept: list[str] = []
    for name in names:
        if not any(columns[name] == columns[other] for other in kept):
            kept.append(name)
    return kept


def label_chart(evidence: Mapping[str, Any]) -> Chart | None:
    """Accuracy against labels per class, one line with its band for each column of the evidence; None without any."""
    rows = label_rows(evidence)
    lines = [_label_line(column, rows) for column in ordered(name for row in rows for name in row["values"])]
    return chart("Accuracy", "labels per class", lines, log_x=True) if lines else None


def _label_line(column: str, rows: Sequence[Mapping[str, Any]]) -> Line:
    points = [(row["labels_per_class"], row["values"][column]) for row in rows if column in row["values"]]
    alike = _LIKE.get(column, column.lower())
    role = alike if alike in _ROLES else "other"
    return Line(
        column_name(column),
        f"role-{role}",
        [float(labels) for labels, _ in points],
        [_as_float(cell["mean"]) for _, cell in points],
        [float(cell.get("sd") or 0.0) for _, cell in points],
    )


def _columns(history: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    names = {name: None for row in history for name in row if name not in _NOT_CURVES}
    columns = {name: [_as_float(row.get(name)) for row in history] for name in names}
    return {name: ys for name, ys in columns.items() if _any_finite(ys)}


def _pair(name: str, epochs: Sequence[float], columns: Mapping[str, Sequence[float]]) -> Chart:
    if name == COPIED:
        return _copies(epochs, columns[name])
    lines = [Line("train", "train", epochs, columns[name])]
    if HELD_OUT + name in columns:
        lines.append(Line("held out", "heldout", epochs, columns[HELD_OUT + name]))
    judged = next((part for part in JUDGED if part in columns), "loss")
    if CHANCE in columns and columns[name] == columns.get(judged):
        lines.append(Line("guessing", "role-untrained", epochs, columns[CHANCE]))
    return chart(_title(name), "epoch", lines)


def _copies(epochs: Sequence[float], ys: Sequence[float]) -> Chart:
    """What is measured now and then, beside what it is of new data."""
    known = [(epoch, y) for epoch, y in zip(epochs, ys) if math.isfinite(y)]
    xs = [epoch for epoch, _ in known]
    lines = [
        Line("samples", "train", xs, [y for _, y in known]),
        Line("new data", "role-untrained", xs, [AMONG_NEW] * len(xs)),
    ]
    return chart(_title(COPIED), "epoch", lines)


def _title(name: str) -> str:
    """The logged name as a heading: "kl" is an abbreviation, "reconstruction" is a word, "player.part" a player's."""
    if name in _TITLES:
        return _TITLES[name]
    player, _, part = name.rpartition(".")
    if player:
        return f"{_title(part)} ({player})"
    return name.upper() if len(name) <= 3 else name.replace("_", " ").capitalize()


def _any_finite(ys: Sequence[float]) -> bool:
    return any(map(math.isfinite, ys))


def _as_float(value: object) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known else math.nan  # type: ignore[arg-type]
