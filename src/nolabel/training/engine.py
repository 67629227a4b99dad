"""The only training loop: epochs, steps, stopping, checkpoints, and telling others how it goes.

It drives any learner through a driver and knows no method by name. What it promises is in DESIGN section 3: same seed,
same bits on a CPU; exact resume at any step; the last good state kept when something breaks; the same result from one
process or several.
"""

import contextlib
import json
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nolabel.data.dataset import Dataset
from nolabel.data.sampler import Loader, Order, split_rows
from nolabel.errors import DivergedError, OutputError, Problem, SavedModelError, TrainingInterrupted
from nolabel.training import checkpoint, health
from nolabel.training.checkpoint import Checkpoint
from nolabel.training.drive import Context, Driver, Flags, Sums, make_driver
from nolabel.training.ema import load_weights
from nolabel.training.health import Verdict
from nolabel.training.interrupts import Interrupts
from nolabel.training.learner import GradientLearner, Learner
from nolabel.training.plan import Plan
from nolabel.training.progress import Listener
from nolabel.training.runtime import Runtime, find_runtime
from nolabel.types import to_network

PROBED = 512  # samples whose codes are looked at for the health of a run
SPOKEN_SECONDS = 0.5  # least time between two words to the listeners


@dataclass(frozen=True)
class Job:
    """What to train, on what, for how long.

    Parameters
    ----------
    learner, data
        A learner of any kind, and the samples.
    epochs, batch_size, learning_rate, seed, plan
        How; `batch_size` counts samples over all processes.
    labels
        (N,) class codes, -1 for unknown, for learners that use them.
    folder
        Where checkpoints go; None keeps nothing on disk.
    resume
        Whether to go on from the newest checkpoint in `folder`.
    identity
        Facts that must be the same for a resume to make sense (method, arguments, data). JSON.
    listeners
        Who is told.
    history
        Gets one record an epoch; the caller's own list, so that it has them whatever ends the run.
    """

    learner: Learner
    data: Dataset
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    plan: Plan = field(default_factory=Plan)
    labels: Tensor | None = None
    folder: Path | None = None
    resume: bool = False
    identity: Mapping[str, Any] = field(default_factory=dict)
    listeners: Sequence[Listener] = ()
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass
class Outcome:
    """How a run ended: one record an epoch, the verdicts, why it stopped, what was found on the way."""

    history: list[dict[str, float]]
    verdicts: list[Verdict]
    reason: str
    problems: list[Problem] = field(default_factory=list)


def run(job: Job) -> Outcome:
    """Train `job.learner` in place.

    Raises
    ------
    DivergedError
        Loss or gradient became NaN or infinite; the learner holds the last good state.
    TrainingInterrupted
        Ctrl-C or SIGTERM; a checkpoint was written if there is a folder, the learner holds the state so far.
    OutputError
        A checkpoint could not be written.
    SavedModelError
        There is nothing to resume from, or it belongs to another run.
    """
    runtime = find_runtime(job.plan.device)
    job.learner.to(runtime.device)
    return _Run(job, runtime).go()


class _Run:
    """The state of one run. A checkpoint holds all of it that the next step depends on."""

    def __init__(self, job: Job, runtime: Runtime) -> None:
        self.job = job
        self.runtime = runtime
        self.interrupts = Interrupts()
        data = _near(job.data, runtime.device)
        train, held = split_rows(len(data), job.plan.holdout, job.seed)
        self.loader = Loader(data, Order(train, job.batch_size, job.seed), rank=runtime.rank, world=runtime.world)
        self.held = Loader(data, Order(held, job.batch_size, job.seed), rank=runtime.rank, world=runtime.world)
        self.context = Context(job.plan, runtime, job.learning_rate, job.seed, job.labels)
        self.driver = make_driver(job.learner, self.context, self._flags)
        self.step = 0
        self.sums: Sums = {}
        self.seen = 0
        self.history = job.history
        self.best: dict[str, Tensor] = {}
        self.best_loss = float("inf")
        self.best_epoch = 0
        self.problems: list[Problem] = []
        self.saved_at = self.spoken_at = time.monotonic()

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return self.loader.order.steps

    def go(self) -> Outcome:
        """Train until done, or until something stops it."""
        if self.job.resume:
            self._resume()
        self._tell(
            "start", epochs=self.job.epochs, steps_per_epoch=self.steps, samples=len(self.job.data), done=self.step
        )
        reason = "failed"
        verdicts: list[Verdict] = []
        try:
            self.job.learner.train()
            with self.interrupts:
                reason = self._epochs()
            self._save()
        except DivergedError:
            reason = "diverged"
            self._save()
            raise
        except TrainingInterrupted:
            reason = "interrupted"
            raise
        finally:
            self._settle()
            if reason in ("finished", "stopped early"):
                verdicts = self._examine()
            with contextlib.suppress(OutputError):  # a disk that is full has been told of already
                self._tell("end", reason=reason, health=[asdict(verdict) for verdict in verdicts])
        return Outcome(self.history, verdicts, reason, self.problems)

    # --- the loop ----------------------------------------------------------------------------------------------------

    def _epochs(self) -> str:
        for epoch in range(self.step // self.steps, self.job.epochs):
            patience = self.job.plan.patience
            if patience is not None and epoch - 1 - self.best_epoch >= patience:
                return "stopped early"
            self._epoch(epoch)
        return "finished"

    def _epoch(self, epoch: int) -> None:
        start, waited = time.perf_counter(), self.loader.waited
        flags = Flags()
        for share in self.loader.epoch(epoch, skip=self.step - epoch * self.steps):
            sums, flags = self.driver.step(share, self.step, self._progress())
            self._count(sums, share.total)
            if self.step % self.steps:  # the last step of an epoch is acted on when the epoch's record is made
                self._speak(epoch, time.perf_counter() - start, self.loader.waited - waited)
                self._act(flags)
        self._close_epoch(epoch, time.perf_counter() - start, self.loader.waited - waited)
        self._act(flags)

    def _count(self, sums: Sums, samples: int) -> None:
        for name, value in sums.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value
        self.seen += samples
        self.step += 1

    def _close_epoch(self, epoch: int, seconds: float, waited: float) -> None:
        ended = self.driver.end_epoch(self.step, self._progress())
        self._share_sums()
        record: dict[str, float] = {"epoch": epoch + 1, "loss": 0.0}
        record.update({name: value.item() / self.seen for name, value in sorted(self.sums.items())})
        record.update({name: value.item() for name, value in ended.items()})
        record["loss"] = sum(value for name, value in record.items() if name in self.driver.parts)
        if len(self.held.order.rows):
            record["holdout_loss"] = self._holdout()
            self._remember_best(epoch, record["holdout_loss"])
        record.update(seconds=seconds, samples_per_second=self.seen / seconds, waiting=waited / seconds)
        self.history.append(record)
        self.sums, self.seen = {}, 0
        self._tell("epoch", **record)

    def _progress(self) -> float:
        return min((self.step + 0.5) / (self.steps * self.job.epochs), 1.0)

    @torch.no_grad()
    def _holdout(self) -> float:
        """Mean loss over the held-out samples, in evaluation mode, with draws that are the same every epoch."""
        learner = self.job.learner
        if not isinstance(learner, GradientLearner):
            return float("nan")
        total = torch.zeros((), dtype=torch.float64, device=self.runtime.device)
        with evaluating(learner), self.context.arithmetic():
            for number, share in enumerate(self.held.epoch(0)):
                for batch, step, weight in self.context.pieces(share, -1 - number, 1.0):
                    total += learner.loss(batch, step).total.double() * weight * share.total
        return self.runtime.sum_(total).item() / len(self.held.order.rows)

    def _remember_best(self, epoch: int, loss: float) -> None:
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, epoch
            if self.job.plan.patience is not None:
                self.best = {name: value.detach().clone() for name, value in self.job.learner.state_dict().items()}

    # --- stopping and saving -----------------------------------------------------------------------------------------

    def _flags(self) -> Flags:
        due = time.monotonic() - self.saved_at >= self.job.plan.checkpoint_seconds
        return Flags(stop=bool(self.interrupts.signum), save=due and self.runtime.main and self.job.folder is not None)

    def _act(self, flags: Flags) -> None:
        if flags.stop or flags.save:
            path = self._save()
        if flags.stop:
            self._stop(self.interrupts.signum or signal.SIGTERM, path)

    def _stop(self, signum: int, path: Path | None) -> None:
        kept = (
            f"A checkpoint was written to {path}; go on with resume"
            if path
            else "The model keeps what it has learned so far; give out=FOLDER to be able to go on later"
        )
        raise TrainingInterrupted(f"stopped by {signal.Signals(signum).name} after step {self.step}. {kept}", signum)

    def _share_sums(self) -> None:
        """Give the main process the sums of all."""
        if self.runtime.world == 1 or not self.sums:
            return
        names = sorted(self.sums)
        totals = self.runtime.sum_(torch.stack([self.sums[name] for name in names]))
        self.sums = {name: total if self.runtime.main else total * 0 for name, total in zip(names, totals)}

    def _save(self) -> Path | None:
        """Write a checkpoint; every process calls this at the same step, the main one writes."""
        if self.job.folder is None:
            return None
        self._share_sums()
        self.saved_at = time.monotonic()
        if not self.runtime.main:
            return None
        tensors = {f"learner/{name}": value for name, value in self.job.learner.state_dict().items()}
        tensors.update({f"driver/{name}": value for name, value in self.driver.state().items()})
        tensors.update({f"best/{name}": value for name, value in self.best.items()})
        facts = {
            "step": self.step,
            "seen": self.seen,
            "sums": {name: value.item() for name, value in self.sums.items()},
            "parts": sorted(self.driver.parts),
            "history": self.history,
            "best_loss": None if self.best_loss == float("inf") else self.best_loss,
            "best_epoch": self.best_epoch,
            "identity": dict(self.job.identity),
        }
        return checkpoint.save(self.job.folder, Checkpoint(tensors, facts), self.step)

    def _resume(self) -> None:
        folder = self.job.folder
        if folder is None:
            raise SavedModelError("resume needs the folder of the run to go on with; give out=FOLDER")
        found, self.problems = checkpoint.load_newest(folder)
        if found is None:
            damaged = "".join(f"\n  {problem.where}: {problem.why}" for problem in self.problems)
            raise SavedModelError(f"there is no checkpoint in {folder} to go on from{damaged}")
        facts = found.facts
        _same(facts["identity"], self.job.identity, folder)
        load_weights(self.job.learner, room(found.tensors, "learner/"))
        self.driver.restore(room(found.tensors, "driver/"))
        self.driver.parts.update(facts["parts"])
        self.best = {name: value.to(self.runtime.device) for name, value in room(found.tensors, "best/").items()}
        self.step, self.seen = facts["step"], facts["seen"]
        self.history[:] = facts["history"]
        self.best_epoch = facts["best_epoch"]
        self.best_loss = float("inf") if facts["best_loss"] is None else facts["best_loss"]
        self.sums = {
            name: torch.tensor(value if self.runtime.main else 0.0, dtype=torch.float64, device=self.runtime.device)
            for name, value in facts["sums"].items()
        }

    # --- the end -----------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Leave the learner as it should be used: the best or the averaged weights, in evaluation mode."""
        load_weights(self.job.learner, self.best or self.driver.averaged())
        self.job.learner.eval()

    @torch.no_grad()
    def _examine(self) -> list[Verdict]:
        rows = self.loader.order.rows
        index = rows[torch.linspace(0, len(rows) - 1, min(PROBED, len(rows))).long()].to(self.loader.data.device)
        stored, _ = self.loader.data.rows(index)
        codes = self.job.learner.encode(to_network(stored.to(self.runtime.device)))
        return health.examine(codes.flatten(1).float().cpu(), self.history)

    def _speak(self, epoch: int, seconds: float, waited: float) -> None:
        now = time.monotonic()
        if now - self.spoken_at < SPOKEN_SECONDS or not self.job.listeners:
            return
        self.spoken_at = now
        ours = self.seen / self.runtime.world
        means = {name: value.item() / ours for name, value in self.sums.items()}
        timing = {"samples_per_second": self.seen / seconds, "waiting": waited / seconds}
        self._tell("step", step=self.step, epoch=epoch + 1, **means, **timing)

    def _tell(self, event: str, **record: Any) -> None:
        if self.runtime.main:
            for listener in self.job.listeners:
                getattr(listener, event)(record)


def room(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _same(then: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    now = json.loads(json.dumps(dict(now)))
    changed = [
        f"{name} was {then.get(name)!r}, is {now.get(name)!r}"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]
    if changed:
        raise SavedModelError(
            f"{folder} holds another run, so it cannot be gone on with: {'; '.join(changed)}. "
            "Use the same arguments and data, or start anew with overwrite"
        )


def _near(data: Dataset, device: torch.device) -> Dataset:
    """The data on the device when they fill at most half of its free memory."""
    if device.type != "cuda" or not isinstance(data.store, Tensor):
        return data
    free, _ = torch.cuda.mem_get_info(device)
    return data.to(device) if data.store.numel() * data.store.element_size() < free / 2 else data


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode inside the block; every submodule's mode is put back after it."""
    modes = [(child, child.training) for child in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for child, training in modes:
            child.training = training


class Stream:
    """Training on whatever comes, part by part, with no end in sight: what `partial_fit` needs.

    Warm-up and schedules need an end, so the learning rate is constant. The order within each part is a function of the
    seed and of how many parts came before.
    """

    def __init__(self, learner: Learner, plan: Plan, learning_rate: float, batch_size: int, seed: int) -> None:
        self.learner = learner
        self.plan = replace(plan, schedule="constant", warmup=0.0, holdout=0.0, patience=None)
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.seed = seed
        self.parts = 0
        self.step = 0
        self._driver: Driver | None = None

    def take(self, data: Dataset, labels: Tensor | None = None) -> dict[str, float]:
        """One pass over `data`. Returns the means of the losses over it.

        Raises
        ------
        DivergedError
            Loss or gradient became NaN or infinite; the learner holds the last good state.
        """
        if self._driver is None:
            runtime = find_runtime(self.plan.device)
            self.learner.to(runtime.device)
            self._driver = make_driver(self.learner, Context(self.plan, runtime, self.learning_rate, self.seed))
        driver = self._driver
        driver.context = replace(driver.context, labels=labels)
        runtime = driver.context.runtime
        order = Order(torch.arange(len(data)), self.batch_size, self.seed)
        loader = Loader(data, order, rank=runtime.rank, world=runtime.world)
        sums: Sums = {}
        self.learner.train()
        try:
            for share in loader.epoch(self.parts):
                for name, value in driver.step(share, self.step, 0.0)[0].items():
                    sums[name] = sums[name] + value if name in sums else value
                self.step += 1
            ended = driver.end_epoch(self.step, 0.0)
        finally:
            self.learner.eval()
        self.parts += 1
        record = {name: runtime.sum_(value).item() / len(data) for name, value in sorted(sums.items())}
        record.update({name: value.item() for name, value in ended.items()})
        loss = sum(value for name, value in record.items() if name in driver.parts)
        return {"epoch": float(self.parts), "loss": loss, **record}
