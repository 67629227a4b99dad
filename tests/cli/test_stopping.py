"""Ctrl-C and SIGTERM in the middle of a real run: exit code, checkpoint, and the command that goes on exactly."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

import nolabel
from nolabel.cli.stopping import Stopped, exit_code, heeding_sigterm

EPOCHS = 200
WORDS = ["autoencoder", "digits", "--hidden", "8,2", "--epochs", EPOCHS, "--batch-size", 256, "--no-report"]


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, not stopped."""
    from nolabel.cli import main

    run = tmp_path_factory.mktemp("whole") / "run"
    assert main(["fit", *map(str, WORDS), "--out", str(run), "--random-state", "7"]) == 0
    return run


def _epochs_done(run: Path) -> int:
    file = run / "metrics.jsonl"
    return file.read_text().count('"kind": "epoch"') if file.exists() else 0


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_goes_on_exactly(
    call, launch, outcome, whole_run: Path, tmp_path: Path, signum: signal.Signals, code: int
) -> None:
    run = tmp_path / "a run"
    words = ["fit", *WORDS, "--out", run, "--random-state", 7]
    process = launch(*words, cwd=tmp_path)
    while _epochs_done(run) < 2 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signum)
    said = outcome(process)
    assert said.code == code, said.err
    done = _epochs_done(run)
    assert 2 <= done < EPOCHS, "it was too quick to be stopped"
    assert f"stopped by {signum.name} after step" in said.err
    assert "A checkpoint was written" in said.err
    assert "Traceback" not in said.err
    typed = said.err.splitlines()[-1]
    assert typed == f"  python -m nolabel {' '.join(map(str, ['fit', *WORDS]))} --out '{run}' --random-state 7 --resume"
    assert list((run / "checkpoint").glob("step-*.safetensors"))
    assert not (run / "model").exists()
    assert "--resume" not in json.loads((run / "command.json").read_text())["command"]

    assert call(*words, "--resume").code == 0
    assert (run / "model" / "model.safetensors").read_bytes() == (
        whole_run / "model" / "model.safetensors"
    ).read_bytes()
    timing = {"seconds", "samples_per_second", "waiting"}
    histories = [
        [{key: value for key, value in record.items() if key not in timing} for record in nolabel.load(one).history_]
        for one in (run, whole_run)
    ]
    assert histories[0] == histories[1]


def test_a_run_without_a_seed_goes_on_exactly(call, images: Path, tmp_path: Path) -> None:
    run, whole = tmp_path / "run", tmp_path / "whole"
    words = ["fit", "vae", images, "--hidden", "8", "--latent", 2, "--batch-size", 8, "--no-report"]
    assert call(*words, "--out", run, "--epochs", 2).code == 0
    assert call(*words, "--out", run, "--epochs", 4, "--resume").code == 0
    seed = nolabel.load(run).seed_
    assert call(*words, "--out", whole, "--epochs", 4, "--random-state", seed).code == 0
    one, two = (folder / "model" / "model.safetensors" for folder in (run, whole))
    assert one.read_bytes() == two.read_bytes()


def test_sigterm_at_other_times(call, monkeypatch: pytest.MonkeyPatch) -> None:
    from nolabel.cli.commands import methods

    monkeypatch.setattr(methods, "run", lambda words: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    said = call("methods")
    assert (said.code, said.err) == (143, "stopped by SIGTERM\n")
    assert signal.getsignal(signal.SIGTERM) is before


def test_exit_codes() -> None:
    assert exit_code(KeyboardInterrupt()) == 130
    assert exit_code(Stopped()) == 143
    assert exit_code(nolabel.errors.TrainingInterrupted("", signal.SIGTERM)) == 143
    with pytest.raises(Stopped), heeding_sigterm():
        os.kill(os.getpid(), signal.SIGTERM)
