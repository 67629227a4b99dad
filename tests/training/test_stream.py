"""Training on parts as they come."""

import threading
from pathlib import Path

import pytest
import torch

from nolabel.errors import DivergedError
from nolabel.training import engine
from nolabel.training.engine import Stream
from nolabel.training.learner import Learner, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, Losses
from training.toys import EVERY, KMeans, Line, Moments, job, make, mapped, same, state, table, values


def stream(learner: Learner, **plan: object) -> Stream:
    return Stream(learner, Plan(device="cpu", **plan), 0.02, 5)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", EVERY)
def test_taking_the_same_part_again_is_an_epoch(kind: str) -> None:
    whole, parts = make(kind), make(kind)
    expected = engine.run(job(whole, table(37), epochs=3)).history
    taking = stream(parts)
    records = [taking.take(table(37), 8) for _ in range(3)]
    assert same(state(parts), state(whole))
    for record, other in zip(records, expected, strict=True):
        assert record == pytest.approx({name: other[name] for name in record})
    assert [record["epoch"] for record in records] == [1, 2, 3]


def test_parts_may_differ_in_size() -> None:
    learner = make("gradient")
    taking = stream(learner)
    first = taking.take(table(40), 8)
    for count in (3, 100, 1, 57, 40):
        last = taking.take(table(count), 8)
        assert not learner.training
    assert last["loss"] < first["loss"]
    assert taking.step == 5 + 1 + 13 + 1 + 8 + 5


def test_warmup_and_schedules_need_an_end_and_are_left_out() -> None:
    plain, planned = make("gradient"), make("gradient")
    stream(plain).take(table(), 8)
    stream(planned, schedule="cosine", warmup=0.5, holdout=0.5, patience=1).take(table(), 8)
    assert same(state(plain), state(planned))


def test_averaged_weights_are_in_use_between_parts_and_training_goes_on_from_the_others() -> None:
    whole, parts = make("gradient"), make("gradient")
    taking = stream(parts, ema=0.7)
    for epochs in (1, 2, 3):
        taking.take(table(), 8)
        fresh = make("gradient")
        engine.run(job(fresh, table(), epochs=epochs, plan={"ema": 0.7}))
        assert same(state(parts), state(fresh))
    engine.run(job(whole, table(), epochs=3))
    assert not same(state(parts), state(whole))


def test_counting_takes_each_part_whole() -> None:
    learner = Moments()
    taking = stream(learner)
    taking.take(table(37, 1), 8)
    taking.take(table(20, 2), 8)
    torch.testing.assert_close(learner.mean, values(20, 2).double().mean(0), atol=1e-6, rtol=0)
    leftover = KMeans(every=4)
    taking = stream(leftover)
    taking.take(table(40), 8)  # five batches: a refresh after the fourth, and one for the rest
    assert taking._driver is not None
    assert taking._driver.state()["batches"].item() == 0


def test_a_part_that_diverges_leaves_the_last_good_state_and_others_can_follow() -> None:
    learner = make("gradient")
    taking = stream(learner)
    taking.take(table(), 8)
    before = state(learner)
    with pytest.raises(DivergedError, match="the loss became NaN or infinite at step 6") as caught:
        taking.take(table(values_of=torch.full((8, 4), float("nan"))), 8)
    assert caught.value.step == 6
    assert same(state(learner), before)
    assert not learner.training
    record = taking.take(table(), 8)
    assert record["loss"] > 0


def test_an_error_ends_the_reading_thread(tmp_path: Path) -> None:
    class Failing(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            raise KeyError("on purpose")

    learner = Failing()
    with pytest.raises(KeyError) as caught:
        stream(learner).take(mapped(tmp_path, 400), 8)
    assert caught.value.__traceback__ is not None
    assert "nolabel-read-ahead" not in {thread.name for thread in threading.enumerate()}
    assert not learner.training


def test_labels_are_those_of_the_part() -> None:
    class Watched(Line):
        def loss(self, batch: Batch, step: Step) -> Losses:
            seen.append(batch.y)
            return super().loss(batch, step)

    seen: list[torch.Tensor | None] = []
    taking = stream(Watched())
    taking.take(table(8), 8, torch.arange(8))
    assert seen[0] is not None
    assert sorted(seen[0].tolist()) == list(range(8))
    taking.take(table(8), 8)
    assert seen[1] is None
