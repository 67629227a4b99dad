"""What follows training: how it went, in words; embeddings, evidence and report in the run's folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from nolabel.cli import history, measures, outputs, speech
from nolabel.errors import DataError

if TYPE_CHECKING:
    from nolabel.data.dataset import Dataset
    from nolabel.evaluation.evidence import Evidence
    from nolabel.methods._base import Embedder, Estimator

EMBEDDINGS = "embeddings.parquet"
REPORT = "report.html"
_STYLES = {"good": "green", "warning": "yellow", "bad": "bold red"}


def say_training(model: "Estimator") -> None:
    """How long it took, where the loss began and ended, and the verdicts on the model's health."""
    if model.history_:
        first, last = model.history_[0], model.history_[-1]
        seconds = sum(record.get("seconds", 0.0) for record in model.history_)
        held = ""
        if "holdout_loss" in last:
            held = f" (held-out {first['holdout_loss']:.4g} -> {last['holdout_loss']:.4g})"
        epochs = len(model.history_)
        speech.say(f"trained     {epochs} epoch{'s' if epochs > 1 else ''} in {seconds:.1f} s, seed {model.seed_}")
        speech.say(f"loss        {first['loss']:.4g} -> {last['loss']:.4g}{held}")
    for verdict in model.health_:
        knob = f" Try {verdict.knob}." if verdict.knob else ""
        speech.say(f"{verdict.level:<12}{verdict.text}{knob}", _STYLES[verdict.level])


def write_all(model: "Estimator", data: "Dataset", run: Path) -> None:
    """Embeddings with clusters, evidence and report, into the run's folder."""
    from nolabel.methods._base import Embedder

    evidence = None
    if isinstance(model, Embedder):
        write_embeddings(model, data, run / EMBEDDINGS)
        speech.say(f"embeddings  {run / EMBEDDINGS}")
        evidence = _measured(model, data, run)
    write_report(model, data, run, evidence)
    speech.say(f"report      {run / REPORT}")


def _measured(model: "Embedder", data: "Dataset", run: Path) -> "Evidence | None":
    try:
        return measures.measure(model, data, run)
    except DataError as error:  # too few samples, say: the model stands, and the report says what it can
        speech.remark(f"not measured: {error}")
        (run / measures.FILE).unlink(missing_ok=True)  # what an earlier model of this run was worth says nothing now
        return None


def write_embeddings(model: "Embedder", data: "Dataset", path: Path) -> None:
    """The codes of all samples with their ids and clusters: columns id, z0, z1, ..., cluster."""
    from nolabel.evaluation.clusters import cluster_codes

    codes = model.transform(data)
    frame = outputs.codes_table(data.ids, codes)
    outputs.write_table(path, frame.assign(cluster=cluster_codes(codes)))


def write_report(model: "Estimator", data: "Dataset", run: Path, evidence: "Evidence | None") -> Path:
    """RUN/report.html; without `evidence`, that in RUN/evidence.json is shown."""
    from nolabel.report import write_report as write
    from nolabel.report.gather import gather

    speech.remark("drawing the report ...")
    content = gather(model, data, evidence=evidence, run=run, command=history.recall(run))
    return write(content, run / REPORT)
