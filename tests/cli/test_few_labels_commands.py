"""`nolabel probe`, `finetune`, `predict` and `suggest`: the same as the functions, printed and kept."""

import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nolabel
from nolabel.cli import trained_on
from nolabel.cli.commands.probe import PROBING
from nolabel.cli.commands.suggest import FILE, SUGGESTING
from nolabel.report import suggested


@pytest.mark.parametrize(
    ("flags", "function", "others"),
    [
        (PROBING, nolabel.probe, {"model", "data", "labels"}),
        (SUGGESTING, nolabel.suggest, {"model", "data", "labelled"}),
    ],
)
def test_flags_are_the_functions_arguments(flags, function, others):
    parameters = inspect.signature(function).parameters
    assert set(parameters) - {flag.key for flag in flags} == others
    for flag in flags:
        assert f"[{parameters[flag.key].default:g}]" in flag.help if flag.key in ("k", "c", "n") else True
    assert suggested.FILE == FILE


@pytest.fixture
def labels(table_run: Path, table: Path, tmp_path: Path) -> Path:
    """Half of the table's rows, labelled by id in a file."""
    data = nolabel.open(str(table), labels="kind")
    frame = pd.DataFrame({"id": list(data.ids), "label": [data.classes[code] for code in data.labels]})
    file = tmp_path / "labels.csv"
    frame.iloc[:20].to_csv(file, index=False)
    return file


def test_a_probe_is_measured_kept_and_predicts(call, table_run: Path, table: Path, labels: Path, tmp_path: Path):
    said = call("probe", table_run, table, "--labels", labels, "--kind", "knn", "--k", 3, "-o", tmp_path / "probe")
    assert said.code == 0, said.err
    assert said.out.startswith("accuracy    ")
    assert "20 labels of 2 classes" in said.out
    said = call("predict", tmp_path / "probe", table, "--labels", "kind", "-o", tmp_path / "named.csv")
    assert said.code == 0, said.err
    assert f"40 labels in {tmp_path / 'named.csv'}" in said.out
    assert "of 40 labelled samples are named right" in said.out
    frame = pd.read_csv(tmp_path / "named.csv")
    made = nolabel.probe(nolabel.load(table_run), str(table), str(labels), kind="knn", k=3)
    assert frame["label"].tolist() == made.predict(str(table)).tolist()
    assert frame.columns[:3].tolist() == ["id", "label", "probability"]
    assert np.allclose(frame.filter(like="p_").sum(axis=1), 1)


def test_the_budget_is_kept_for_the_report(call, table_run: Path, table: Path):
    said = call("probe", table_run, table, "--labels", "kind", "--budget", "1", "2", "--draws", 1, "--epochs", 1)
    assert said.code == 0, said.err
    assert "from scratch" in said.out
    try:
        assert call("report", table_run, table).code == 0
        assert "What labels buy" in (table_run / "report.html").read_text(encoding="utf-8")
    finally:
        (table_run / "label_budget.json").unlink()


def test_a_model_is_trained_on_to_a_classifier(call, table_run: Path, table: Path, labels: Path, tmp_path: Path):
    run = tmp_path / "classifier"
    words = ["--labels", labels, "--epochs", 2, "--random-state", 0, "--freeze", "0.5", "--layer-decay", 0.8]
    said = call("finetune", table_run, table, *words, "--no-report", "--out", run)
    assert said.code == 0, said.err
    model = nolabel.load(run)
    assert type(model).__name__ == "Classifier"
    assert (model.freeze, model.layer_decay, model.epochs) == (0.5, 0.8, 2)
    assert model.spec_ == nolabel.load(table_run).spec_
    assert trained_on.source_of(run)["pretrained"] == str(table_run)
    said = call("predict", run, table, "-o", tmp_path / "named.parquet")
    assert said.code == 0, said.err
    assert pd.read_parquet(tmp_path / "named.parquet")["label"].tolist() == model.predict(str(table)).tolist()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["finetune", "{run}", "{table}", "--out", "x"], "nolabel finetune needs --labels"),
        (["finetune", "{run}", "{table}", "--labels", "kind", "--out", "{run}"], "is RUN itself"),
        (["finetune", "{run}", "{table}", "--labels", "none.csv", "--out", "{tmp}/x"], "there is no file none.csv"),
        (["predict", "{run}", "{table}", "-o", "{tmp}/x.csv"], "cannot name classes"),
        (["probe", "{run}", "{table}"], "nolabel probe needs --labels"),
        (["suggest", "{run}", "{table}", "-n", "99", "-o", "{tmp}/x.csv"], "99 samples were asked for, and 40"),
        (["suggest", "{run}", "{table}", "--labelled", "kind", "-o", "{tmp}/x.csv"], "--labelled must be a .csv"),
    ],
)
def test_what_cannot_be_meant_is_refused(call, table_run: Path, table: Path, tmp_path: Path, words, wanted):
    said = call(*(word.format(run=table_run, table=table, tmp=tmp_path) for word in words))
    assert said.code == 2
    assert wanted in said.err
    assert "Traceback" not in said.err


def test_suggestions_are_a_table_a_page_and_in_the_report(call, image_run: Path, images: Path, tmp_path: Path):
    page = tmp_path / "look.html"
    said = call("suggest", image_run, images, "-n", 5, "--page", page)
    table = image_run / FILE
    try:
        assert said.code == 0, said.err
        assert "most typical of " in said.out
        frame = pd.read_csv(table, dtype=str)
        assert len(frame) == 5
        text = page.read_text(encoding="utf-8")
        assert "What to label first" in text
        assert all(name in text for name in frame["id"])
        again = call("suggest", image_run, images, "-n", 5)
        assert again.code == 2
        assert "--overwrite" in again.err
        assert call("report", image_run, images).code == 0
        assert 'id="suggested"' in (image_run / "report.html").read_text(encoding="utf-8")
    finally:
        table.unlink(missing_ok=True)
