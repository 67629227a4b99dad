"""`nolabel demo`: the main job on a small set that comes with scikit-learn: train, embed, cluster, evaluate, report.

It is `nolabel fit` with the words below, so the report shows a command that can be typed.
"""

import json
import os
from pathlib import Path
from typing import Any

from nolabel.cli import measures, results, speech
from nolabel.cli.commands import fit
from nolabel.cli.flags import Flag, place
from nolabel.cli.parsing import Grammar

OUT = "runs/demo"
SETTINGS = {"--epochs": "40", "--learning-rate": "0.003", "--schedule": "cosine", "--random-state": "0"}
_SHOWN = ("MSE per pixel", "k-NN accuracy", "linear probe accuracy", "accuracy with 10 labels a class", "k-means NMI")
GRAMMAR = Grammar(
    "demo",
    "Train an autoencoder on 1,797 handwritten digits, embed and cluster them, and measure and report the result.\n"
    f"Everything goes to {OUT}, which is the demo's own: a second time replaces the first.",
    groups={"output": [Flag("out", place, f"another folder [{OUT}]", "RUN", short="-o")]},
)


def run(words: list[str]) -> int:
    """Show."""
    values = GRAMMAR.parse(words)
    # A net this small gains nothing from threads, and on a busy machine they wait for each other for minutes.
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is imported, which comes after
    out = Path(values.get("out", OUT)).expanduser()
    settings = [word for pair in SETTINGS.items() for word in pair]
    code = fit.train(["autoencoder", "digits", "--out", str(out), *settings, "--overwrite"], hint=False)
    if code == 0:
        _say_evidence(json.loads((out / measures.FILE).read_text(encoding="utf-8")))
        speech.say(f"\nopen        {(out / results.REPORT).resolve().as_uri()}")
    return code


def _say_evidence(evidence: dict[str, Any]) -> None:
    columns = ("model", "raw", "PCA", "untrained")
    rows = [
        (row["measure"], *(_cell(row["values"].get(name)) for name in columns))
        for row in evidence["rows"]
        if row["measure"] in _SHOWN
    ]
    speech.say()
    speech.table(("", *columns), rows)


def _cell(cell: dict[str, float] | None) -> str:
    return "-" if cell is None else f"{cell['mean']:.4f}"
