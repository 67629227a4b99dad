"""One run at a time in a folder: real processes, of which one is killed."""

import contextvars
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import nolabel
from nolabel.errors import OutputError
from nolabel.training import lock

HOLDER = """
import sys, time
from pathlib import Path
from nolabel.training.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def start(folder: Path) -> "subprocess.Popen[str]":
    """A process that holds `folder` until it is told to end."""
    env = {**os.environ, "PYTHONPATH": str(Path(nolabel.__file__).parents[1])}
    command = [sys.executable, "-c", HOLDER, str(folder)]
    process = subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with start(run) as process:
        for attempt in (lambda: lock.held(run).__enter__(), lambda: lock.refuse_held(run)):
            with pytest.raises(
                OutputError, match=rf"{run} is in use by another run \(process {process.pid} on .*since"
            ):
                attempt()
        process.communicate("\n")
    lock.refuse_held(run)
    assert not run.exists()  # it was made for nothing


def test_what_a_killed_process_leaves_holds_nobody_up(tmp_path: Path) -> None:
    with start(tmp_path) as process:
        process.kill()
    assert json.loads((tmp_path / lock.NAME).read_text())["pid"] == process.pid
    lock.refuse_held(tmp_path)
    with lock.held(tmp_path):
        assert json.loads((tmp_path / lock.NAME).read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_who_holds_it_may_hold_it_again_and_another_thread_may_not(tmp_path: Path) -> None:
    found: list[BaseException] = []

    def other() -> None:
        try:
            lock.held(tmp_path).__enter__()
        except BaseException as error:
            found.append(error)

    with lock.held(tmp_path):
        with lock.held(tmp_path / "." / ".." / tmp_path.name):
            pass
        lock.refuse_held(tmp_path)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert isinstance(found[0], OutputError)


def test_a_folder_that_is_made_and_used_stays(tmp_path: Path) -> None:
    with lock.held(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "file").write_text("mine")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["file"]
    with lock.held(tmp_path / "c" / "d"):
        pass
    assert not (tmp_path / "c").exists()


def test_a_file_that_is_removed_while_it_is_waited_for_guards_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, tried = lock.fcntl.flock, []

    def removed_meanwhile(descriptor: int, how: int) -> None:
        flock(descriptor, how)
        if not tried:
            (tmp_path / lock.NAME).unlink()
        tried.append(descriptor)

    monkeypatch.setattr(lock.fcntl, "flock", removed_meanwhile)
    with lock.held(tmp_path):
        assert (tmp_path / lock.NAME).is_file()
    assert len(tried) == 2


def test_a_file_system_without_locks_is_used_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(descriptor: int, how: int) -> None:
        raise OSError(lock.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", unknown)
    with lock.held(tmp_path):
        assert (tmp_path / lock.NAME).is_file()
        lock.refuse_held(tmp_path)
    assert not (tmp_path / lock.NAME).exists()


def test_a_system_without_locks_is_used_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "fcntl", None)
    with lock.held(tmp_path):
        assert (tmp_path / lock.NAME).is_file()


def test_the_file_of_somebody_else_is_left(tmp_path: Path) -> None:
    with lock.held(tmp_path):
        (tmp_path / lock.NAME).unlink()
        (tmp_path / lock.NAME).write_text("another's")
    assert (tmp_path / lock.NAME).read_text() == "another's"


def test_looking_hinders_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / lock.NAME).touch()
    looking = os.open(tmp_path / lock.NAME, os.O_RDWR)
    lock.fcntl.flock(looking, lock.fcntl.LOCK_SH)
    lock.refuse_held(tmp_path)  # so does another
    monkeypatch.setattr(lock.time, "sleep", lambda seconds: os.close(looking))  # it has seen enough
    with lock.held(tmp_path):
        pass


def test_a_folder_that_is_taken_away_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken, tried = lock._taken, []

    def gone_meanwhile(folder: Path) -> int:
        tried.append(folder)
        if len(tried) == 1:
            folder.rmdir()
        return taken(folder)

    monkeypatch.setattr(lock, "_taken", gone_meanwhile)
    with lock.held(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b" / lock.NAME).is_file()
    assert len(tried) == 2
    assert not (tmp_path / "a").exists()


def test_a_thread_with_our_context_is_somebody_else(tmp_path: Path) -> None:
    found: list[BaseException] = []

    def other() -> None:
        try:
            lock.refuse_held(tmp_path)
        except BaseException as error:
            found.append(error)

    with lock.held(tmp_path):
        thread = threading.Thread(target=contextvars.copy_context().run, args=(other,))
        thread.start()
        thread.join()
    assert isinstance(found[0], OutputError)
