"""`nolabel probe RUN SOURCE --labels L`: how well a few labels name classes by a model's vectors; the probe to keep."""

from pathlib import Path
from typing import Any

from nolabel.cli import opening, speech
from nolabel.cli.flags import Flag, number, one_of, place, several, whole
from nolabel.cli.parsing import Grammar, Values

# Arguments of `nolabel.probe`; a test holds the two together.
PROBING = [
    Flag("kind", one_of(("logistic", "knn")), "what names classes [logistic]", "{logistic,knn}"),
    Flag("k", whole, "knn: neighbours that vote [20]", "N"),
    Flag("c", number, "logistic: inverse strength of the penalty [1]", "X"),
]
_BUDGET = [
    Flag(
        "budget",
        several(whole),
        "measure accuracy with so many labels a class, fine-tuned, probed and from scratch; kept for the report of RUN",
        "N,N,...",
        many=True,
    ),
    Flag("draws", whole, "draws of the labels, over which the spread is taken [3]", "N"),
    Flag("epochs", whole, "passes over the labels when a network is trained; chosen if not given", "N"),
]
_OUT = Flag("out", place, "folder for the probe, which `nolabel predict` takes", "PROBE", short="-o")
GRAMMAR = Grammar(
    "probe",
    "Put a small classifier on a model's vectors, which stay as they are, and say how good it is.\n"
    "Accuracy is that of parts of the labelled samples by a probe made from the others.",
    {"RUN": opening.RUN, "SOURCE": opening.SOURCE},
    {"probing": PROBING, "label budget": _BUDGET, "output": [_OUT], "data": opening.AGAIN},
    required={"labels": "--labels labels.csv"},
    notes="examples:\n  nolabel probe runs/digits digits --labels labels --budget 1,5,10\n"
    "  nolabel probe runs/photos photographs/ --labels labels.csv -o runs/probe",
)


def run(words: list[str]) -> int:
    """Probe."""
    values = GRAMMAR.parse(words)
    wishes = {flag.key: values[flag.key] for flag in PROBING if flag.key in values}
    model, data = opening.open_both(values, "Embedder")
    from nolabel.evaluation.probing import accuracy_by_folds, probe

    known = 0 if data.labels is None else int((data.labels >= 0).sum())
    with GRAMMAR.in_flags():
        made = probe(model, data, **wishes)
        _say(accuracy_by_folds(model, data, **wishes), known, len(made.classes_))
        if "out" in values:
            speech.say(f"probe       {made.save(Path(values['out']).expanduser())}")
        if "budget" in values:
            _budget(model, data, values)
    return 0


def _say(scores: list[float], labels: int, classes: int) -> None:
    what = f"{labels:,} labels of {classes} classes"
    if not scores:
        speech.say(f"{what}; a class with a single label leaves nothing to measure by")
        return
    spread = (sum((score - sum(scores) / len(scores)) ** 2 for score in scores) / max(len(scores) - 1, 1)) ** 0.5
    speech.say(f"accuracy    {sum(scores) / len(scores):.4f} ± {spread:.4f} over {len(scores)} parts ({what})")


def _budget(model: Any, data: Any, values: Values) -> None:
    from nolabel.evaluation.budget import label_budget

    speech.remark("training with few labels, fine-tuned and from scratch ...")
    settings = {"epochs": values["epochs"]} if "epochs" in values else {}
    found = label_budget(model, data, per_class=values["budget"], draws=values.get("draws", 3), **settings)
    speech.say(f"\n{found.table()}")
    speech.say(f"\nkept in {found.save(values['RUN'])}; nolabel report {values['RUN']} {values['SOURCE']} shows it")
