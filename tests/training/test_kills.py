"""`kill -9` while a checkpoint is being written: the older one is used, and what was left over goes away."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nolabel.training import checkpoint, engine
from training.toys import Line, job, make, same, state, table, untimed


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs that were killed, by the moment of their death."""
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, str(Path(__file__).with_name("faults.py")), "kills", str(folder)]
    done = subprocess.run(command, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 7
    assert all(one["status"] == signal.SIGKILL for one in answers), answers
    return folder


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("moment", ["in the middle of the file", "before the rename"])
def test_half_a_file_is_passed_over_and_removed_later(moment: str, killed: Path) -> None:
    folder = killed / moment
    parts = [name for name in files(folder) if name.endswith(".part")]
    assert len(parts) == 1
    whole_size = (folder / "step-0000000007.safetensors").stat().st_size
    part_size = (folder / parts[0]).stat().st_size
    assert part_size < whole_size if "middle" in moment else part_size >= whole_size - 200
    found, problems = checkpoint.load_newest(folder)
    assert found is not None
    assert found.facts["step"] == 7
    assert problems == []
    goes_on(folder)
    assert files(folder) == ["step-0000000007.safetensors", "step-0000000015.safetensors"]


def test_a_file_that_has_its_name_is_whole(killed: Path) -> None:
    folder = killed / "after the rename"
    found, problems = checkpoint.load_newest(folder)
    assert found is not None
    assert found.facts["step"] == 8
    assert problems == []
    goes_on(folder)


def goes_on(folder: Path) -> None:
    whole, resumed = make("gradient"), Line()
    expected = engine.run(job(whole, table()))
    outcome = engine.run(job(resumed, table(), folder=folder, resume=True))
    assert same(state(resumed), state(whole))
    assert untimed(outcome.history) == untimed(expected.history)
    assert outcome.problems == []


@pytest.mark.parametrize("number", range(4))
def test_killed_at_any_moment_the_newest_is_whole(number: int, killed: Path) -> None:
    folder = killed / f"any moment {number}"
    found, problems = checkpoint.load_newest(folder)
    assert problems == []
    assert found is not None
    names = files(folder)
    assert f"step-{found.facts['step']:010d}.safetensors" in names
    assert len([name for name in names if name.startswith("step-")]) <= 3  # two, and the one being let go
