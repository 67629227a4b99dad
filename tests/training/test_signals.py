"""SIGTERM and Ctrl-C in the middle of an epoch, sent to a process for real."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from nolabel.training import checkpoint, engine
from training.toys import Line, job, make, same, state, table, untimed

Told = dict[str, dict[str, Any]]


def answer(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """The next line that the process says."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        _, errors = process.communicate()
        pytest.fail(f"the process ended with {process.returncode}: {errors}")
    return json.loads(line)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Told]:
    """A process that was sent SIGTERM in its first run, SIGINT in its second, and SIGINT twice in its third."""
    folder = tmp_path_factory.mktemp("stopped")
    command = [sys.executable, str(Path(__file__).with_name("faults.py")), "signals", str(folder)]
    told: Told = {}
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for name, number in (("SIGTERM", signal.SIGTERM), ("SIGINT", signal.SIGINT), ("twice", signal.SIGINT)):
            assert answer(process) == {"at": "go"}
            os.kill(process.pid, number)
            (folder / name / "go").touch()
            if name == "twice":
                assert answer(process) == {"at": "go again"}
                os.kill(process.pid, number)
            told[name] = answer(process)
        assert process.wait(30) == 0
    return folder, told


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_step_writes_a_checkpoint_and_says_so(name: str, stopped: tuple[Path, Told]) -> None:
    folder, told = stopped
    kept = folder / name / "checkpoint"
    assert told[name] == {
        "error": "TrainingInterrupted",
        "text": f"stopped by {name} after step 8. A checkpoint was written to {kept}; go on with resume",
        "signum": getattr(signal, name),
    }
    assert [path.name for path in kept.iterdir()] == ["step-0000000008.safetensors"]
    found, _ = checkpoint.load_newest(kept)
    assert found is not None
    assert same(engine.room(found.tensors, "learner/"), load_file(folder / name / "state.safetensors"))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_what_was_stopped_goes_on_to_the_same_bits(name: str, stopped: tuple[Path, Told]) -> None:
    whole, resumed = make("gradient"), Line()
    expected = engine.run(job(whole, table()))
    outcome = engine.run(job(resumed, table(), folder=stopped[0] / name / "checkpoint", resume=True))
    assert same(state(resumed), state(whole))
    assert untimed(outcome.history) == untimed(expected.history)


def test_a_second_ctrl_c_acts_at_once(stopped: tuple[Path, Told]) -> None:
    folder, told = stopped
    assert told["twice"]["error"] == "KeyboardInterrupt"
    assert not (folder / "twice" / "checkpoint").exists()
    seven_steps_later = load_file(folder / "twice" / "state.safetensors")
    assert not same(seven_steps_later, load_file(folder / "SIGINT" / "state.safetensors"))
