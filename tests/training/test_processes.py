"""Two processes give the result of one on the same batches, stop together, and go on with each other's runs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from nolabel.training import engine
from nolabel.training.engine import Stream
from nolabel.training.plan import Plan
from training import pair
from training.toys import EVERY, Line, job, make, same, state, table, untimed, values

Results = tuple[Path, Path]


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one launch of two processes has written, from runs that one process had begun."""
    out, begun = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("begun")
    for kind in EVERY:
        stop_after(8, kind, begun / kind)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, pair.__file__, str(out), str(begun)]
    done = subprocess.run(command, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr[-5000:]
    return out


def stop_after(steps: int, kind: str, folder: Path) -> None:
    pair.stop_after(steps, job(make(kind), table(37), folder=folder))


def told(out: Path, name: str, rank: int = 0) -> tuple[dict[str, Tensor], dict[str, Any]]:
    return load_file(out / f"{name}.{rank}.safetensors"), json.loads((out / f"{name}.{rank}.json").read_text())


def assert_close(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            found[name], value, atol=1e-5, rtol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )


def assert_same_history(found: list[dict[str, float]], expected: list[dict[str, float]]) -> None:
    assert len(found) == len(expected)
    for record, other in zip(found, expected):
        assert record == pytest.approx(other, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", pair.runs(Path("nowhere")))
def test_two_give_the_result_of_one(name: str, together: Path, tmp_path: Path) -> None:
    wanted = pair.runs(tmp_path)[name]()
    before = state(wanted.learner)
    outcome = engine.run(wanted)
    found, facts = told(together, name)
    assert_close(found, state(wanted.learner))
    assert_same_history(facts["history"], untimed(outcome.history))
    assert facts["reason"] == outcome.reason
    assert same(told(together, name, rank=1)[0], found)  # both processes hold the same model
    assert not same(before, found)


def test_a_signal_to_either_stops_both_at_the_same_step(together: Path) -> None:
    expected = make("gradient")
    pair.stop_after(8, job(expected, table(37), folder=together / "by one"))
    for rank in (0, 1):
        found, facts = told(together, "stopped", rank)
        assert facts["error"] == "TrainingInterrupted"
        assert facts["text"].startswith("stopped by SIGTERM after step 8. A checkpoint was written to")
        assert_close(found, state(expected))
    assert [path.name for path in (together / "stopped").iterdir()] == ["step-0000000008.safetensors"]


def test_nan_in_either_stops_both_with_the_state_before(together: Path) -> None:
    expected = make("gradient")
    pair.stop_after(7, job(expected, table(37), folder=together / "seven by one"))
    for rank in (0, 1):
        found, facts = told(together, "spoilt", rank)
        assert facts["error"] == "DivergedError"
        assert facts["step"] == 8
        assert_close(found, state(expected))
    assert [path.name for path in (together / "spoilt").iterdir()] == ["step-0000000007.safetensors"]


@pytest.mark.parametrize("kind", EVERY)
def test_two_go_on_with_what_one_has_begun(kind: str, together: Path) -> None:
    wanted = job(make(kind), table(37))
    outcome = engine.run(wanted)
    found, facts = told(together, f"resumed {kind}")
    assert_close(found, state(wanted.learner))
    assert_same_history(facts["history"], untimed(outcome.history))


@pytest.mark.parametrize("kind", EVERY)
def test_one_goes_on_with_what_two_have_begun(kind: str, together: Path) -> None:
    whole = job(make(kind), table(37))
    expected = engine.run(whole)
    resumed = job(EVERY[kind](), table(37), folder=together / f"left {kind}", resume=True)
    outcome = engine.run(resumed)
    assert_close(state(resumed.learner), state(whole.learner))
    assert_same_history(untimed(outcome.history), untimed(expected.history))


def test_a_stream_is_shared_too(together: Path) -> None:
    learner = make("counting every two")
    taking = Stream(learner, Plan(device="cpu"), 0.02, 5)
    expected = [taking.take(table(count), 8) for count in (37, 33)]
    found, facts = told(together, "stream")
    assert_close(found, state(learner))
    assert_same_history(facts["history"], expected)


def test_processes_agree_on_the_first_ones_number(together: Path) -> None:
    assert [told(together, "seed", rank)[1]["agreed"] for rank in (0, 1)] == [1000, 1000]


def test_the_comparison_would_notice_a_lost_sample() -> None:
    """Results are compared to 1e-5; one sample more or less moves them by more."""
    a, b = Line(), Line()
    b.load_state_dict(a.state_dict())
    engine.run(job(a, table(values_of=values(37))))
    engine.run(job(b, table(values_of=torch.cat([values(37)[:36], values(37)[:1]]))))
    with pytest.raises(AssertionError):
        assert_close(state(a), state(b))
