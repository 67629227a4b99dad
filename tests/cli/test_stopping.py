"""Ctrl-C and SIGTERM in the middle of a real run: exit code, checkpoint, and the command that goes on exactly."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nolabel
from nolabel.cli.stopping import Stopped, exit_code, heeding_signals

HOME = str(Path(nolabel.__file__).parents[1])
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
    assert exit_code(Stopped(signal.SIGTERM)) == 143
    assert exit_code(nolabel.errors.TrainingInterrupted("", signal.SIGTERM)) == 143
    for signum in (signal.SIGTERM, signal.SIGINT):
        with pytest.raises(Stopped) as caught, heeding_signals():
            os.kill(os.getpid(), signum)
        assert exit_code(caught.value) == 128 + signum


def test_a_signal_in_an_import_waits_for_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hit_while_imported.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nfor _ in range(10**6): pass\nwhole = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Stopped) as caught, heeding_signals():
        import hit_while_imported

        assert hit_while_imported.whole
        time.sleep(5)
        pytest.fail("the signal was lost")
    assert exit_code(caught.value) == 143
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.fixture
def hit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module `was_hit`, whose import ends as soon as it has been hit by SIGTERM."""
    (tmp_path / "was_hit.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "was_hit", raising=False)


@pytest.mark.usefixtures("hit")
def test_a_signal_in_the_last_import_is_not_lost() -> None:
    with pytest.raises(Stopped) as caught, heeding_signals():
        import was_hit  # noqa: F401
    assert caught.value.signum == signal.SIGTERM
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.usefixtures("hit")
def test_a_signal_in_an_import_comes_to_whoever_heeds_signals_after_it() -> None:
    from nolabel.training.interrupts import Interrupts

    with heeding_signals():
        import was_hit  # noqa: F401

        with Interrupts() as interrupts:
            time.sleep(0.2)
            assert interrupts.signum == signal.SIGTERM


@pytest.mark.usefixtures("hit")
def test_a_timer_of_somebody_elses_is_left_alone() -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    try:
        signal.setitimer(signal.ITIMER_REAL, 100)
        with heeding_signals():
            pass
        assert 90 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100
        with pytest.raises(Stopped), heeding_signals():
            import was_hit  # noqa: F401
        assert 90 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("importing", [False, True])
def test_a_second_signal_ends_the_process_at_once(importing: bool, tmp_path: Path) -> None:
    twice = (
        "import os, signal, time\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "finally:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    time.sleep(60)\n"
    )
    (tmp_path / "twice.py").write_text(twice)
    body = "import twice" if importing else f"exec({twice!r})"
    code = f"from nolabel.cli.stopping import heeding_signals\nwith heeding_signals():\n    {body}\n"
    env = {"PYTHONPATH": os.pathsep.join([HOME, str(tmp_path)])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, timeout=30)
    assert done.returncode == -signal.SIGTERM
    assert done.stderr == b""


def test_ignored_signals_stay_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with heeding_signals():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("moment", range(1, 11, 2))
def test_a_signal_at_any_moment_of_the_start(launch, outcome, tmp_path: Path, moment: int) -> None:
    """Over the first 2 s, torch's import among them; before our first line runs, Python answers by itself."""
    signum = (signal.SIGINT, signal.SIGTERM)[moment // 2 % 2]
    run = tmp_path / "run"
    process = launch("fit", *WORDS, "--out", run, "--epochs", 100_000, cwd=tmp_path)
    time.sleep(moment * 0.2)
    process.send_signal(signum)
    said = outcome(process, 60)
    if said.code == -signum and "nolabel/cli" not in said.err:
        return
    assert said.code == 128 + signum, said
    assert f"stopped by {signum.name}" in said.err
    assert "Traceback" not in said.err
    assert not (run / ".lock").exists()
