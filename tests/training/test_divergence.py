"""NaN and infinity: the step is named, the last good state is kept to the bit, and a checkpoint of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nolabel.errors import DivergedError
from nolabel.training import checkpoint, engine
from nolabel.training.learner import Learner, Step
from nolabel.types import Batch, Losses
from training.toys import EVERY, Duel, KMeans, Line, Moments, Normed, Taught, job, make, same, state, table, untimed


class _NanGradient(torch.autograd.Function):
    """The value passes; its gradient is NaN."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * float("nan")


def spoil(losses: Losses, how: str) -> Losses:
    """The losses with NaN or infinity in them, or in their gradient alone."""
    name, value = next(iter(losses.parts.items()))
    spoilt = {
        "nan": value * float("nan"),
        "inf": value + float("inf"),
        "nan gradient": _NanGradient.apply(value),
    }[how]
    return Losses({**losses.parts, name: spoilt}, losses.signals)


DUELS = ("adversarial", "uneven")


def spoiling(kind: str, at: int, how: str) -> Learner:
    """A learner that spoils the step numbered `at`, counted from 1; of two players, the second that moves in it."""
    learner = make(kind)
    method = "player_loss" if kind in DUELS else "refresh" if kind.startswith("counting") else "loss"
    honest = getattr(learner, method)

    def spoilt(*args: Any) -> Losses:
        losses, step = honest(*args), args[-1]
        mine = args[0] == "generator" or (kind == "uneven" and step.number % 2 == 0) if kind in DUELS else True
        return spoil(losses, how) if mine and step.number + 1 == at and learner.training else losses

    setattr(learner, method, spoilt)  # on this instance alone
    return learner


FOLLOWING = ["gradient", "normed", "distilling", "adversarial", "uneven"]
CASES = [(kind, how) for kind in FOLLOWING for how in ("nan", "inf", "nan gradient")]
CASES += [("counting every two", "nan"), ("counting every two", "inf")]


@pytest.mark.parametrize(("kind", "how"), CASES)
@pytest.mark.parametrize("at", [1, 4, 7])  # in step 4 both of uneven players move, in the others one
def test_the_step_is_named_and_the_state_before_it_kept(kind: str, how: str, at: int, tmp_path: Path) -> None:
    if kind == "counting every two" and at == 1:
        at = 2  # refreshes follow steps 2, 4, 5 and 7
    plan = {"clip": 1.0}
    learner = spoiling(kind, at, how)
    states: dict[int, dict[str, Tensor]] = {}
    watch(learner, states)
    what = "gradient" if how == "nan gradient" else "objective" if kind.startswith("counting") else "loss"
    history: list[dict[str, float]] = []
    folder = tmp_path / "run"
    with pytest.raises(
        DivergedError, match=f"the {what} became NaN or infinite at step {at}. The state before"
    ) as caught:
        engine.run(job(learner, table(), folder=folder, plan=plan, history=history))
    assert caught.value.step == at
    assert same(state(learner), states[at - 1])
    assert all(torch.isfinite(value).all() for value in state(learner).values())
    assert not learner.training
    assert len(history) == (at - 1) // 5
    assert [path.name for path in folder.iterdir()] == [f"step-{at - 1:010d}.safetensors"]
    # gone on with by a learner that does not spoil, the run ends as if nothing had happened
    whole, resumed = make(kind), EVERY[kind]()
    expected = engine.run(job(whole, table(), plan=plan))
    outcome = engine.run(job(resumed, table(), folder=folder, plan=plan, resume=True))
    assert same(state(resumed), state(whole))
    assert untimed(outcome.history) == untimed(expected.history)


def watch(learner: Learner, states: dict[int, dict[str, Tensor]]) -> None:
    """Notes the learner's state as each step begins, which is that after the step before."""
    method = "player_loss" if isinstance(learner, Duel) else "absorb" if isinstance(learner, KMeans) else "loss"
    honest = getattr(learner, method)

    def watched(*args: Any) -> Any:
        states.setdefault(args[-1].number, state(learner))
        return honest(*args)

    setattr(learner, method, watched)


def test_a_counting_learner_is_put_back_when_an_epochs_refresh_fails(tmp_path: Path) -> None:
    class Failing(Moments):
        broken = True

        def refresh(self, statistics: Mapping[str, Tensor], step: Step) -> Losses:
            losses = super().refresh(statistics, step)
            if step.number == 9 and self.broken:
                self.mean.fill_(float("nan"))
                return Losses({"unexplained": losses.total * float("nan")})
            return losses

    learner = Failing()
    after_one = Moments()
    engine.run(job(after_one, table(), epochs=1))
    with pytest.raises(DivergedError, match="the objective became NaN or infinite at step 10"):
        engine.run(job(learner, table(), folder=tmp_path))
    assert same(state(learner), state(after_one))
    whole, resumed = Moments(), Moments()
    expected = engine.run(job(whole, table()))
    outcome = engine.run(job(resumed, table(), folder=tmp_path, resume=True))
    assert same(state(resumed), state(whole))
    assert untimed(outcome.history) == untimed(expected.history)


def test_a_learner_that_moves_while_it_absorbs_is_put_back() -> None:
    class Moving(Moments):
        moves_while_absorbing = True

        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.Parameter(torch.zeros(4), requires_grad=False)

        def absorb(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
            states.setdefault(step.number, state(self))
            self.weights += batch.x.sum(0) * (float("nan") if step.number == 6 else 1.0)
            return super().absorb(batch, step)

    states: dict[int, dict[str, Tensor]] = {}
    learner = Moving()
    with pytest.raises(DivergedError, match="the weights became NaN or infinite at step 7. The state before"):
        engine.run(job(learner, table()))
    assert same(state(learner), states[6])
    assert torch.isfinite(learner.weights).all()
    assert learner.weights.abs().sum() > 0


def test_statistics_that_are_nan_never_reach_the_learner() -> None:
    learner = Moments()
    x = torch.randn(40, 4)
    x[17, 2] = float("nan")
    before = state(learner)
    with pytest.raises(DivergedError, match="the statistics became NaN or infinite"):
        engine.run(job(learner, table(values_of=x)))
    assert same(state(learner), before)


def test_the_first_player_is_put_back_when_the_second_fails_at_once() -> None:
    learner = spoiling("adversarial", 1, "nan")
    before = state(learner)
    with pytest.raises(DivergedError, match="at step 1"):
        engine.run(job(learner, table(), plan={"optimizer": "sgd"}))
    assert same(state(learner), before)


def test_running_statistics_are_put_back() -> None:
    """The forward pass of the failing step has spoilt them by the time it is noticed."""
    x = torch.randn(40, 4)
    x[17, 2] = float("inf")
    learner = Normed()
    with pytest.raises(DivergedError):
        engine.run(job(learner, table(values_of=x), epochs=1))
    assert torch.isfinite(learner.running).all()


def test_a_teacher_is_not_moved_by_a_step_that_fails() -> None:
    learner = spoiling("distilling", 3, "nan")
    assert isinstance(learner, Taught)
    follow, numbers = learner.follow, []
    learner.follow = lambda step: numbers.append(step.number) or follow(step)  # type: ignore[method-assign]
    with pytest.raises(DivergedError):
        engine.run(job(learner, table()))
    assert numbers == [0, 1]


def test_averaged_weights_are_those_before_the_step() -> None:
    learner, shorter = spoiling("gradient", 6, "nan"), make("gradient")
    with pytest.raises(DivergedError):
        engine.run(job(learner, table(), plan={"ema": 0.5}))
    engine.run(job(shorter, table(), epochs=1, plan={"ema": 0.5}))
    assert same(state(learner), state(shorter))


def test_weights_that_run_away_are_caught() -> None:
    learner = Line()
    with pytest.raises(DivergedError, match=r"Try a lower learning_rate \(now 1e\+20\), plan clip=1.0, or warmup=0.05"):
        engine.run(job(learner, table(), learning_rate=1e20, plan={"optimizer": "sgd"}))


def test_a_large_but_finite_loss_is_not_divergence() -> None:
    class Large(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            return Losses({"large": 1e15 * super().loss(batch, step).total})

    outcome = engine.run(job(Large(), table(), epochs=1))
    assert outcome.reason == "finished"


def test_listeners_are_told(tmp_path: Path) -> None:
    from nolabel.training.progress import JsonLines

    learner = spoiling("gradient", 7, "nan")
    with pytest.raises(DivergedError):
        engine.run(job(learner, table(), listeners=[JsonLines(tmp_path / "metrics.jsonl")]))
    import json

    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["run", "epoch", "end"]
    assert lines[-1]["reason"] == "diverged"


def test_the_older_checkpoint_stays_beside_that_of_the_divergence(tmp_path: Path) -> None:
    learner = spoiling("gradient", 7, "nan")
    with pytest.raises(DivergedError):
        engine.run(job(learner, table(), folder=tmp_path, plan={"checkpoint_seconds": 0.0}))
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["step-0000000005.safetensors", "step-0000000006.safetensors"]
    assert all(checkpoint.read(tmp_path / name).facts["step"] in (5, 6) for name in kept)


def test_parameters_without_gradient_are_no_matter() -> None:
    class Part(Line):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.Linear(2, 2)

    learner = Part()
    before = learner.unused.weight.detach().clone()
    engine.run(job(learner, table(), plan={"clip": 1.0}))
    assert torch.equal(learner.unused.weight, before)
