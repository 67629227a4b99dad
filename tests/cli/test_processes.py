"""Several processes from one command: the result of one, one voice, exit codes and signals passed on."""

import signal
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import nolabel
from nolabel.cli import history
from nolabel.cli import launch as launching
from nolabel.errors import ArgumentError

WORDS = ["autoencoder", "digits", "--hidden", "16,4", "--batch-size", 100, "--random-state", 3, "--no-report"]


def test_two_processes_give_the_result_of_one(call, launch, outcome, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two runs"
    assert call("fit", *WORDS, "--epochs", 2, "--out", one).code == 0
    words = ["fit", *WORDS, "--epochs", 2, "--out", two, "--processes", 2]
    said = outcome(launch(*words, cwd=tmp_path))
    assert said.code == 0, said.err
    assert all(line.startswith("epoch ") for line in said.err.splitlines()), said.err  # where it takes long
    assert said.out.count("trained     2 epochs") == 1
    assert said.out.count("next ") == 1
    weights = [load_file(run / "model" / "model.safetensors") for run in (one, two)]
    for name, value in weights[0].items():
        np.testing.assert_allclose(weights[1][name], value, atol=1e-5, rtol=0)
    losses = [[record["loss"] for record in nolabel.load(run).history_] for run in (one, two)]
    np.testing.assert_allclose(losses[1], losses[0], atol=1e-5)
    assert "--processes 2" in (history.recall(two) or "")


def test_a_stop_reaches_all_processes(launch, outcome, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = launch("fit", *WORDS, "--epochs", 100_000, "--out", run, "--processes", 2, cwd=tmp_path)
    metrics = run / "metrics.jsonl"
    while process.poll() is None and not (metrics.exists() and '"epoch"' in metrics.read_text()):
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    said = outcome(process)
    assert said.code == 143
    assert said.err.count("stopped by SIGTERM") == 1
    assert said.err.rstrip().endswith("--processes 2 --resume")
    assert list((run / "checkpoint").glob("step-*.safetensors"))


@pytest.mark.parametrize(
    ("codes", "code", "words"),
    [
        ({0: 2, 1: 2}, 2, ""),
        ({1: 1}, 1, ""),
        ({1: 1, 0: 130}, 130, ""),
        ({0: 1, 1: -9}, 137, "process 1 was ended by SIGKILL"),
    ],
)
def test_exit_codes(capsys: pytest.CaptureFixture[str], codes: dict[int, int], code: int, words: str) -> None:
    assert launching._code_of(codes) == code
    assert words in capsys.readouterr().err


def test_a_stop_while_they_start_leaves_none_behind(launch, outcome, tmp_path: Path) -> None:
    words = ["fit", *WORDS, "--epochs", 100_000, "--out", tmp_path / "run", "--processes", 2]
    process = launch(*words, cwd=tmp_path)
    time.sleep(2)
    process.send_signal(signal.SIGTERM)
    said = outcome(process, 60)  # its pipes are closed when the last of its children is gone
    assert said.code == 143
    assert "Traceback" not in said.err


def test_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    launching.refuse_bad_count(2)
    with pytest.raises(ArgumentError, match="at least 1"):
        launching.refuse_bad_count(0)
    monkeypatch.setattr(launching, "_cores", lambda: 3)
    launching.refuse_bad_count(3)
    with pytest.raises(ArgumentError, match="--processes 4: this machine has 3 cores; give at most 3"):
        launching.refuse_bad_count(4)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "4")
    launching.refuse_bad_count(4)
    launching.refuse_bad_count(1)
    with pytest.raises(ArgumentError, match="one of 4 processes already"):
        launching.refuse_bad_count(2)


def test_the_command_as_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["fit", "vae", "my data", "--out", "x"]
    assert history.as_typed(words) == "nolabel fit vae 'my data' --out x"
    monkeypatch.setattr("sys.argv", ["/somewhere/nolabel/__main__.py"])
    assert history.as_typed(words) == "python -m nolabel fit vae 'my data' --out x"
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "2"), ("LOCAL_WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    assert history.as_typed(words).startswith("torchrun --nproc-per-node 2 -m nolabel fit")
    assert history.as_typed(["embed", "x"]) == "python -m nolabel embed x"
    monkeypatch.setenv("WORLD_SIZE", "8")
    assert history.as_typed(words).startswith("torchrun ... -m nolabel fit")
    monkeypatch.setenv(history.PROGRAM, "nolabel")
    assert history.as_typed(words) == "nolabel fit vae 'my data' --out x"
