"""Run by two processes at once (torch.distributed.run): runs whose results one process must reproduce.

    python -m torch.distributed.run --nproc-per-node 2 pair.py OUT BEGUN

Each process writes OUT/RUN.RANK.safetensors and OUT/RUN.RANK.json. BEGUN holds runs that one process has begun.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from nolabel.errors import DivergedError, TrainingInterrupted
from nolabel.nets.quantize import Codebook
from nolabel.objectives.supervised import cross_entropy_of_labelled
from nolabel.randomness import seeded
from nolabel.training import engine
from nolabel.training.engine import Job, Stream
from nolabel.training.learner import DistillingLearner, GradientLearner, Learner, Step
from nolabel.training.plan import Plan
from nolabel.training.runtime import find_runtime
from nolabel.types import Batch, Losses
from training.toys import EVERY, WIDTH, Line, job, make, mapped, state, table, untimed

SIZES = {"even": (40, 8), "odd": (37, 8), "fewer than processes": (7, 1)}  # samples, and of a batch
LABELS = torch.tensor(([0] + [-1] * 6 + [1] + [2] + [-1] * 3) * 4)[:37]


class Labelled(GradientLearner):
    """A classifier of which most labels are missing: the two halves of a batch hardly ever have equally many."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(WIDTH, 3)

    def loss(self, batch: Batch, step: Step) -> Losses:
        assert batch.y is not None
        loss, accuracy = cross_entropy_of_labelled(self.layer(batch.x), batch.y, float((LABELS >= 0).float().mean()))
        return Losses({"cross-entropy": loss}, {"accuracy": accuracy})

    def encode(self, x: Tensor) -> Tensor:
        return self.layer(x)  # type: ignore[no-any-return]


class Coded(DistillingLearner):
    """A linear autoencoder through a codebook that restarts its dead entries."""

    def __init__(self) -> None:
        super().__init__()
        self.line = Line()
        self.book = Codebook(6, 2, 0.8, 0.3)

    def loss(self, batch: Batch, step: Step) -> Losses:
        z = self.line.down(batch.x)[:, None]
        k, entries = self.book(z)
        self.book.notice(z, k, step.piece)
        straight = z + (entries - z).detach()
        error = (self.line.up(straight[:, 0]) - batch.x).square().mean()
        return Losses({"error": error, "commitment": (z - entries).square().mean()}, {"used": self.book.perplexity(k)})

    def follow(self, step: Step) -> None:
        self.book.follow(step.draws)

    def encode(self, x: Tensor) -> Tensor:
        return self.book(self.line.down(x)[:, None])[1][:, 0]  # type: ignore[no-any-return]


def made(kind: str) -> Learner:
    if kind in EVERY:
        return make(kind)
    with seeded(0):
        return {"labelled": Labelled, "coded": Coded}[kind]()


def runs(folder: Path) -> dict[str, Callable[[], Job]]:
    """Runs by name, the same for two processes and for one."""
    found: dict[str, Callable[[], Job]] = {}
    for kind in [*EVERY, "coded"]:
        for name, (count, batch) in SIZES.items():
            found[f"{kind}, {name}"] = lambda kind=kind, count=count, batch=batch: job(  # type: ignore[misc]
                made(kind), table(count), batch_size=batch
            )
    found["labelled"] = lambda: job(made("labelled"), table(37), labels=LABELS)
    found["memory map"] = lambda: job(made("gradient"), mapped(folder, 37))
    everything = {"holdout": 0.24, "patience": 2, "accumulate": 3, "clip": 0.5, "ema": 0.8, "optimizer": "adamw"}
    found["every wish"] = lambda: job(made("normed"), table(37), epochs=4, plan={**everything, "accumulate": 1})
    found["every wish in pieces"] = lambda: job(made("gradient"), table(37), epochs=4, plan=everything)
    found["pieces of counts"] = lambda: job(made("counting every two"), table(33), plan={"accumulate": 3})
    return found


class Stopping(Line):
    """Sends its process a signal in step 8, if it is the second of the two."""

    def loss(self, batch: Batch, step: Step) -> Losses:
        if step.number == 7 and os.environ["RANK"] == "1":
            os.kill(os.getpid(), signal.SIGTERM)
        return super().loss(batch, step)


class Spoiling(Line):
    """Its loss is NaN in step 8, in the second of the two processes alone."""

    def loss(self, batch: Batch, step: Step) -> Losses:
        losses = super().loss(batch, step)
        if step.number == 7 and os.environ["RANK"] == "1":
            return Losses({"error": losses.total * float("nan")})
        return losses


def main(out: Path, begun: Path) -> None:
    torch.set_num_threads(1)
    runtime = find_runtime("cpu")
    assert runtime.world == 2, "to be started by two processes"

    def write(name: str, learner: Learner, **facts: Any) -> None:
        save_file(state(learner), out / f"{name}.{runtime.rank}.safetensors")
        (out / f"{name}.{runtime.rank}.json").write_text(json.dumps(facts))

    mine = out / str(runtime.rank)
    mine.mkdir()
    for name, begin in runs(mine).items():
        wanted = begin()
        outcome = engine.run(wanted)
        write(name, wanted.learner, history=untimed(outcome.history), reason=outcome.reason)

    for name, learner in (("stopped", Stopping()), ("spoilt", Spoiling())):
        learner.load_state_dict(make("gradient").state_dict())
        try:
            engine.run(job(learner, table(37), folder=out / name))
        except (TrainingInterrupted, DivergedError) as error:
            write(name, learner, error=type(error).__name__, text=str(error), step=getattr(error, "step", 0))

    for kind in EVERY:  # begun by one process, gone on with by two; and begun by two, for the test to go on with
        wanted = job(EVERY[kind](), table(37), folder=begun / kind, resume=True)
        outcome = engine.run(wanted)
        write(f"resumed {kind}", wanted.learner, history=untimed(outcome.history))
        stop_after(8, job(make(kind), table(37), folder=out / f"left {kind}"))

    learner = make("counting every two")
    taking = Stream(learner, Plan(device="cpu"), 0.02, 5)
    records = [taking.take(table(count), 8) for count in (37, 33)]
    write("stream", learner, history=records)
    write("seed", learner, agreed=runtime.agree(1000 + runtime.rank))


def stop_after(steps: int, wanted: Job) -> None:
    """Stops a run of two processes after a step, as a signal to either would."""
    run = engine._Run(wanted, find_runtime("cpu"))
    count = run.driver.step

    def counted(*args: Any) -> Any:
        sums, flags = count(*args)
        return sums, flags | engine.Flags(stop=run.step + 1 == steps)

    run.driver.step = counted  # type: ignore[method-assign]
    try:
        run.go()
    except TrainingInterrupted:
        return
    raise AssertionError("the run was not stopped")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
