"""`nolabel fit`: what it leaves, what it says, and how it refuses."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nolabel
from nolabel.cli.commands import fit
from nolabel.errors import ArgumentError

TINY = ["--hidden", "8", "--latent", "3", "--epochs", "2", "--batch-size", "16"]


def test_fit_leaves_a_model_embeddings_evidence_and_a_report(call, images: Path, tmp_path: Path) -> None:
    run = tmp_path / "a run"
    said = call("fit", "autoencoder", images, "--out", run, *TINY, "--random-state", 0, "--holdout", ".2")
    assert said.code == 0
    model = nolabel.load(run)
    assert (model.hidden, model.latent, model.epochs, model.random_state) == ((8,), 3, 2, 0)
    assert model.plan == {"holdout": 0.2}

    frame = pd.read_parquet(run / "embeddings.parquet")
    assert list(frame.columns) == ["id", "z0", "z1", "z2", "cluster"]
    np.testing.assert_array_equal(frame[["z0", "z1", "z2"]].to_numpy(), model.transform(str(images)))
    assert json.loads((run / "evidence.json").read_text())["samples"] == 40
    page = (run / "report.html").read_text()
    command = f"nolabel fit autoencoder {images} --out '{run}' " + " ".join(TINY) + " --random-state 0 --holdout .2"
    assert json.loads((run / "command.json").read_text())["command"] == command
    assert command.replace("'", "&#39;") in page

    first, last = model.history_[0], model.history_[-1]
    assert f"loss        {first['loss']:.4g} -> {last['loss']:.4g}" in said.out
    assert f"(held-out {first['holdout_loss']:.4g} -> {last['holdout_loss']:.4g})" in said.out
    assert model.health_[0].text in said.out
    assert f"model       {run / 'model'}" in said.out
    assert said.out.endswith(f"next        nolabel embed '{run}' {images} -o codes.parquet\n")


def test_flags_not_given_leave_the_defaults_of_the_signature(call, images: Path, tmp_path: Path) -> None:
    assert call("fit", "vae", images, "--out", tmp_path / "run", "--epochs", 1, "--no-report").code == 0
    model = nolabel.load(tmp_path / "run")
    assert model.get_params() == nolabel.VAE(epochs=1).get_params()
    assert not (tmp_path / "run" / "report.html").exists()


def test_the_command_that_is_kept_makes_the_same_model_again(call, images: Path, tmp_path: Path) -> None:
    assert call("fit", "autoencoder", images, "--out", tmp_path / "one", *TINY, "--no-report").code == 0
    words = json.loads((tmp_path / "one" / "command.json").read_text())["words"]
    assert words[-2] == "--random-state"
    again = [str(tmp_path / "two") if word == str(tmp_path / "one") else word for word in words]
    assert call(*again).code == 0
    one, two = (tmp_path / name / "model" / "model.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_a_table_with_labels_that_fit_does_not_see(call, table: Path, table_run: Path) -> None:
    model = nolabel.load(table_run)
    names = [column["name"] for column in model.spec_.recipe["columns"]]
    assert names == ["height", "width", "depth", "weight", "colour"]
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize("labels", ["labels", "kind"])
def test_a_method_that_learns_from_labels(call, images: Path, table: Path, tmp_path: Path, labels: str) -> None:
    source = images if labels == "labels" else table
    words = ["fit", "supervised-autoencoder", source, "--out", tmp_path / "run", *TINY, "--no-report"]
    assert call(*words, "--labels", labels).code == 0
    assert len(nolabel.load(tmp_path / "run").classes_) == 2
    refused = call(*words, "--overwrite")
    assert refused.code == 2
    assert "--labels labels" in refused.err
    assert "--labels COLUMN" in refused.err


def test_labels_that_are_not_there(call, table: Path, tmp_path: Path) -> None:
    said = call("fit", "autoencoder", table, "--out", tmp_path / "run", "--labels", "labels")
    assert said.code == 2
    assert "--labels labels: things.csv has no labels of its own" in said.err
    said = call("fit", "autoencoder", table, "--out", tmp_path / "run", "--labels", "kin")
    assert said.code == 2
    assert "did you mean 'kind'" in said.err


def test_a_folder_of_colour_images_brought_to_a_size(call, tmp_path: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    for kind in ("cat", "dog"):
        (tmp_path / "my pictures" / kind).mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "my pictures" / kind / f"{number}.png")
    run = tmp_path / "my run"
    words = ["fit", "autoencoder", tmp_path / "my pictures", "--out", run, *TINY, "--no-report"]
    assert call(*words, "--size", "12x16", "--channels", 1).code == 0
    assert nolabel.load(run).spec_.shape == (1, 12, 16)
    assert call("embed", run, tmp_path / "my pictures", "-o", tmp_path / "c.csv").code == 0
    assert pd.read_csv(tmp_path / "c.csv")["id"].tolist()[0] == "cat/0.png"
    assert call("reconstruct", run, tmp_path / "my pictures", "--out", tmp_path / "rebuilt").code == 0
    assert (tmp_path / "rebuilt" / "dog" / "5.png").is_file()


def test_an_existing_run_is_refused_replaced_or_gone_on_with(call, images: Path, tmp_path: Path) -> None:
    words = ["fit", "autoencoder", images, "--out", tmp_path / "run", *TINY, "--random-state", 0, "--no-report"]
    assert call(*words).code == 0
    before = (tmp_path / "run" / "model" / "model.safetensors").read_bytes()
    refused = call(*words)
    assert refused.code == 2
    assert "exists and is not empty" in refused.err
    assert "--overwrite" in refused.err
    assert "--resume" in refused.err
    both = call(*words, "--overwrite", "--resume")
    assert both.code == 2
    assert "exclude each other" in both.err
    assert (tmp_path / "run" / "model" / "model.safetensors").read_bytes() == before
    assert call(*words, "--overwrite").code == 0
    assert call(*words, "--resume", "--epochs", 4).code == 0
    assert len(nolabel.load(tmp_path / "run").history_) == 4
    kept = json.loads((tmp_path / "run" / "command.json").read_text())["command"]
    assert kept.endswith("--epochs 4")


def test_what_a_killed_process_leaves_is_not_in_the_way(call, images: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").write_text("{}")
    said = call("fit", "autoencoder", images, "--out", tmp_path / "run", *TINY, "--no-report")
    assert said.code == 0, said.err


def test_there_is_nothing_to_go_on_with(call, images: Path, tmp_path: Path) -> None:
    said = call("fit", "autoencoder", images, "--out", tmp_path / "run", "--resume")
    assert said.code == 2
    assert "there is no run in" in said.err
    assert not (tmp_path / "run").exists()


def test_too_few_samples_to_measure_do_not_fail_the_training(call, tmp_path: Path) -> None:
    np.save(tmp_path / "few.npy", np.random.default_rng(0).integers(0, 255, (5, 8, 8), dtype=np.uint8))
    said = call("fit", "autoencoder", tmp_path / "few.npy", "--out", tmp_path / "run", *TINY)
    assert said.code == 0
    assert "not measured: evaluate needs 10 samples" in said.err
    assert (tmp_path / "run" / "report.html").is_file()


def test_help_lists_methods_and_the_flags_of_one(call) -> None:
    methods = call("fit", "--help")
    assert methods.code == 0
    assert "denoising-autoencoder" in methods.out
    one = call("fit", "autoencoder", "--help")
    assert one.code == 0
    for words in ("--hidden N,N,...", "--tied, --no-tied", "{auto,mlp,conv}", "[0.001]", "--schedule", "torchrun"):
        assert words in one.out


@pytest.mark.parametrize("words", [[], ["--out", "x"], ["--epochs", "3", "autoencoder", "digits"]])
def test_the_method_comes_first(call, words: list[str]) -> None:
    said = call("fit", *words)
    assert said.code == 2
    assert "nolabel fit needs a method first, as in nolabel fit autoencoder digits" in said.err


def test_ctrl_c_while_the_report_is_made_says_how_to_have_it(call, images: Path, tmp_path: Path, monkeypatch) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fit.results, "write_all", interrupted)
    run = tmp_path / "run"
    said = call("fit", "autoencoder", images, "--out", run, *TINY)
    assert said.code == 130
    assert f"nolabel report {run} {images}" in said.err
    assert nolabel.load(run).transform(str(images)).shape == (40, 3)
    monkeypatch.undo()
    assert call("report", run, images).code == 0


def test_a_run_that_diverges_says_when_and_what_to_turn(call, images: Path, tmp_path: Path) -> None:
    words = ["fit", "autoencoder", images, "--out", tmp_path / "run", *TINY, "--loss", "mse", "--optimizer", "sgd"]
    said = call(*words, "--learning-rate", "1e30", "--epochs", 9, "--no-report")
    assert said.code == 2
    assert "became NaN or infinite at step" in said.err
    assert "learning_rate" in said.err
    assert "--random-state" in json.loads((tmp_path / "run" / "command.json").read_text())["command"]


def test_one_class_folder_is_too_few(call, tmp_path: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    for number in range(4):
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(tmp_path / "pets" / "cat" / f"{number}.png")
    words = ["fit", "conditional-gan", tmp_path / "pets", "--out", tmp_path / "run"]
    assert "pets has one class folder only, 'cat': one class is too few" in call(*words, "--labels", "labels").err
    with pytest.raises(ArgumentError, match="this data set has one class folder only, 'cat'"):
        nolabel.ConditionalGAN().fit(tmp_path / "pets", "labels")


@pytest.mark.parametrize("method", ["gan", "som"])
def test_a_held_out_part_needs_one_loss_to_measure(call, images: Path, tmp_path: Path, method: str) -> None:
    said = call("fit", method, images, "--out", tmp_path / "run", "--holdout", ".2")
    assert f"--holdout 0.2 needs a method with one loss to measure, and {method.upper()} has none" in said.err


@pytest.mark.parametrize(
    ("method", "example", "following"),
    [
        (
            "sngan",
            "nolabel fit sngan digits --out runs/digits --epochs 50",
            "nolabel sample '{run}' -n 16 -o samples.png",
        ),
        ("restorer", "nolabel fit restorer digits --out runs/digits", "nolabel restore '{run}' {source} -o restored"),
        ("lda", "nolabel fit lda texts/ --out runs/texts", ""),
        ("video-gan", "nolabel fit video-gan clips/ --out runs/clips", ""),
        ("cycle-gan", "nolabel fit cycle-gan drawings/ --target photographs/ --out runs/it", ""),
    ],
)
def test_what_to_type_is_the_methods_own(
    call, images: Path, tmp_path: Path, method: str, example: str, following: str
) -> None:
    assert example in call("fit", method, "--help").out
    if following:
        run = tmp_path / "my run"
        said = call("fit", method, images, "--out", run, "--channels", "4", "--epochs", "1", "--no-report")
        assert f"next        {following.format(run=run, source=images)}" in said.out
