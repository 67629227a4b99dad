"""A process of its own in which a run meets a fault: `python faults.py MODE FOLDER`. It answers in lines of JSON.

signals FOLDER   three runs that wait in the middle of an epoch for the signals that the test sends
kills FOLDER     runs that are killed (SIGKILL) at chosen moments and at any moment of writing a checkpoint
limit FOLDER     a run for which the largest size of a file falls below that of its checkpoint
full FOLDER      a run in a folder on a file system that is full, and its resumption once it is not
"""

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from safetensors.torch import save_file

from nolabel.errors import NolabelError
from nolabel.randomness import seeded
from nolabel.training import checkpoint, engine
from nolabel.training.learner import Step
from nolabel.training.progress import JsonLines
from nolabel.types import Batch, Losses
from training.toys import Line, job, make, same, state, table, untimed, values

EACH_STEP = {"checkpoint_seconds": 0.0}
SIZE = 3000  # columns: a checkpoint of some 180 kB


def answer(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def wide() -> Line:
    with seeded(0):
        return Line(SIZE)


def wide_table() -> Any:
    return table(values_of=torch.cat([values(40)] * (SIZE // 4), 1))


# --- signals ---------------------------------------------------------------------------------------------------------


def signals(folder: Path) -> None:
    for name in ("SIGTERM", "SIGINT", "twice"):
        waiting(folder / name, twice=name == "twice")


def waiting(folder: Path, *, twice: bool) -> None:
    """A run that, in step 8 of 15, says so and waits for a file "go" (and once more for "go again")."""
    folder.mkdir()

    def wait_for(name: str) -> None:
        answer(at=name)
        for _ in range(3000):
            if (folder / name).exists():
                return
            time.sleep(0.01)
        raise TimeoutError(name)

    class Waiting(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            if step.number == 7:
                wait_for("go")
                if twice:
                    wait_for("go again")
            return super().loss(batch, step)

    with seeded(0):
        learner = Waiting()
    try:
        engine.run(job(learner, table(), folder=folder / "checkpoint"))
    except KeyboardInterrupt as error:
        save_file(state(learner), folder / "state.safetensors")
        answer(error=type(error).__name__, text=str(error), signum=getattr(error, "signum", 0))
    else:
        answer(error=None)


# --- kills -----------------------------------------------------------------------------------------------------------


def kills(folder: Path) -> None:
    """Each in a fork, which spares it the imports; no thread runs yet, so a fork is safe."""
    weight = torch.nn.Parameter(torch.zeros(1))
    weight.grad = torch.zeros(1)
    torch.optim.Adam([weight]).step()  # which is when torch imports its slowest parts
    for moment in ("in the middle of the file", "before the rename", "after the rename"):
        answer(moment=moment, status=forked(lambda m=moment: killed(folder / m, m)))  # type: ignore[misc]
    for number in range(4):
        name = f"any moment {number}"
        status = forked(lambda n=name: storm(folder / n), shoot=folder / name, after=0.011 * number)  # type: ignore[misc]
        answer(moment=name, status=status)


def forked(work: Callable[[], None], shoot: Path | None = None, after: float = 0.0) -> int:
    """The signal that ended a fork doing `work`, 0 for none.

    SIGKILL is sent `after` so many seconds from when there is a checkpoint in the folder `shoot`.
    """
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    if shoot is not None:
        while not list(shoot.glob("step-*")):
            time.sleep(0.001)
        time.sleep(after)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def killed(folder: Path, moment: str) -> None:
    """A run that dies while it writes the checkpoint of step 8, having written that of step 7."""
    die = lambda: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
    fsync, replace = os.fsync, Path.replace
    writes = {"files": 0}

    def counted_fsync(descriptor: int) -> None:
        if not os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112 - the link itself, not what a Path makes of it
            writes["files"] += 1
            if writes["files"] == 8 and moment == "in the middle of the file":
                os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)  # the rest has not reached the disk
                die()
        fsync(descriptor)

    def last_replace(self: Path, target: Path) -> Path:
        if writes["files"] == 8 and moment == "before the rename":
            die()
        moved = replace(self, target)
        if writes["files"] == 8 and moment == "after the rename":
            die()
        return moved

    os.fsync, Path.replace = counted_fsync, last_replace  # type: ignore[assignment, method-assign]
    engine.run(job(make("gradient"), table(), folder=folder, plan=EACH_STEP))


def storm(folder: Path) -> None:
    """A run that does little else than write checkpoints."""
    engine.run(job(wide(), wide_table(), epochs=100_000, folder=folder, plan=EACH_STEP))


# --- full disks ------------------------------------------------------------------------------------------------------


def limit(folder: Path) -> None:
    """After step 7 files may not grow beyond half a checkpoint."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    @contextmanager
    def cramped() -> Iterator[None]:
        yield
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def cramp() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (80_000, before[1]))

    starved(folder, cramp, cramped)


def full(folder: Path) -> None:
    """After step 7 a file of somebody else's takes all the space that is left."""
    filler = folder / "filler"

    @contextmanager
    def crowded() -> Iterator[None]:
        yield
        filler.unlink()

    def crowd() -> None:
        left = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
        filler.write_bytes(bytes(left - 60_000))

    starved(folder, crowd, crowded)


def starved(folder: Path, starve: Callable[[], None], until_after: Callable[[], Any]) -> None:
    class Starving(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            if step.number == 7:
                starve()
            return super().loss(batch, step)

    with seeded(0):
        learner = Starving(SIZE)
    run = folder / "run"
    run.mkdir()
    listeners = [JsonLines(run / "metrics.jsonl")]
    with until_after():
        try:
            engine.run(job(learner, wide_table(), folder=run / "checkpoint", plan=EACH_STEP, listeners=listeners))
        except NolabelError as error:
            kept, problems = checkpoint.load_newest(run / "checkpoint")
            answer(
                error=type(error).__name__,
                text=str(error),
                files=sorted(path.name for path in (run / "checkpoint").iterdir()),
                step=kept.facts["step"] if kept else None,
                problems=len(problems),
                training=learner.training,
            )
    whole, resumed = wide(), wide()
    expected = engine.run(job(whole, wide_table()))
    outcome = engine.run(job(resumed, wide_table(), folder=run / "checkpoint", resume=True, listeners=listeners))
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    answer(
        same=same(state(resumed), state(whole)),
        history=untimed(outcome.history) == untimed(expected.history),
        kinds=[line["kind"] for line in lines],
        reasons=[line["reason"] for line in lines if line["kind"] == "end"],
        done=lines[-1]["kind"] == "end",
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"signals": signals, "kills": kills, "limit": limit, "full": full}[sys.argv[1]](Path(sys.argv[2]))
