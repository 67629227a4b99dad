"""`nolabel cluster`: the same as `nolabel.cluster`, printed and kept."""

import inspect
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nolabel
from nolabel.cli import trained_on
from nolabel.cli.commands.cluster import CLUSTERING
from nolabel.evaluation.grouping import METHODS


def test_flags_are_the_functions_arguments():
    parameters = inspect.signature(nolabel.cluster).parameters
    assert {flag.key for flag in CLUSTERING} <= set(parameters)
    assert set(parameters) - {flag.key for flag in CLUSTERING} == {"embedding", "data", "labels"}
    for flag in CLUSTERING:
        default = parameters[flag.key].default
        assert default is None or f"[{default}]" in flag.help
    method = next(flag for flag in CLUSTERING if flag.key == "method")
    assert [method.read(name) for name in METHODS] == list(METHODS)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_clusters_are_printed_and_kept(call, table_run: Path, table: Path, tmp_path: Path, suffix: str):
    path = tmp_path / f"clusters{suffix}"
    said = call("cluster", table_run, table, "--labels", "kind", "--k", 2, "-o", path)
    assert said.code == 0, said.err
    found = nolabel.cluster(nolabel.load(table_run), data=str(table), labels="kind", k=2)
    kept = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    pd.testing.assert_frame_equal(kept, found.to_frame(), check_dtype=False)
    lines = said.out.splitlines()
    assert lines[0] == "40 samples in 2 clusters (kmeans)"
    assert lines[2].split() == ["cluster", "samples", "share", "confidence", "classes", "what", "sets", "it", "apart"]
    assert lines[3].startswith("0")
    assert str(found.descriptions[0]) in lines[3]
    assert "agreement with the classes: NMI " in said.out
    assert said.out.endswith(f"\nclusters in {path}\n")


def test_the_number_is_chosen_unless_given(call, image_run: Path, images: Path):
    said = call("cluster", image_run, images, "--largest", 4)
    assert said.code == 0, said.err
    assert "(kmeans, 3 numbers tried: silhouette 0." in said.out
    assert "such as " in said.out
    said = call("cluster", image_run, images, "--method", "hdbscan", "--min-size", 5, "--random-state", 1)
    assert said.code == 0, said.err
    assert "clusters (hdbscan)" in said.out


def test_without_a_source_it_is_what_the_run_was_trained_on(call, table_run: Path, table: Path, monkeypatch, tmp_path):
    known = call("cluster", table_run, table, "--labels", "kind", "--k", 2)
    alone = call("cluster", table_run, "--k", 2)  # --labels kind is remembered, too
    assert alone == known
    assert trained_on.source_of(table_run)["SOURCE"] == str(table)


def test_a_source_that_is_gone_is_asked_for(call, table_run: Path, table: Path, tmp_path: Path):
    run = Path(shutil.copytree(table_run, tmp_path / "run"))
    command = json.loads((run / "command.json").read_text())
    words = [word if word != str(table) else str(tmp_path / "gone.csv") for word in command["words"]]
    (run / "command.json").write_text(json.dumps({**command, "words": words}))
    said = call("cluster", run, "--k", 2)
    assert said.code == 2
    assert "gone.csv', which cannot be opened from here" in said.err
    assert "give SOURCE" in said.err


@pytest.mark.parametrize(
    "content", ["", "[]", '{"words": []}', '{"words": ["fit", "nothing", "x"]}', '{"words": [1, 2]}']
)
def test_a_run_of_unknown_source_uses_its_embeddings_or_asks(call, table_run: Path, tmp_path: Path, content: str):
    run = Path(shutil.copytree(table_run, tmp_path / "run"))
    (run / "command.json").write_text(content)
    said = call("cluster", run, "--k", 2)
    assert said.code == 2
    assert "it is not known on what" in said.err
    assert "give SOURCE: nolabel cluster RUN [SOURCE] [flags]" in said.err
    codes = np.concatenate([np.zeros((20, 3)), np.ones((20, 3))]) + np.arange(40)[:, None] / 1000
    frame = pd.DataFrame(codes, columns=["z0", "z1", "z2"])
    frame.insert(0, "id", range(40))
    frame.to_parquet(run / "embeddings.parquet")
    said = call("cluster", run, "--k", 2)
    assert said.code == 0, said.err
    assert "z0 1.03 (0.0095 elsewhere)" in said.out
    assert "Described by embeddings.parquet alone" in said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--method", "kmean"], "--method must be one of 'kmeans', .*; got 'kmean'; did you mean 'kmeans'"),
        (["--k", "many"], "--k must be a whole number, or auto; got 'many'"),
        (["--k", "0"], "--?k must be a whole number of at least 1"),
        (["--k", "41"], "41 asks for more clusters than there are 40 samples"),
        (["--k", "3", "--method", "hdbscan"], "hdbscan finds the number of clusters itself"),
        (["--min-size", "5"], "min.size is of method='?hdbscan'? only|of --method 'hdbscan' only"),
        (["more", "words"], "does not know what to do with 'words'|'more'"),
        (["-o", "clusters.txt"], "must end in one of .parquet, .csv"),
    ],
)
def test_mistakes_are_told_how_to_be_mended(call, image_run: Path, images: Path, words, message):
    said = call("cluster", image_run, images, *words)
    assert said.code == 2
    assert said.out == ""
    import re

    assert re.search(message, said.err), said.err


def test_nothing_is_written_over(call, image_run: Path, images: Path, tmp_path: Path):
    path = tmp_path / "clusters.csv"
    path.write_text("precious")
    assert "add --overwrite" in call("cluster", image_run, images, "--k", 2, "-o", path).err
    assert path.read_text() == "precious"
    assert call("cluster", image_run, images, "--k", 2, "-o", path, "--overwrite").code == 0
    assert path.read_text().startswith("id,cluster,confidence,is_noise")


def test_help_names_the_optional_source(call):
    said = call("cluster", "--help")
    assert said.code == 0
    assert "nolabel cluster RUN [SOURCE] [flags]" in said.out
    assert "RUN is missing" in call("cluster").err or "needs RUN" in call("cluster").err
