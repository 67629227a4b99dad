"""embed, evaluate, report, reconstruct, sample, methods, datasets, demo."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import nolabel
from nolabel.cli import catalog, measures
from nolabel.cli.commands import demo
from nolabel.cli.commands.methods import TRY_FIRST
from nolabel.methods import method_class, stems


@pytest.fixture
def copy(tmp_path: Path):
    """A copy of a run that a test may write into."""
    return lambda run: Path(shutil.copytree(run, tmp_path / "copied run"))


# --- embed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".npy"])
def test_embed(call, image_run: Path, images: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"codes{suffix}"
    said = call("embed", image_run, images, "-o", path)
    assert said.code == 0
    assert f"40 vectors of 3 numbers in {path}" in said.out
    if suffix == ".npy":
        codes, ids = np.load(path), pd.read_csv(tmp_path / "codes.ids.csv")["id"]
    else:
        frame = pd.read_parquet(path) if suffix == ".parquet" else pd.read_csv(path)
        codes, ids = frame[["z0", "z1", "z2"]].to_numpy(dtype=np.float32), frame["id"]
    np.testing.assert_array_equal(codes, nolabel.load(image_run).transform(str(images)))
    assert ids.tolist() == list(range(40))


def test_embed_treats_new_rows_as_fit_did(call, table_run: Path, table: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(table)[::-1].drop(columns="kind")[["colour", "weight", "depth", "width", "height"]]
    frame.to_csv(tmp_path / "new.csv", index=False)
    for source, name in ((table, "a.csv"), (tmp_path / "new.csv", "b.csv")):
        assert call("embed", table_run, source, "-o", tmp_path / name).code == 0
    a, b = (pd.read_csv(tmp_path / name).drop(columns="id").to_numpy() for name in ("a.csv", "b.csv"))
    np.testing.assert_allclose(a, b[::-1], atol=1e-5)


def test_embed_does_not_write_over_a_file(call, image_run: Path, images: Path, tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("precious")
    said = call("embed", image_run, images, "-o", path)
    assert said.code == 2
    assert "add --overwrite" in said.err
    assert path.read_text() == "precious"
    assert call("embed", image_run, images, "-o", path, "--overwrite").code == 0
    assert path.read_text().startswith("id,z0")


# --- evaluate and report ---------------------------------------------------------------------------------------------


def test_evaluate_prints_the_table_and_keeps_it(call, image_run: Path, images: Path, copy) -> None:
    run = copy(image_run)
    said = call("evaluate", run, images, "--seeds", 2, "--k", 3)
    assert said.code == 0
    evidence = nolabel.evaluate(nolabel.load(run), str(images), seeds=2, k=3)
    assert said.out == evidence.table() + "\n"
    kept = json.loads((run / "evidence.json").read_text())
    assert {name: kept[name] for name in ("rows", "notes", "samples")} == json.loads(json.dumps(evidence.to_dict()))


def test_evaluate_with_a_column_of_labels(call, table_run: Path, table: Path, copy) -> None:
    run = copy(table_run)
    without = call("evaluate", run, table, "--seeds", 1)
    assert without.code == 0
    assert "k-NN accuracy" not in without.out
    assert "k-NN accuracy" in call("evaluate", run, table, "--seeds", 1, "--labels", "kind").out


def test_report_measures_only_what_does_not_fit(call, image_run: Path, images: Path, copy, monkeypatch) -> None:
    run = copy(image_run)
    assert call("evaluate", run, images, "--seeds", 1).code == 0
    before = (run / "evidence.json").read_bytes()
    said = call("report", run, images)
    assert said.code == 0
    assert "measuring" not in said.err
    assert f"report      {run / 'report.html'}" in said.out
    assert (run / "evidence.json").read_bytes() == before

    kept = json.loads(before)
    for key in kept["about"]:
        (run / "evidence.json").write_text(json.dumps({**kept, "about": {**kept["about"], key: "other"}}))
        assert not measures.still_fits(nolabel.load(run), nolabel.open(str(images)), run)
    for damaged in ("", "[]", "{}", '{"about": 1}'):
        (run / "evidence.json").write_text(damaged)
        assert not measures.still_fits(nolabel.load(run), nolabel.open(str(images)), run)
    said = call("report", run, images)
    assert said.code == 0
    assert "measuring" in said.err
    assert measures.still_fits(nolabel.load(run), nolabel.open(str(images)), run)


# --- reconstruct and sample ------------------------------------------------------------------------------------------


def test_reconstruct_images(call, image_run: Path, images: Path, tmp_path: Path) -> None:
    said = call("reconstruct", image_run, images, "--out", tmp_path / "out")
    assert said.code == 0
    rebuilt = nolabel.load(image_run).reconstruct(str(images))
    for row in (0, 39):
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / f"{row:02d}.png")), rebuilt[row])
    assert pd.read_csv(tmp_path / "out" / "index.csv")["id"].tolist() == list(range(40))
    refused = call("reconstruct", image_run, images, "--out", tmp_path / "out")
    assert refused.code == 2
    assert "exists and is not empty" in refused.err


def test_reconstruct_a_table(call, table_run: Path, table: Path, tmp_path: Path) -> None:
    assert call("reconstruct", table_run, table, "--out", tmp_path / "out").code == 0
    frame = pd.read_csv(tmp_path / "out" / "reconstructed.csv")
    assert list(frame.columns) == ["id", "height", "width", "depth", "weight", "colour"]
    assert frame["id"].tolist() == list(range(40))
    expected = nolabel.load(table_run).reconstruct(str(table))
    np.testing.assert_allclose(frame["height"], expected["height"], rtol=1e-6)
    assert set(frame["colour"]) <= {"red", "blue"}


@pytest.mark.parametrize("out", ["new", "new.png", "new.npy"])
def test_sample(call, vae_run: Path, tmp_path: Path, out: str) -> None:
    said = call("sample", vae_run, "-n", 5, "--random-state", 1, "--out", tmp_path / out)
    assert said.code == 0
    assert f"5 new samples in {tmp_path / out}" in said.out
    drawn = nolabel.load(vae_run).sample(5, random_state=1)
    if out == "new.npy":
        np.testing.assert_array_equal(np.load(tmp_path / out), drawn)
    elif out == "new.png":
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / out))[:64:8, :64:8], drawn[0])
    else:
        names = [path.name for path in sorted((tmp_path / out).iterdir())]
        assert names == [f"{number}.png" for number in range(5)]
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / out / "4.png")), drawn[4])


@pytest.mark.parametrize("out", ["new", "new.csv", "new.parquet"])
def test_sample_a_table(call, table: Path, tmp_path: Path, out: str) -> None:
    words = ["--epochs", 1, "--labels", "kind", "--no-report"]
    assert call("fit", "vae", table, "--out", tmp_path / "run", *words).code == 0
    assert call("sample", tmp_path / "run", "-n", 3, "--out", tmp_path / out).code == 0
    path = tmp_path / out / "samples.csv" if out == "new" else tmp_path / out
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    assert list(frame.columns) == ["height", "width", "depth", "weight", "colour"]
    assert len(frame) == 3


def test_sample_needs_a_model_that_draws(call, image_run: Path, vae_run: Path, tmp_path: Path) -> None:
    said = call("sample", image_run, "--out", tmp_path / "new")
    assert said.code == 2
    assert "a model of Autoencoder, which cannot draw samples. Methods that can: " in said.err
    assert {"gan", "vae", "vqvae"} <= set(said.err.partition("can: ")[2].strip().split(", "))
    assert "autoencoder" not in said.err.partition("can: ")[2]
    assert not (tmp_path / "new").exists()
    said = call("sample", vae_run, "--out", tmp_path / "new.pgn")
    assert said.code == 2
    assert "did you mean '.png'" in said.err


# --- lists -----------------------------------------------------------------------------------------------------------


def test_methods(call) -> None:
    said = call("methods")
    assert said.code == 0
    for entry in catalog.entries():
        line = next(line for line in said.out.splitlines() if line.startswith(f"{entry.name} "))
        assert entry.line in line
        assert line.endswith(entry.paper)


def test_what_to_try_first_is_a_method(call) -> None:
    names = {entry.name for entry in catalog.entries()}
    assert {method for _, method, _ in TRY_FIRST} <= names
    assert "try first" in call("methods").out


@pytest.mark.parametrize("entry", catalog.entries(), ids=lambda entry: entry.name)
def test_the_catalog_says_what_the_classes_say(entry: catalog.Entry) -> None:
    assert len(catalog.entries()) == len(stems())
    cls = method_class(entry.name.replace("-", "_"))
    assert entry.paper == cls.paper
    assert entry.line
    assert not entry.line.endswith(".")


def test_datasets(call) -> None:
    said = call("datasets")
    assert said.code == 0
    assert "60,000 train, 10,000 test" in said.out
    assert "breast_cancer" in said.out


@pytest.mark.parametrize("command", ["methods", "datasets"])
def test_lists_take_no_words(call, command: str) -> None:
    said = call(command, "all")
    assert said.code == 2
    assert "does not know what to do with 'all'" in said.err


# --- demo ------------------------------------------------------------------------------------------------------------


def test_demo_does_the_main_job_in_a_folder_of_its_own(call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for key, value in (("--epochs", "1"), ("--latent", "3")):
        monkeypatch.setitem(demo.SETTINGS, key, value)
    run = tmp_path / "runs" / "demo"
    run.mkdir(parents=True)
    for name in ("metrics.jsonl", "report.html"):
        (run / name).write_text("from an earlier time")
    said = call("demo")
    assert said.code == 0
    assert len(pd.read_parquet(run / "embeddings.parquet")) == 1797
    assert "<html" in (run / "report.html").read_text()
    assert "k-NN accuracy" in said.out
    assert (run / "report.html").as_uri() in said.out
    assert nolabel.load(run).latent == 3
