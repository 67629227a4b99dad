"""The only training loop: epochs, steps, stopping, checkpoints, and telling others how it goes.

It drives any learner through a driver and knows no method by name. What it promises is in DESIGN section 3: same seed,
same bits on a CPU; exact resume at any step; the last good state kept when something breaks; the same result from one
process or several.
"""

import contextlib
import json
import math
import signal
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nolabel.data.dataset import Dataset
from nolabel.data.sampler import Loader, Order, split_rows
from nolabel.errors import ArgumentError, DivergedError, OutputError, Problem, SavedModelError, TrainingInterrupted
from nolabel.nets.sync import apart
from nolabel.objectives.sample_signals import MOST as COMPARED
from nolabel.objectives.sample_signals import sample_signals
from nolabel.randomness import Draws, mix
from nolabel.training import checkpoint, health
from nolabel.training.checkpoint import Checkpoint
from nolabel.training.copying import LOOKED_AT, Copying
from nolabel.training.drive import Context, Driver, Flags, Sums, make_driver, means
from nolabel.training.ema import load_weights
from nolabel.training.health import Verdict
from nolabel.training.interrupts import Interrupts
from nolabel.training.learner import AdversarialLearner, CountingLearner, GradientLearner, Learner, codes_of
from nolabel.training.plan import Plan
from nolabel.training.progress import Listener
from nolabel.training.runtime import Runtime, find_runtime
from nolabel.training.snapshots import Album, moments
from nolabel.types import Batch, to_network

PROBED = 512  # samples whose codes are looked at for the health of a run
PROBED_LIVE = 256  # while it trains
LIVE_FROM, LIVE_AFTER = 3, 0.1  # epochs, and fraction of the run, before which no verdict is told
LIVE_COST = 0.01  # largest share of the samples trained on that may be encoded for verdicts
SPOKEN_SECONDS = 0.5  # least time between two words to the listeners
ENDLESS = 1.0  # progress of a stream: a method with phases (greedy pre-training) is in its last one, which trains all


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
    album
        What makes samples, of a learner that can: some are kept at moments of training, and of a game it is measured
        how many are copies of the data.
    arguments
        Names of those that the method has, so that verdicts name no others; None if it is not known.
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
    album: Album | None = None
    arguments: Collection[str] | None = None


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
        if job.plan.holdout and not isinstance(job.learner, GradientLearner):
            raise ArgumentError(
                f"plan.holdout={job.plan.holdout} needs a learner with one loss to measure, and "
                f"{type(job.learner).__name__} has none; leave holdout and patience out"
            )
        data = _near(job.data, runtime.device)
        labels = None if job.labels is None else job.labels.to(data.device)
        train, held = split_rows(len(data), job.plan.holdout, job.seed)
        self.loader = Loader(data, Order(train, job.batch_size, job.seed), rank=runtime.rank, world=runtime.world)
        self.held = Loader(data, Order(held, job.batch_size, job.seed), rank=runtime.rank, world=runtime.world)
        self.context = Context(job.plan, runtime, job.learning_rate, job.seed, labels)
        self.driver = make_driver(job.learner, self.context, self._flags)
        self.step = 0
        self.sums: Sums = {}
        self.seen = 0  # samples in this epoch, over all processes
        self.history = job.history
        self.best: dict[str, Tensor] = {}
        self.best_loss = float("inf")
        self.best_epoch = 0
        self.problems: list[Problem] = []
        self.changed: list[str] = []  # of `_how`, by resumptions
        self.moments = moments(self.steps * job.epochs)
        self.copying: Copying | None = None  # made when it is first asked
        self.told: list[str] = []  # levels and names of the verdicts that the listeners know
        self.saved_at = self.spoken_at = time.monotonic()

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return self.loader.order.steps

    def go(self) -> Outcome:
        """Train until done, or until something stops it."""
        if self.job.resume:
            self._resume()
        else:
            if self.job.folder is not None and self.runtime.main:
                checkpoint.refuse_another(self.job.folder)
            start(self.job.learner, self.job.data, self.job.seed)
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
            if self.interrupts.signum:  # it came when all steps were done: still not to be swallowed
                self._stop(self.interrupts.signum)
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
        for epoch in range(len(self.history), self.job.epochs):
            patience = self.job.plan.patience
            if patience is not None and epoch - 1 - self.best_epoch >= patience:
                return "stopped early"
            self._epoch(epoch)
        return "finished"

    def _epoch(self, epoch: int) -> None:
        timing = _Timing(self.loader.waited, self.seen)
        flags = Flags()
        with closing(self.loader.epoch(epoch, skip=self.step - epoch * self.steps)) as shares:
            for share in shares:
                sums, flags = self.driver.step(share, self.step, self._progress())
                add(self.sums, sums)
                self.seen += share.total
                self.step += 1
                self._keep_samples()
                if self.step % self.steps:  # the last step of an epoch is acted on when the epoch's record is made
                    self._speak(epoch, timing)
                    self._act(flags)
        self._close_epoch(epoch, timing)
        self._act(flags)

    def _close_epoch(self, epoch: int, timing: "_Timing") -> None:
        add(self.sums, self.driver.end_epoch(self.step, self._progress()))
        record: dict[str, float] = {"epoch": epoch + 1, "loss": 0.0}
        record.update(means(self._totals()))
        record["loss"] = sum(value for name, value in record.items() if name in self.driver.parts)
        if len(self.held.order.rows):
            with self._as_used():
                record["holdout_loss"], judged = self._holdout()
                self._remember_best(epoch, record["holdout_loss"], comparable=judged <= record.keys())
        record.update(self._of_samples(epoch + 1, record))
        record.update(timing.until_now(self.loader.waited, self.seen, whole=True))
        self.history.append(record)
        self.sums, self.seen = {}, 0
        self._tell("epoch", **record)
        self._tell_verdicts(epoch + 1)

    def _progress(self) -> float:
        return min((self.step + 0.5) / (self.steps * self.job.epochs), 1.0)

    @torch.no_grad()
    def _holdout(self) -> tuple[float, set[str]]:
        """Mean loss over the held-out samples and the names of its parts.

        In evaluation mode, with draws that are the same every epoch.
        """
        learner = self.job.learner
        assert isinstance(learner, GradientLearner)
        total = torch.zeros((), dtype=torch.float64, device=self.runtime.device)
        judged: set[str] = set()
        with evaluating(learner), self.context.arithmetic(), closing(self.held.epoch(0)) as shares:
            for number, share in enumerate(shares):
                with self.context.together(share):
                    for batch, step, weight in self.context.pieces(share, -1 - number, 1.0):
                        losses = learner.loss(batch, step)
                        judged.update(losses.parts)
                        total += losses.total.double() * weight * share.total
        return self.runtime.sum_(total).item() / len(self.held.order.rows), judged

    @contextmanager
    def _as_used(self) -> Iterator[None]:
        """The learner inside the block as it is used after training: with averaged weights, if the plan says so."""
        averaged = self.driver.averaged()
        own = {name: value.clone() for name, value in self.job.learner.state_dict().items() if name in averaged}
        load_weights(self.job.learner, averaged)
        try:
            yield
        finally:
            load_weights(self.job.learner, own)

    def _remember_best(self, epoch: int, loss: float, *, comparable: bool) -> None:
        """Keep the best weights. An epoch that trained other parts than are judged (pre-training) is not compared."""
        if not comparable:
            self.best_epoch = epoch
        elif loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, epoch
            if self.job.plan.patience is not None:
                self.best = {name: value.detach().clone() for name, value in self.job.learner.state_dict().items()}

    # --- samples -----------------------------------------------------------------------------------------------------

    def _keep_samples(self) -> None:
        """A snapshot, when it is time for one."""
        album = self.job.album
        if album is None or album.folder is None or not self.runtime.main or self.step not in self.moments:
            return
        with self._at_rest():
            album.keep(self.step, self.step / self.steps, self.job.seed, self.runtime.device)

    def _of_samples(self, epoch: int, logged: Mapping[str, float]) -> dict[str, float]:
        """What is to be told of the samples of a game, as they will be made; of all else nothing."""
        album = self.job.album
        if album is None or not isinstance(self.job.learner, AdversarialLearner):
            return {}
        with self._at_rest():
            return {**self._signals(album, logged, epoch), **self._copies(album, epoch)}

    def _signals(self, album: Album, logged: Mapping[str, float], epoch: int) -> dict[str, float]:
        """The signals of samples as they will be made, of a game that logs such: in place of means over the epoch.

        By averaged weights: a generator that swings about the data is told of a collapse that the samples of its
        average do not have. Of a few long epochs too, whose means have the beginning in them. Each epoch looks at other
        samples, so that chance does not say the same every time, and whether or not it was the generator's turn.
        """
        if not self.driver.averaged() and self.job.epochs >= health.SEVERAL:
            return {}
        if not health.made_samples(chain([logged], reversed(self.history))):
            return {}
        data, rows, seed = self.loader.data, self.loader.order.rows, mix(self.job.seed, epoch)
        some = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:COMPARED]
        real = to_network(data.rows(rows[some].to(data.device))[0].to(self.runtime.device))
        fake = album.samples(len(real), seed, self.runtime.device)
        return {f"generator.{name}": value.item() for name, value in sample_signals(fake, real).items()}

    def _copies(self, album: Album, epoch: int) -> dict[str, float]:
        """The share of samples that are copies of the data, now and then."""
        if epoch not in moments(self.job.epochs) or not Copying.can_tell(self.loader.data):
            return {}
        if self.copying is None:
            self.copying = Copying(self.loader.data, self.runtime.device)
        samples = album.samples(LOOKED_AT, self.job.seed, self.runtime.device)
        return {health.COPIED: self.copying.share(samples)}

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        """The learner as it is used after training, in evaluation mode, each process for itself."""
        with self._as_used(), evaluating(self.job.learner), apart():
            yield

    # --- stopping and saving -----------------------------------------------------------------------------------------

    def _flags(self) -> Flags:
        due = time.monotonic() - self.saved_at >= self.job.plan.checkpoint_seconds
        return Flags(stop=bool(self.interrupts.signum), save=due and self.runtime.main and self.job.folder is not None)

    def _act(self, flags: Flags) -> None:
        if flags.stop or flags.save:
            self._save()
        if flags.stop:
            self._stop(self.interrupts.signum or signal.SIGTERM)

    def _stop(self, signum: int) -> None:
        kept = (
            f"A checkpoint was written to {self.job.folder}; go on with resume"
            if self.job.folder
            else "The model keeps what it has learned so far; give out=FOLDER to be able to go on later"
        )
        raise TrainingInterrupted(f"stopped by {signal.Signals(signum).name} after step {self.step}. {kept}", signum)

    def _totals(self) -> Sums:
        """The sums over all processes, in every process."""
        names = sorted(self.sums)
        if self.runtime.world == 1 or not names:
            return {name: self.sums[name] for name in names}
        return dict(zip(names, self.runtime.sum_(torch.stack([self.sums[name] for name in names]))))

    def _share_sums(self) -> None:
        """Give the main process the sums of all."""
        if self.runtime.world == 1:
            return
        self.sums = {name: total if self.runtime.main else total * 0 for name, total in self._totals().items()}

    def _save(self) -> None:
        """Write a checkpoint; every process calls this at the same step, the main one writes."""
        if self.job.folder is None:
            return
        self._share_sums()
        driver = self.driver.state()
        self.saved_at = time.monotonic()
        if not self.runtime.main:
            return
        tensors = {f"learner/{name}": value for name, value in self.job.learner.state_dict().items()}
        tensors.update({f"driver/{name}": value for name, value in driver.items()})
        tensors.update({f"best/{name}": value for name, value in self.best.items()})
        facts = {
            "step": self.step,
            "seen": self.seen,
            "sums": {name: value.item() for name, value in self.sums.items()},
            "parts": sorted(self.driver.parts),
            "history": self.history,
            "best_loss": None if self.best_loss == float("inf") else self.best_loss,
            "best_epoch": self.best_epoch,
            "identity": self._identity(),
            "how": self._how(),
            "changed": self.changed,
            "told": self.told,
        }
        checkpoint.save(self.job.folder, Checkpoint(tensors, facts), self.step)

    def _resume(self) -> None:
        folder = self.job.folder
        if folder is None:
            raise SavedModelError("resume needs the folder of the run to go on with; give out=FOLDER")
        found, self.problems = checkpoint.load_newest(folder)
        if found is None:
            damaged = "".join(f"\n  {problem.where}: {problem.why}" for problem in self.problems)
            raise SavedModelError(
                f"there is no checkpoint in {folder} to go on from; leave resume out to start anew{damaged}"
            )
        try:
            self._take_back(found, folder)
        except (KeyError, TypeError, AttributeError) as error:
            raise SavedModelError(f"the checkpoints in {folder} were not written by this engine: {error!r}") from error
        if self.runtime.main:
            checkpoint.set_aside(self.problems)

    def _identity(self) -> dict[str, Any]:
        """What must not change between a run and its resumption."""
        job = self.job
        ours = {
            "samples": len(job.data),
            "batch_size": job.batch_size,
            "seed": job.seed,
            "plan.optimizer": job.plan.optimizer,
            "plan.holdout": job.plan.holdout,
            "averaging (plan.ema)": job.plan.ema is not None,
        }
        return {**ours, **job.identity}

    def _how(self) -> dict[str, Any]:
        """What may change between a run and its resumption, though then it is not the run it would have been."""
        plan = {f"plan.{name}": value for name, value in asdict(self.job.plan).items()}
        for name in ("device", "checkpoint_seconds", "patience"):
            plan.pop(f"plan.{name}")
        how: dict[str, Any] = json.loads(json.dumps({"learning_rate": self.job.learning_rate, **plan}))
        return how  # as a checkpoint gives it back

    def _take_back(self, found: Checkpoint, folder: Path) -> None:
        facts = found.facts
        _same(facts["identity"], self._identity(), folder)
        if len(facts["history"]) > self.job.epochs:
            raise SavedModelError(
                f"the run in {folder} has {len(facts['history'])} epochs behind it, and epochs={self.job.epochs} would "
                "go back; give as many or more, or start anew with overwrite"
            )
        now = self._how()
        self.changed = facts.get("changed", []) + _changes(facts.get("how", now), now)
        self.told = facts.get("told", [])
        _fits(self.job.learner, room(found.tensors, "learner/"), folder)
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

    # --- health ------------------------------------------------------------------------------------------------------

    def _tell_verdicts(self, epoch: int) -> None:
        """Tell the listeners what is wrong, and was not told before or as less bad, from when it means something.

        The last epoch's verdicts are those of the run.
        """
        if not self.job.listeners or not self.runtime.main or epoch >= self.job.epochs:
            return
        if epoch < max(LIVE_FROM, LIVE_AFTER * self.job.epochs):
            return
        codes = self._codes_so_far() if self._probes(epoch) else None
        for verdict in self._verdicts(codes, ended=False):
            finding = f"{verdict.level} {verdict.name}"
            if verdict.level != "good" and not {finding, f"bad {verdict.name}"} & set(self.told):
                self.told.append(finding)
                self._tell("verdict", epoch=epoch, **asdict(verdict))

    def _probes(self, epoch: int) -> bool:
        """Whether codes are looked at after this epoch: now and then if the samples to encode are many of them all.

        A function of the epoch alone, so that a resumed run tells what an uninterrupted one would have told.
        """
        samples = len(self.loader.order.rows)
        every = math.ceil(min(PROBED_LIVE, samples) / (LIVE_COST * samples))
        return epoch % every == 0 or (epoch >= 4 and epoch & (epoch - 1) == 0)  # powers of two cost little either way

    def _codes_so_far(self) -> Tensor:
        with self._at_rest():
            return self._codes(PROBED_LIVE)

    @torch.no_grad()
    def _codes(self, count: int) -> Tensor:
        """Codes of `count` training samples, always the same, encoded in parts no larger than a step's."""
        data, rows, device = self.loader.data, self.loader.order.rows, self.runtime.device
        index = rows[torch.linspace(0, len(rows) - 1, min(count, len(rows))).long()].to(data.device)
        codes = []
        for part in torch.split(index, max(64, self.job.batch_size)):
            stored, mask = data.rows(part)
            seen = None if mask is None else mask.to(device)
            codes.append(codes_of(self.job.learner, Batch(to_network(stored.to(device)), part, None, seen)))
        return torch.cat(codes).flatten(1).float().cpu()

    def _verdicts(self, codes: Tensor | None, *, ended: bool) -> list[Verdict]:
        return health.examine(
            codes,
            self.history,
            best_kept=bool(self.best),
            batch=max(1, min(self.job.batch_size, len(self.loader.order.rows)) // self.job.plan.accumulate),
            values=self.job.data.spec.width,
            ended=ended,
            steps=self.step,
            arguments=self.job.arguments,
        )

    def _examine(self) -> list[Verdict]:
        found = self._verdicts(self._codes(PROBED), ended=True)
        if self.changed:
            text = f"The run was gone on with under other settings: {'; '.join(self.changed)}."
            found.append(Verdict("warning", "changed", text))
        return found

    # --- the end -----------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Leave the learner as it should be used: the best or the averaged weights, in evaluation mode."""
        load_weights(self.job.learner, self.best or self.driver.averaged())
        self.job.learner.eval()

    def _speak(self, epoch: int, timing: "_Timing") -> None:
        now = time.monotonic()
        if now - self.spoken_at < SPOKEN_SECONDS or not self.job.listeners:
            return
        self.spoken_at = now
        times = timing.until_now(self.loader.waited, self.seen)
        self._tell("step", step=self.step, epoch=epoch + 1, **means(self.sums), **times)

    def _tell(self, event: str, **record: Any) -> None:
        if self.runtime.main:
            for listener in self.job.listeners:
                getattr(listener, event)(record)


class _Timing:
    """How long an epoch takes, or what is left of it after a resume."""

    def __init__(self, waited: float, seen: int) -> None:
        self.start = time.perf_counter()
        self.waited = waited
        self.seen = seen

    def until_now(self, waited: float, seen: int, *, whole: bool = False) -> dict[str, float]:
        """Samples a second and share of the time spent waiting; and the seconds, when the epoch is over."""
        seconds = time.perf_counter() - self.start
        rates = {
            "samples_per_second": (seen - self.seen) / seconds,
            "waiting": (waited - self.waited) / seconds,
        }
        return {"seconds": seconds, **rates} if whole else rates


def add(sums: Sums, more: Mapping[str, Tensor]) -> None:
    """Add numbers to those of the same names, in place."""
    for name, value in more.items():
        sums[name] = sums[name] + value if name in sums else value


def room(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _same(then: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    changed = _changes(_flat(then), _flat(json.loads(json.dumps(dict(now)))))
    if changed:
        raise SavedModelError(
            f"{folder} holds another run, so it cannot be gone on with: {'; '.join(changed)}. "
            "Use the same arguments and data, or start anew with overwrite"
        )


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts within facts by their own names."""
    flat: dict[str, Any] = {}
    for name, value in facts.items():
        flat.update(value if isinstance(value, dict) else {name: value})
    return flat


def _changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} was {then.get(name)!r}, is {now.get(name)!r}"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]


def _fits(learner: Learner, weights: Mapping[str, Tensor], folder: Path) -> None:
    then = {name: tuple(value.shape) for name, value in weights.items()}
    now = {name: tuple(value.shape) for name, value in learner.state_dict().items()}
    changed = [
        f"{name} was {then.get(name, 'not there')}, is {now.get(name, 'not there')}"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]
    if changed:
        raise SavedModelError(
            f"{folder} holds a learner of another shape, so it cannot be gone on with: {'; '.join(changed[:5])}"
        )


@torch.no_grad()
def start(learner: Learner, data: Dataset, seed: int) -> None:
    """Let a learner that counts take its first weights from the samples."""
    if isinstance(learner, CountingLearner):
        learner.start(data, Draws(seed, -1))


def _near(data: Dataset, device: torch.device) -> Dataset:
    """The data on the device when they fill at most half of its free memory."""
    if device.type != "cuda" or not data.in_memory:
        return data
    free, _ = torch.cuda.mem_get_info(device)
    return data.to(device) if data.nbytes < free / 2 else data


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
    seed and of how many parts came before. A learner that is `fresh` takes its first weights from the first part.
    """

    def __init__(self, learner: Learner, plan: Plan, learning_rate: float, seed: int, *, fresh: bool = True) -> None:
        self.learner = learner
        self.plan = replace(plan, schedule="constant", warmup=0.0, holdout=0.0, patience=None)
        self.learning_rate = learning_rate
        self.seed = seed
        self.fresh = fresh
        self.parts = 0
        self.step = 0
        self._driver: Driver | None = None
        self._own: dict[str, Tensor] = {}  # the weights that training goes on from, while averaged ones are in use

    def take(self, data: Dataset, batch_size: int, labels: Tensor | None = None) -> dict[str, float]:
        """One pass over `data`. Returns the means of the losses over it.

        Raises
        ------
        DivergedError
            Loss or gradient became NaN or infinite; the learner holds the last good state.
        """
        if self._driver is None:
            runtime = find_runtime(self.plan.device)
            self.learner.to(runtime.device)
            if self.fresh:
                start(self.learner, data, self.seed)
            context = Context(self.plan, runtime, self.learning_rate, self.seed, endless=True)
            self._driver = make_driver(self.learner, context)
        driver = self._driver
        driver.context = replace(driver.context, labels=labels)
        runtime = driver.context.runtime
        order = Order(torch.arange(len(data)), batch_size, self.seed)
        loader = Loader(data, order, rank=runtime.rank, world=runtime.world)
        sums: Sums = {}
        load_weights(self.learner, self._own)
        self.learner.train()
        try:
            with closing(loader.epoch(self.parts)) as shares:
                for share in shares:
                    add(sums, driver.step(share, self.step, ENDLESS)[0])
                    self.step += 1
            add(sums, driver.end_epoch(self.step, ENDLESS))
        finally:
            averaged = driver.averaged()
            self._own = {name: value.clone() for name, value in self.learner.state_dict().items() if name in averaged}
            load_weights(self.learner, averaged)
            self.learner.eval()
        self.parts += 1
        record = means({name: runtime.sum_(value) for name, value in sorted(sums.items())})
        loss = sum(value for name, value in record.items() if name in driver.parts)
        return {"epoch": float(self.parts), "loss": loss, **record}
