"""What the loop promises: held-out samples, early stopping, precision, clipping, averages, records, and who is told."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from nolabel.data.sampler import split_rows
from nolabel.errors import ArgumentError, OutputError, TrainingInterrupted
from nolabel.training import engine, health
from nolabel.training.ema import Average
from nolabel.training.learner import GradientLearner, SeesGaps, Step
from nolabel.training.progress import Listener
from nolabel.types import Batch, Losses
from training.toys import WIDTH, Duel, Line, Moments, job, make, mapped, same, state, table, untimed, values


class Noted(Listener):
    """Remembers all it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def start(self, facts: Any) -> None:
        self.told.append(("start", dict(facts)))

    def step(self, record: Any) -> None:
        self.told.append(("step", dict(record)))

    def epoch(self, record: Any) -> None:
        self.told.append(("epoch", dict(record)))

    def verdict(self, record: Any) -> None:
        self.told.append(("verdict", dict(record)))

    def end(self, record: Any) -> None:
        self.told.append(("end", dict(record)))


class Script(GradientLearner):
    """Its weight counts steps, and its held-out loss is whatever the script says for the epoch."""

    def __init__(self, script: list[float]) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.script = iter(script)
        self.seen: list[Tensor] = []
        self.held: list[Tensor] = []

    def loss(self, batch: Batch, step: Step) -> Losses:
        if self.training:
            self.seen.append(batch.index)
            return Losses({"loss of w": -self.weight.sum()})  # moves the weight by the learning rate, every step
        self.held.append(batch.index)
        return Losses({"loss of w": torch.tensor(next(self.script))})

    def encode(self, x: Tensor) -> Tensor:
        return x * self.weight


def test_held_out_samples_are_never_trained_on() -> None:
    learner = Script([1.0] * 99)
    outcome = engine.run(job(learner, table(), epochs=4, batch_size=8, plan={"holdout": 0.2}))
    seen, held = torch.cat(learner.seen), torch.cat(learner.held)
    assert torch.equal(seen.unique(), split_rows(40, 0.2, 5)[0])
    assert torch.equal(held.unique(), split_rows(40, 0.2, 5)[1])
    assert len(seen) == 4 * 32
    assert len(held) == 4 * 8
    assert [record["holdout_loss"] for record in outcome.history] == [1.0] * 4


def test_the_held_out_loss_is_a_mean_over_samples_in_evaluation_mode() -> None:
    class Watched(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            if self.training:
                return super().loss(batch, step)
            return Losses({"value": batch.x[:, 0].mean()}, {"not in it": torch.tensor(1e9)})

    learner = Watched()
    outcome = engine.run(job(learner, table(), epochs=1, batch_size=3, plan={"holdout": 0.25}))
    expected = values(40)[split_rows(40, 0.25, 5)[1], 0].mean().item()
    assert outcome.history[0]["holdout_loss"] == pytest.approx(expected, abs=1e-6)  # 10 = 3 + 3 + 3 + 1


def test_held_out_draws_are_the_same_every_epoch_and_not_those_of_training() -> None:
    noise: dict[bool, list[Tensor]] = {True: [], False: []}

    class Watched(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            noise[self.training].append(step.draws.normal(batch.x))
            return super().loss(batch, step)

    engine.run(job(Watched(), table(), epochs=2, batch_size=8, plan={"holdout": 0.2}))
    first, second = noise[False]
    assert torch.equal(first, second)
    assert not any(torch.equal(first, one) for one in noise[True])


@pytest.mark.parametrize(
    ("script", "patience", "epochs", "best"),
    [
        ([5.0, 4.0, 3.0, 3.5, 3.2, 9.0, 0.0], 2, 5, 3),
        ([5.0, 4.0, 3.0, 3.5, 3.2, 2.0, 1.0], 3, 7, 7),
        ([1.0, 2.0, 2.0, 2.0], 1, 2, 1),
        ([3.0, 2.0, 1.0, 0.5], 1, 4, 4),
    ],
)
def test_early_stopping_stops_and_brings_the_best_weights_back(
    script: list[float], patience: int, epochs: int, best: int
) -> None:
    learner = Script(script)
    plan = {"holdout": 0.2, "patience": patience, "optimizer": "sgd", "schedule": "constant"}
    outcome = engine.run(job(learner, table(), epochs=len(script), batch_size=32, learning_rate=1.0, plan=plan))
    assert len(outcome.history) == epochs
    assert outcome.reason == ("stopped early" if epochs < len(script) else "finished")
    velocity, weight = 0.0, 0.0  # one step an epoch, momentum 0.9
    for _ in range(best):
        velocity = 0.9 * velocity + 1
        weight += velocity
    assert learner.weight.item() == pytest.approx(weight)


def test_without_patience_the_last_weights_stay() -> None:
    learner = Script([1.0, 2.0, 3.0])
    outcome = engine.run(
        job(learner, table(), batch_size=32, learning_rate=1.0, plan={"holdout": 0.2, "optimizer": "sgd"})
    )
    assert outcome.reason == "finished"
    assert learner.weight.item() == pytest.approx(1 + 1.9 + 2.71)


def test_averaged_weights_are_what_is_left_and_what_is_measured() -> None:
    plain, averaged = make("gradient"), make("gradient")
    expected = Average(plain, 0.8)
    follow: Callable[..., None] = expected.follow

    class Watched(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            if step.number > 0 and self.training:
                follow(self, step.number - 1)
            return super().loss(batch, step)

    watched = Watched()
    watched.load_state_dict(plain.state_dict())
    engine.run(job(watched, table(), plan={"holdout": 0.2}))
    follow(watched, 11)
    outcome = engine.run(job(averaged, table(), plan={"holdout": 0.2, "ema": 0.8}))
    torch.testing.assert_close(dict(averaged.state_dict()), expected.weights)
    again = engine.run(job(averaged, table(), learning_rate=1e-30, epochs=1, plan={"holdout": 0.2}))
    assert outcome.history[-1]["holdout_loss"] == pytest.approx(again.history[-1]["holdout_loss"], rel=1e-6)


def test_early_stopping_keeps_the_best_averaged_weights() -> None:
    script = [5.0, 1.0, 2.0, 3.0]
    plan = {"holdout": 0.2, "patience": 2, "optimizer": "sgd", "ema": 0.5}
    learner = Script(script)
    engine.run(job(learner, table(), epochs=4, batch_size=32, learning_rate=1.0, plan=plan))
    weights, average = [1.0, 2.9], 0.0
    for t, weight in enumerate(weights):
        d = min(0.5, (1 + t) / (10 + t))
        average = d * average + (1 - d) * weight
    assert learner.weight.item() == pytest.approx(average)


def test_a_holdout_without_a_loss_to_measure_is_refused() -> None:
    for learner in (Duel(), Moments()):
        with pytest.raises(
            ArgumentError, match=f"plan.holdout=0.2 needs a learner with one loss.*{type(learner).__name__}"
        ):
            engine.run(job(learner, table(), plan={"holdout": 0.2, "patience": 1}))


def test_clipping_bounds_the_whole_gradient() -> None:
    class Steep(Script):
        def loss(self, batch: Batch, step: Step) -> Losses:
            return Losses({"steep": 1e6 * self.weight.sum()})

    learner = Steep([])
    engine.run(
        job(learner, table(8), epochs=1, batch_size=8, learning_rate=1.0, plan={"clip": 0.25, "optimizer": "sgd"})
    )
    assert learner.weight.item() == pytest.approx(-0.25)


def test_the_schedule_moves_the_learning_rate() -> None:
    class Down(Script):
        def loss(self, batch: Batch, step: Step) -> Losses:
            self.seen.append(self.weight.detach().clone())
            return Losses({"down": self.weight.sum()})

    learner = Down([])
    plan = {"schedule": "cosine", "warmup": 0.5, "optimizer": "lars"}  # on a vector: plain momentum
    engine.run(job(learner, table(8), epochs=4, batch_size=8, learning_rate=1.0, plan=plan))
    factors = [0.125 / 0.5, 0.375 / 0.5, 0.5 * (1 + math.cos(math.pi * 0.25)), 0.5 * (1 + math.cos(math.pi * 0.75))]
    velocity, weight = 0.0, 0.0
    for factor in factors:
        velocity = 0.9 * velocity + factor
        weight -= velocity
    assert learner.weight.item() == pytest.approx(weight, rel=1e-5)


def test_half_precision_computes_in_half_and_keeps_whole_weights() -> None:
    kinds = []

    class Watched(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            kinds.append(self.down(batch.x).dtype)
            return super().loss(batch, step)

    learner = Watched()
    outcome = engine.run(job(learner, table(100), epochs=6, plan={"precision": "bf16", "holdout": 0.2}))
    assert set(kinds) == {torch.bfloat16}
    assert all(p.dtype == torch.float32 for p in learner.parameters())
    assert outcome.history[-1]["loss"] < 0.8 * outcome.history[0]["loss"]


@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_half_precision_trains_the_losses_of_the_package(loss: str) -> None:
    import nolabel

    x = (values(60).sigmoid() * 255).byte().numpy().reshape(60, 2, 2)
    model = nolabel.Autoencoder(hidden=(8, 2), loss=loss, epochs=8, learning_rate=0.02, random_state=0)
    model.set_params(plan={"precision": "bf16", "device": "cpu"}).fit(x)
    assert model.history_[-1]["loss"] < model.history_[0]["loss"]


def test_compiling_is_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []

    def compile_(function: Callable[..., Any]) -> Callable[..., Any]:
        compiled.append(function)
        return function

    monkeypatch.setattr(torch, "compile", compile_)
    a, b = make("gradient"), make("gradient")
    engine.run(job(a, table(), plan={"compile": True}))
    assert [function.__self__ for function in compiled] == [a]
    engine.run(job(b, table()))
    assert len(compiled) == 1
    assert same(state(a), state(b))


def test_a_record_is_made_of_means_over_samples() -> None:
    class Watched(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            first = batch.x[:, 0].mean()
            return Losses({"a": first + 0 * self.down.weight.sum(), "b": 2 * first}, {"c": 3 * first})

    outcome = engine.run(job(Watched(), table(37), epochs=1))
    record, mean = outcome.history[0], values(37)[:, 0].mean().item()
    assert [record[name] for name in ("a", "b", "c", "loss")] == pytest.approx(
        [mean, 2 * mean, 3 * mean, 3 * mean], rel=1e-5
    )
    assert record["epoch"] == 1
    assert record["seconds"] > 0
    assert record["samples_per_second"] == pytest.approx(37 / record["seconds"])
    assert 0 <= record["waiting"] <= 1


def test_listeners_are_told_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SPOKEN_SECONDS", 0.0)
    noted = Noted()
    outcome = engine.run(job(Line(), table(), epochs=2, listeners=[noted]))
    assert [event for event, _ in noted.told] == ["start", *(["step"] * 4 + ["epoch"]) * 2, "end"]
    assert noted.told[0][1] == {"epochs": 2, "steps_per_epoch": 5, "samples": 40, "done": 0}
    steps = [record for event, record in noted.told if event == "step"]
    assert [record["step"] for record in steps] == [1, 2, 3, 4, 6, 7, 8, 9]
    assert all({"error", "size", "samples_per_second", "waiting", "epoch"} <= record.keys() for record in steps)
    assert [record for event, record in noted.told if event == "epoch"] == outcome.history
    end = noted.told[-1][1]
    assert end["reason"] == "finished"
    assert end["health"] == [
        {"level": v.level, "name": v.name, "text": v.text, "knob": v.knob} for v in outcome.verdicts
    ]
    json.dumps(end)


def test_a_resumed_run_says_so_and_measures_its_own_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopping(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            if step.number == 3:
                raise KeyError("on purpose")
            return super().loss(batch, step)

    with pytest.raises(KeyError, match="on purpose"):
        engine.run(job(Stopping(), table(), folder=tmp_path, plan={"checkpoint_seconds": 0.0}))
    noted = Noted()
    outcome = engine.run(job(Line(), table(), folder=tmp_path, resume=True, listeners=[noted]))
    assert noted.told[0][1]["done"] == 3
    record = outcome.history[0]
    assert record["samples_per_second"] == pytest.approx(16 / record["seconds"])


def test_listeners_are_told_of_a_failure_and_the_learner_is_left_usable() -> None:
    class Failing(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            if step.number == 7:
                raise KeyError("on purpose")
            return super().loss(batch, step)

    noted, learner = Noted(), Failing()
    history: list[dict[str, float]] = []
    with pytest.raises(KeyError, match="on purpose"):
        engine.run(job(learner, table(), listeners=[noted], history=history))
    assert noted.told[-1] == ("end", {"reason": "failed", "health": []})
    assert len(history) == 1
    assert not learner.training


def test_labels_come_with_their_samples() -> None:
    labels = torch.arange(40) * 7

    class Watched(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            assert batch.y is not None
            assert torch.equal(batch.y, labels[batch.index])
            assert torch.equal(batch.x, values(40)[batch.index])
            return super().loss(batch, step)

    engine.run(job(Watched(), table(), labels=labels, plan={"accumulate": 3}))


def test_a_mask_comes_with_its_samples() -> None:
    data = table()
    data.mask = values(40, 9) > 0

    class Watched(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            assert batch.mask is not None
            assert data.mask is not None
            assert torch.equal(batch.mask, data.mask[batch.index])
            return super().loss(batch, step)

    engine.run(job(Watched(), data, plan={"accumulate": 3}))


def test_health_is_judged_by_codes_of_what_is_observed() -> None:
    class Seeing(Line, SeesGaps):
        def encode_observed(self, x: Tensor, mask: Tensor) -> Tensor:
            return self.down(x.where(mask, 0.0))

    data = table(values_of=values(40).where(values(40, 9) > 0, 1e9 * values(40, 3)))
    data.mask = values(40, 9) > 0
    seen: list[Tensor] = []
    learner, examine = Seeing(), health.examine

    def noted(codes: Tensor, *more: Any, **named: Any) -> Any:
        seen.append(codes)
        return examine(codes, *more, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.health, "examine", noted)
        patch.setattr(learner, "loss", lambda batch, step: Losses({"size": learner.down.weight.square().sum()}))
        engine.run(job(learner, data))
    assert seen[0].abs().max() < 1e3


def test_a_batch_larger_than_the_data_is_all_of_them() -> None:
    outcome = engine.run(job(Line(), table(5), batch_size=1000))
    assert len(outcome.history) == 3


def test_nothing_is_written_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    engine.run(job(Line(), table(), plan={"checkpoint_seconds": 0.0}))
    assert list(tmp_path.iterdir()) == []


def test_checkpoints_come_as_often_as_was_asked(tmp_path: Path) -> None:
    engine.run(job(Line(), table(), folder=tmp_path / "often", plan={"checkpoint_seconds": 0.0}))
    assert [path.name for path in sorted((tmp_path / "often").iterdir())] == [
        "step-0000000014.safetensors",
        "step-0000000015.safetensors",
    ]
    engine.run(job(Line(), table(), folder=tmp_path / "once", plan={"checkpoint_seconds": float("inf")}))
    assert [path.name for path in (tmp_path / "once").iterdir()] == ["step-0000000015.safetensors"]


def test_a_folder_with_another_runs_checkpoints_is_refused(tmp_path: Path) -> None:
    engine.run(job(Line(), table(), epochs=1, folder=tmp_path))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(
        OutputError, match="holds checkpoints of another run: resume that one, or give a folder of its own"
    ):
        engine.run(job(Line(), table(), epochs=3, folder=tmp_path))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("where", ["last step", "held-out part", "final checkpoint"])
def test_a_signal_that_comes_too_late_to_stop_a_step_is_not_swallowed(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os
    import signal

    from nolabel.training import checkpoint

    class Late(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            if where == "held-out part" and not self.training:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().loss(batch, step)

    if where == "last step":
        step = torch.optim.Adam.step
        steps = iter(range(4))

        def late_step(self: torch.optim.Adam, *args: Any) -> Any:
            if next(steps) == 3:
                os.kill(os.getpid(), signal.SIGTERM)
            return step(self, *args)

        monkeypatch.setattr(torch.optim.Adam, "step", late_step)
    if where == "final checkpoint":
        save = checkpoint.save

        def late_save(*args: Any) -> Path:
            os.kill(os.getpid(), signal.SIGTERM)
            return save(*args)

        monkeypatch.setattr(checkpoint, "save", late_save)
    with pytest.raises(
        TrainingInterrupted, match="stopped by SIGTERM after step 4. A checkpoint was written"
    ) as caught:
        engine.run(job(Late(), table(), epochs=1, folder=tmp_path, plan={"holdout": 0.2}))
    assert caught.value.signum == signal.SIGTERM
    monkeypatch.undo()
    outcome = engine.run(job(Line(), table(), epochs=1, folder=tmp_path, plan={"holdout": 0.2}, resume=True))
    assert len(outcome.history) == 1


def test_an_error_in_reading_ends_the_run_and_its_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    data = mapped(tmp_path)
    rows, calls = data.rows, iter(range(100))

    def fail_at_seventh(index: Tensor) -> tuple[Tensor, None]:
        if next(calls) == 6:
            raise OSError("the disk went away")
        return rows(index)

    monkeypatch.setattr(data, "rows", fail_at_seventh)
    noted = Noted()
    with pytest.raises(OSError, match="the disk went away"):
        engine.run(job(Line(), data, listeners=[noted]))
    assert noted.told[-1][1]["reason"] == "failed"
    assert "nolabel-read-ahead" not in {thread.name for thread in threading.enumerate()}


def test_a_run_that_is_stopped_leaves_no_reading_thread(tmp_path: Path) -> None:
    import threading

    class Failing(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            raise KeyError("on purpose")

    with pytest.raises(KeyError) as caught:
        engine.run(job(Failing(), mapped(tmp_path, 400)))
    assert caught.value.__traceback__ is not None  # which holds the frames of the run
    assert "nolabel-read-ahead" not in {thread.name for thread in threading.enumerate()}


def test_tied_weights_are_trained_saved_and_resumed(tmp_path: Path) -> None:
    class Tied(Line):
        def __init__(self) -> None:
            super().__init__()
            self.twin = torch.nn.Linear(WIDTH, 2)
            self.twin.weight = self.down.weight

    torch.manual_seed(1)
    whole = Tied()
    start = state(whole)
    engine.run(job(whole, table(), epochs=4, plan={"holdout": 0.2, "patience": 4, "ema": 0.5}))
    first, second = Tied(), Tied()
    first.load_state_dict(start)
    plan = {"holdout": 0.2, "patience": 4, "ema": 0.5}
    engine.run(job(first, table(), epochs=2, plan=plan, folder=tmp_path))
    engine.run(job(second, table(), epochs=4, plan=plan, folder=tmp_path, resume=True))
    assert second.twin.weight is second.down.weight
    assert same(state(second), state(whole))


def test_untimed_leaves_out_only_times() -> None:
    assert untimed([{"loss": 1.0, "seconds": 2.0, "waiting": 0.1, "samples_per_second": 5.0}]) == [{"loss": 1.0}]
