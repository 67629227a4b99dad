"""A full disk: a clear error, the older checkpoint whole, and a resumption once there is space again."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = str(Path(__file__).with_name("faults.py"))


def answers(command: list[str]) -> list[dict[str, Any]]:
    done = subprocess.run(command, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def small_file_system(folder: Path) -> list[str]:
    """The start of a command that runs with 1 MB of tmpfs mounted on `folder`, seen by it alone; skips if refused."""
    mount = 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"'
    command = ["unshare", "-rm", "sh", "-c", mount, str(folder)]
    try:
        refused = subprocess.run([*command, "true"], text=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no unshare here to mount a small file system with")
    if refused.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {refused.stderr.strip()}")
    return command


@pytest.mark.parametrize("how", ["limit", "full"])
def test_a_full_disk_stops_the_run_and_costs_only_the_step(how: str, tmp_path: Path) -> None:
    command = [sys.executable, SCRIPT, how, str(tmp_path)]
    failed, resumed = answers(command if how == "limit" else [*small_file_system(tmp_path), *command])
    newest = tmp_path / "run" / "checkpoint" / "step-0000000008.safetensors"
    assert failed["error"] == "OutputError"
    assert failed["text"].startswith(f"the disk is full: {newest} needs ")
    assert failed["text"].endswith("bytes. What was there before is intact; free some space and go on with resume")
    assert failed["step"] == 7
    assert failed["problems"] == 0
    assert failed["files"] == ["step-0000000006.safetensors", "step-0000000007.safetensors"]  # nothing half-written
    assert failed["training"] is False
    assert resumed["same"]
    assert resumed["history"]
    assert resumed["reasons"] == ["failed", "finished"]
    assert [kind for kind in resumed["kinds"] if kind != "step"] == [
        "run",
        "epoch",
        "end",
        "run",
        "epoch",
        "epoch",
        "end",
    ]
