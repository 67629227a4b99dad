"""One optimizer step, for each kind of learner.

A driver turns a share of a batch into a move of the learner, and can say and take back its state. The engine's loop
drives all kinds alike; this file is the only place that knows them apart.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from nolabel.data.sampler import Share, part
from nolabel.data.sparse import part_of
from nolabel.errors import ArgumentError, DivergedError
from nolabel.nets.sync import apart, gather
from nolabel.randomness import Draws
from nolabel.training.ema import Average, load_weights
from nolabel.training.learner import (
    AdversarialLearner,
    AveragesPart,
    CountingLearner,
    DistillingLearner,
    GradientLearner,
    Learner,
    SetsRates,
    Step,
    TakesTurns,
)
from nolabel.training.optim import make_optimizer, rate, set_rate
from nolabel.training.plan import Plan
from nolabel.training.runtime import Runtime
from nolabel.types import Batch, Losses, to_network

Sums = dict[str, Tensor]  # what is logged, times samples; and under COUNT how many those are
COUNT = "#"


def weighed(losses: Losses, samples: float) -> Sums:
    """What a step logs: parts and signals, times the samples that they are means over."""
    named = {**losses.parts, **losses.signals}
    terms = {name: value.detach().to(torch.float64) * samples for name, value in named.items()}
    device = next(iter(losses.parts.values())).device
    return {**terms, COUNT: torch.full((), samples, dtype=torch.float64, device=device)}


def means(sums: Sums) -> dict[str, float]:
    """What was logged, each a mean over the samples of the steps in which its player moved."""
    counts = {name.removesuffix(COUNT): total.item() for name, total in sums.items() if name.endswith(COUNT)}
    players = {name: next(player for player in counts if name.startswith(player)) for name in sums}
    return {name: sums[name].item() / counts[player] for name, player in players.items() if not name.endswith(COUNT)}


@dataclass(frozen=True, slots=True)
class Flags:
    """What any process asks for after a step: to stop (a signal came), to save (it is time)."""

    stop: bool = False
    save: bool = False

    def __or__(self, other: "Flags") -> "Flags":
        return Flags(self.stop or other.stop, self.save or other.save)


def no_flags() -> Flags:
    """Nothing is asked for."""
    return Flags()


@dataclass(frozen=True)
class Context:
    """What every driver needs: how to train, where, the labels of all samples if the learner wants them, and whether
    the samples are a stream.
    """

    plan: Plan
    runtime: Runtime
    learning_rate: float
    seed: int
    labels: Tensor | None = None
    endless: bool = False

    def pieces(self, share: Share, number: int, progress: float, turn: int = 0) -> Iterator[tuple[Batch, Step, float]]:
        """The share cut into `plan.accumulate` pieces: batch on the device, its step, its weight in the whole batch.

        Players who move in turn draw numbers of their own: `turn` tells them apart.
        """
        ours = len(share.index)
        first = share.rows.start or 0
        everyone = share.total * self.runtime.world if self.is_everyones(share) else share.total
        # as many pieces in every process, for batch statistics are shared piece by piece
        fewest = ours if self.is_everyones(share) else share.total // self.runtime.world
        count = max(1, min(self.plan.accumulate, fewest))
        for piece in range(count):
            cut = part(ours, piece, count)
            rows = slice(first + cut.start, first + cut.stop)
            device = self.runtime.device
            draws = Draws(self.seed, number, turn, device=device, total=share.total, rows=rows, gather=gather)
            weight = (cut.stop - cut.start) / everyone
            yield self._batch(share, cut), Step(number, progress, draws, self.endless, piece), weight

    def is_everyones(self, share: Share) -> bool:
        """Whether every process holds the whole batch, for it has fewer samples than there are processes."""
        return self.runtime.world > 1 and len(share.index) == share.total

    def together(self, share: Share) -> contextlib.AbstractContextManager[None]:
        """The block in which statistics of the batch are those of all its parts, and of the batch alone if whole."""
        return apart() if self.is_everyones(share) else contextlib.nullcontext()

    def _batch(self, share: Share, cut: slice) -> Batch:
        device = self.runtime.device
        index = share.index[cut]
        x = to_network(part_of(share.stored, cut).to(device, non_blocking=True))
        mask = None if share.mask is None else share.mask[cut].to(device)
        return Batch(x, index, None if self.labels is None else self.labels[index].to(device), mask)

    def arithmetic(self) -> contextlib.AbstractContextManager[Any]:
        """The block in which nets and losses run: bf16 autocast, or nothing."""
        if self.plan.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.runtime.device.type, dtype=torch.bfloat16)


class Driver(ABC):
    """Moves one learner. `parts` names the logged numbers that add up to the objective."""

    parts: set[str]
    context: Context

    @abstractmethod
    def step(self, share: Share, number: int, progress: float) -> tuple[Sums, Flags]:
        """One step on a share.

        Returns what to log (means weighted by this process's samples, so that sums over steps and processes have
        `means`), and the flags that any process has raised.
        """

    @abstractmethod
    def averaged(self) -> Mapping[str, Tensor]:
        """Weights to use in place of the learner's own once training is over; empty for none."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Everything beside the learner's own weights that the next step depends on; every process asks at once."""

    @abstractmethod
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state` gave."""

    @abstractmethod
    def end_epoch(self, number: int, progress: float) -> Sums:
        """What is left to do at the end of an epoch, and what to log of it, as `step` does."""


def make_driver(learner: Learner, context: Context, flags: Callable[[], Flags] = no_flags) -> Driver:
    """The driver for a learner's kind; `flags()` is what this process asks for."""
    if isinstance(learner, GradientLearner):
        return GradientDriver(learner, context, [gradient_player(learner, context)], flags)
    if isinstance(learner, AdversarialLearner):
        return GradientDriver(learner, context, adversarial_players(learner, context), flags)
    if isinstance(learner, CountingLearner):
        return CountingDriver(learner, context, flags)
    raise TypeError(f"{type(learner).__name__} is none of the learners in nolabel.training.learner")


# --- learners with gradients -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Player:
    """Some parameters, the loss that moves them, and the optimizer that does."""

    name: str
    parameters: Sequence[nn.Parameter]
    loss: Callable[[Batch, Step], Losses]
    optimizer: Optimizer


def gradient_player(learner: GradientLearner, context: Context) -> Player:
    """The one player of a learner with one loss."""
    loss = torch.compile(learner.loss) if context.plan.compile else learner.loss
    moved = {name: parameter for name, parameter in learner.named_parameters() if parameter.requires_grad}
    return _player("learner", list(moved.values()), loss, context, _factors(learner, moved.values()))


def adversarial_players(learner: AdversarialLearner, context: Context) -> list[Player]:
    """The players of an adversarial learner, in the order in which they move."""
    if context.plan.compile:
        raise ArgumentError(
            f"plan.compile=True needs a learner with one loss, and {type(learner).__name__} has one for each player; "
            "leave compile out"
        )

    def loss_of(name: str) -> Callable[[Batch, Step], Losses]:
        return lambda batch, step: learner.player_loss(name, batch, step)

    return [
        _player(name, list(own), loss_of(name), context, _factors(learner, own))
        for name, own in learner.players().items()
    ]


def _factors(learner: Learner, own: Iterable[nn.Parameter]) -> list[float]:
    """On the learning rate, one for each of some parameters of the learner."""
    rates = learner.rates() if isinstance(learner, SetsRates) else {}
    names = {id(parameter): name for name, parameter in learner.named_parameters()}
    return [rates.get(names.get(id(parameter), ""), 1.0) for parameter in own]


def _player(
    name: str,
    own: Sequence[nn.Parameter],
    loss: Callable[[Batch, Step], Losses],
    context: Context,
    factors: Sequence[float],
) -> Player:
    plan = context.plan
    optimizer = make_optimizer(plan.optimizer, own, context.learning_rate, plan.weight_decay, factors, plan.betas)
    return Player(name, own, loss, optimizer)


class GradientDriver(Driver):
    """Follows gradients: of one loss, or of each player's in turn."""

    def __init__(
        self, learner: Learner, context: Context, players: Sequence[Player], flags: Callable[[], Flags] = no_flags
    ) -> None:
        self.learner = learner
        self.context = context
        self.players = players
        self.flags = flags
        self.parts = set()
        self.has_buffers = any(True for _ in learner.buffers())
        part = learner.averaged_part() if isinstance(learner, AveragesPart) else learner
        self.average = None if context.plan.ema is None else Average(learner, context.plan.ema, part)

    def step(self, share: Share, number: int, progress: float) -> tuple[Sums, Flags]:
        """Every player whose turn it is moves once; when one cannot, all is put back as it was before the step."""
        sums: Sums = {}
        flags = Flags()
        movers = self._movers(number)
        with self.context.together(share):
            with self._all_or_nothing(movers):
                for player in movers:
                    own, raised = self._move(player, share, number, progress)
                    sums.update(own)
                    flags = flags | raised
            if isinstance(self.learner, DistillingLearner):
                draws = Draws(self.context.seed, number, len(self.players), device="cpu")
                with torch.no_grad():
                    self.learner.follow(Step(number, progress, draws, self.context.endless))
        if self.average is not None:
            self.average.follow(self.learner, number)
        return sums, flags

    def _movers(self, number: int) -> Sequence[Player]:
        if not isinstance(self.learner, TakesTurns):
            return self.players
        names = self.learner.moves(number)
        return [player for player in self.players if player.name in names]

    @contextlib.contextmanager
    def _all_or_nothing(self, movers: Sequence[Player]) -> Iterator[None]:
        """Puts back what a step that fails has changed by then: buffers, and the players that had moved."""
        changing = list(self.learner.buffers()) if self.has_buffers else []
        moved = movers[:-1]  # the last moves only when nothing can fail any more
        unmoved = [player for player in moved if not player.optimizer.state]
        for player in moved:
            changing += player.parameters
            moments = [value for state in player.optimizer.state.values() for value in state.values()]
            changing += [moment for moment in moments if isinstance(moment, Tensor)]
        before = [tensor.detach().clone() for tensor in changing]
        try:
            yield
        except DivergedError:
            with torch.no_grad():
                for tensor, value in zip(changing, before):
                    tensor.copy_(value)
            for player in unmoved:
                player.optimizer.state.clear()
            raise

    def _move(self, player: Player, share: Share, number: int, progress: float) -> tuple[Sums, Flags]:
        for parameter in player.parameters:
            parameter.grad = None
        with self._only(player):
            sums, total = self._gradients(player, share, number, progress)
        gradients, total, flags = self._agree(player, total)
        self._refuse_nonfinite(gradients, total, number)
        if self.context.plan.clip is not None:
            nn.utils.clip_grad_norm_(player.parameters, self.context.plan.clip)
        factor = rate(self.context.plan.schedule, self.context.plan.warmup, progress)
        set_rate(player.optimizer, self.context.learning_rate * factor)
        player.optimizer.step()
        return sums, flags

    @contextlib.contextmanager
    def _only(self, player: Player) -> Iterator[None]:
        """Gradients for this player's parameters alone."""
        others = [p for other in self.players if other is not player for p in other.parameters if p.requires_grad]
        for parameter in others:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in others:
                parameter.requires_grad_(True)

    def _gradients(self, player: Player, share: Share, number: int, progress: float) -> tuple[Sums, Tensor]:
        sums: Sums = {}
        whole = torch.zeros((), device=self.context.runtime.device)
        turn = self.players.index(player)
        for batch, step, weight in self.context.pieces(share, number, progress, turn):
            with self.context.arithmetic():
                losses = player.loss(batch, step)
            total = losses.total if weight == 1 else losses.total * weight
            total.backward()  # type: ignore[no-untyped-call]
            whole = whole + total.detach()
            self._log(sums, player, losses, weight * share.total)
        return sums, whole

    def _log(self, sums: Sums, player: Player, losses: Losses, samples: float) -> None:
        prefix = f"{player.name}." if len(self.players) > 1 else ""
        self.parts.update(prefix + name for name in losses.parts)
        for name, term in weighed(losses, samples).items():
            sums[prefix + name] = sums[prefix + name] + term if prefix + name in sums else term

    def _agree(self, player: Player, total: Tensor) -> tuple[list[Tensor], Tensor, Flags]:
        """Gradients and loss summed over processes, and the flags of all: one message for everything."""
        flags = self.flags()
        if self.context.runtime.world == 1:
            return [p.grad for p in player.parameters if p.grad is not None], total, flags
        extras = torch.stack([total, total.new_tensor(float(flags.stop)), total.new_tensor(float(flags.save))])
        present = total.new_tensor([float(p.grad is not None) for p in player.parameters])
        flat = [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in player.parameters]
        message = self.context.runtime.sum_(torch.cat([extras, present, *flat]))
        extras, present, *parts = torch.split(message, [3, len(present), *(len(one) for one in flat)])
        for parameter, there, gradient in zip(player.parameters, present.tolist(), parts):
            parameter.grad = gradient.view_as(parameter).clone() if there else None
        agreed = Flags(extras[1].item() > 0, extras[2].item() > 0)
        return [p.grad for p in player.parameters if p.grad is not None], extras[0], agreed

    def _refuse_nonfinite(self, gradients: list[Tensor], total: Tensor, number: int) -> None:
        norms = torch.stack(torch._foreach_norm(gradients)) if gradients else total.new_zeros(1)
        if torch.isfinite(norms.sum() + total).item():
            return
        what = "gradient" if torch.isfinite(total) else "loss"
        raise DivergedError(
            f"the {what} became NaN or infinite at step {number + 1}. The state before that step was kept. "
            f"Try a lower learning_rate (now {self.context.learning_rate:g}), plan clip=1.0, or warmup=0.05",
            number + 1,
        )

    def averaged(self) -> Mapping[str, Tensor]:
        """The exponential moving average, if the plan asks for one."""
        return {} if self.average is None else self.average.weights

    def end_epoch(self, number: int, progress: float) -> Sums:
        """Nothing is left to do."""
        return {}

    def state(self) -> dict[str, Tensor]:
        """Moments of every optimizer, and the averaged weights."""
        tensors: dict[str, Tensor] = {}
        for player in self.players:
            for index, moments in player.optimizer.state_dict()["state"].items():
                for key, value in moments.items():
                    tensors[f"optimizer/{player.name}/{index}/{key}"] = torch.as_tensor(value)
        if self.average is not None:
            tensors.update({f"average/{name}": weight for name, weight in self.average.weights.items()})
        return tensors

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take back moments and averaged weights."""
        for player in self.players:
            moments: dict[int, dict[str, Tensor]] = {}
            weights = [weight for group in player.optimizer.param_groups for weight in group["params"]]
            for name, tensor in state.items():
                room, _, rest = name.partition("/")
                if room == "optimizer" and rest.startswith(f"{player.name}/"):
                    index, key = rest.removeprefix(f"{player.name}/").split("/")
                    moments.setdefault(int(index), {})[key] = _laid_out(tensor, weights[int(index)])
            groups = player.optimizer.state_dict()["param_groups"]
            player.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        if self.average is not None:
            for name, weight in self.average.weights.items():
                weight.copy_(state[f"average/{name}"])


def _laid_out(moment: Tensor, weight: Tensor) -> Tensor:
    """A moment in the order in memory that its weight has: of several orders the optimizer rounds otherwise."""
    return torch.empty_like(weight, dtype=moment.dtype).copy_(moment) if moment.shape == weight.shape else moment


# --- learners that count ---------------------------------------------------------------------------------------------


class CountingDriver(Driver):
    """Gathers statistics and refreshes the model from them, every few batches or once an epoch."""

    def __init__(self, learner: CountingLearner, context: Context, flags: Callable[[], Flags] = no_flags) -> None:
        self.learner = learner
        self.context = context
        self.flags = flags
        self.parts = set()
        self.pending: dict[str, Tensor] = {}  # since the last refresh, as are the next two
        self.batches = 0
        self.samples = 0  # over all processes

    @torch.no_grad()
    def step(self, share: Share, number: int, progress: float) -> tuple[Sums, Flags]:
        """Absorb one share; refresh when it is time. When that fails, all is put back as it was before the step."""
        before = dict(self.pending), self.batches, self.samples
        weights = self._weights() if self.learner.moves_while_absorbing else {}
        try:
            self._absorb(share, number, progress)
            if weights:
                _refuse_nonfinite("weights", self.learner.parameters(), number)
            every = self.learner.refresh_every()
            logged = self._refresh(number, progress) if every is not None and self.batches >= every else {}
        except DivergedError:
            self.pending, self.batches, self.samples = before
            load_weights(self.learner, weights)
            raise
        return logged, self._agreed_flags()

    def _weights(self) -> dict[str, Tensor]:
        """A copy of all that the learner holds."""
        return {name: value.clone() for name, value in self.learner.state_dict().items()}

    def _absorb(self, share: Share, number: int, progress: float) -> None:
        count_once = self.context.is_everyones(share) and not self.context.runtime.main
        with self.context.together(share):
            for batch, step, _ in self.context.pieces(share, number, progress):
                for name, value in self.learner.absorb(batch, step).items():
                    value = torch.zeros_like(value) if count_once else value.clone()
                    self.pending[name] = self.pending[name] + value if name in self.pending else value
        self.batches += 1
        self.samples += share.total

    def _agreed_flags(self) -> Flags:
        flags = self.flags()
        if self.context.runtime.world == 1:
            return flags
        raised = torch.tensor([float(flags.stop), float(flags.save)], device=self.context.runtime.device)
        stop, save = self.context.runtime.sum_(raised).tolist()
        return Flags(stop > 0, save > 0)

    def _refresh(self, number: int, progress: float) -> Sums:
        if not self.pending:
            return {}
        totals = self._totals()
        _refuse_nonfinite("statistics", totals.values(), number)
        before = self._weights()
        draws = Draws(self.context.seed, number, 1, device=self.context.runtime.device)
        losses = self.learner.refresh(totals, Step(number, progress, draws, self.context.endless))
        try:
            _refuse_nonfinite("objective", [losses.total], number)
        except DivergedError:
            load_weights(self.learner, before)
            raise
        self.parts.update(losses.parts)
        weight = self.samples / self.context.runtime.world
        self.pending, self.batches, self.samples = {}, 0, 0
        return weighed(losses, weight)

    def _totals(self) -> dict[str, Tensor]:
        """What all processes have gathered."""
        return {name: self.context.runtime.sum_(value.clone()) for name, value in sorted(self.pending.items())}

    def averaged(self) -> Mapping[str, Tensor]:
        """Counts are not averaged."""
        return {}

    @torch.no_grad()
    def end_epoch(self, number: int, progress: float) -> Sums:
        """Refresh from what has been gathered since the last time."""
        return self._refresh(number - 1, progress)  # the number of the last step, which is done

    def state(self) -> dict[str, Tensor]:
        """Statistics gathered since the last refresh; from here on the main process holds those of all."""
        main = self.context.runtime.main
        self.pending = {name: total if main else torch.zeros_like(total) for name, total in self._totals().items()}
        counts = {"batches": torch.tensor(self.batches), "samples": torch.tensor(self.samples)}
        return {**counts, **{f"pending/{name}": total for name, total in self.pending.items()}}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take back the gathered statistics."""
        runtime = self.context.runtime
        self.batches, self.samples = int(state["batches"]), int(state["samples"])
        gathered = {name: total.to(runtime.device) for name, total in state.items() if name.startswith("pending/")}
        self.pending = {
            name.removeprefix("pending/"): total if runtime.main else torch.zeros_like(total)
            for name, total in gathered.items()
        }


def _refuse_nonfinite(what: str, values: Iterable[Tensor], number: int) -> None:
    if not all(bool(torch.isfinite(value).all()) for value in values):
        raise DivergedError(
            f"the {what} became NaN or infinite at step {number + 1}. The state before that step was kept. "
            "Look for values in the data that are far from all others",
            number + 1,
        )
