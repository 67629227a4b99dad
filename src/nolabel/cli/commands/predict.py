"""`nolabel predict RUN SOURCE -o FILE`: the class of every sample, with its probability and those of all classes."""

from typing import TYPE_CHECKING, Any

from nolabel.cli import opening, outputs, speech
from nolabel.cli.flags import Flag, place
from nolabel.cli.parsing import Grammar

if TYPE_CHECKING:
    from nolabel.data.dataset import Dataset

SUFFIXES = (".csv", ".parquet")
DIGITS = 6  # of a probability, after the point
_OUT = Flag("out", place, "where to: .csv or .parquet", "FILE", short="-o")
GRAMMAR = Grammar(
    "predict",
    "Name the class of every sample: columns id, label, probability, and p_CLASS for each class.\n"
    "With --labels the share that is named right is said, too.",
    {
        "RUN": "folder of a classifier (`finetune`, or any method that learns from labels) or of a probe",
        "SOURCE": opening.SOURCE,
    },
    {"output": [_OUT, outputs.OVERWRITE], "data": opening.AGAIN},
    required={"out": "-o labels.csv"},
    notes="example:\n  nolabel predict runs/classifier photographs/ -o labels.csv",
)


def run(words: list[str]) -> int:
    """Predict."""
    values = GRAMMAR.parse(words)
    path = outputs.new_file(values["out"], SUFFIXES, overwrite="overwrite" in values)
    named, spec = _named(values["RUN"])
    data = opening.open_source(values["SOURCE"], values, spec=spec)
    probabilities = named.predict_proba(data)
    labels = named.classes_[probabilities.argmax(1)]
    _write(path, data, labels, probabilities, named.classes_)
    speech.say(f"{len(data):,} labels in {path}")
    if "labels" in values:
        _say_right(data, labels)
    return 0


def _named(run: str) -> tuple[Any, Any]:
    """What predicts, and the recipe by which its samples are opened."""
    from nolabel.evaluation.probing import Probe, is_probe

    if is_probe(run):
        probe = Probe.load(run)
        return probe, probe.model.spec_
    model = opening.open_able(run, "LabelPredictor")
    return model, model.spec_


def _write(path: Any, data: "Dataset", labels: Any, probabilities: Any, classes: Any) -> None:
    import pandas as pd

    probabilities = probabilities.round(DIGITS)
    frame = pd.DataFrame({"label": labels, "probability": probabilities.max(1)})
    each = pd.DataFrame(probabilities, columns=[f"p_{name}" for name in classes.tolist()])
    outputs.write_table(path, outputs.with_ids(data.ids, pd.concat([frame, each], axis=1)))


def _say_right(data: "Dataset", labels: Any) -> None:
    assert data.labels is not None
    pairs = [(str(label), data.classes[code]) for label, code in zip(labels, data.labels) if code >= 0]
    if not pairs:
        return
    right = sum(said == true for said, true in pairs)
    speech.say(f"{right / len(pairs):.1%} of {len(pairs):,} labelled samples are named right")
